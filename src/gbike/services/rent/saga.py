"""Renting a bike: the wish on record, bike asked for it, the ride begun; and one undo.

If it stops half-way, the rent is PENDING and the sweeper cancels it once its deadline has passed; bike frees what it
reserved when it hears RentCancelled, and a reservation that comes even later meets the tombstone. So wherever it
stops, the bike ends free and the rider is told to try again.
"""

from gbike.kit.calls.peers import CircuitOpen, PeerBusy
from gbike.kit.clock import A_MINUTE_MS, Clock, rfc3339
from gbike.kit.storage.idempotency import answered_before
from gbike.kit.store import Store, StoreUnavailable
from gbike.kit.telemetry import log
from gbike.services.rent.clients import BikeClient
from gbike.services.rent.commands import ask_for_a_bike, give_up_the_wish, start_the_rent
from gbike.services.rent.domain import BikeNotAvailable, ClockBehind, Limits, NoSuchBike, OpenRent
from gbike.services.rent.storage import newest

NOT_RESERVED = (BikeNotAvailable, NoSuchBike, CircuitOpen, PeerBusy)
"""After these bike has surely not reserved anything."""


class ClockWatch:
    """A wall clock that is behind the store's newest moment is wrong, and what it would write down is too: no rent
    begins by it. Returns are taken: they are measured by the boot clock where that is possible."""

    def __init__(self, store: Store, clock: Clock, *, accept: bool) -> None:
        """`accept`: say so, and take rents all the same."""
        self._store, self._clock = store, clock
        self._accept = accept
        self._newest_ms: int | None = None
        self._told_ms: float | None = None
        """When the log last told that the clock is behind, monotonic; None: it is right, by what was told last."""

    async def look(self) -> None:
        """Read the newest moment of the store again; the log tells when the clock is found wrong, and right again."""
        self._newest_ms = await self._store.read(newest)
        behind = self._clock.now_ms() < self._newest_ms - A_MINUTE_MS
        if behind and self._told_ms is None:
            self._tell()
        elif self._told_ms is not None and not behind:
            self._told_ms = None
            log.warning("the wall clock is right again; rents are taken", service="rent", **self._moments())

    async def check(self) -> None:
        """Nothing, while the clock is right by the last look, so that this costs nothing. Raises ClockBehind, of which
        the log tells once a minute at most."""
        if self._newest_ms is None:
            await self.look()
        if not self._accept and self._clock.now_ms() < (self._newest_ms or 0) - A_MINUTE_MS:
            if self._told_ms is None or self._clock.monotonic_ms() - self._told_ms >= A_MINUTE_MS:
                self._tell()
            raise ClockBehind()

    def _tell(self) -> None:
        self._told_ms = self._clock.monotonic_ms()
        rents = "are taken all the same" if self._accept else "are refused until it is set right"
        log.error(f"the wall clock is behind what the store holds; rents {rents}", service="rent", **self._moments())

    def _moments(self) -> dict[str, str]:
        return {"wall_clock": rfc3339(self._clock.now_ms()), "newest_moment": rfc3339(self._newest_ms or 0)}


async def rent_a_bike(
    userid: int, bikeid: int, *, store: Store, bikes: BikeClient, watch: ClockWatch, limits: Limits
) -> OpenRent:
    """R2, R3: a rider asks for a bike; when bike says that it is 사용가능 it becomes 사용중 and the ride begins."""
    key = f"user:{userid}"
    try:
        bikes.check()
        await watch.check()
        pending = await store.write(ask_for_a_bike, userid, bikeid, limits, key=key)
    except (CircuitOpen, ClockBehind, StoreUnavailable) as why:
        await answered_before(store, why)  # a rider who has the bike already, but not our answer, gets that answer
        raise
    try:
        began = await bikes.reserve(bikeid, for_rent=pending.rentid)
        return await store.write(start_the_rent, pending, limits, began, key=key)
    except Exception as why:  # whatever it was: also a start that failed has reserved the bike
        may_be_reserved = not isinstance(why, NOT_RESERVED)
        await store.write(give_up_the_wish, pending.rentid, type(why).__name__, may_be_reserved, key=key)
        raise
