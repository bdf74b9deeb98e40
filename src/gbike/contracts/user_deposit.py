"""What the userDeposit service says. `deposit` is the balance after the movement, `version` tells which is newer."""

from gbike.contracts import Said


class UpdatedDeposit(Said, frozen=True):
    """A fee was taken from a rider's deposit (R7)."""

    userid: int
    deposit: int
    billid: int | None = None
    fee: int | None = None
    version: int = 0

    @property
    def key(self) -> str:
        """The rider."""
        return f"user:{self.userid}"


class AddedDeposit(Said, frozen=True):
    """A deposit was opened, topped up, adjusted, or grew by converted points (R12)."""

    userid: int
    deposit: int
    billid: int | None = None
    amount: int | None = None
    cause: str | None = None
    version: int = 0

    @property
    def key(self) -> str:
        """The rider."""
        return f"user:{self.userid}"


SAYS = (UpdatedDeposit, AddedDeposit)
