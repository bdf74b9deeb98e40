"""What the bikeManager service says."""

from gbike.contracts import Number, Said


class AdjustedPoint(Said, frozen=True):
    """A manager's points moved. With `conversion` set, `adjustpoint` points became that many won of deposit (R12)."""

    managerid: Number
    userid: Number
    point: Number
    adjustpoint: Number | None = None
    conversion: str | None = None

    @property
    def key(self) -> str:
        """The manager."""
        return f"manager:{self.managerid}"


SAYS = (AdjustedPoint,)
