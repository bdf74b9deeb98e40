"""What may be asked of bike: /bikes for everybody, /internal for rent and bikeManageApp."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Annotated

import msgspec
from msgspec import Meta

from gbike.contracts import PROBLEM_TEXTS
from gbike.contracts.bike import AppliedReport, KnownBike, Reservation
from gbike.kit.auth.rules import ADMINS, PUBLIC, SIGNED_IN, VISITORS, may
from gbike.kit.calls.peers import DEADLINE_HEADER
from gbike.kit.clock import Clock
from gbike.kit.http.app import Operation, Refusals
from gbike.kit.http.fields import Degrees, Id, Name, Percent, Reason, Text, invalid, sent_or
from gbike.kit.http.filters import FLAG, TEXT, whole, words
from gbike.kit.http.lists import listed, searching
from gbike.kit.http.problems import FORBIDDEN, GONE, Problem, catalogue
from gbike.kit.http.request import Request, Response, showing
from gbike.kit.store import Store
from gbike.kit.text import tidied
from gbike.services.bike import domain, storage
from gbike.services.bike.commands import (
    apply_a_report,
    change_a_bike,
    register_a_bike,
    reserve_a_bike,
    tell_of_a_place,
)
from gbike.services.bike.domain import Bike, Location, Status, Whereabouts, a_new_bike, marked
from gbike.services.bike.http.holds import hold_operations
from gbike.services.bike.http.imports import import_operations
from gbike.services.bike.http.resources import (
    BIKES,
    EVENTS,
    PLACES,
    STATUSES,
    BikeResource,
    EventResource,
    PlaceResource,
    created,
    found,
    is_staff,
    published_of,
    to_resource,
)
from gbike.services.bike.saga import Imports
from gbike.services.bike.storage import places

PATIENCE_MS = 1_200
"""How long an internal caller waits that does not say."""
IN_FLIGHT = 256
"""Internal requests under way at once; one more is shed."""

TEXTS = catalogue(PROBLEM_TEXTS)
REFUSALS: Refusals = {
    domain.NoSuchBike: TEXTS["bike-unknown"],
    domain.NoSuchLabel: TEXTS["bike-unknown.label"],
    domain.NoSuchHold: TEXTS["hold-unknown"],
    domain.NoSuchPlace: TEXTS["place-unknown"],
    domain.BikeExists: TEXTS["bike-exists"],
    domain.LabelTaken: TEXTS["label-taken"],
    domain.BikeTooLow: TEXTS["bike-unavailable.battery"],
    domain.BikeNotAvailable: TEXTS["bike-unavailable"],
    domain.BikeIsRidden: TEXTS["bike-is-ridden"],
    domain.RentWasCancelled: TEXTS["rent-was-cancelled"],
    domain.TooLate: TEXTS["too-late"],
    domain.NoSuchImport: TEXTS["import-unknown"],
    domain.TooManyImports: TEXTS["too-many-imports"],
    domain.Overloaded: TEXTS["overloaded"],
}


Label = Annotated[
    str, Meta(max_length=domain.MOST_LABEL, pattern=domain.LABEL, description="on the bike beside its number; unique")
]
_LABEL = {"label": {"type": "string", "maxLength": domain.MOST_LABEL, "pattern": domain.LABEL}}


class NewBike(msgspec.Struct, frozen=True):
    """What an operator sends to register a bike."""

    bikeid: Id
    status: Status | None = None
    location: Text | None = None
    batterylevel: Percent | None = None
    lat: Degrees | None = None
    lon: Degrees | None = None
    label: Label | None = None


class NewPlace(msgspec.Struct, frozen=True):
    """What an operator sends to say where a place is, be it known already or not."""

    name: Name
    lat: Degrees | None = None
    lon: Degrees | None = None


class BikeChange(msgspec.Struct, frozen=True):
    """What an operator may change; what is not sent stays (PATCH) or is cleared (PUT, but never status and label)."""

    status: Status | None = None
    location: Text | msgspec.UnsetType | None = msgspec.UNSET
    batterylevel: Percent | msgspec.UnsetType | None = msgspec.UNSET
    lat: Degrees | msgspec.UnsetType | None = msgspec.UNSET
    lon: Degrees | msgspec.UnsetType | None = msgspec.UNSET
    label: Label | msgspec.UnsetType | None = msgspec.UNSET
    reason: Reason | None = None

    @property
    def told(self) -> Whereabouts:
        """What it says of where the bike is."""
        return Whereabouts(tidied(sent_or(self.location, None)), sent_or(self.lat, None), sent_or(self.lon, None))

    def applied(self, bike: Bike, clearing: bool) -> Bike:
        """The bike with this change, but not where it is told to be: of that only what is cleared. Raises
        BikeIsRidden."""
        bike = marked(bike, self.status, self.reason or "") if self.status is not None else bike
        told, unset = self.told, msgspec.UNSET
        nameless = clearing or (told.text is None and self.location is not unset)
        nowhere = told.lat is None and told.lon is None and not (self.lat is unset and self.lon is unset)
        place = Location(None if nameless else bike.place.location, None if clearing or nowhere else bike.place.point)
        return replace(
            bike,
            place=place,
            batterylevel=sent_or(self.batterylevel, None if clearing else bike.batterylevel),
            label=_label(sent_or(self.label, bike.label)),
        )


RESERVING, REPORTING = may(services=("rent",)), may(services=("bike_manage_app",))


class ReportedBike(msgspec.Struct, frozen=True):
    """ReportedState, as bike takes it: also a service's word is looked at."""

    batterylevel: Percent
    usableyn: bool | None = None
    location: Text | None = None
    lat: Degrees | None = None
    lon: Degrees | None = None
    seenat: int | None = None

    @property
    def seen(self) -> domain.Seen:
        """What it says the manager saw."""
        told = Whereabouts(tidied(self.location), self.lat, self.lon, at_ms=self.seenat)
        return domain.Seen(self.batterylevel, self.usableyn, told)


