"""The engines of the distributed form as processes of their own, for as long as something is measured."""

import asyncio
import shutil
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from dev.bench.process import CannotRun, printed, start, stop
from dev.tcp_ports import free_port
from gbike.run.engines import CannotRun as NotInstalled
from gbike.run.engines import Program, envoy, kafka, postgres

START_S = 60


def must_be_installed() -> None:
    """Raises CannotRun when a real PostgreSQL, Kafka or Envoy is missing: a stand-in is no floor."""
    try:
        postgres.binaries()
        envoy.binary()
    except NotInstalled as missing:
        raise CannotRun(str(missing)) from None
    if (missing_kafka := kafka.why_not()) is not None:
        raise CannotRun(f"only a real Kafka is a floor, and {missing_kafka}")


@contextmanager
def engines_folder() -> Iterator[Path]:
    """A folder for the engines' data on a real disk, which PostgreSQL's own user can enter; removed at the end."""
    home = Path(tempfile.mkdtemp(prefix="gbike-bench-"))
    home.chmod(0o755)
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


@asynccontextmanager
async def postgresql(folder: Path) -> AsyncIterator[int]:
    """A PostgreSQL as `gbike cluster up` runs it (fsync on); answers its port."""
    port = free_port()
    postgres.prepare(folder / "postgres")
    program = postgres.program(folder / "postgres", port)
    async with _running(program, lambda: postgres.ready(port), folder / "postgres.log", signal.SIGINT):
        yield port


@asynccontextmanager
async def real_kafka(folder: Path) -> AsyncIterator[str]:
    """A Kafka as `gbike cluster up` runs it; answers its bootstrap servers."""
    port = free_port()
    kafka.prepare(folder / "kafka", port)
    program = kafka.program(folder / "kafka", port)
    async with _running(program, lambda: kafka.ready(port), folder / "kafka.log", signal.SIGTERM):
        yield f"127.0.0.1:{port}"


@asynccontextmanager
async def _running(
    program: Program, ready: Callable[[], Awaitable[bool]], log: Path, gentle: signal.Signals
) -> AsyncIterator[None]:
    process = start(program.command, log, program.env, program.user)
    try:
        until = time.monotonic() + START_S
        while not await ready():
            if process.poll() is not None or time.monotonic() > until:
                raise CannotRun(f"an engine did not start: {printed(log)}")
            await asyncio.sleep(0.1)
        yield
    finally:
        await stop(process, gentle)
