"""The load driver's HTTP client: one keep-alive connection, one request at a time, and hardly any work per answer.

It reads only what uvicorn sends (lower-case header names, `content-length`), so that the driver is never what is
measured.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple, cast

import msgspec

HOST = "127.0.0.1"
_END = b"\r\n\r\n"
_LENGTH = b"content-length: "
_CLOSE = b"\r\nconnection: close"


class Reply(NamedTuple):
    """What was answered."""

    status: int
    body: bytes

    def json(self) -> Any:
        """The body, decoded."""
        return msgspec.json.decode(self.body)


class Connection(asyncio.Protocol):
    """One connection to the server; `ask` waits for the answer."""

    def __init__(self, port: int = 0) -> None:
        self._port, self._ended = port, False
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[Reply] | None = None
        self._got = b""
        self.headers = ""
        """Lines that every request carries, each with its line end."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but its class

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(exc or ConnectionResetError("the server closed the connection"))

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        got = self._got = self._got + data if self._got else data
        head = got.find(_END)
        if head < 0:
            return
        at = got.find(_LENGTH, 0, head)
        length = int(got[at + len(_LENGTH) : got.index(b"\r\n", at)]) if at >= 0 else 0
        if len(got) < head + 4 + length:
            return
        self._got = b""
        self._ended = got.find(_CLOSE, 0, head) >= 0
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(Reply(int(got[9:12]), got[head + 4 :]))

    async def ask(self, method: str, path: str, body: bytes = b"") -> Reply:
        """Send one request and wait for its answer. Raises ConnectionError."""
        if self._ended:
            await self._again()
        if self._transport is None or self._transport.is_closing():
            raise ConnectionResetError("the connection is closed")
        self._waiting = asyncio.get_running_loop().create_future()
        head = f"{method} {path} HTTP/1.1\r\nhost: {HOST}\r\n{self.headers}"
        if body:
            head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
        self._transport.write(head.encode() + b"\r\n" + body)
        return await self._waiting

    async def _again(self) -> None:
        """The server ends connections of some age with an answer that says so: go on over a new one."""
        self.close()
        self._waiting, self._ended = None, False
        await asyncio.get_running_loop().create_connection(lambda: self, HOST, self._port)

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()


async def connect(port: int) -> Connection:
    """A new connection. Raises OSError."""
    _, connection = await asyncio.get_running_loop().create_connection(lambda: Connection(port), HOST, port)
    return connection


async def connect_many(port: int, count: int) -> list[Connection]:
    """So many connections."""
    return [await connect(port) for _ in range(count)]


Turn = Callable[[Connection], Awaitable[None]]


async def closed_loop(connections: Sequence[Connection], seconds: float, turn: Turn) -> tuple[int, float]:
    """Each connection takes turns until the time is over: how many turns, in how many seconds."""
    began, turns = time.perf_counter(), 0

    async def keep_going(connection: Connection) -> None:
        nonlocal turns
        while time.perf_counter() - began < seconds:
            await turn(connection)
            turns += 1

    await asyncio.gather(*(keep_going(connection) for connection in connections))
    return turns, time.perf_counter() - began
