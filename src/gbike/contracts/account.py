"""What the account service says."""

from gbike.contracts import Event, Number


class RegisteredAccount(Event, frozen=True):
    """Somebody has an account now: the rider of the same number."""

    ABOUT = "user"
    userid: Number


class AccountErased(Event, frozen=True):
    """A person's account was erased: whoever holds something of that person forgets who it was."""

    ABOUT = "user"
    userid: Number


class ChangedRoles(Event, frozen=True):
    """What a person may do is another thing than before: access tokens of an older version say what is no longer so."""

    ABOUT = "user"
    userid: Number
    tokenversion: Number
    """Access tokens of this version, and of newer ones, know of it."""


class EndedSessions(Event, frozen=True):
    """Sessions of a person ended (all, as the password was set anew or they signed out everywhere, or one that they
    ended from another): access tokens of an older version are refused, and those who are still in refresh."""

    ABOUT = "user"
    userid: Number
    tokenversion: Number
    """Access tokens of this version, and of newer ones, are of sessions that go on."""


PUBLISHES = (RegisteredAccount, AccountErased, ChangedRoles, EndedSessions)
