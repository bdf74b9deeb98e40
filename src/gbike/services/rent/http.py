"""What may be asked of rent."""

from functools import partial

import msgspec

from gbike.contracts import PROBLEM_TEXTS
from gbike.kit.access.limits import Pace
from gbike.kit.access.rules import ADMINS, PEOPLE
from gbike.kit.breaker import CircuitOpen
from gbike.kit.clock import rfc3339
from gbike.kit.http.app import Operation, Refusals
from gbike.kit.http.ask import Answer, Ask
from gbike.kit.http.fields import Id, Instant, Latitude, Longitude, Reason, Text, invalid, ms_of
from gbike.kit.http.hal import Kind, collection, item
from gbike.kit.http.problems import Problem, catalogue
from gbike.kit.peers import PeerBusy, PeerTimeout, PeerUnavailable
from gbike.services.rent import domain
from gbike.services.rent.domain import CancelledRent, Handback, KnownRent, OpenRent, OutsideTheRide, Place, ReturnedRent
from gbike.services.rent.saga import RentABike
from gbike.services.rent.storage import STATUSES, SqlRents
from gbike.services.rent.usecases import end_the_ride, look_up_a_rent, return_the_bike

RENTS = Kind("rents", "rent", "rentid")
TEXTS = catalogue(PROBLEM_TEXTS)
NOT_AVAILABLE = TEXTS["bike-unavailable"]
NO_BIKE = TEXTS["bike-unknown"]
NO_RENT = TEXTS["rent-unknown"]
IS_CANCELLED = TEXTS["rent-cancelled"]
TOO_MANY = TEXTS["too-many-open-rents"]
IS_RETURNED = TEXTS["rent-returned"]
OUTSIDE = TEXTS["end-outside-ride"]
BLOCKED = TEXTS["rider-blocked"]
_ERASED = TEXTS["rider-blocked.erased"]
CLOCK = TEXTS["clock-behind"]
GIVEN_UP = TEXTS["rent-given-up"]
TIMEOUT = TEXTS["bike-service-timeout"]
UNREACHABLE = TEXTS["bike-service-unavailable"]
OPEN_CIRCUIT = TEXTS["circuit-open"]
BUSY = TEXTS["busy"]
REFUSALS: Refusals = {
    domain.BikeNotAvailable: NOT_AVAILABLE,
    domain.NoSuchBike: NO_BIKE,
    domain.NoSuchRent: NO_RENT,
    domain.RentIsCancelled: IS_CANCELLED,
    domain.RentIsReturned: IS_RETURNED,
    domain.TooManyOpenRents: TOO_MANY,
    domain.RiderErased: _ERASED,
    domain.RiderBlocked: BLOCKED,
    domain.ClockBehind: CLOCK,
    domain.GivenUp: GIVEN_UP,
    PeerTimeout: TIMEOUT,
    PeerUnavailable: UNREACHABLE,
    PeerBusy: BUSY,
    CircuitOpen: OPEN_CIRCUIT,
}


class RentResource(msgspec.Struct, frozen=True):
    """A rent as clients see it."""

    rentid: int
    userid: int
    bikeid: int
    status: str
    starttime: str | None
    endtime: str | None
    endlocation: str | None
    lat: float | None
    lon: float | None
    endedby: str | None = None
    """rider, offline (tapped without a line) or admin; null before, and where it was not kept."""


class RentWish(msgspec.Struct, frozen=True):
    """What a rider sends to rent a bike."""

    userid: Id
    bikeid: Id


class RentReturn(msgspec.Struct, frozen=True):
    """What a rider sends to return it: a place, or `status: returned`, or both. Other fields are the server's."""

    endlocation: Text | None = None
    status: Text | None = None
    lat: Latitude | None = None
    lon: Longitude | None = None
    tappedat: Instant | None = None
    """When it was tapped, by the clock of our answers' Date, where it could not be sent at once. One that is too long
    ago (GBIKE_OFFLINE_RETURN_S) or to come is ignored: then the ride ends now."""

    @property
    def is_a_return(self) -> bool:
        """Whether anything here means that the ride is over."""
        return self.endlocation is not None or (self.status or "").lower() == "returned"


class RentEnd(msgspec.Struct, frozen=True):
    """What an operator sends to end a ride, now or at the moment when it was over."""

    reason: Reason
    at: Instant | None = None


