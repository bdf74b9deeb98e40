"""The circuit breaker: when a peer keeps failing, callers are refused at once instead of being made to wait.

Closed, it opens after half of at least ten calls in the last ten seconds failed, or five in a row (rulings 7). Open, it
lasts 5 s ± 20 %, always the same, so that a recovered peer is used again within ten seconds. Then half-open: one call
at a time; three successes close it, one failure opens it again. A call slower than its deadline is a failure; a
refusal by the rules (409) is a healthy answer. Results of calls that began before the last change of state are ignored.
"""

from collections import deque
from collections.abc import Callable
from enum import Enum
from typing import Annotated

import msgspec

from gbike.kit.clock import Clock


class State(Enum):
    """What a breaker lets through."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


class BreakerSettings(msgspec.Struct, frozen=True):
    """When a breaker opens and how it closes."""

    breaker_window_ms: Annotated[int, msgspec.Meta(gt=0, description="calls are judged over this time, ms")] = 10_000
    breaker_calls: Annotated[int, msgspec.Meta(gt=0, description="a share is judged from this many calls on")] = 10
    breaker_failed_percent: Annotated[int, msgspec.Meta(gt=0, le=100, description="failed calls that open it, %")] = 50
    breaker_failed_in_a_row: Annotated[int, msgspec.Meta(gt=0, description="failures in a row that open it")] = 5
    breaker_open_ms: Annotated[int, msgspec.Meta(gt=0, description="how long it stays open, ms (± 20 %)")] = 5_000
    breaker_probes: Annotated[int, msgspec.Meta(gt=0, description="successful calls in a row that close it")] = 3


class CircuitOpen(Exception):
    """Not called: the breaker is open, or half-open with its one probe under way."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"the circuit is open; try again in {retry_after_s} s")
        self.retry_after_s = retry_after_s


class Breaker:
    """Guards one kind of call to one peer."""

    def __init__(
        self,
        settings: BreakerSettings,
        clock: Clock,
        chance: Callable[[], float],
        moved: Callable[[State], None] = lambda _: None,
    ) -> None:
        self._settings, self._moved = settings, moved
        self._clock, self._chance = clock, chance
        self.state = State.CLOSED
        self._era = 0
        self._results: deque[tuple[float, bool]] = deque()
        self._failed = 0
        self._in_a_row = 0
        self._open_until = 0.0
        self._probing = False
        self._probed = 0

    def check(self) -> None:
        """Raises CircuitOpen when a call would be refused now; takes no place."""
        if self.state is State.OPEN and self._clock.monotonic_ms() >= self._open_until:
            self._move(State.HALF_OPEN)
        if self.state is State.OPEN or (self.state is State.HALF_OPEN and self._probing):
            raise CircuitOpen(self._retry_after_s())

    def admit(self) -> int:
        """A ticket for one call, to be given back to `done`. Raises CircuitOpen."""
        if self.state is not State.CLOSED:
            self.check()
            self._probing = self.state is State.HALF_OPEN
        return self._era

    def done(self, ticket: int, *, ok: bool) -> None:
        """How the call of `ticket` went. Always call it, whatever happened."""
        if ticket != self._era:
            return
        if self.state is State.HALF_OPEN:
            self._probing = False
            self._probed += 1
            if not ok:
                self._move(State.OPEN)
            elif self._probed >= self._settings.breaker_probes:
                self._move(State.CLOSED)
            return
        now, settings = self._clock.monotonic_ms(), self._settings
        self._results.append((now, ok))
        self._failed += not ok
        self._in_a_row = 0 if ok else self._in_a_row + 1
        while self._results and self._results[0][0] <= now - settings.breaker_window_ms:
            self._failed -= not self._results.popleft()[1]
        many = len(self._results) >= settings.breaker_calls
        share = self._failed * 100 >= settings.breaker_failed_percent * len(self._results)
        if (many and share and not ok) or self._in_a_row >= settings.breaker_failed_in_a_row:
            self._move(State.OPEN)

    def _move(self, state: State) -> None:
        self.state = state
        self._era += 1
        self._results.clear()
        self._failed = self._in_a_row = self._probed = 0
        self._probing = False
        if state is State.OPEN:
            spread = 0.8 + 0.4 * self._chance()
            self._open_until = self._clock.monotonic_ms() + self._settings.breaker_open_ms * spread
        self._moved(state)

    def _retry_after_s(self) -> int:
        left_ms = max(0.0, self._open_until - self._clock.monotonic_ms()) if self.state is State.OPEN else 0.0
        return max(1, int(-(-left_ms // 1000)) + int(self._chance() * 2))
