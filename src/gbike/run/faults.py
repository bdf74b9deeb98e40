"""Faults for trying out, in the demo only: a service that answers late, or not at all."""

import asyncio
from collections.abc import Callable

import msgspec
from starlette.types import ASGIApp, Receive, Scope, Send

from gbike.run import CannotDo


class Delay(msgspec.Struct, frozen=True):
    """How late a service answers: between these many milliseconds."""

    from_ms: int
    to_ms: int


class BadFault(CannotDo):
    """The fault can't be read; the text says how it is written."""


def read_delay(text: str) -> Delay:
    """`2000`, or `400-620` for something in between. Raises BadFault."""
    low, _, high = text.partition("-")
    if not low.isdigit() or (high and not high.isdigit()) or int(high or low) < int(low) or int(high or low) > 60_000:
        raise BadFault(f"{text!r} is no delay: write milliseconds, 2000 or 400-620, 60000 at most")
    return Delay(int(low), int(high or low))


class Late:
    """An application that answers late. Who is slow is alive, and says so in time."""

    def __init__(self, app: ASGIApp, delay: Delay, chance: Callable[[], float]) -> None:
        self._app, self._delay = app, delay
        self._chance = chance

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not scope["path"].startswith("/health/"):
            spread = self._delay.to_ms - self._delay.from_ms
            await asyncio.sleep((self._delay.from_ms + spread * self._chance()) / 1000)
        await self._app(scope, receive, send)
