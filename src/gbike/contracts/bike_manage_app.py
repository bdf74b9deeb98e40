"""What the bikeManageApp service says."""

from msgspec import UNSET, UnsetType

from gbike.contracts import Event, Number, Percent


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


PUBLISHES = (Reported,)
