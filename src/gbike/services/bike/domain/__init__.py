"""The states of a bike and who may change them.

A bike carries three facts: the rent that rides it, who holds it (keeps it out of service), and the mark `broken`.
The public status is derived from them, so that a return can't make a broken bike rentable (flaw 19). Each holder lets
go of its own hold only; the original's one mark is the hold of STAFF.

    BikeRefused
    ├── NoSuchBike            there is none with this number
    ├── NoSuchLabel           there is none with this label
    ├── NoSuchPlace           no place is known by this name
    ├── NoSuchHold            nobody of this name holds the bike
    ├── BikeExists            a bike is registered once
    ├── LabelTaken            another bike has this label
    ├── BikeNotAvailable      someone rides it, or staff took it out
    │   └── BikeTooLow        its battery is not charged enough to offer it
    ├── BikeIsRidden          what is asked must wait for the return
    ├── RentWasCancelled      the reservation comes after its own cancellation
    ├── TooLate               the caller has stopped waiting
    ├── NoSuchImport          there is none with this number
    ├── TooManyImports        as many files are waiting as may
    └── Overloaded            more reservations are waiting than can be done in time
"""

import re
from dataclasses import dataclass, field, replace
from enum import StrEnum

from gbike.kit.text import same_name

LABEL = "^[0-9-]*[A-Za-z][A-Za-z0-9-]*$"
"""What stands on a bike beside its number: at least one letter, or it would be a number."""
MOST_LABEL = 36
"""Characters of a label: a UUID fits, which feeds have for a name."""


HOLDER = "[a-z0-9-]{1,40}"
"""The name of whoever holds a bike: `staff`, or what of theirs keeps it."""
PLACE_FOR_MS = 24 * 3_600_000
"""A report tells where a bike stands for so long after it was seen there."""
PHONE_MS = 2_000
"""A page knows the server's time by the Date of its answers, to a second or so."""
STAFF = "staff"
"""The holder of what operators hold by hand, and of the original's one mark."""


class Status(StrEnum):
    """The original's three words."""

    AVAILABLE = "사용가능"
    IN_USE = "사용중"
    BROKEN = "불량"


class BikeRefused(Exception):
    """Something about a bike was refused; nothing changed."""


@dataclass(eq=False)
class NoSuchBike(BikeRefused):
    bikeid: int


class NoSuchPlace(BikeRefused):
    """No place is known by this name."""


@dataclass(eq=False)
class NoSuchLabel(BikeRefused):
    label: str


@dataclass(eq=False)
class NoSuchHold(BikeRefused):
    bikeid: int
    holder: str


@dataclass(eq=False)
class BikeExists(BikeRefused):
    bikeid: int


@dataclass(eq=False)
class LabelTaken(BikeRefused):
    label: str


@dataclass(eq=False)
class BikeNotAvailable(BikeRefused):
    """The bike can't be rented now; `bikestatus` says what it is instead."""

    bikeid: int
    bikestatus: str


@dataclass(eq=False)
class BikeTooLow(BikeNotAvailable):
    why: str = "battery"


@dataclass(eq=False)
class BikeIsRidden(BikeRefused):
    bikeid: int


@dataclass(eq=False)
class RentWasCancelled(BikeRefused):
    rentid: int


@dataclass(eq=False)
class NoSuchImport(BikeRefused):
    importid: int


@dataclass(eq=False)
class TooManyImports(BikeRefused):
    most: int


class TooLate(BikeRefused):
    """The caller's deadline passed before the work could be done; nothing was done."""


class Overloaded(BikeRefused):
    """More requests are waiting than can be served in time."""


class Source(StrEnum):
    """Who says where a bike's point is: a rider without saying how it was measured, a phone that says so, a known place
    that was named, or staff."""

    RIDER = "rider"
    PHONE = "phone"
    PLACE = "place"
    STAFF = "staff"


@dataclass(frozen=True, slots=True)
class Point:
    """Where a bike was, in degrees of WGS 84, with when and by whom that was known; None: it is not on record."""

    lat: float
    lon: float
    at_ms: int | None = None
    by: str | None = None
    """One of Source; a newer version may know more."""
    accuracy_m: float | None = None
    stale: bool = False
    """It was moved since, and nobody said to which point."""

    @property
    def position(self) -> tuple[float, float]:
        """North, east."""
        return self.lat, self.lon