class BikeHttp:
    """The handlers: parse, one command."""

    def __init__(self, store: Store, clock: Clock, offer_from: int) -> None:
        """`offer_from`: % of charge below which no bike is offered; 0: each is."""
        self._store, self._clock = store, clock
        self._offer_from = offer_from
        self._under_way = 0

    async def list(self, request: Request) -> Response:
        wanted = dict(request.wanted)
        retired = wanted.pop("retired", False)
        staff = is_staff(request.principal)
        if "due" in wanted:
            if not staff:
                raise Problem(FORBIDDEN)  # a hold's day is the staff's
            wanted["due"] = self._clock.now_ms()
        if "offered" in wanted:
            wanted["offered"] = (wanted["offered"], self._offer_from)
        bikes = storage.listing(request.near(), retired=retired, whole=bool(wanted), by_seen=staff)
        shown = partial(to_resource, to=request.principal, offer_from=self._offer_from)
        return await listed(request, self._store, bikes, BIKES, shown, wanted=wanted)

    async def list_places(self, request: Request) -> Response:
        """GET /places."""
        listing = places.found(request.first("q"), request.near())
        return await listed(request, self._store, listing, PLACES, PlaceResource.of)

    async def place(self, request: Request) -> places.KnownPlace:
        """GET /places/{name}."""
        return await self._store.read(places.load, request.path_params["name"])

    async def tell_of_a_place(self, request: Request) -> places.KnownPlace:
        """POST /places."""
        told = await request.body(NewPlace)
        name = tidied(told.name) or told.name
        return await self._store.write(tell_of_a_place, name, told.lat, told.lon, key="places")

    async def register(self, request: Request) -> Bike:
        new = await request.body(NewBike)
        status = new.status or Status.AVAILABLE
        bike = a_new_bike(new.bikeid, status, Location(), new.batterylevel, _label(new.label))
        told = Whereabouts(tidied(new.location), new.lat, new.lon)
        return await self._store.write(register_a_bike, bike, told, key=f"bike:{bike.bikeid}")

    async def show(self, request: Request) -> Bike:
        return await self._store.read(storage.load, request.id("bikeid"))

    async def of_label(self, request: Request) -> Bike:
        label = domain.as_label(request.first("label") or "")
        if label is None:
            raise invalid("label", f"must have a letter, and at most {domain.MOST_LABEL} letters, digits and hyphens")
        return await self._store.read(storage.of_label, label)

    async def events(self, request: Request) -> Response:
        bike = await self._store.read(storage.load, request.id("bikeid"))
        published = storage.said_of(bike.bikeid)
        return await listed(request, self._store, published, EVENTS, published_of, of=f"/bikes/{bike.bikeid}")

    async def change(self, request: Request) -> Bike:
        """PATCH /bikes/{bikeid}: what is not sent stays; PUT: it is cleared, but never status and label."""
        change, bikeid = await request.body(BikeChange), request.id("bikeid")
        decide = partial(change.applied, clearing=request.method == "PUT")
        write, key = self._store.write, f"bike:{bikeid}"
        return await write(change_a_bike, bikeid, decide, change.told, change.reason, key=key)

    async def reserve(self, request: Request) -> Response:
        bikeid, rentid = request.id("bikeid"), request.id("rentid")
        with self._in_time(request) as late:
            args = (bikeid, rentid, late, self._offer_from)
            stand = await self._store.write(reserve_a_bike, *args, key=f"bike:{bikeid}")
        if isinstance(stand, Exception):
            raise stand
        reserved = Reservation(bikeid=bikeid, rentid=rentid, location=stand.location, lat=stand.lat, lon=stand.lon)
        return Response(200, reserved)

    async def report(self, request: Request) -> Response:
        sent = await request.body(ReportedBike)
        bikeid, reportid = request.id("bikeid"), request.id("reportid")
        with self._in_time(request) as late:
            args = (bikeid, reportid, sent.seen, late)
            bike, changedby = await self._store.write(apply_a_report, *args, key=f"bike:{bikeid}")
        return Response(200, AppliedReport(bike.bikeid, bike.status, changedby))

    async def known(self, request: Request) -> Response:
        bike = await self._store.read(storage.load, request.id("bikeid"))
        return Response(200, KnownBike(bike.bikeid))

    async def old_check(self, _ask: Request) -> Response:
        """GET /bikes/chkAndUpdateStatus, which changed state by reading (flaw 12)."""
        raise Problem(GONE, {"instead": "POST /rents"})

    async def old_report(self, _ask: Request) -> Response:
        """GET /bikes/getReportAndUpdate, which changed state by reading (flaw 12)."""
        raise Problem(GONE, {"instead": "POST /bikeManageApps"})

    @contextmanager
    def _in_time(self, request: Request) -> Iterator[Callable[[], bool]]:
        """Room for one more request from inside, and whether its caller waits no more by then. Raises Overloaded."""
        if self._under_way >= IN_FLIGHT:
            raise domain.Overloaded
        left = request.headers.get(DEADLINE_HEADER, "")
        until_ms = self._clock.monotonic_ms() + (int(left) if re.fullmatch("[0-9]{1,9}", left) else PATIENCE_MS)
        self._under_way += 1
        try:
            yield lambda: self._clock.monotonic_ms() >= until_ms
        finally:
            self._under_way -= 1


