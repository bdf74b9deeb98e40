"""Renting a bike, as a table of steps and undos.

If it stops half-way, the rent is PENDING and the sweeper cancels it once its deadline has passed; bike frees what it
reserved when it hears RentCancelled, and a reservation that comes even later meets the tombstone. So wherever it
stops, the bike ends free and the rider is told to try again.
"""

from dataclasses import dataclass, replace

from gbike.kit.once import Once
from gbike.kit.saga import Step, run
from gbike.services.rent.domain import OpenRent, PendingRent
from gbike.services.rent.ports import BikeReservations, Rents
from gbike.services.rent.usecases import ask_for_a_bike, give_up_the_wish, reserve_the_bike, start_the_rent


@dataclass(frozen=True, slots=True)
class Renting:
    """How far a rent has come."""

    userid: int
    bikeid: int
    once: Once | None = None
    pending: PendingRent | None = None
    rent: OpenRent | None = None


class RentABike:
    """The table, over its ports."""

    def __init__(self, rents: Rents, bikes: BikeReservations) -> None:
        self._rents, self._bikes = rents, bikes
        self.steps = (
            Step("ask", self._ask),
            Step("reserve", self._reserve, undo=self._give_up),  # undone also when a later step fails
            Step("start", self._start),
        )

    async def __call__(self, userid: int, bikeid: int, once: Once | None = None) -> OpenRent:
        """R2, R3: a rider asks for a bike; when it is available it becomes in use and the rent starts."""
        done = await run(self.steps, Renting(userid, bikeid, once))
        assert done.rent is not None
        return done.rent

    async def _ask(self, so_far: Renting) -> Renting:
        pending = await ask_for_a_bike(
            so_far.userid, so_far.bikeid, rents=self._rents, bikes=self._bikes, once=so_far.once
        )
        return replace(so_far, pending=pending)

    async def _reserve(self, so_far: Renting) -> Renting:
        assert so_far.pending is not None
        await reserve_the_bike(so_far.pending, bikes=self._bikes)
        return so_far

    async def _give_up(self, so_far: Renting, why: Exception) -> None:
        assert so_far.pending is not None
        await give_up_the_wish(so_far.pending, why, rents=self._rents)

    async def _start(self, so_far: Renting) -> Renting:
        assert so_far.pending is not None
        return replace(so_far, rent=await start_the_rent(so_far.pending, rents=self._rents, once=so_far.once))
