"""What the bike service says, and what it may be asked by other services."""

import msgspec
from msgspec import UNSET, UnsetType

from gbike.contracts import Event, Latitude, Longitude, Moment, Number, Percent, Personal


class RegisteredBike(Event, frozen=True):
    """An operator registered a bike (R1). The status is null only in old messages of the original."""

    ABOUT = "bike"
    bikeid: Number
    status: str | None
    location: str | None = None
    me: bool = True
    batterylevel: Percent | None = None
    lat: Latitude | None = None
    lon: Longitude | None = None
    version: Number = 1
    pointat: Moment | UnsetType = UNSET
    pointby: str | UnsetType = UNSET
    noposition: str | UnsetType = UNSET
    """Why a position that was sent is none: `zero`, `half`, `swapped` or `far`. There is none then."""
    label: str | UnsetType = UNSET
    """Left out: it has none."""


class UpdatedBike(Event, frozen=True):
    """A bike changed by an operator's hand or because its ride ended: its status and place now (R6)."""

    ABOUT = "bike"
    bikeid: Number
    status: str
    location: Personal[str | None] = None
    me: bool = True
    batterylevel: Percent | None = None
    lat: Personal[Latitude | None] = None
    lon: Personal[Longitude | None] = None
    retired: bool = False
    rentid: Number | None = None
    version: Number = 0
    pointat: Personal[Moment | UnsetType | None] = UNSET
    """When it was at `lat` and `lon`, as `pointby` says: `rider`, `phone` (measured so exactly, in metres), `place`
    (where its text says) or `staff`."""
    pointby: Personal[str | UnsetType | None] = UNSET
    accuracy: Personal[float | UnsetType | None] = UNSET
    stale: bool | UnsetType = UNSET
    """True: it was moved, and only a text tells where to. It has no position then."""
    noposition: str | UnsetType = UNSET
    """Why a position that was told is none: `zero`, `half`, `swapped` or `far`."""
    label: str | UnsetType = UNSET
    """Left out: it has none."""
    locationof: Number | UnsetType = UNSET
    """The rider whose ride told `location`, left out where that is `rentid`'s own, or staff told it."""
    pointof: Number | UnsetType = UNSET
    """The same of `lat` and `lon`."""
    held: bool | UnsetType = UNSET
    """Whether anybody keeps it out of service."""
    act: str | UnsetType = UNSET
    """What an operator did: `held`, `released` (whose hold says `holder`), `retired`, `unretired` or `changed`; or
    `complained`: a complaint took it out. Left out: its ride ended."""
    holder: str | UnsetType = UNSET


class ChkAndUpdatedStatus(Event, frozen=True):
    """A bike was available, was reserved for a rent and is in use now (R3)."""

    ABOUT = "bike"
    bikeid: Number
    status: str
    me: bool = True
    rentid: Number | None = None
    version: Number = 0


class UpdatedBikeState(Event, frozen=True):
    """A manager's report was applied to a bike: its battery and whether it may be ridden (R10)."""

    ABOUT = "bike"
    bikeid: Number
    status: str
    batterylevel: Percent | None = None
    usableyn: bool | None = None
    me: bool = True
    reportid: Number | None = None
    version: Number = 0


PUBLISHES = (RegisteredBike, UpdatedBike, ChkAndUpdatedStatus, UpdatedBikeState)


class Stand(msgspec.Struct, frozen=True):
    """Where a bike stands, as far as that is on record. `location` left out: an older bike does not say."""

    location: str | UnsetType | None = UNSET
    lat: Latitude | None = None
    lon: Longitude | None = None


class Reservation(Stand, frozen=True, kw_only=True):
    """200 to `PUT /internal/bikes/{bikeid}/reservations/{rentid}`: the bike is this rent's.

    404 there is no such bike · 409 it can't be had (ReservationRefused) · 410 the rent was cancelled before.
    """

    bikeid: Number
    rentid: Number


class ReservationRefused(msgspec.Struct, frozen=True):
    """The facts in a 409 to a reservation: what the bike is instead of available, or why it isn't offered though it
    is."""

    bikestatus: str
    why: str | None = None
    """`battery`: it is charged too little."""


class KnownBike(msgspec.Struct, frozen=True):
    """200 to `GET /internal/bikes/{bikeid}`: there is such a bike. 404 there is none."""

    bikeid: Number


class ReportedState(msgspec.Struct, frozen=True, omit_defaults=True):
    """The body of `PUT /internal/bikes/{bikeid}/reports/{reportid}`: 200 applied · 404 there is no such bike."""

    batterylevel: Percent
    usableyn: bool | None = None
    location: str | None = None
    """Where the bike stands, as staff say. An older bike leaves it where it is."""
    lat: float | None = None
    lon: float | None = None
    seenat: Moment | None = None
    """When it was seen there; None: now."""


class AppliedReport(msgspec.Struct, frozen=True):
    """200 to a report: the bike as it is now."""

    bikeid: Number
    status: str
    changedby: Number | None = None
    """The newest report that changed battery or fault; 0: none ever did. None: an older bike does not say."""
