"""What the account service says."""

from gbike.contracts import Number, Said


class RegisteredAccount(Said, frozen=True):
    """Somebody has an account now: the rider of the same number."""

    userid: Number

    @property
    def key(self) -> str:
        """The person."""
        return f"user:{self.userid}"


class AccountErased(Said, frozen=True):
    """A person's account was erased: whoever holds something of that person forgets who it was."""

    userid: Number

    @property
    def key(self) -> str:
        """The person."""
        return f"user:{self.userid}"


SAYS = (RegisteredAccount, AccountErased)
