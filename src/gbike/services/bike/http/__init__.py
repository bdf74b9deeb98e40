"""What may be asked of bike: /bikes for everybody, /internal for rent and bikeManageApp."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from gbike.contracts import PROBLEM_TEXTS
from gbike.contracts.bike import AppliedReport, Reservation
from gbike.kit.auth.principal import Principal
from gbike.kit.auth.rules import ADMIN, ADMINS, BIKE_MANAGER, PUBLIC, SIGNED_IN, may
from gbike.kit.calls.peers import DEADLINE_HEADER
from gbike.kit.clock import Clock, rfc3339
from gbike.kit.http.app import Operation, Refusals
from gbike.kit.http.fields import Degrees, Id, Name, Percent, Text, invalid, sent_or
from gbike.kit.http.filters import words
from gbike.kit.http.lists import listed, searching
from gbike.kit.http.problems import GONE, Problem, catalogue
from gbike.kit.http.request import Request, ResourceKind, Response, showing
from gbike.kit.store import Row, Store
from gbike.kit.text import tidied
from gbike.services.bike import domain, storage
from gbike.services.bike.commands import (
    NOTHING_TOLD,
    apply_a_report,
    change_a_bike,
    register_a_bike,
    reserve_a_bike,
    tell_of_a_place,
)
from gbike.services.bike.domain import Bike, Location, Point, Status, Whereabouts, a_new_bike, marked
from gbike.services.bike.http.imports import import_operations
from gbike.services.bike.saga import Imports
from gbike.services.bike.storage import places

BIKES = ResourceKind("bikes", "bike", "bikeid", (("findByBikeid", "bikeid"),))
"""The searches that the original listed, and no other: findByLabel stands in the OpenAPI document only."""
STATUSES = tuple(status.value for status in Status)
PLACES = ResourceKind("places", "place", "name")
EVENTS = ResourceKind("events", "event", "eventid")
PATIENCE_MS = 1_200
"""How long an internal caller waits that does not say."""
IN_FLIGHT = 256
"""Internal requests under way at once; one more is shed."""

TEXTS = catalogue(PROBLEM_TEXTS)
REFUSALS: Refusals = {
    domain.NoSuchBike: TEXTS["bike-unknown"],
    domain.NoSuchLabel: TEXTS["bike-unknown.label"],
    domain.NoSuchPlace: TEXTS["place-unknown"],
    domain.BikeExists: TEXTS["bike-exists"],
    domain.LabelTaken: TEXTS["label-taken"],
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


class PointResource(msgspec.Struct, frozen=True):
    """Where a bike was when that was known last."""

    lat: float
    lon: float
    at: str | None
    """When it was there; for staff."""
    by: str | None
    """rider (who did not say how it was measured), phone, place (a known one was named) or staff; null: not kept."""
    accuracy: float | None
    """Metres, as the phone said."""
    stale: bool
    """True: it was moved since, and only a text tells where to."""


class PlaceResource(msgspec.Struct, frozen=True):
    """A place that staff told of, by a bike's text or by itself."""

    name: str
    lat: float | None
    lon: float | None
    bikes: int
    """How many that are available were left there."""
    noposition: str | None = None
    """In the answer to a change: why the position that was sent is none: zero, half, swapped or far."""

    @classmethod
    def of(cls, known: places.KnownPlace) -> "PlaceResource":
        """The place as clients see it."""
        return cls(*known)


class BikeResource(msgspec.Struct, frozen=True):
    """A bike as clients see it."""

    bikeid: int
    status: str
    location: str | None
    batterylevel: int | None
    lat: float | None
    lon: float | None
    retired: bool
    lastseen: str | None
    """When somebody last stood at it; for staff."""
    label: str | None = None
    """What stands on it beside its number, in capitals."""
    point: PointResource | None = None
    """Where it was when that was known last; `lat` and `lon` are null where that is stale."""
    noposition: str | None = None
    """In the answer to a registration or change: why the position that was sent is none: zero, half, swapped or far."""


class EventResource(msgspec.Struct, frozen=True):
    """Something that was said of a bike."""

    eventid: int
    type: str
    at: str
    facts: dict[str, Any]


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

    @property
    def told(self) -> Whereabouts:
        """What it says of where the bike is."""
        return Whereabouts(tidied(sent_or(self.location, None)), sent_or(self.lat, None), sent_or(self.lon, None))

    def applied(self, bike: Bike, clearing: bool) -> Bike:
        """The bike with this change, but not where it is told to be: of that only what is cleared. Raises
        BikeIsRidden."""
        bike = marked(bike, self.status) if self.status is not None else bike
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


STAFF = frozenset({BIKE_MANAGER, ADMIN})
RESERVING, REPORTING = may(services=("rent",)), may(services=("bike_manage_app",))


class ReportedBike(msgspec.Struct, frozen=True):
    """ReportedState, as bike takes it: also a service's word is looked at."""

    batterylevel: Percent
    usableyn: bool | None = None


