"""What the use cases of account need from outside."""

from collections.abc import Sequence
from typing import Protocol

from gbike.services.account.domain import (
    Account,
    Attempt,
    Credentials,
    Device,
    Newcomer,
    Pace,
    Patience,
    Renewal,
    Roles,
    Session,
    Try,
)


class Accounts(Protocol):
    """The accounts. Whoever is not found raises NoSuchAccount; of `only` None it may be anybody."""

    async def add(self, newcomer: Newcomer, password_hash: str, roles: Roles) -> Account | None:
        """A new account, and say RegisteredAccount; None when the contact has one."""

    async def one(self, userid: int, only: int | None = None) -> Account:
        """The account."""

    async def credentials(self, contact: str) -> Credentials | None:
        """What a sign-in with this contact is compared with; None when there is nobody."""

    async def credentials_of(self, userid: int, only: int | None) -> Credentials:
        """The same, by number."""

    async def rename(self, userid: int, name: str, only: int | None) -> Account:
        """Change the name."""

    async def set_roles(self, userid: int, roles: Roles, managerid: int | None) -> Account:
        """What they may do from now on. Raises LastAdmin."""

    async def change_password(self, known: Credentials, password_hash: str) -> Account | None:
        """A new password, and every session ends; None when the password was changed meanwhile."""

    async def rehash(self, known: Credentials, password_hash: str) -> None:
        """Keep the same password at another cost, unless it was changed meanwhile."""

    async def erase(self, userid: int, only: int | None) -> Account:
        """Forget who it was, end the sessions and say AccountErased, once. Raises LastAdmin, AccountInUse."""


class Tries(Protocol):
    """Who tries to get in, how often it failed, and how often one client asks for what everybody may."""

    async def begin(self, one: Try, patience: Patience) -> Attempt:
        """Put a try down before it is judged. Raises TooManyTries, TooManyAtOnce."""

    async def fail(self, attempt: Attempt, patience: Patience) -> None:
        """It was judged wrong."""

    async def succeed(self, attempt: Attempt, userid: int) -> None:
        """It was judged right: its failures are forgotten, and the client is known to this account."""

    def drop(self, attempt: Attempt) -> None:
        """It was not judged, or tells nothing; nobody waits until that is kept."""

    async def take(self, what: str, client: str, pace: Pace) -> None:
        """Count a `sign-up` or `reset` of a client. Raises TooManySignUps, TooManyResets."""

    def give_back(self, what: str, client: str, pace: Pace) -> None:
        """Nothing came of it; nobody waits until that is kept."""


class Sessions(Protocol):
    """Who is signed in."""

    async def start(
        self, known: Credentials, step: int | None, refresh_token: str, lasts_ms: int, begun: tuple[Attempt, Device]
    ) -> str | None:
        """Begin a session, with which the attempt succeeds; answers its name, None when the password was changed, or
        the code of that `step` used, meanwhile."""

    async def renew(self, refresh_token: str, salt: str, following: str, lasts_ms: int) -> Renewal | None:
        """Use up a refresh token for the `following` one, its successor with `salt`; the answer's salt is another where
        one was made a moment ago. None when it is of no use; one that was used before ends its session."""

    async def end(self, refresh_token: str) -> None:
        """End the session that the token continues, if there is one."""

    async def all_of(self, userid: int, only: int | None, now_ms: int) -> list[Session]:
        """The sessions of an account that go on, the one used last first."""

    async def end_one(self, userid: int, session: str, only: int | None) -> None:
        """End one of an account's sessions, if it goes on."""

    async def end_all(self, userid: int, only: int | None) -> None:
        """End all of an account's sessions."""


class Enrolments(Protocol):
    """Authenticators."""

    async def begin(self, userid: int, sealed: bytes, only: int | None) -> None:
        """Keep a secret that a code must confirm. Raises EnrolledAlready, NoSuchAccount."""

    async def confirm(self, userid: int, sealed: bytes, step: int, only: int | None) -> Account:
        """Codes of this secret are wanted from now on. Raises NotEnrolling."""

    async def remove(self, userid: int) -> Account:
        """Codes are wanted no more: the authenticator is lost."""


class Resets(Protocol):
    """Ways back for those who forgot their password."""

    async def offer(self, contact: str, token: str, lasts_ms: int) -> tuple[int, int] | None:
        """Keep a token for the account of this contact, beside those that are good; answers its number and until when
        it is good, ms. None when there is no account, or it was sent enough lately."""

    async def is_good(self, token: str, now_ms: int, lasts_ms: int) -> bool:
        """Whether the token would set a password now."""

    async def use(self, token: str, password_hash: str, lasts_ms: int, client: str) -> Account | None:
        """Set the password once, and end every session; None when the token is of no use."""


class Passwords(Protocol):
    """What makes and checks hashes. Raises HashingBusy."""

    async def hash(self, password: str) -> str:
        """The hash to keep."""

    async def fits(self, kept: str | None, password: str) -> bool:
        """Whether it is the one that was hashed; nobody's takes as long."""

    def is_old(self, kept: str) -> bool:
        """Whether it was made at another cost than today's."""


class Authenticators(Protocol):
    """One-time codes (TOTP, RFC 6238)."""

    def new(self, userid: int) -> tuple[bytes, str]:
        """A secret, sealed, and as the person's authenticator takes it."""

    def step(self, sealed: bytes, code: str, userid: int, after: int) -> int | None:
        """The step of time that the code is of, when it is right and later than `after`."""


class Tokens(Protocol):
    """What others recognise somebody by."""

    def access(
        self, userid: int, roles: Sequence[str], managerid: int | None, session: tuple[str, int | None]
    ) -> tuple[str, int]:
        """An access token of a session, in which the password was shown then (s), and how many seconds it lasts."""

    def secret(self) -> str:
        """Something that nobody can guess."""

    def successor(self, refresh_token: str, salt: str) -> str:
        """The refresh token after this one."""


class Sender(Protocol):
    """How a person is reached."""

    async def send_reset(self, userid: int, token: str, expires_ms: int) -> None:
        """Bring a reset token to the person; failure is the sender's to tell."""
