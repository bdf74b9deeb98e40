"""One function per sentence of the requirements; the way of a rent through its steps is in `saga`."""

from gbike.kit.access.principal import Whose
from gbike.kit.breaker import CircuitOpen
from gbike.kit.once import Once
from gbike.kit.peers import PeerBusy
from gbike.services.rent.domain import (
    BikeNotAvailable,
    Handback,
    KnownRent,
    NoSuchBike,
    OpenRent,
    PendingRent,
    ReturnedRent,
)
from gbike.services.rent.ports import BikeReservations, Rents


async def ask_for_a_bike(
    userid: int, bikeid: int, *, rents: Rents, bikes: BikeReservations, once: Once | None = None
) -> PendingRent:
    """R2: a rider asks for a bike. The wish is on record before anybody else hears of it.

    A rider who has the bike already, but not our answer, gets that answer also while bike is down.
    """
    await rents.answered_before(once)
    bikes.check()
    return await rents.begin(userid, bikeid, once)


async def reserve_the_bike(pending: PendingRent, *, bikes: BikeReservations) -> None:
    """R3: only a bike that is 사용가능 can be had, and bike decides that, synchronously."""
    await bikes.reserve(pending.bikeid, for_rent=pending.rentid)


async def start_the_rent(pending: PendingRent, *, rents: Rents, once: Once | None = None) -> OpenRent:
    """R3: the bike is 사용중 now, and the rent starts."""
    return await rents.open(pending, once)


async def give_up_the_wish(pending: PendingRent, why: Exception, *, rents: Rents) -> None:
    """The undo of R2: whatever bike did or will still do with the reservation, the bike ends free."""
    not_reserved = isinstance(why, BikeNotAvailable | NoSuchBike | CircuitOpen | PeerBusy)
    await rents.cancel(pending, type(why).__name__, bike_may_be_reserved=not not_reserved)


async def return_the_bike(
    rentid: int, told: Handback, whose: Whose, *, rents: Rents, once: Once | None = None
) -> ReturnedRent:
    """R5: the rider returns the bike. Nobody else is asked, so a return is never refused because something is down."""
    return await rents.give_back(rentid, told, whose, once)


async def end_the_ride(
    rentid: int, at_ms: int | None, reason: str, *, rents: Rents, once: Once | None = None
) -> ReturnedRent:
    """An operator ends a ride, now or at the moment when it was over, which nobody told then."""
    return await rents.end(rentid, at_ms, reason, once)


async def look_up_a_rent(rentid: int, whose: Whose, *, rents: Rents) -> KnownRent:
    """R9: riders look up their rides."""
    return await rents.one(rentid, whose)
