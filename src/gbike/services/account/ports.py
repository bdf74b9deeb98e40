"""What the use cases of account need from outside."""

from collections.abc import Sequence
from typing import Protocol

from gbike.kit.contacts import Contact
from gbike.services.account.domain import About, Account, CodeWish, Credentials, Newcomer, Patience, Roles, Try


class Accounts(Protocol):
    """The accounts and their sessions. Whoever is not found raises NoSuchAccount; of `only` None it may be anybody."""

    async def add(self, newcomer: Newcomer, password_hash: str, roles: Roles) -> Account | None:
        """A new account whose contact counts as proved, and say RegisteredAccount; None when the contact has one."""

    async def one(self, userid: int, only: int | None = None) -> Account:
        """The account."""

    async def credentials_of(self, userid: int, only: int | None) -> Credentials:
        """What a sign-in as this account is compared with."""

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


class Contacts(Protocol):
    """Who has which contact. One that nobody has proved may be of several accounts; the first who proves it has it."""

    async def sign_up(self, newcomer: Newcomer, password_hash: str, code: str) -> CodeWish:
        """A new rider whose contact the code must prove, and say RegisteredAccount; nothing when it is somebody's."""

    async def candidates(self, contact: Contact) -> list[Credentials]:
        """What a sign-in with this contact is compared with: MOST_UNPROVED at most."""

    async def as_kept(self, contact: Contact) -> str:
        """A contact as the account that has proved it typed it; as it is typed now where there is none."""

    async def take(self, userid: int, contact: Contact, code: str) -> CodeWish:
        """Another contact for an account, which the code must prove. Raises NoSuchAccount, TooManyTries."""

    async def renew(self, userid: int, code: str, only: int | None) -> CodeWish:
        """Another code for the contact to prove. Raises NoSuchAccount, NothingToProve, TooManyTries."""

    async def prove(self, userid: int, code: str, only: int | None) -> Account | None:
        """The contact is the account's, if the code is right. Raises NoSuchAccount, NothingToProve."""


class Sessions(Protocol):
    """Who is signed in, and how often somebody failed to."""

    async def count(self, one: Try, patience: Patience) -> int:
        """Count a try before it is judged; answers 0, or the seconds to wait because there were too many."""

    async def forgive(self, one: Try) -> None:
        """The try was a good one: its contact's failures are forgotten."""

    async def start(
        self, known: Credentials, step: int | str | None, refresh_token: str, lasts_ms: int, one: Try
    ) -> bool:
        """Begin a session and forgive the tries before; False when the password was changed, or the code of that
        `step` used, meanwhile, or `step` is text and no recovery code."""

    async def renew(self, refresh_token: str, next_token: str, lasts_ms: int) -> Account | None:
        """Use up a refresh token for the next one. None when it is of no use; a used one ends its session."""

    async def end(self, refresh_token: str) -> None:
        """End the session that the token continues, if there is one."""


class Enrolments(Protocol):
    """Authenticators."""

    async def begin(self, userid: int, sealed: bytes, only: int | None) -> None:
        """Keep a secret that a code must confirm. Raises EnrolledAlready, ContactUnproved, NoSuchAccount."""

    async def confirm(
        self, userid: int, sealed: bytes, step: int, only: int | None, *, recovery: Sequence[str]
    ) -> Account:
        """Codes of this secret are wanted from now on, or one of `recovery`. Raises NotEnrolling."""

    async def remove(self, userid: int) -> Account:
        """Codes are wanted no more: the authenticator is lost."""


class Recovery(Protocol):
    """Codes for those whose authenticator is lost."""

    async def renew(self, userid: int, codes: Sequence[str], only: int | None) -> Account:
        """Other codes in place of those that there are. Raises NoSuchAccount, NotEnrolling."""


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

    async def which(self, kept: Sequence[str], password: str, tries: int) -> int | None:
        """Which of the hashes is the password's; when it is none, that took as long as `tries` of them."""

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

    def access(self, userid: int, roles: Sequence[str], managerid: int | None) -> tuple[str, int]:
        """An access token, and how many seconds it lasts."""

    def secret(self) -> str:
        """Something that nobody can guess."""

    def recovery_code(self) -> str:
        """16 letters and digits that nobody can guess (80 bits)."""

    def digits(self, many: int) -> str:
        """As many digits of chance."""


class Sender(Protocol):
    """How a person is reached. Failure is the sender's to tell, and never the caller's trouble."""

    async def send_reset(self, userid: int, token: str, expires_ms: int) -> None:
        """Bring a reset token to the person."""

    async def send_code(self, userid: int, code: str, expires_ms: int) -> None:
        """Bring a code to the contact that the account has yet to prove."""

    async def forget(self, userid: int) -> None:
        """Take back what lies ready for a person who was erased."""

    async def send_notice(self, userid: int, about: About) -> None:
        """Tell the person, by the contact that the account has proved, what was done."""
