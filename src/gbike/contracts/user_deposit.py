"""What the userDeposit service says. `deposit` is the balance after the movement, `version` tells which is newer."""

from msgspec import UNSET, UnsetType

from gbike.contracts import Event, Moment, Number


class UpdatedDeposit(Event, frozen=True):
    """A fee was taken from a rider's deposit (R7)."""

    ABOUT = "user"
    userid: Number
    deposit: Number
    billid: Number | None = None
    fee: Number | None = None
    version: Number = 0


class AddedDeposit(Event, frozen=True):
    """A deposit was opened, topped up, adjusted, or grew by converted points (R12)."""

    ABOUT = "user"
    userid: Number
    deposit: Number
    billid: Number | None = None
    amount: Number | None = None
    cause: str | None = None
    version: Number = 0


class RefundedFee(Event, frozen=True):
    """What a correction gives back of a bill's fee is in its rider's deposit."""

    ABOUT = "user"
    userid: Number
    deposit: Number
    billid: Number
    rentid: Number
    correctionid: Number
    amount: Number
    version: Number = 0


class ChangedStanding(Event, frozen=True):
    """Whether a rider may begin a ride changed, or is told for the first time. `reasons` says why not (`staff`: an
    operator blocked them; `minimum`), and `missing_krw` how much has to be paid in before it is so."""

    ABOUT = "user"
    userid: Number
    mayrent: bool
    reasons: tuple[str, ...] = ()
    version: Number = 0
    """Of the standing: the newest wins."""
    missing_krw: Number = 0
    deposit: Number = 0
    """The balance when this was said, won, after the movement that `depositversion` counts."""
    depositversion: Number = 0
    blockeduntil: Moment | UnsetType = UNSET
    """When the reason `staff` ends by itself; without it, when that is said."""


PUBLISHES = (UpdatedDeposit, AddedDeposit, RefundedFee, ChangedStanding)
