"""The three proofs of renting: wherever it stops, no rent is open and bike is told to free its bike."""

import pytest

from gbike.services.rent.clients import BikeClient
from gbike.services.rent.domain import GivenUp
from gbike.services.rent.saga import RentABike, Renting
from gbike.services.rent.storage import SqlRents
from gbike.services.rent.wiring import CARD
from tests.services.lone import Lone
from tests.services.proofs import each_step_twice, each_undo_twice, failing, fails, run


class YesBike(BikeClient):
    """Bike that says yes and remembers for whom."""

    def __init__(self) -> None:
        self.reserved: list[int] = []

    def check(self) -> None:
        return None

    async def reserve(self, bikeid: int, *, for_rent: int) -> None:
        self.reserved.append(for_rent)


def a_saga() -> tuple[Lone, YesBike, RentABike]:
    """The saga over a real store."""
    lone, bike = Lone(CARD), YesBike()
    return lone, bike, RentABike(SqlRents(lone.store, 1_200, 0), bike)


async def test_a_reservation_asked_for_twice_is_one_rent() -> None:
    lone, bike, saga = a_saga()
    done = await run(each_step_twice(saga.steps, but=("ask", "start")), Renting(3, 1))
    assert done.rent is not None
    assert bike.reserved == [done.rent.rentid] * 2
    assert [said["eventType"] for said in await lone.said()] == ["Rented"]


async def test_a_start_that_comes_twice_is_refused_and_the_rent_stays_open() -> None:
    lone, _, saga = a_saga()
    with pytest.raises(GivenUp):
        await run(each_step_twice(saga.steps, but=("ask",)), Renting(3, 1))
    assert await lone.rows("SELECT status FROM rents") == [("rented",)]
    assert [said["eventType"] for said in await lone.said()] == ["Rented"]


@pytest.mark.parametrize(
    ("at", "after", "status", "says"),
    [
        (0, False, [], []),
        (0, True, ["pending"], []),  # the sweeper's
        (1, False, ["cancelled"], ["RentCancelled"]),
        (1, True, ["cancelled"], ["RentCancelled"]),
        (2, False, ["cancelled"], ["RentCancelled"]),
        (2, True, ["rented"], ["Rented"]),  # only its answer was lost
    ],
)
async def test_a_rent_that_fails_at_any_step_leaves_no_bike_taken(
    at: int, after: bool, status: list[str], says: list[str]
) -> None:
    lone, _, saga = a_saga()
    assert await fails(failing(saga.steps, at, after), Renting(3, 1))
    assert [row[0] for row in await lone.rows("SELECT status FROM rents")] == status
    assert [said["eventType"] for said in await lone.said()] == says


@pytest.mark.parametrize("at", [1, 2])
async def test_undoing_twice_is_undoing_once(at: int) -> None:
    lone, _, saga = a_saga()
    assert await fails(each_undo_twice(failing(saga.steps, at, after=False)), Renting(3, 1))
    assert [said["eventType"] for said in await lone.said()] == ["RentCancelled"]
    assert await lone.rows("SELECT n FROM counters WHERE name = 'cancelled'") == [(1,)]
