"""What the use cases of account need from outside."""

from collections.abc import Sequence
from typing import Protocol

from gbike.services.account.domain import Account, Credentials, Newcomer, Patience, Roles, Try


class Accounts(Protocol):
    """The accounts and their sessions. Whoever is not found raises NoSuchAccount; of `only` None it may be anybody."""

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


class Sessions(Protocol):
    """Who is signed in, and how often somebody failed to."""

    async def count(self, one: Try, patience: Patience) -> int:
        """Count a try before it is judged; answers 0, or the seconds to wait because there were too many."""

    async def forgive(self, one: Try) -> None:
        """The try was a good one: its contact's failures are forgotten."""

    async def start(self, known: Credentials, step: int | None, refresh_token: str, lasts_ms: int, one: Try) -> bool:
        """Begin a session and forgive the tries before; False when the password was changed, or the code of that
        `step` used, meanwhile."""

    async def renew(self, refresh_token: str, next_token: str, lasts_ms: int) -> Account | None:
        """Use up a refresh token for the next one. None when it is of no use; a used one ends its session."""

    async def end(self, refresh_token: str) -> None:
        """End the session that the token continues, if there is one."""


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

    async def offer(self, contact: str, token: str, expires_ms: int) -> int | None:
        """Keep a token for the account of this contact; answers its number, None when there is none."""

    async def use(self, token: str, password_hash: str, lasts_ms: int) -> Account | None:
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

    def access(self, userid: int, roles: Sequence[str], managerid: int | None, *, tokenversion: int) -> tuple[str, int]:
        """An access token, and how many seconds it lasts. All it says is of one look at the account."""

    def secret(self) -> str:
        """Something that nobody can guess."""


class Sender(Protocol):
    """How a person is reached."""

    async def send_reset(self, userid: int, token: str, expires_ms: int) -> None:
        """Bring a reset token to the person; failure is the sender's to tell."""
