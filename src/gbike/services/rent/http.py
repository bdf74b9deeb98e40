"""What may be asked of rent."""

from collections.abc import Awaitable, Callable
from functools import partial

import msgspec

from gbike.contracts import PROBLEM_TEXTS
from gbike.kit.auth.limits import Pace
from gbike.kit.auth.rules import ADMINS, PEOPLE
from gbike.kit.calls.peers import CircuitOpen, PeerBusy, PeerTimeout, PeerUnavailable
from gbike.kit.clock import Clock, rfc3339
from gbike.kit.http.app import Operation, Refusals
from gbike.kit.http.fields import Degrees, Id, Instant, Metres, Reason, Text, ms_of
from gbike.kit.http.filters import NUMBER, SPAN, words
from gbike.kit.http.lists import listed
from gbike.kit.http.problems import Problem, catalogue
from gbike.kit.http.request import Request, ResourceKind, Response, showing
from gbike.kit.store import Store
from gbike.kit.text import tidied
from gbike.services.rent import domain, storage
from gbike.services.rent.commands import end_the_ride, return_the_bike, void_the_ride
from gbike.services.rent.storage import STATUSES

RENTS = ResourceKind("rents", "rent", "rentid")
TEXTS = catalogue(PROBLEM_TEXTS)
REFUSALS: Refusals = {
    domain.BikeTooLow: TEXTS["bike-unavailable.battery"],
    domain.BikeNotAvailable: TEXTS["bike-unavailable"],
    domain.NoSuchBike: TEXTS["bike-unknown"],
    domain.NoSuchRent: TEXTS["rent-unknown"],
    domain.RentIsCancelled: TEXTS["rent-cancelled"],
    domain.RentIsReturned: TEXTS["rent-returned"],
    domain.TooManyOpenRents: TEXTS["too-many-open-rents"],
    domain.RiderErased: TEXTS["rider-blocked.erased"],
    domain.RiderBlocked: TEXTS["rider-blocked"],
    domain.ClockBehind: TEXTS["clock-behind"],
    domain.GivenUp: TEXTS["rent-given-up"],
    PeerTimeout: TEXTS["bike-service-timeout"],
    PeerUnavailable: TEXTS["bike-service-unavailable"],
    PeerBusy: TEXTS["busy"],
    CircuitOpen: TEXTS["circuit-open"],
}
WANTED = (*STATUSES, *map(str.upper, STATUSES))
"""How a status may be written in a list's filter."""


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
    """rider, offline (tapped without a line), admin, or void (by an operator: it costs nothing); null before, and where
    it was not kept."""
    noposition: str | None = None
    """Why a position that was sent with the return is none: zero, half (lat without lon, or lon without lat), swapped,
    far, old (measured over a minute from the tap) or coarse (to more than a kilometre)."""
    voided: bool = False
    """It costs nothing."""
    overdue: bool = False
    """It is under way for longer than GBIKE_OVERDUE_MIN."""


class RentWish(msgspec.Struct, frozen=True):
    """What a rider sends to rent a bike."""

    userid: Id
    bikeid: Id


class RentReturn(msgspec.Struct, frozen=True):
    """What a rider sends to return it: a place, or `status: returned`, or both. An empty place ends the ride, and the
    bike stays where it was known to be. Other fields are the server's."""

    endlocation: Text | None = None
    status: Text | None = None
    lat: Degrees | None = None
    lon: Degrees | None = None
    accuracy: Metres | None = None
    """How exactly the phone measured lat and lon."""
    measuredat: Instant | None = None
    """When it did, by the clock of our answers' Date."""
    tappedat: Instant | None = None
    """When it was tapped, by the clock of our answers' Date, where it could not be sent at once. One that is too long
    ago (GBIKE_OFFLINE_RETURN_S) or to come is ignored: then the ride ends now."""

    @property
    def is_a_return(self) -> bool:
        return self.endlocation is not None or (self.status or "").lower() == "returned"


class RentEnd(msgspec.Struct, frozen=True):
    """What an operator sends to end a ride, now or at the moment when it was over."""

    reason: Reason
    at: Instant | None = None


class RentVoid(msgspec.Struct, frozen=True):
    """What an operator sends to end a ride now that costs nothing."""

    reason: Reason


RentABike = Callable[[int, int], Awaitable[domain.OpenRent]]