class BikeHttp:
    """The handlers: parse, one command."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._under_way = 0

    async def list(self, request: Request) -> Response:
        listing = storage.listing(request.near())
        return await listed(request, self._store, listing, BIKES, partial(to_resource, to=request.principal))

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
        return await listed(request, self._store, published, EVENTS, _published, of=f"/bikes/{bike.bikeid}")

    async def change(self, request: Request) -> Bike:
        """PATCH /bikes/{bikeid}: what is not sent stays; PUT: it is cleared, but never status and label."""
        change, bikeid = await request.body(BikeChange), request.id("bikeid")
        decide = partial(change.applied, clearing=request.method == "PUT")
        return await self._store.write(change_a_bike, bikeid, decide, change.told, key=f"bike:{bikeid}")

    async def retire(self, request: Request) -> Bike:
        """POST /bikes/{bikeid}/retirement: it is never deleted, so that its rides keep their bike (flaw 24)."""
        bikeid = request.id("bikeid")
        return await self._store.write(change_a_bike, bikeid, domain.retired, NOTHING_TOLD, key=f"bike:{bikeid}")

    async def reserve(self, request: Request) -> Response:
        bikeid, rentid = request.id("bikeid"), request.id("rentid")
        with self._in_time(request) as late:
            refusal = await self._store.write(reserve_a_bike, bikeid, rentid, late, key=f"bike:{bikeid}")
        if refusal is not None:
            raise refusal
        return Response(200, Reservation(bikeid, rentid))

    async def report(self, request: Request) -> Response:
        sent = await request.body(ReportedBike)
        bikeid, reportid = request.id("bikeid"), request.id("reportid")
        state = (sent.batterylevel, sent.usableyn)
        with self._in_time(request) as late:
            args = (bikeid, reportid, state, late)
            bike, changedby = await self._store.write(apply_a_report, *args, key=f"bike:{bikeid}")
        return Response(200, AppliedReport(bike.bikeid, bike.status, changedby))

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


def to_resource(bike: Bike, to: Principal) -> BikeResource:
    """The bike as clients see it: who rides it is in it for nobody, when it was seen is the staff's business."""
    staff = bool(to.roles & STAFF)
    return BikeResource(
        bikeid=bike.bikeid,
        status=bike.status,
        location=bike.place.location,
        batterylevel=bike.batterylevel,
        lat=bike.place.lat,
        lon=bike.place.lon,
        retired=bike.retired,
        lastseen=rfc3339(bike.seen_ms) if staff and bike.seen_ms is not None else None,
        label=bike.label,
        point=None if bike.place.point is None else _point(bike.place.point, staff),
        noposition=bike.noposition,
    )


def _label(sent: str | None) -> str | None:
    return None if sent is None else domain.as_label(sent.strip())  # a pattern's $ is before a last line end too


def _point(point: Point, staff: bool) -> PointResource:
    at = rfc3339(point.at_ms) if staff and point.at_ms is not None else None
    return PointResource(*point.position, at, point.by, point.accuracy_m, point.stale)


def _published(row: Row) -> EventResource:
    number, headers, value = row
    facts = msgspec.json.decode(value)
    return EventResource(number, facts["eventType"], msgspec.json.decode(headers)["ce_time"], facts)


def _found(request: Request, bike: Bike) -> Response:
    return request.found(BIKES, to_resource(bike, request.principal))


def _created(request: Request, bike: Bike) -> Response:
    return showing(BIKES, partial(to_resource, to=request.principal), 201)(request, bike)


def operations(store: Store, clock: Clock, imports: Imports) -> list[Operation]:
    http = BikeHttp(store, clock)
    base, at = "/bikes", "/bikes/{bikeid}"
    many, published = {200: [BikeResource]}, {200: [EventResource]}
    unknown = TEXTS.of("bike-unknown")
    single = partial(Operation, answers={200: BikeResource}, refusals=unknown, respond=_found)
    changed = partial(single, refusals=TEXTS.of("bike-unknown", "bike-is-ridden", "label-taken"))
    new = {"status": Status.AVAILABLE, "location": "분당_정자역_1구역", "batterylevel": 100}
    by = {"status": words(STATUSES, Status)}
    rent, report = "Gone: rent with POST /rents", "Gone: report with POST /bikeManageApps"
    events = "What was said of a bike, newest first"
    return [
        Operation("GET", base, http.list, "List the fleet", SIGNED_IN, answers=many, paged=True, filters=by, near=True),
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
            respond=_created,
        ),
        Operation("GET", base + "/search", searching(BIKES), "The searches", SIGNED_IN),
        single("GET", base + "/search/findByBikeid", http.show, "R13: find a bike", SIGNED_IN, finder="bikeid"),
        single("GET", base + "/search/findByLabel", http.of_label, "Find a bike by its label", SIGNED_IN, finds=_LABEL),
        Operation("GET", base + "/chkAndUpdateStatus", http.old_check, rent, PUBLIC, hidden=True),
        Operation("GET", base + "/getReportAndUpdate", http.old_report, report, PUBLIC, hidden=True),
        single("GET", at, http.show, "R13: a bike's state", SIGNED_IN),
        Operation("GET", at + "/events", http.events, events, ADMINS, answers=published, paged=True, refusals=unknown),
        changed("PATCH", at, http.change, "Change a bike", ADMINS, takes=BikeChange, example=new),
        changed("PUT", at, http.change, "Replace a bike's facts", ADMINS, takes=BikeChange, example=new),
        changed("POST", at + "/retirement", http.retire, "Take a bike out for good", ADMINS, keyed=True),
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
        Operation("GET", base, http.list_places, known, SIGNED_IN, answers=many, paged=True, near=True, searched=True),
        single("POST", base, http.tell_of_a_place, "Say where a place is", ADMINS, takes=NewPlace, example=told),
        single("GET", base + "/{name:path}", http.place, "One place", SIGNED_IN, refusals=TEXTS.of("place-unknown")),
    ]


def _inside(http: BikeHttp) -> list[Operation]:
    """What rent and bikeManageApp ask."""
    at = "/internal/bikes/{bikeid}"
    return [
        Operation("PUT", at + "/reservations/{rentid}", http.reserve, "R3: reserve for a rent", RESERVING, hidden=True),
        Operation("PUT", at + "/reports/{reportid}", http.report, "R10: apply a report", REPORTING, hidden=True),
    ]
