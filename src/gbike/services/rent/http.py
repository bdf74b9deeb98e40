"""What may be asked of rent."""

from collections.abc import Awaitable, Callable

import msgspec

from gbike.contracts import PROBLEM_TEXTS
from gbike.kit.access.limits import Pace
from gbike.kit.access.rules import ADMINS, PEOPLE
from gbike.kit.breaker import CircuitOpen
from gbike.kit.clock import rfc3339
from gbike.kit.http.app import Handler, Operation, Refusals
from gbike.kit.http.ask import Answer, Ask
from gbike.kit.http.fields import Id, Instant, Latitude, Longitude, Reason, Text, invalid, ms_of
from gbike.kit.http.hal import Kind, collection, item
from gbike.kit.http.problems import Problem, catalogue
from gbike.kit.peers import PeerBusy, PeerTimeout, PeerUnavailable
from gbike.kit.store import Store
from gbike.services.rent import domain, storage
from gbike.services.rent.commands import end_the_ride, return_the_bike
from gbike.services.rent.domain import (
    CancelledRent,
    Handback,
    KnownRent,
    Limits,
    OpenRent,
    OutsideTheRide,
    Place,
    ReturnedRent,
)
from gbike.services.rent.storage import STATUSES

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


RentABike = Callable[[int, int], Awaitable[OpenRent]]


class RentHttp:
    """The handlers: parse, one command."""

    def __init__(self, store: Store, limits: Limits, rent_a_bike: RentABike) -> None:
        self._store, self._limits, self._rent_a_bike = store, limits, rent_a_bike

    async def list(self, ask: Ask) -> Answer:
        """GET /rents."""
        page, status = ask.page(), ask.first("status")
        if status is not None and status not in (*STATUSES, *map(str.upper, STATUSES)):
            raise invalid("status", f"one of {', '.join(STATUSES)}")
        rents, total = await storage.page(self._store, page, status.lower() if status else None)
        return Answer(200, collection(RENTS, ask.base, [shown(rent) for rent in rents], page, total))

    async def rent(self, ask: Ask) -> OpenRent:
        """POST /rents."""
        wish = await ask.body(RentWish)
        ask.must_cover(wish.userid)
        return await self._rent_a_bike(wish.userid, wish.bikeid)

    async def show(self, ask: Ask) -> KnownRent:
        """GET /rents/{rentid}."""
        return await self._store.read(storage.load, ask.id("rentid"))

    async def give_back(self, ask: Ask) -> KnownRent:
        """PATCH or PUT /rents/{rentid}: a return, or nothing."""
        rentid, wish = ask.id("rentid"), await ask.body(RentReturn)
        if not wish.is_a_return:
            return await self._store.read(storage.load, rentid)
        tapped_ms = None if wish.tappedat is None else ms_of(wish.tappedat)
        told = Handback(Place(wish.endlocation, wish.lat, wish.lon), tapped_ms)
        return await self._store.write(return_the_bike, rentid, told, self._limits, key=f"rent:{rentid}")

    async def end(self, ask: Ask) -> ReturnedRent:
        """POST /rents/{rentid}/end."""
        rentid, wish = ask.id("rentid"), await ask.body(RentEnd)
        at_ms = None if wish.at is None else ms_of(wish.at)
        try:
            return await self._store.write(end_the_ride, rentid, at_ms, wish.reason, key=f"rent:{rentid}")
        except OutsideTheRide as wrong:
            lasts = {"starttime": rfc3339(wrong.started_ms), "now": rfc3339(wrong.now_ms)}
            raise Problem(OUTSIDE, {"rentid": rentid, **lasts}) from None


def _found(ask: Ask, rent: KnownRent) -> Answer:
    """200 with the rent."""
    return ask.found(RENTS, shown(rent))


def _created(ask: Ask, rent: OpenRent) -> Answer:
    """201 with the rent, and where it is."""
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


def operations(store: Store, limits: Limits, rent_a_bike: RentABike, begins: Pace, returns: Pace) -> list[Operation]:
    """The operations of rent, and how often one may begin and return."""
    http, one, at = RentHttp(store, limits, rent_a_bike), {200: RentResource}, "/rents/{rentid}"
    bike_says = (NOT_AVAILABLE, NO_BIKE, GIVEN_UP, TIMEOUT, UNREACHABLE, OPEN_CIRCUIT, BUSY)
    refused = (BLOCKED, TOO_MANY, CLOCK, *bike_says)
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
            answer=_created,
        ),
        Operation("GET", at, http.show, "R9: one rent", PEOPLE, answers=one, refusals=(NO_RENT,), answer=_found),
        *(_return(way, at, http.give_back, returns) for way in ("PATCH", "PUT")),
        Operation(
            "POST",
            f"{at}/end",
            http.end,
            "End a ride, now or at an earlier moment",
            ADMINS,
            RentEnd,
            one,
            refusals=(NO_RENT, IS_CANCELLED, IS_RETURNED, OUTSIDE),
            example={"at": "2026-11-29T09:30:00.000Z", "reason": "the bike stood at the station"},
            pace=returns,
            answer=_found,
        ),
    ]


def _return(method: str, at: str, handler: Handler, pace: Pace) -> Operation:
    return Operation(
        method,
        at,
        handler,
        "R5: return the bike",
        PEOPLE,
        RentReturn,
        {200: RentResource},
        refusals=(NO_RENT, IS_CANCELLED),
        example={"endlocation": "분당_정자역_3구역"},
        pace=pace,
        answer=_found,
    )
