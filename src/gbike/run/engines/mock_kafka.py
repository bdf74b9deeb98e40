"""Where there is no Java: librdkafka's mock cluster, which speaks Kafka's protocol, in a process of its own.

    python -m gbike.run.engines.mock_kafka PORT

It keeps everything in memory only: when it ends, what is in it is gone. It chooses its own port; at PORT a door passes
a client's first words on to it, and its answer names the real place.
"""

import asyncio
import sys
from pathlib import Path

from gbike.run.engines import CannotRun, Program

MOST_BYTES = 64 * 1024
WARNING = "this Kafka is a stand-in that keeps everything in memory only: what is in it is gone when it ends"
ANSWER_S = 10


def why_not() -> str | None:
    """Why it can't run here; None when it can."""
    try:
        import confluent_kafka  # noqa: F401
    except ImportError:
        return "confluent-kafka is not installed (pip install 'gbike[cluster]')"
    return None


def prepare(folder: Path, port: int) -> None:
    """It has no files. Raises CannotRun where it is not installed."""
    if (missing := why_not()) is not None:
        raise CannotRun(missing)


def program(folder: Path, port: int) -> Program:
    return Program([sys.executable, "-m", "gbike.run.engines.mock_kafka", str(port)])


async def _serve(port: int) -> None:
    from confluent_kafka import Producer

    owner = Producer({"test.mock.num.brokers": 1, "log_level": 2})
    broker = next(iter(owner.list_topics(timeout=ANSWER_S).brokers.values()))

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(broker.host, broker.port)
        await asyncio.gather(_pump(reader, back), _pump(there, writer))

    async with await asyncio.start_server(pass_on, "127.0.0.1", port) as door:
        print(f"{WARNING}; 127.0.0.1:{port}", flush=True)
        await door.serve_forever()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while words := await reader.read(MOST_BYTES):
            writer.write(words)
            await writer.drain()
    except OSError:
        pass  # either side may hang up
    finally:
        writer.close()


if __name__ == "__main__":
    try:
        asyncio.run(_serve(int(sys.argv[1])))
    except KeyboardInterrupt:
        sys.exit(0)