class RentHttp:
    """The handlers: parse, one use case, answer."""

    def __init__(self, rents: SqlRents, rent_a_bike: RentABike) -> None:
        self._rents, self._rent_a_bike = rents, rent_a_bike

    async def list(self, ask: Ask) -> Answer:
        """GET /rents."""
        page, status = ask.page(), ask.first("status")
        if status is not None and status not in (*STATUSES, *map(str.upper, STATUSES)):
            raise invalid("status", f"one of {', '.join(STATUSES)}")
        rents, total = await self._rents.page(page, status.lower() if status else None, ask.whose)
        return Answer(200, collection(RENTS, ask.base, [shown(rent) for rent in rents], page, total))

    async def rent(self, ask: Ask) -> Answer:
        """POST /rents."""
        wish, render = await ask.body(RentWish), partial(self._created, ask)
        ask.must_cover(wish.userid)
        return render(await self._rent_a_bike(wish.userid, wish.bikeid, await ask.once(render)))

    async def show(self, ask: Ask) -> Answer:
        """GET /rents/{rentid}."""
        return self._shown(ask, await look_up_a_rent(ask.id("rentid"), ask.whose, rents=self._rents))

    async def give_back(self, ask: Ask) -> Answer:
        """PATCH or PUT /rents/{rentid}: a return, or nothing."""
        rentid, wish, render = ask.id("rentid"), await ask.body(RentReturn), partial(self._shown, ask)
        if not wish.is_a_return:
            return render(await look_up_a_rent(rentid, ask.whose, rents=self._rents))
        tapped_ms = None if wish.tappedat is None else ms_of(wish.tappedat)
        told = Handback(Place(wish.endlocation, wish.lat, wish.lon), tapped_ms)
        once = await ask.once(render)
        return render(await return_the_bike(rentid, told, ask.whose, rents=self._rents, once=once))

    async def end(self, ask: Ask) -> Answer:
        """POST /rents/{rentid}/end."""
        rentid, wish, render = ask.id("rentid"), await ask.body(RentEnd), partial(self._shown, ask)
        once, at_ms = await ask.once(render), None if wish.at is None else ms_of(wish.at)
        try:
            return render(await end_the_ride(rentid, at_ms, wish.reason, rents=self._rents, once=once))
        except OutsideTheRide as wrong:
            lasts = {"starttime": rfc3339(wrong.started_ms), "now": rfc3339(wrong.now_ms)}
            raise Problem(OUTSIDE, {"rentid": rentid, **lasts}) from None

    def _shown(self, ask: Ask, rent: KnownRent) -> Answer:
        return ask.found(RENTS, shown(rent))

    def _created(self, ask: Ask, rent: OpenRent) -> Answer:
        return Answer(201, item(RENTS, ask.base, shown(rent)), {"Location": f"{ask.base}/rents/{rent.rentid}"})


def shown(rent: KnownRent) -> RentResource:
    """The rent as clients see it."""
    match rent:
        case OpenRent(rentid, userid, bikeid, started_ms):
            return RentResource(rentid, userid, bikeid, "rented", rfc3339(started_ms), None, None, None, None)
        case ReturnedRent(rentid, userid, bikeid, started_ms, ended_ms, place, endedby):
            began, ended, where = rfc3339(started_ms), rfc3339(ended_ms), (place.endlocation, place.lat, place.lon)
            return RentResource(rentid, userid, bikeid, "returned", began, ended, *where, endedby)
        case CancelledRent(rentid, userid, bikeid):
            return RentResource(rentid, userid, bikeid, "cancelled", None, None, None, None, None)


def operations(rents: SqlRents, rent_a_bike: RentABike, begins: Pace, returns: Pace) -> list[Operation]:
    """The operations of rent, and how often one may begin and return."""
    http, one, at = RentHttp(rents, rent_a_bike), {200: RentResource}, "/rents/{rentid}"
    bike_says = (NOT_AVAILABLE, NO_BIKE, GIVEN_UP, TIMEOUT, UNREACHABLE, OPEN_CIRCUIT, BUSY)
    refused = (BLOCKED, TOO_MANY, CLOCK, *bike_says)
    ended, here, back = (NO_RENT, IS_CANCELLED), {"endlocation": "분당_정자역_3구역"}, "R5: return the bike"
    return [
        Operation(
            "GET",
            "/rents",
            http.list,
            "R9: list the rents",
            PEOPLE,
            answers={200: [RentResource]},
            paged=True,
            filters={"status": (*STATUSES, *map(str.upper, STATUSES))},
        ),
        Operation(
            "POST",
            "/rents",
            http.rent,
            "R2, R3: rent a bike",
            PEOPLE,
            RentWish,
            {201: RentResource},
            refusals=refused,
            example={"userid": 1, "bikeid": 1},
            pace=begins,
        ),
        Operation("GET", at, http.show, "R9: one rent", PEOPLE, answers=one, refusals=(NO_RENT,)),
        *(
            Operation(
                way, at, http.give_back, back, PEOPLE, RentReturn, one, refusals=ended, example=here, pace=returns
            )
            for way in ("PATCH", "PUT")
        ),
        Operation(
            "POST",
            f"{at}/end",
            http.end,
            "End a ride, now or at an earlier moment",
            ADMINS,
            RentEnd,
            one,
            refusals=(*ended, IS_RETURNED, OUTSIDE),
            example={"at": "2026-11-29T09:30:00.000Z", "reason": "the bike stood at the station"},
            pace=returns,
        ),
    ]
