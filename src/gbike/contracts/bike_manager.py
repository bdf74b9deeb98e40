"""What the bikeManager service says."""

from gbike.contracts import Event, Number


class AdjustedPoint(Event, frozen=True):
    """A manager's points moved. With `conversion` set, `adjustpoint` points became that many won of deposit (R12)."""

    ABOUT = "manager"
    managerid: Number
    userid: Number
    point: Number
    adjustpoint: Number | None = None
    conversion: str | None = None


PUBLISHES = (AdjustedPoint,)
