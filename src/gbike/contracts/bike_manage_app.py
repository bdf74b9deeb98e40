"""What the bikeManageApp service says."""

from gbike.contracts import Said


class Reported(Said, frozen=True):
    """A manager's report was applied to a bike, and earns points (R10, R11)."""

    reportid: int
    managerid: int
    bikeid: int
    batterylevel: int | None = None
    usableyn: bool | None = None

    @property
    def key(self) -> str:
        """The bike that was reported on."""
        return f"bike:{self.bikeid}"


SAYS = (Reported,)
