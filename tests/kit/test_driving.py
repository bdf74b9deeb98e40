"""How a worker is driven: who is behind goes on at once, and load makes larger transactions."""

import asyncio

from structlog.testing import capture_logs

from gbike.kit.messaging.bus import BEHIND, BusUnavailable
from gbike.kit.service import Worker
from gbike.run.single import BUSY, drive
from tests.journeys.virtual_time import VirtualClock, in_virtual_time

PAUSE_MS = 20


def steps_within(seconds: float, did: int) -> int:
    """How often a worker steps in that time when each step does so much and takes none."""
    steps = 0

    async def step() -> int:
        nonlocal steps
        steps += 1
        await asyncio.sleep(0.001)
        return did

    async def forever() -> None:
        await asyncio.sleep(3600)

    async def run(_clock: VirtualClock) -> None:
        task = asyncio.create_task(drive("view", Worker("consumer", step, forever, PAUSE_MS)))
        await asyncio.sleep(seconds)
        task.cancel()

    in_virtual_time(run)
    return steps


def test_a_worker_that_is_behind_takes_no_nap() -> None:
    assert steps_within(1, BEHIND) > 900


def test_a_busy_worker_waits_longer_for_company_than_one_with_little_to_do() -> None:
    assert 15 < steps_within(1, BUSY) < 20 < 40 < steps_within(1, 1)


def test_a_worker_with_nothing_to_do_rests() -> None:
    assert steps_within(1, 0) == 1


def test_a_worker_whose_rest_fails_is_driven_on() -> None:
    """A broker that goes away while a consumer waits for news is met in `rest`, not in `step`."""
    steps = 0

    async def step() -> int:
        nonlocal steps
        steps += 1
        return 0

    async def away() -> None:
        raise BusUnavailable("gone")

    async def run(_clock: VirtualClock) -> None:
        task = asyncio.create_task(drive("view", Worker("consumer", step, away)))
        await asyncio.sleep(10)
        assert not task.done()
        task.cancel()

    in_virtual_time(run)
    assert 40 < steps < 60


def test_a_broker_that_stays_away_is_logged_once_a_minute() -> None:
    async def away() -> int:
        raise BusUnavailable("gone")

    async def forever() -> None:
        await asyncio.sleep(3600)

    async def run(_clock: VirtualClock) -> None:
        task = asyncio.create_task(drive("view", Worker("consumer", away, forever, PAUSE_MS)))
        await asyncio.sleep(200)
        task.cancel()

    with capture_logs() as logged:
        in_virtual_time(run)
    assert [(line["event"], line["why"]) for line in logged] == [("a worker waits", "gone")] * 4
