"""Bikes, places and what was said of a bike, as clients see them."""

from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from gbike.kit.auth.principal import Principal
from gbike.kit.auth.rules import ADMIN, BIKE_MANAGER
from gbike.kit.clock import rfc3339
from gbike.kit.http.request import Request, ResourceKind, Response, showing
from gbike.kit.store import Row
from gbike.services.bike.domain import Bike, Hold, Point, Status
from gbike.services.bike.storage import places

BIKES = ResourceKind("bikes", "bike", "bikeid", (("findByBikeid", "bikeid"),))
"""The searches that the original listed, and no other: findByLabel stands in the OpenAPI document only."""
STATUSES = tuple(status.value for status in Status)
PLACES = ResourceKind("places", "place", "name")
EVENTS = ResourceKind("events", "event", "eventid")
BIKE_HOLDS = ResourceKind("holds", "hold", "holder")
STAFF = frozenset({BIKE_MANAGER, ADMIN})
Respond = Callable[[Request, Bike], Response]


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
    held: bool = False
    """Whether anybody keeps it out of service."""
    due: str | None = None
    """When the first of its holds is meant to end; for staff."""
    offered: bool = True
    """Whether it may be rented: it is available, and not known to be charged too little."""


class HoldResource(msgspec.Struct, frozen=True):
    """Somebody keeps a bike out of service."""

    bikeid: int
    holder: str
    reason: str
    by: str
    """Who put it there, as the audit log calls them; empty: nobody knows."""
    since: str | None
    """null: from before that was kept."""
    due: str | None
    """When they mean to end it; it does not end by itself."""


class EventResource(msgspec.Struct, frozen=True):
    """Something that was said of a bike."""

    eventid: int
    type: str
    at: str
    facts: dict[str, Any]


def is_staff(who: Principal) -> bool:
    """Whether they are told when a bike was seen, and until when it is held."""
    return bool(who.roles & STAFF)


def to_resource(bike: Bike, to: Principal, offer_from: int) -> BikeResource:
    """The bike as clients see it: who rides it is in it for nobody, when it was seen is the staff's business.
    `offer_from`: % of charge below which none is offered."""
    staff = is_staff(to)
    return BikeResource(
        bikeid=bike.bikeid,
        status=bike.status,
        location=bike.place.location,
        batterylevel=bike.batterylevel,
        lat=bike.place.lat,
        lon=bike.place.lon,
        retired=bike.retired,
        lastseen=_moment(bike.seen_ms) if staff else None,
        label=bike.label,
        point=None if bike.place.point is None else _point(bike.place.point, staff),
        noposition=bike.noposition,
        held=bike.held > 0,
        due=_moment(bike.due_ms) if staff else None,
        offered=bike.is_offered(offer_from),
    )


def found(offer_from: int) -> Respond:
    """What answers with a bike, where none below a charge (%) is offered."""
    return lambda request, bike: request.found(BIKES, to_resource(bike, request.principal, offer_from))


def created(offer_from: int) -> Respond:
    """The same of a bike that is new."""

    def _answer(request: Request, bike: Bike) -> Response:
        return showing(BIKES, partial(to_resource, to=request.principal, offer_from=offer_from), 201)(request, bike)

    return _answer


def hold_of(bikeid: int) -> Callable[[Hold], HoldResource]:
    """A hold of this bike as clients see it."""
    return lambda one: HoldResource(
        bikeid=bikeid,
        holder=one.holder,
        reason=one.reason,
        by=one.by,
        since=_moment(one.since_ms or None),
        due=_moment(one.due_ms),
    )


def _moment(at_ms: int | None) -> str | None:
    return None if at_ms is None else rfc3339(at_ms)


def _point(point: Point, staff: bool) -> PointResource:
    at = _moment(point.at_ms) if staff else None
    return PointResource(*point.position, at, point.by, point.accuracy_m, point.stale)


def published_of(row: Row) -> EventResource:
    """What was said, of a row of the outbox."""
    number, headers, value = row
    facts = msgspec.json.decode(value)
    return EventResource(number, facts["eventType"], msgspec.json.decode(headers)["ce_time"], facts)
