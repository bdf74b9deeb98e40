"""Answers that go on: server-sent events, until the client goes, the server ends, or the stream has nothing to add."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any, Protocol

from starlette.types import Receive, Scope, Send

from gbike.kit.http.problems import FLOOR
from gbike.kit.telemetry import log

MEDIA = "text/event-stream"
LINE = "gbike.line"
"""Where a request's scope has the connection that it came over, when a server of ours serves it."""
TAKEN_WITHIN_S = 10
"""A client that takes nothing for so long while there is something to send is cut off."""

STREAM_ONLY = FLOOR["stream-only"]


class Stream(Protocol):
    """What an answer that goes on is made of."""

    def pieces(self) -> AsyncGenerator[bytes]:
        """One whole event or several at a time. It ends when there is nothing to add."""

    def close(self) -> None:
        """Called once, however the answer ends, also when no piece was asked for."""


class Line(Protocol):
    """The connection under an answer."""

    @property
    def ending(self) -> asyncio.Event:
        """Set when the server is asked to stop."""

    def abort(self) -> None:
        """Close at once, without sending what waits."""

    def expect(self, most_bytes: int, within_s: float) -> None:
        """Take so large a body, and for so long, from the request that is being answered."""


def event(name: str, data: bytes, number: int) -> bytes:
    """An event as it is sent. `number`: what a client says as Last-Event-ID to go on after it."""
    return b"event: %s\nid: %d\ndata: %s\n\n" % (name.encode(), number, data)


def beat(number: int) -> bytes:
    """That the stream is alive, and has told everything up to `number`."""
    return b": still here\nid: %d\n\n" % number


async def send_pieces(
    stream: Stream, scope: Scope, receive: Receive, send: Send, *, still: Callable[[], bool], whole: bool = False
) -> None:
    """Send what comes while the client `still` may hear it, and an end in order; who does not take it is cut off.
    `whole`: a part is of no use, so that one that breaks off gets no end, and nobody takes it for all there is."""
    line: Line | None = scope.get(LINE)
    pump = asyncio.create_task(_pump(stream, send, still))
    ends: list[asyncio.Task[Any]] = [asyncio.create_task(_gone(receive))]
    if line is not None:
        ends.append(asyncio.create_task(line.ending.wait()))
    try:
        await asyncio.wait([pump, *ends], return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (pump, *ends):
            task.cancel()
        how, *_ = await asyncio.gather(pump, *ends, return_exceptions=True)
    if isinstance(how, Exception) and not isinstance(how, TimeoutError):
        log.warning("a stream broke off", path=scope["path"], why=repr(how))
    try:
        if isinstance(how, TimeoutError):
            raise how
        if whole and how is not True:
            raise TimeoutError
        async with asyncio.timeout(1):
            await send({"type": "http.response.body", "body": b""})
    except TimeoutError:
        if line is not None:
            line.abort()


async def _pump(stream: Stream, send: Send, still: Callable[[], bool]) -> bool:
    """Whether the stream has come to its own end."""
    async with aclosing(stream.pieces()) as pieces:
        async for piece in pieces:
            if not still():
                return False
            async with asyncio.timeout(TAKEN_WITHIN_S):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                await asyncio.sleep(0)  # only then is it written, and the next one waits while the client takes nothing
    return True


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