class RentHttp:
    """The handlers: parse, one command."""

    def __init__(self, store: Store, clock: Clock, limits: domain.Limits, rent_a_bike: RentABike) -> None:
        self._store = store
        self._clock = clock
        self._limits = limits
        self._rent_a_bike = rent_a_bike
        self.to_resource = partial(to_resource, late_ms=self.late_ms)

    async def list(self, request: Request) -> Response:
        wanted = dict(request.wanted)
        status = wanted.pop("status", None)
        listing = storage.BY_STATUS[status] if status else storage.RIDES
        if "overdue" in wanted:
            wanted["overdue"] = self.late_ms()
        return await listed(request, self._store, listing, RENTS, self.to_resource, wanted=wanted)

    async def rent(self, request: Request) -> domain.OpenRent:
        wish = await request.body(RentWish)
        request.must_cover(wish.userid)
        try:
            return await self._rent_a_bike(wish.userid, wish.bikeid)
        except domain.RiderHalted as halted:
            raise _halted(halted) from None

    async def show(self, request: Request) -> domain.KnownRent:
        return await self._store.read(storage.load, request.id("rentid"))

    async def give_back(self, request: Request) -> domain.KnownRent:
        """PATCH or PUT /rents/{rentid}: a return, or nothing."""
        rentid, wish = request.id("rentid"), await request.body(RentReturn)
        if not wish.is_a_return:
            request.only_looked = True
            return await self._store.read(storage.load, rentid)
        tapped_ms = None if wish.tappedat is None else ms_of(wish.tappedat)
        measured_ms = None if wish.measuredat is None else ms_of(wish.measuredat)
        place = domain.Location(tidied(wish.endlocation), wish.lat, wish.lon, wish.accuracy, measured_ms)
        told = domain.Handback(place, tapped_ms)
        return await self._store.write(return_the_bike, rentid, told, self._limits, key=f"rent:{rentid}")

    async def end(self, request: Request) -> domain.ReturnedRent:
        rentid, wish = request.id("rentid"), await request.body(RentEnd)
        at_ms = None if wish.at is None else ms_of(wish.at)
        try:
            return await self._store.write(end_the_ride, rentid, at_ms, wish.reason, key=f"rent:{rentid}")
        except domain.OutsideTheRide as wrong:
            lasts = {"starttime": rfc3339(wrong.started_ms), "now": rfc3339(wrong.now_ms)}
            raise Problem(TEXTS["end-outside-ride"], {"rentid": rentid, **lasts}) from None

    async def void(self, request: Request) -> domain.ReturnedRent:
        rentid, wish = request.id("rentid"), await request.body(RentVoid)
        return await self._store.write(void_the_ride, rentid, wish.reason, key=f"rent:{rentid}")

    def late_ms(self) -> int:
        """Rides under way that began then or earlier are overdue."""
        return domain.overdue_since(self._clock.now_ms(), self._limits.overdue_ms)


def _halted(halted: domain.RiderHalted) -> Problem:
    until = None if halted.until_ms is None else rfc3339(halted.until_ms)
    facts = {"userid": halted.userid, "reasons": halted.reasons, "missing_krw": halted.missing_krw, "until": until}
    return Problem(TEXTS["rider-blocked.staff" if until is None else "rider-blocked.until"], facts)


def to_resource(rent: domain.KnownRent, late_ms: Callable[[], int] | None = None) -> RentResource:
    """A rent as it is seen now; without `late_ms` it has just begun."""
    over = rent if isinstance(rent, domain.ReturnedRent) else None
    location = over.place if over else domain.Location()
    return RentResource(
        rentid=rent.rentid,
        userid=rent.userid,
        bikeid=rent.bikeid,
        status=rent.status,
        starttime=None if isinstance(rent, domain.CancelledRent) else rfc3339(rent.started_ms),
        endtime=rfc3339(over.ended_ms) if over else None,
        endlocation=location.endlocation,
        lat=location.lat,
        lon=location.lon,
        endedby=over.endedby if over else None,
        noposition=over.noposition if over else None,
        voided=over.voided if over else False,
        overdue=late_ms is not None and isinstance(rent, domain.OpenRent) and rent.started_ms <= late_ms(),
    )


def operations(
    store: Store, clock: Clock, limits: domain.Limits, rent_a_bike: RentABike, *, begins: Pace, returns: Pace
) -> list[Operation]:
    http, at = RentHttp(store, clock, limits, rent_a_bike), "/rents/{rentid}"
    shown = partial(showing, RENTS, http.to_resource)
    many, by = {200: [RentResource]}, {"status": words(WANTED, str.lower), **SPAN, "userid": NUMBER, "bikeid": NUMBER}
    by["overdue"] = words(("true",))
    unknown, cancelled = TEXTS.of("rent-unknown"), TEXTS.of("rent-unknown", "rent-cancelled")
    single = partial(Operation, answers={200: RentResource}, refusals=unknown, respond=shown())
    ended = partial(single, refusals=cancelled, pace=returns)
    back = partial(ended, takes=RentReturn, looks="rides", example={"endlocation": "분당_정자역_3구역"})
    return [
        Operation(
            "GET",
            "/rents",
            http.list,
            "R9: list the rents",
            PEOPLE,
            answers=many,
            paged=True,
            filters=by,
            looks="rides",
        ),
        Operation(
            "POST",
            "/rents",
            http.rent,
            "R2, R3: rent a bike",
            PEOPLE,
            takes=RentWish,
            answers={201: RentResource},
            refusals=TEXTS.of(
                *("rider-blocked", "too-many-open-rents", "clock-behind"),
                *("bike-unavailable", "bike-unknown", "rent-given-up"),
                *("bike-service-timeout", "bike-service-unavailable", "circuit-open", "busy"),
            ),
            example={"userid": 1, "bikeid": 1},
            pace=begins,
            respond=showing(RENTS, to_resource, 201),
        ),
        single("GET", at, http.show, "R9: one rent", PEOPLE, looks="rides"),
        back("PATCH", at, http.give_back, "R5: return the bike", PEOPLE),
        back("PUT", at, http.give_back, "R5: return the bike", PEOPLE),
        ended(
            "POST",
            f"{at}/end",
            http.end,
            "End a ride, now or at an earlier moment",
            ADMINS,
            takes=RentEnd,
            refusals=cancelled + TEXTS.of("rent-returned", "end-outside-ride"),
            example={"at": "2026-11-29T09:30:00.000Z", "reason": "the bike stood at the station"},
        ),
        ended(
            "POST",
            f"{at}/void",
            http.void,
            "End a ride that costs nothing",
            ADMINS,
            takes=RentVoid,
            refusals=cancelled + TEXTS.of("rent-returned"),
            example={"reason": "the lock did not open"},
        ),
    ]
