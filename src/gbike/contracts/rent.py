"""What the rent service says."""

from msgspec import UNSET, UnsetType

from gbike.contracts import Event, Latitude, Longitude, Moment, Number, Personal


class Rented(Event, frozen=True):
    """A rent began: the bike is the rider's (R3)."""

    ABOUT = "rent"
    rentid: Number
    userid: Number
    bikeid: Number
    status: str
    starttime: Moment


class RentCancelled(Event, frozen=True):
    """A rent that had asked for a bike did not begin; whatever it reserved is to be freed."""

    ABOUT = "rent"
    rentid: Number
    userid: Number
    bikeid: Number
    reason: str


class Returned(Event, frozen=True):
    """A rider gave the bike back (R5). It carries the start too, so that nobody has to remember it."""

    ABOUT = "rent"
    rentid: Number
    userid: Number
    bikeid: Number
    status: str
    endtime: Moment
    endlocation: Personal[str | None] = None
    starttime: Moment | None = None
    lat: Personal[Latitude | None] = None
    lon: Personal[Longitude | None] = None
    endedby: str | UnsetType = UNSET
    """How it ended: `rider` at the tap, `offline` at a tap without a line, `admin` by an operator, `void` by one who
    let it cost nothing. Old messages don't tell."""
    clocksuspect: bool | UnsetType = UNSET
    """True where the clocks that measured the ride disagree by more than a minute."""
    accuracy: Personal[float | UnsetType | None] = UNSET
    """Metres, as the phone said; with `measuredat` where it says when it measured the position."""
    measuredat: Personal[Moment | UnsetType | None] = UNSET
    noposition: str | UnsetType = UNSET
    """Why a position that was sent is none: `zero`, `half`, `swapped`, `far`, `old` or `coarse`. There is none then."""
    voided: bool | UnsetType = UNSET
    """True: it costs nothing, whatever the tariff says."""
    stayed: bool | UnsetType = UNSET
    """True: the ride ended where it began. Left out: it did not, or nobody knows where it began."""


class RideOverdue(Event, frozen=True):
    """A ride lasts longer than rides are meant to; said once of a ride, while it is under way."""

    ABOUT = "rent"
    rentid: Number
    userid: Number
    bikeid: Number
    starttime: Moment


PUBLISHES = (Rented, RentCancelled, Returned, RideOverdue)
