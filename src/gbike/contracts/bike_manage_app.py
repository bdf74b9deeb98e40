"""What the bikeManageApp service says."""

from msgspec import UNSET, UnsetType

from gbike.contracts import Number, Percent, Said


class Reported(Said, frozen=True):
    """A manager's report was applied to a bike, and earns points (R10, R11)."""

    reportid: Number
    managerid: Number
    bikeid: Number
    batterylevel: Percent | None = None
    usableyn: bool | None = None
    points: Number | UnsetType = UNSET
    """What it earns, decided when it was applied. Old messages don't tell: as every report did, 1,000."""

    @property
    def key(self) -> str:
        """The bike that was reported on."""
        return f"bike:{self.bikeid}"


SAYS = (Reported,)
