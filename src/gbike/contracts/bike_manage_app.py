"""What the bikeManageApp service says."""

from msgspec import UNSET, UnsetType

from gbike.contracts import Event, Moment, Number, Percent


class Reported(Event, frozen=True):
    """A manager's report was applied to a bike, and earns points (R10, R11)."""

    ABOUT = "bike"
    reportid: Number
    managerid: Number
    bikeid: Number
    batterylevel: Percent | None = None
    usableyn: bool | None = None
    points: Number | UnsetType = UNSET
    """What it earns, decided when it was applied. Old messages don't tell: as every report did, 1,000."""


class RiderComplained(Event, frozen=True):
    """Somebody complained of a bike. What they wrote is not in it."""

    ABOUT = "bike"
    complaintid: Number
    userid: Number
    bikeid: Number
    kind: str
    at: Moment
    takenout: bool = False
    """Whether it takes the bike out of service."""


PUBLISHES = (Reported, RiderComplained)
