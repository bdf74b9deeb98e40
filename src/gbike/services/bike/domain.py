"""The states of a bike and who may change them.

A bike carries three facts: the rent that rides it, and the staff's two marks `held` (out of service) and `broken`.
The public status is derived from them, so that a return can't make a broken bike rentable (flaw 19).

    BikeRefused
    ├── NoSuchBike            there is none with this number
    ├── NoSuchLabel           there is none with this label
    ├── BikeExists            a bike is registered once
    ├── LabelTaken            another bike has this label
    ├── BikeNotAvailable      someone rides it, or staff took it out
    ├── BikeIsRidden          what is asked must wait for the return
    ├── RentWasCancelled      the reservation comes after its own cancellation
    ├── TooLate               the caller has stopped waiting
    └── Overloaded            more reservations are waiting than can be done in time
"""

import re
from dataclasses import dataclass, replace
from enum import StrEnum

LABEL = "^[0-9-]*[A-Za-z][A-Za-z0-9-]*$"
"""What stands on a bike beside its number: at least one letter, or it would be a number."""
MOST_LABEL = 36
"""Characters of a label: a UUID fits, which feeds have for a name."""


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


@dataclass(eq=False)
class NoSuchLabel(BikeRefused):
    label: str


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
class BikeIsRidden(BikeRefused):
    bikeid: int


@dataclass(eq=False)
class RentWasCancelled(BikeRefused):
    rentid: int


class TooLate(BikeRefused):
    """The caller's deadline passed before the work could be done; nothing was done."""


class Overloaded(BikeRefused):
    """More requests are waiting than can be served in time."""


@dataclass(frozen=True, slots=True)
class Location:
    """Where a bike is: free text, and WGS 84 degrees when known."""

    location: str | None = None
    lat: float | None = None
    lon: float | None = None


@dataclass(frozen=True, slots=True)
class Bike:
    """One bike."""

    bikeid: int
    place: Location
    batterylevel: int | None
    rentid: int | None
    held: bool
    broken: bool
    retired: bool
    version: int
    seen_ms: int | None = None
    """When somebody last stood at it: registered, rented, returned or reported it."""
    rent_over: bool = False
    """`rentid` has a tombstone: nobody rides the bike, though it carries the number."""
    label: str | None = None
    """In capitals."""

    @property
    def status(self) -> Status:
        """사용중 while ridden or held, else 불량 when broken, else 사용가능."""
        if self.rentid is not None or self.held:
            return Status.IN_USE
        return Status.BROKEN if self.broken or self.retired else Status.AVAILABLE


def as_label(text: str) -> str | None:
    """The label as it is kept, None: it is none. Small letters and capitals are the same."""
    return text.upper() if len(text) <= MOST_LABEL and re.fullmatch(LABEL, text) else None


def a_new_bike(
    bikeid: int, status: Status, place: Location, batterylevel: int | None, label: str | None = None
) -> Bike:
    """R1: registered as 사용중 it is held by staff (there is no rent), as 불량 it is broken."""
    return Bike(
        bikeid=bikeid,
        place=place,
        batterylevel=batterylevel,
        rentid=None,
        held=status is Status.IN_USE,
        broken=status is Status.BROKEN,
        retired=False,
        version=1,
        label=label,
    )


def marked(bike: Bike, status: Status) -> Bike:
    """An operator sets the public status; what the bike already shows changes nothing. 사용가능 also frees a bike that
    carries a rent which is over. Raises BikeIsRidden."""
    if status is bike.status:
        return bike
    if status is Status.IN_USE:
        return replace(bike, held=True)
    if status is Status.BROKEN:
        return replace(bike, held=False, broken=True)
    return replace(_free(bike), held=False, broken=False)


def reported(bike: Bike, batterylevel: int, usableyn: bool | None) -> Bike:
    """R10: a report sets the battery; 불량 stays hidden behind 사용중 until the return; usable clears only `broken`."""
    broken = bike.broken if usableyn is None else not usableyn
    return replace(bike, batterylevel=batterylevel, broken=broken)


def retired(bike: Bike) -> Bike:
    """A bike leaves the fleet; its history stays. Raises BikeIsRidden."""
    return replace(_free(bike), retired=True)


def _free(bike: Bike) -> Bike:
    """The bike without the number of a rent that is over. Raises BikeIsRidden."""
    if bike.rentid is not None and not bike.rent_over:
        raise BikeIsRidden(bike.bikeid)
    return replace(bike, rentid=None, rent_over=False)
