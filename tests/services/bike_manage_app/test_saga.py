"""Wherever reporting stops, a report that was not confirmed earns nothing; what comes twice changes nothing more."""

from functools import partial
from typing import Any

import pytest

from gbike.kit.auth.principal import DEMO, Acting, IdempotencyKey, OwnerScope, acting
from gbike.kit.calls.peers import CircuitOpen
from gbike.kit.storage.idempotency import KeyInFlight, hold
from gbike.services.bike_manage_app.clients import BikeClient
from gbike.services.bike_manage_app.commands import confirm_the_report, give_up_the_report, take_down_a_report
from gbike.services.bike_manage_app.domain import AS_THE_ORIGINAL, GivenUp, Report, State
from gbike.services.bike_manage_app.saga import report_a_bike
from gbike.services.bike_manage_app.wiring import SPEC
from tests.services.fragile import Broken, Command, Fragile
from tests.services.lone import Lone

SEEN, NUMBER = State(1, 7, 50, usableyn=True), 5


class YesBike(BikeClient):
    """Bike that applies everything; its answer may be lost, or the question before, or there is no use in asking."""

    def __init__(self, *, breaks: bool = False, after: bool = False, paused: bool = False) -> None:
        self.applied: list[int] = []
        self._paused = paused
        self._breaks, self._after = breaks, after

    def check(self) -> None:
        if self._paused:
            raise CircuitOpen(2)

    async def apply(self, report: Report) -> None:
        if not self._breaks or self._after:
            self.applied.append(report.reportid)
        if self._breaks:
            raise Broken


def reporting(store: Any, bike: YesBike) -> Any:
    return partial(report_a_bike, store=store, bikes=bike, stale_after_ms=600, earning=AS_THE_ORIGINAL)


@pytest.mark.parametrize(
    ("breaks", "after", "status", "says"),
    [
        (take_down_a_report, False, [], 0),
        (take_down_a_report, True, ["pending"], 0),  # the sweeper's
        (YesBike, False, ["cancelled"], 0),
        (YesBike, True, ["cancelled"], 0),
        (confirm_the_report, False, ["cancelled"], 0),
        (confirm_the_report, True, ["applied"], 1),  # only its answer was lost
    ],
)
@pytest.mark.parametrize("twice", [None, give_up_the_report])
async def test_a_report_that_fails_anywhere_earns_nothing_also_where_it_is_undone_twice(
    breaks: Command, after: bool, status: list[str], says: int, twice: Command | None
) -> None:
    lone = Lone(SPEC)
    bike = YesBike(breaks=breaks is YesBike, after=after)
    with pytest.raises(Broken):
        await reporting(Fragile(lone.store, breaks, after=after, twice=twice), bike)(SEEN, NUMBER)
    assert [row[0] for row in await lone.rows("SELECT status FROM reports")] == status
    assert len(await lone.published()) == says


async def test_a_confirmation_that_comes_twice_is_refused_and_said_once() -> None:
    lone = Lone(SPEC)
    with pytest.raises(GivenUp):
        await reporting(Fragile(lone.store, None, twice=confirm_the_report), YesBike())(SEEN, NUMBER)
    assert [published["eventType"] for published in await lone.published()] == ["Reported"]


async def test_a_report_that_failed_may_be_sent_again_and_earns_once() -> None:
    lone, bike = Lone(SPEC), YesBike()
    with pytest.raises(Broken):
        await reporting(lone.store, YesBike(breaks=True))(SEEN, NUMBER)
    first = await reporting(lone.store, bike)(SEEN, NUMBER)
    assert await reporting(lone.store, bike)(SEEN, NUMBER) == first
    assert [published["eventType"] for published in await lone.published()] == ["Reported"]
    assert bike.applied == [2]


async def test_who_sent_no_key_is_told_of_the_pause_without_a_look_into_the_store() -> None:
    lone = Lone(SPEC)
    await lone.store.close()
    with pytest.raises(CircuitOpen):
        await reporting(lone.store, YesBike(paused=True))(SEEN, None)


async def test_who_asks_again_while_the_first_request_is_under_way_is_told_so_also_in_a_pause() -> None:
    lone = Lone(SPEC)
    before = acting.set(Acting(DEMO, OwnerScope.ALL, IdempotencyKey("k", "hash", lambda _: (201, b"", b"{}"))))
    await lone.store.write(hold)
    with pytest.raises(KeyInFlight):
        await reporting(lone.store, YesBike(paused=True))(SEEN, None)
    acting.reset(before)
