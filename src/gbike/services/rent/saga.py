"""Renting a bike: the wish on record, bike asked for it, the ride begun; and one undo.

If it stops half-way, the rent is PENDING and the sweeper cancels it once its deadline has passed; bike frees what it
reserved when it hears RentCancelled, and a reservation that comes even later meets the tombstone. So wherever it
stops, the bike ends free and the rider is told to try again.
"""

from gbike.kit.breaker import CircuitOpen
from gbike.kit.idempotency import answered_before
from gbike.kit.peers import PeerBusy
from gbike.kit.store import Store, StoreUnavailable
from gbike.services.rent.commands import ask_for_a_bike, give_up_the_wish, start_the_rent
from gbike.services.rent.domain import BikeNotAvailable, ClockBehind, Limits, NoSuchBike, OpenRent
from gbike.services.rent.ports import BikeReservations
from gbike.services.rent.storage.clockwatch import ClockWatch

NOT_RESERVED = (BikeNotAvailable, NoSuchBike, CircuitOpen, PeerBusy)
"""After these bike has surely not reserved anything."""


async def rent_a_bike(
    userid: int, bikeid: int, *, store: Store, bikes: BikeReservations, watch: ClockWatch, limits: Limits
) -> OpenRent:
    """R2, R3: a rider asks for a bike; when bike says that it is 사용가능 it becomes 사용중 and the ride begins."""
    key = f"user:{userid}"
    try:
        bikes.check()
        await watch.check()
        pending = await store.write(ask_for_a_bike, userid, bikeid, limits, key=key)
    except (CircuitOpen, ClockBehind, StoreUnavailable):
        await answered_before(store)  # a rider who has the bike already, but not our answer, gets that answer
        raise
    try:
        await bikes.reserve(bikeid, for_rent=pending.rentid)
        return await store.write(start_the_rent, pending, limits, key=key)
    except Exception as why:  # whatever it was: also a start that failed has reserved the bike
        may_be_reserved = not isinstance(why, NOT_RESERVED)
        await store.write(give_up_the_wish, pending.rentid, type(why).__name__, may_be_reserved, key=key)
        raise
