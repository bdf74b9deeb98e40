"""Synchronous calls to another service: bounded in time and number, guarded by a breaker, honest about failure.

A caller's time-out never cancels the call (the peer may have done the work), and the peer is told how many
milliseconds are left so that it can refuse what it can't finish. Nothing is repeated here: the caller compensates.

Circuit breaker: when a peer keeps failing, callers are refused at once instead of being made to wait. Closed, it opens
after half of at least ten calls in the last ten seconds failed, or five in a row (rulings 7). Open, it lasts
5 s ± 20 %, always the same, so that a recovered peer is used again within ten seconds. Then half-open: one call at a
time; three successes close it, one failure opens it again. A call slower than its deadline is a failure; a refusal by
the rules (409) is a healthy answer. Results of calls that began before the last change of state are ignored.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from enum import Enum
from typing import Annotated, Protocol

import msgspec

from gbike.kit.clock import Clock
from gbike.kit.telemetry import trace_now


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


DEADLINE_HEADER = "x-gbike-deadline-ms"
"""Milliseconds that the caller will still wait."""


class PeerAnswer(msgspec.Struct, frozen=True):
    """What a peer answered."""

    status: int
    body: bytes
    retry_after_s: int | None = None


class PeerUnreachable(Exception):
    """The peer could not be reached; it may or may not have seen the call."""


class Caller(Protocol):
    """One way to reach a peer: in process, over HTTP, or through the simulator's network."""

    async def call(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> PeerAnswer:
        """Send one request. Raises PeerUnreachable."""


class PeerFailed(Exception):
    """The peer gave no usable answer; whether it acted is unknown unless a subclass says so."""

    retry_after_s = 2


class PeerTimeout(PeerFailed):
    """No answer within the deadline."""


class PeerUnavailable(PeerFailed):
    """Unreachable, overloaded or broken."""

    def __init__(self, why: str, retry_after_s: int | None = None) -> None:
        super().__init__(why)
        self.retry_after_s = max(2, retry_after_s or 0)


class PeerBusy(PeerFailed):
    """The peer was not called: too many calls are under way or waiting."""

    retry_after_s = 1


class Peer:
    """One operation of one peer, behind its deadline, its bulkhead and its breaker."""

    def __init__(
        self, caller: Caller, breaker: Breaker, clock: Clock, *, deadline_ms: int, in_flight: int, waiting: int
    ) -> None:
        self._caller, self._breaker = caller, breaker
        self.check = breaker.check
        """Raises CircuitOpen when a call would be refused right now."""
        self._clock, self._deadline_ms = clock, deadline_ms
        self._waiting_most = waiting
        self._slots = asyncio.Semaphore(in_flight)
        self._waiting = 0
        self._late: set[asyncio.Task[PeerAnswer]] = set()
        """Calls that nobody waits for any more, kept until they end."""

    async def ask(self, method: str, path: str, body: bytes = b"") -> PeerAnswer:
        """The peer's answer, below 500 and not 429. Raises CircuitOpen, PeerBusy, PeerTimeout, PeerUnavailable."""
        left_ms: float = self._deadline_ms
        if self._slots.locked():
            left_ms -= await self._wait_for_a_slot()
        else:
            await self._slots.acquire()
        ok = False
        try:
            if left_ms <= 1:
                raise PeerBusy("the whole time was spent waiting for a place")
            ticket = self._breaker.admit()
            try:
                answer = await self._call(method, path, body, left_ms)
                ok = answer.status < 500 and answer.status != 429
            finally:
                self._breaker.done(ticket, ok=ok)
        finally:
            self._slots.release()
        if not ok:
            raise PeerUnavailable(f"the peer answered {answer.status}", answer.retry_after_s)
        return answer

    async def _wait_for_a_slot(self) -> float:
        """How long it took, ms. Raises CircuitOpen, PeerBusy."""
        self._breaker.check()
        began_ms = self._clock.monotonic_ms()
        if self._waiting >= self._waiting_most:
            raise PeerBusy("too many calls are waiting")
        self._waiting += 1
        try:
            async with asyncio.timeout(self._deadline_ms / 1000):
                await self._slots.acquire()
        except TimeoutError:
            raise PeerBusy("no place in time") from None
        finally:
            self._waiting -= 1
        return self._clock.monotonic_ms() - began_ms

    async def _call(self, method: str, path: str, body: bytes, left_ms: float) -> PeerAnswer:
        trace = trace_now.get()
        headers = {
            DEADLINE_HEADER: str(int(left_ms)),
            "traceparent": trace.traceparent,
            "x-request-id": trace.request_id,
        }
        # In a task of its own: when we stop waiting, the peer goes on undisturbed.
        call = asyncio.create_task(self._caller.call(method, path, body, headers))
        in_time = False
        try:
            await asyncio.wait({call}, timeout=left_ms / 1000)
            in_time = call.done()
        finally:
            if not in_time:
                self._late.add(call)
                call.add_done_callback(self._forget)
        if not in_time:
            raise PeerTimeout(f"no answer within {self._deadline_ms} ms")
        try:
            return call.result()
        except PeerUnreachable as why:
            raise PeerUnavailable(str(why)) from None

    def _forget(self, call: asyncio.Task[PeerAnswer]) -> None:
        self._late.discard(call)
        if not call.cancelled():
            call.exception()  # seen: an answer that nobody waits for any more is no surprise
