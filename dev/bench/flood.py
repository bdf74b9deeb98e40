"""One stranger with one machine, as a process of its own: `python -m dev.bench.flood KIND PORT`, until it is ended."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable

import msgspec
import uvloop

from dev.bench.http import HOST, Reply, connect
from gbike.kit.open_files import raise_limit

NICENESS = 10
"""A stranger's machine is another one: what is sent from here takes no time of the server's."""
SILENT = 1_100
PIECE = b"x" * 65_536
RETRY_S = 0.05


async def endless_header(port: int) -> None:
    """A header without end, again and again."""
    _, writer = await asyncio.open_connection(HOST, port)
    writer.write(b"GET / HTTP/1.1\r\nhost: x\r\nendless: ")
    while True:
        writer.write(PIECE)
        await writer.drain()


async def silence(port: int) -> None:
    """A connection that says nothing."""
    reader, _ = await asyncio.open_connection(HOST, port)
    await reader.read()


async def anonymous(port: int) -> None:
    """Readings without a token."""
    await _asking(port, "GET", lambda _: ("/bikes", b""))


async def wrong_passwords(port: int) -> None:
    """Sign-ins that fail, each as somebody else."""
    await _asking(port, "POST", lambda turn: ("/sessions", _wrong(turn)))


FLOODS: dict[str, tuple[Callable[[int], Awaitable[None]], int]] = {
    "an endless header": (endless_header, 4),
    "silent connections": (silence, SILENT),
    "anonymous readings": (anonymous, 32),
    "wrong passwords": (wrong_passwords, 16),
}
"""What each connection does, and how many there are."""


async def _asking(port: int, method: str, asked: Callable[[int], tuple[str, bytes]]) -> None:
    connection, turn = await connect(port), 0
    while True:
        turn += 1
        _: Reply = await connection.ask(method, *asked(turn))


def _wrong(turn: int) -> bytes:
    return msgspec.json.encode({"contact": f"nobody-{turn}@example.com", "password": "a guess of a stranger"})


async def _again_and_again(kind: str, port: int) -> None:
    once, count = FLOODS[kind]

    async def one() -> None:
        while True:
            try:
                await once(port)
            except (OSError, ValueError):
                await asyncio.sleep(RETRY_S)

    await asyncio.gather(*(one() for _ in range(count)))


if __name__ == "__main__":
    raise_limit()
    os.nice(NICENESS)
    uvloop.run(_again_and_again(sys.argv[1], int(sys.argv[2])))