def _label(sent: str | None) -> str | None:
    return None if sent is None else domain.as_label(sent.strip())  # a pattern's $ is before a last line end too


def operations(store: Store, clock: Clock, imports: Imports, *, offer_from: int) -> list[Operation]:
    http, respond = BikeHttp(store, clock, offer_from), found(offer_from)
    base, at = "/bikes", "/bikes/{bikeid}"
    many, published = {200: [BikeResource]}, {200: [EventResource]}
    unknown = TEXTS.of("bike-unknown")
    single = partial(Operation, answers={200: BikeResource}, refusals=unknown, respond=respond)
    changed = partial(single, refusals=TEXTS.of("bike-unknown", "bike-is-ridden", "label-taken"))
    new = {"status": Status.AVAILABLE, "location": "분당_정자역_1구역", "batterylevel": 100}
    state = {"status": words(STATUSES, Status), "held": FLAG, "retired": FLAG, "offered": FLAG, "due": words(("past",))}
    by = {**state, "q": TEXT, "place": TEXT, "batterybelow": whole(1, 101)}
    rent, report = "Gone: rent with POST /rents", "Gone: report with POST /bikeManageApps"
    events = "What was said of a bike, newest first"
    return [
        Operation("GET", base, http.list, "List the fleet", VISITORS, answers=many, paged=True, filters=by, near=True),
        Operation(
            "POST",
            base,
            http.register,
            "R1: register a bike",
            ADMINS,
            takes=NewBike,
            answers={201: BikeResource},
            refusals=TEXTS.of("bike-exists", "label-taken"),
            example={"bikeid": 1, **new, "label": "SPB-03001"},
            respond=created(offer_from),
        ),
        Operation("GET", base + "/search", searching(BIKES), "The searches", SIGNED_IN),
        single("GET", base + "/search/findByBikeid", http.show, "R13: find a bike", SIGNED_IN, finder="bikeid"),
        single("GET", base + "/search/findByLabel", http.of_label, "Find a bike by its label", VISITORS, finds=_LABEL),
        Operation("GET", base + "/chkAndUpdateStatus", http.old_check, rent, PUBLIC, hidden=True),
        Operation("GET", base + "/getReportAndUpdate", http.old_report, report, PUBLIC, hidden=True),
        single("GET", at, http.show, "R13: a bike's state", VISITORS),
        Operation("GET", at + "/events", http.events, events, ADMINS, answers=published, paged=True, refusals=unknown),
        changed("PATCH", at, http.change, "Change a bike", ADMINS, takes=BikeChange, example=new),
        changed("PUT", at, http.change, "Replace a bike's facts", ADMINS, takes=BikeChange, example=new),
        *hold_operations(store, respond),
        *import_operations(store, imports),
        *_of_places(http),
        *_inside(http),
    ]


def _of_places(http: BikeHttp) -> list[Operation]:
    base, many = "/places", {200: [PlaceResource]}
    single = partial(Operation, answers={200: PlaceResource}, respond=showing(PLACES, PlaceResource.of))
    known = "The places that are known, and the bikes at each"
    told = {"name": "분당_정자역_1구역", "lat": 37.3670, "lon": 127.1083}
    return [
        Operation("GET", base, http.list_places, known, VISITORS, answers=many, paged=True, near=True, searched=True),
        single("POST", base, http.tell_of_a_place, "Say where a place is", ADMINS, takes=NewPlace, example=told),
        single("GET", base + "/{name:path}", http.place, "One place", SIGNED_IN, refusals=TEXTS.of("place-unknown")),
    ]


def _inside(http: BikeHttp) -> list[Operation]:
    """What rent and bikeManageApp ask."""
    at = "/internal/bikes/{bikeid}"
    return [
        Operation("GET", at, http.known, "Whether there is such a bike", REPORTING, hidden=True),
        Operation("PUT", at + "/reservations/{rentid}", http.reserve, "R3: reserve for a rent", RESERVING, hidden=True),
        Operation("PUT", at + "/reports/{reportid}", http.report, "R10: apply a report", REPORTING, hidden=True),
    ]
