"""Synchronous calls to another service: bounded in time and number, guarded by a breaker, honest about failure.

A caller's time-out never cancels the call (the peer may have done the work), and the peer is told how many
milliseconds are left so that it can refuse what it can't finish. Nothing is repeated here: the caller compensates.
"""

import asyncio
from typing import Protocol

import msgspec

from gbike.kit.calls.breaker import Breaker
from gbike.kit.clock import Clock
from gbike.kit.telemetry import trace_now

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
        self._clock, self._deadline_ms = clock, deadline_ms
        self._waiting_most = waiting
        self._slots = asyncio.Semaphore(in_flight)
        self._waiting = 0
        self._late: set[asyncio.Task[PeerAnswer]] = set()
        """Calls that nobody waits for any more, kept until they end."""

    def check(self) -> None:
        """Raises CircuitOpen when a call would be refused right now."""
        self._breaker.check()

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
