"""Wherever renting stops, no rent is open and bike is told to free its bike; what comes twice changes nothing more."""

from typing import Any

import pytest

from gbike.kit.auth.principal import DEMO, Acting, IdempotencyKey, OwnerScope, acting
from gbike.kit.calls.peers import CircuitOpen
from gbike.kit.storage.idempotency import KeyInFlight, hold
from gbike.services.rent.clients import BikeClient
from gbike.services.rent.commands import ask_for_a_bike, give_up_the_wish, start_the_rent
from gbike.services.rent.domain import GivenUp, Limits
from gbike.services.rent.saga import ClockWatch, rent_a_bike
from gbike.services.rent.wiring import SPEC
from tests.services.fragile import Broken, Command, Fragile
from tests.services.lone import Lone

LIMITS = Limits(1_200)


class YesBike(BikeClient):
    """Bike that says yes; its answer may be lost, or the question before, or there is no use in asking."""

    def __init__(self, *, breaks: bool = False, after: bool = False, paused: bool = False) -> None:
        self.reserved: list[int] = []
        self.paused = paused
        self._breaks, self._after = breaks, after

    def check(self) -> None:
        if self.paused:
            raise CircuitOpen(2)

    async def reserve(self, bikeid: int, *, for_rent: int) -> None:
        if not self._breaks or self._after:
            self.reserved.append(for_rent)
        if self._breaks:
            raise Broken


async def renting(lone: Lone, store: Any, bike: YesBike) -> Any:
    watch = ClockWatch(lone.store, lone.clock, accept=False)
    return await rent_a_bike(3, 1, store=store, bikes=bike, watch=watch, limits=LIMITS)


@pytest.mark.parametrize(
    ("breaks", "after", "status", "says"),
    [
        (ask_for_a_bike, False, [], []),
        (ask_for_a_bike, True, ["pending"], []),  # the sweeper's
        (YesBike, False, ["cancelled"], ["RentCancelled"]),
        (YesBike, True, ["cancelled"], ["RentCancelled"]),
        (start_the_rent, False, ["cancelled"], ["RentCancelled"]),
        (start_the_rent, True, ["rented"], ["Rented"]),  # only its answer was lost
    ],
)
@pytest.mark.parametrize("twice", [None, give_up_the_wish])
async def test_a_rent_that_fails_anywhere_leaves_no_bike_taken_also_where_it_is_undone_twice(
    breaks: Command, after: bool, status: list[str], says: list[str], twice: Command | None
) -> None:
    lone = Lone(SPEC)
    bike = YesBike(breaks=breaks is YesBike, after=after)
    with pytest.raises(Broken):
        await renting(lone, Fragile(lone.store, breaks, after=after, twice=twice), bike)
    assert [row[0] for row in await lone.rows("SELECT status FROM rents")] == status
    assert [published["eventType"] for published in await lone.published()] == says
    counted = await lone.rows("SELECT name, n FROM counters WHERE n > 0")
    assert counted == [(one, 1) for one in status if one != "pending"]


async def test_a_start_that_comes_twice_is_refused_and_the_rent_stays_open() -> None:
    lone = Lone(SPEC)
    with pytest.raises(GivenUp):
        await renting(lone, Fragile(lone.store, None, twice=start_the_rent), YesBike())
    assert await lone.rows("SELECT status FROM rents") == [("rented",)]
    assert [published["eventType"] for published in await lone.published()] == ["Rented"]


async def test_who_sent_no_key_is_told_of_the_pause_without_a_look_into_the_store() -> None:
    lone = Lone(SPEC)
    await lone.store.close()
    with pytest.raises(CircuitOpen):
        await renting(lone, lone.store, YesBike(paused=True))


async def test_who_asks_again_while_the_first_request_is_under_way_is_told_so_also_in_a_pause() -> None:
    lone = Lone(SPEC)
    before = acting.set(Acting(DEMO, OwnerScope.ALL, IdempotencyKey("k", "hash", lambda _: (201, b"", b"{}"))))
    await lone.store.write(hold)
    with pytest.raises(KeyInFlight):
        await renting(lone, lone.store, YesBike(paused=True))
    acting.reset(before)
