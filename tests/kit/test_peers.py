"""A call to a peer: its deadline, its places, what counts as failure, and that nobody's work is cancelled."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import pytest

from gbike.kit.calls.in_process import InProcessCaller
from gbike.kit.calls.peers import (
    DEADLINE_HEADER,
    Breaker,
    BreakerSettings,
    CircuitOpen,
    Peer,
    PeerAnswer,
    PeerBusy,
    PeerFailed,
    PeerTimeout,
    PeerUnavailable,
    PeerUnreachable,
    State,
)
from gbike.kit.clock import Clock, SystemClock
from gbike.kit.telemetry import Trace, trace_now
from tests.journeys.virtual_time import VirtualClock, in_virtual_time
from tests.waiting import soon


class Callee:
    """A peer that waits for `gate` and then answers."""

    def __init__(self, status: int = 200, retry_after_s: int | None = None) -> None:
        self.gate = asyncio.Event()
        self.status = status
        self.retry_after_s = retry_after_s
        self.headers: list[dict[str, str]] = []
        self.began = self.finished = 0

    async def call(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> PeerAnswer:
        """See Caller.call."""
        self.headers.append(headers)
        self.began += 1
        await self.gate.wait()
        self.finished += 1
        return PeerAnswer(self.status, b"{}", self.retry_after_s)


class Unreachable:
    """Nobody there."""

    async def call(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> PeerAnswer:
        """See Caller.call."""
        raise PeerUnreachable("refused")


def a_peer(
    callee: object, deadline_ms: int = 40, in_flight: int = 32, waiting: int = 256, clock: Clock | None = None
) -> tuple[Peer, Breaker]:
    """A peer behind the usual breaker."""
    clock = clock or SystemClock()
    breaker = Breaker(BreakerSettings(), clock, lambda: 0.5)
    peer = Peer(
        callee,  # type: ignore[arg-type]
        breaker,
        clock,
        deadline_ms=deadline_ms,
        in_flight=in_flight,
        waiting=waiting,
    )
    return peer, breaker


async def test_no_answer_within_the_deadline_is_a_timeout_and_the_peer_goes_on() -> None:
    callee = Callee()
    peer, _ = a_peer(callee)
    with pytest.raises(PeerTimeout):
        await peer.ask("PUT", "/x")
    assert (callee.began, callee.finished) == (1, 0)
    callee.gate.set()
    await soon(lambda: callee.finished == 1)


async def test_a_caller_that_is_cancelled_does_not_cancel_the_peer_and_gives_its_place_back() -> None:
    callee = Callee()
    peer, _ = a_peer(callee, deadline_ms=5_000, in_flight=1)
    asking = asyncio.create_task(peer.ask("PUT", "/x"))
    await soon(lambda: callee.began)
    asking.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asking
    callee.gate.set()
    assert (await peer.ask("PUT", "/y")).status == 200
    assert callee.finished == 2


async def test_the_peer_is_told_how_much_time_is_left_and_what_the_request_is_called() -> None:
    callee = Callee()
    callee.gate.set()
    peer, _ = a_peer(callee, deadline_ms=1_200)
    before = trace_now.set(Trace("00-" + "a" * 32 + "-" + "b" * 16 + "-01", "ride-77"))
    await peer.ask("PUT", "/x")
    trace_now.reset(before)
    [headers] = callee.headers
    assert 1_100 <= int(headers[DEADLINE_HEADER]) <= 1_200
    assert (headers["x-request-id"], headers["traceparent"][3:35]) == ("ride-77", "a" * 32)


def test_who_waited_for_a_place_tells_the_peer_the_rest_of_the_time() -> None:
    async def told(clock: VirtualClock) -> list[int]:
        callee = Callee()
        peer, _ = a_peer(callee, deadline_ms=1_000, in_flight=1, clock=clock)
        asks = [asyncio.create_task(peer.ask("PUT", "/x")) for _ in range(2)]
        await asyncio.sleep(0.1)
        callee.gate.set()
        await asyncio.gather(*asks)
        return [int(headers[DEADLINE_HEADER]) for headers in callee.headers]

    assert in_virtual_time(told) == [1_000, 900]


async def test_32_are_under_way_256_wait_and_the_next_is_refused_at_once() -> None:
    callee = Callee()
    peer, _ = a_peer(callee, deadline_ms=5_000)
    asks = [asyncio.create_task(peer.ask("PUT", f"/{n}")) for n in range(32 + 256)]
    await soon(lambda: peer._waiting == 256)
    assert callee.began == 32
    with pytest.raises(PeerBusy):
        await peer.ask("PUT", "/one-more")
    callee.gate.set()
    assert {answer.status for answer in await asyncio.gather(*asks)} == {200}
    assert callee.finished == 288


def test_waiting_for_a_place_counts_against_the_deadline_but_not_as_a_failure() -> None:
    async def told(clock: VirtualClock) -> None:
        peer, breaker = a_peer(Callee(), in_flight=1, clock=clock)
        answers = await asyncio.gather(*(peer.ask("PUT", "/x") for _ in range(20)), return_exceptions=True)
        assert [type(answer) for answer in answers].count(PeerTimeout) == 1
        assert [type(answer) for answer in answers].count(PeerBusy) == 19
        assert breaker.state is State.CLOSED

    in_virtual_time(told)


@pytest.mark.parametrize("status", [200, 404, 409, 410, 422])
async def test_a_refusal_by_the_rules_is_a_healthy_answer(status: int) -> None:
    callee = Callee(status)
    callee.gate.set()
    peer, breaker = a_peer(callee)
    for _ in range(100):
        assert (await peer.ask("PUT", "/x")).status == status
    assert breaker.state is State.CLOSED


@pytest.mark.parametrize("status", [429, 500, 502, 503])
async def test_overload_and_breakage_are_failures_and_their_retry_after_is_passed_on(status: int) -> None:
    callee = Callee(status, retry_after_s=9)
    callee.gate.set()
    peer, breaker = a_peer(callee)
    for _ in range(5):
        with pytest.raises(PeerUnavailable) as failed:
            await peer.ask("PUT", "/x")
        assert failed.value.retry_after_s == 9
    assert breaker.state is State.OPEN
    with pytest.raises(CircuitOpen):
        await peer.ask("PUT", "/x")
    assert callee.began == 5


async def test_a_peer_that_can_not_be_reached_is_unavailable() -> None:
    peer, breaker = a_peer(Unreachable())
    for _ in range(5):
        with pytest.raises(PeerUnavailable):
            await peer.ask("PUT", "/x")
    assert breaker.state is State.OPEN


async def test_a_stopped_peer_in_process_can_not_be_reached() -> None:
    with pytest.raises(PeerUnreachable):
        await InProcessCaller(lambda: None).call("GET", "/", b"", {})


async def test_what_a_peer_in_process_calls_its_request_never_reaches_the_caller() -> None:
    async def app(scope: object, receive: object, send: Callable[[object], Awaitable[None]]) -> None:
        trace_now.set(Trace("00-" + "c" * 32 + "-" + "d" * 16 + "-01", "the peer's"))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    before = trace_now.set(Trace("00-" + "a" * 32 + "-" + "b" * 16 + "-01", "the caller's"))
    peer, _ = a_peer(InProcessCaller(lambda: app))  # type: ignore[arg-type, return-value]
    assert (await peer.ask("GET", "/")).status == 200
    assert trace_now.get().request_id == "the caller's"
    trace_now.reset(before)


def test_half_open_never_sticks_when_its_probe_times_out_or_is_cancelled() -> None:
    async def told(clock: VirtualClock) -> None:
        callee = Callee()
        peer, breaker = a_peer(callee, deadline_ms=15, clock=clock)
        breaker._settings = BreakerSettings(breaker_open_ms=1)
        for _ in range(12):
            asking = asyncio.create_task(peer.ask("PUT", "/x"))
            await asyncio.sleep(0.002)
            asking.cancel()
            with contextlib.suppress(asyncio.CancelledError, PeerFailed, CircuitOpen):
                await asking
        callee.gate.set()
        for _ in range(20):
            with contextlib.suppress(CircuitOpen):
                await peer.ask("PUT", "/x")
            await asyncio.sleep(0.002)
        assert breaker.state is State.CLOSED

    in_virtual_time(told)
