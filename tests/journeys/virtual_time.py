"""An event loop whose time jumps to the next timer, so that ten seconds of waiting cost none."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from gbike.kit.clock import Moment

T = TypeVar("T")
BEGIN_MS = 1_800_000_000_000


class _Jumping(selectors.DefaultSelector):
    """A selector that advances the time instead of waiting."""

    now_s = 0.0

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            raise RuntimeError("everything waits for something that can never happen")
        self.now_s += timeout
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now_s


class VirtualClock:
    """The loop's time as the product reads it."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    def now_ms(self) -> int:
        return BEGIN_MS + round(self._loop.time() * 1000)

    def monotonic_ms(self) -> float:
        return self._loop.time() * 1000

    def moment(self) -> Moment:
        return Moment(self.now_ms(), "boot", self.now_ms())


def in_virtual_time(story: Callable[[VirtualClock], Coroutine[Any, Any, T]]) -> T:
    """Run `story` on a loop of its own; what it leaves running is cancelled."""
    loop = VirtualLoop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(story(VirtualClock(loop)))
