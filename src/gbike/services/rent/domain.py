"""The states of a rent: PENDING → OPEN → RETURNED, or PENDING → CANCELLED, and nothing else (I4).

RentRefused
├── BikeNotAvailable      bike answered that it can't be rented
├── NoSuchBike            bike knows no such bike
├── NoSuchRent            there is none with this number, or it is still pending
├── RentIsCancelled       it never began, so it can't be returned
├── TooManyOpenRents      the rider has as many open rents as are allowed
└── GivenUp               the rent was cancelled while bike was asked: try again
"""

from dataclasses import dataclass


class RentRefused(Exception):
    """Something about a rent was refused; nothing changed."""


@dataclass(eq=False)
class BikeNotAvailable(RentRefused):
    """The bike is not 사용가능."""

    bikeid: int
    bikestatus: str


@dataclass(eq=False)
class NoSuchBike(RentRefused):
    """There is no such bike."""

    bikeid: int


@dataclass(eq=False)
class NoSuchRent(RentRefused):
    """There is no such rent."""

    rentid: int


@dataclass(eq=False)
class RentIsCancelled(RentRefused):
    """The rent never began."""

    rentid: int


@dataclass(eq=False)
class TooManyOpenRents(RentRefused):
    """The rider may not have more open rents at once."""

    userid: int
    most: int


@dataclass(eq=False)
class GivenUp(RentRefused):
    """The rent took too long and was cancelled; the bike is free again."""

    bikeid: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where a ride ended: free text, and WGS 84 degrees when known."""

    endlocation: str | None = None
    lat: float | None = None
    lon: float | None = None


@dataclass(frozen=True, slots=True)
class PendingRent:
    """A wish on record: bike has not answered yet."""

    rentid: int
    userid: int
    bikeid: int


@dataclass(frozen=True, slots=True)
class OpenRent:
    """A rider rides a bike."""

    rentid: int
    userid: int
    bikeid: int
    started_ms: int


@dataclass(frozen=True, slots=True)
class ReturnedRent:
    """A ride that is over."""

    rentid: int
    userid: int
    bikeid: int
    started_ms: int
    ended_ms: int
    place: Place


@dataclass(frozen=True, slots=True)
class CancelledRent:
    """A rent that did not begin, and why."""

    rentid: int
    userid: int
    bikeid: int
    reason: str


KnownRent = OpenRent | ReturnedRent | CancelledRent


def give_back(rent: OpenRent, at_ms: int, place: Place) -> ReturnedRent:
    """R5: the ride is over, at `at_ms` but never before its start, however the clock was set."""
    return ReturnedRent(rent.rentid, rent.userid, rent.bikeid, rent.started_ms, max(at_ms, rent.started_ms), place)