@dataclass(frozen=True, slots=True)
class Location:
    """Where a bike is: free text, and the point that was known last."""

    location: str | None = None
    point: Point | None = None

    @property
    def present(self) -> Point | None:
        """The point, unless it is stale."""
        return None if self.point is None or self.point.stale else self.point

    @property
    def lat(self) -> float | None:
        """Degrees north, of the present point."""
        return None if self.present is None else self.present.lat

    @property
    def lon(self) -> float | None:
        """Degrees east, of the present point."""
        return None if self.present is None else self.present.lon


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """What somebody tells of where a bike is: a text, a position, both or neither. `at_ms` None: now."""

    text: str | None = None
    lat: float | None = None
    lon: float | None = None
    accuracy_m: float | None = None
    at_ms: int | None = None
    by: Source = Source.STAFF


@dataclass(frozen=True, slots=True)
class Seen:
    """What a manager's report tells of a bike: battery in percent, whether it may be ridden (None: not said), where it
    stands."""

    batterylevel: int
    usableyn: bool | None = None
    told: Whereabouts = Whereabouts()


@dataclass(frozen=True, slots=True)
class Sighting:
    """What was told, judged by the places that are known: its point was measured, or is the named place's. `fault`: why
    a position that was told is none."""

    text: str | None = None
    point: Point | None = None
    fault: str | None = None

    @property
    def measured(self) -> Point | None:
        """The point, unless it is only a place's."""
        return None if self.point is None or self.point.by == Source.PLACE else self.point


@dataclass(frozen=True, slots=True)
class Hold:
    """Somebody keeps a bike out of service: by which name, why, and until when they mean to. Who put it there and when
    is known once it is kept."""

    holder: str
    reason: str = ""
    due_ms: int | None = None
    by: str = field(default="", compare=False)
    since_ms: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Bike:
    """One bike."""

    bikeid: int
    place: Location
    batterylevel: int | None
    rentid: int | None
    held: int
    """By how many."""
    broken: bool
    retired: bool
    version: int
    seen_ms: int | None = None
    """When somebody last stood at it: registered, rented, returned or reported it."""
    rent_over: bool = False
    """`rentid` has a tombstone: nobody rides the bike, though it carries the number."""
    label: str | None = None
    """In capitals."""
    due_ms: int | None = None
    """When the first of its holds is meant to end."""
    holds: tuple[Hold, ...] = ()
    """Looked up for who changes the bike, ordered by holder; empty for others."""
    left_by: int | None = field(default=None, compare=False)
    """The rider whose ride told its text; None: staff did, or nobody."""
    point_of: int | None = field(default=None, compare=False)
    """The same of its point."""
    noposition: str | None = field(default=None, compare=False)
    """Why a position that came just now is none (kit/positions.py); kept nowhere."""

    @property
    def status(self) -> Status:
        """사용중 while ridden or held, else 불량 when broken, else 사용가능."""
        if self.rentid is not None or self.held:
            return Status.IN_USE
        return Status.BROKEN if self.broken or self.retired else Status.AVAILABLE

    def is_offered(self, from_percent: int) -> bool:
        """Whether it may be rented where none below a charge is. One whose charge nobody knows is charged enough."""
        charged = self.batterylevel is None or self.batterylevel >= from_percent
        return self.status is Status.AVAILABLE and charged


def as_label(text: str) -> str | None:
    """The label as it is kept, None: it is none. Small letters and capitals are the same."""
    return text.upper() if len(text) <= MOST_LABEL and re.fullmatch(LABEL, text) else None


def a_new_bike(
    bikeid: int, status: Status, place: Location, batterylevel: int | None, label: str | None = None
) -> Bike:
    """R1: registered as 사용중 it is held by staff (there is no rent), as 불량 it is broken."""
    bike = Bike(
        bikeid=bikeid,
        place=place,
        batterylevel=batterylevel,
        rentid=None,
        held=0,
        broken=status is Status.BROKEN,
        retired=False,
        version=1,
        label=label,
    )
    return held(bike, Hold(STAFF)) if status is Status.IN_USE else bike


