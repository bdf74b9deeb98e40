"""Faults for trying out, in the demo only: a service that answers late, or not at all."""

import asyncio
from collections.abc import Callable

import msgspec
from starlette.types import ASGIApp, Receive, Scope, Send

from gbike.app import CannotDo
from gbike.kit.http.app import HttpApp
from gbike.kit.http.ask import Answer, Ask
from gbike.kit.http.problems import STOPPED, Problem


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


class Faulty:
    """A service's application with its faults in front."""

    def __init__(self, service: str, app: HttpApp, chance: Callable[[], float]) -> None:
        self._service, self._app = service, app
        self._chance = chance
        self.delay: Delay | None = None
        self.stopped = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one request: late, refused, or as always. Who is slow is alive, and says so in time."""
        if self.delay is not None and not scope["path"].startswith("/health/"):
            spread = self.delay.to_ms - self.delay.from_ms
            await asyncio.sleep((self.delay.from_ms + spread * self._chance()) / 1000)
        if self.stopped:
            await self._app.serve(None, self._refuse, scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _refuse(self, _ask: Ask) -> Answer:
        raise Problem(STOPPED, {"service": self._service})

    def reachable(self) -> ASGIApp | None:
        """The application as peers reach it; None when it is stopped."""
        return None if self.stopped else self