def seen_at(old: Location, sighting: Sighting) -> Location:
    """Where a bike is, by what staff tell. What they only repeat changes nothing; another text without a point leaves
    the old one, stale."""
    text, known = sighting.text or old.location, old.present
    same = (
        sighting.text is not None and old.location is not None and same_name(sighting.text) == same_name(old.location)
    )
    if sighting.point is None or (sighting.measured is None and same and known is not None):
        moved = sighting.text is not None and not same
        return Location(text, replace(old.point, stale=True) if old.point is not None and moved else old.point)
    if known is not None and known.position == sighting.point.position:
        return Location(text, known)
    return Location(text, sighting.point)


def marked(bike: Bike, status: Status, reason: str = "") -> Bike:
    """An operator sets the public status; what the bike already shows changes nothing. 사용가능 and 불량 end the hold
    of STAFF and nobody else's; 사용가능 also frees a bike that carries a rent which is over. Raises BikeIsRidden."""
    if status is bike.status:
        return bike
    if status is Status.IN_USE:
        return held(bike, Hold(STAFF, reason))
    if status is Status.BROKEN:
        return replace(_without(bike, STAFF), broken=True)
    return replace(_without(_free(bike), STAFF), broken=False)


def held(bike: Bike, hold: Hold) -> Bike:
    """Kept out of service by one more, or by the same otherwise; a ride goes on, and the bike is not free after it."""
    return _kept_by(bike, [hold, *(one for one in bike.holds if one.holder != hold.holder)])


def released(bike: Bike, holder: str) -> Bike:
    """One holder lets go; the holds of others stay. Raises NoSuchHold."""
    if all(one.holder != holder for one in bike.holds):
        raise NoSuchHold(bike.bikeid, holder)
    return _without(bike, holder)


def counted_anew(bike: Bike) -> Bike:
    """Held by those who hold it, after a gbike of before, which knows one mark and no holders, marked or freed it: the
    mark is a hold of STAFF, and what it freed was that one and nobody else's."""
    if bike.held:
        return _kept_by(bike, list(bike.holds) or [Hold(STAFF)])
    return _without(bike, STAFF)


def _without(bike: Bike, holder: str) -> Bike:
    return _kept_by(bike, [one for one in bike.holds if one.holder != holder])


def _kept_by(bike: Bike, holds: list[Hold]) -> Bike:
    due = min((one.due_ms for one in holds if one.due_ms is not None), default=None)
    return replace(bike, held=len(holds), holds=tuple(sorted(holds, key=lambda one: one.holder)), due_ms=due)


def reported(bike: Bike, batterylevel: int, usableyn: bool | None) -> Bike:
    """R10: a report sets the battery; 불량 stays hidden behind 사용중 until the return; usable clears only `broken`."""
    broken = bike.broken if usableyn is None else not usableyn
    return replace(bike, batterylevel=batterylevel, broken=broken)


def in_time(told: Whereabouts, known: Location, now_ms: int) -> Whereabouts:
    """What a report that waited for a line tells of where the bike stands: nothing after a day, or where something
    younger is known."""
    if told.at_ms is None:
        return told
    known_ms = (known.point and known.point.at_ms) or 0
    if told.at_ms <= max(now_ms - PLACE_FOR_MS, known_ms - PHONE_MS):
        return Whereabouts()
    return replace(told, at_ms=min(max(told.at_ms, known_ms), now_ms))


def retired(bike: Bike) -> Bike:
    """A bike leaves the fleet; its history stays. Raises BikeIsRidden."""
    return replace(_free(bike), retired=True)


def unretired(bike: Bike) -> Bike:
    """A bike comes back into the fleet as it left it: with its number, label and holds."""
    return replace(bike, retired=False)


def _free(bike: Bike) -> Bike:
    """The bike without the number of a rent that is over. Raises BikeIsRidden."""
    if bike.rentid is not None and not bike.rent_over:
        raise BikeIsRidden(bike.bikeid)
    return replace(bike, rentid=None, rent_over=False)
