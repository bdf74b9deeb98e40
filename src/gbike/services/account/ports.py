"""What the use cases of account need from outside."""

from collections.abc import Sequence
from typing import Protocol

from gbike.kit.contacts import Contact
from gbike.services.account.domain import (
    About,
    Account,
    Attempt,
    CodeWish,
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
        self,
        known: Credentials,
        step: int | str | None,
        refresh_token: str,
        lasts_ms: int,
        begun: tuple[Attempt, Device],
    ) -> str | None:
        """Begin a session, with which the attempt succeeds; answers its name, None when the password was changed, or
        the code of that `step` used, meanwhile, or `step` is text and no recovery code."""

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

    def access(
        self,
        userid: int,
        roles: Sequence[str],
        managerid: int | None,
        session: tuple[str, int | None],
        *,
        tokenversion: int,
    ) -> tuple[str, int]:
        """An access token of a session, in which the password was shown then (s), and how many seconds it lasts. All it
        says is of one look at the account."""

    def secret(self) -> str:
        """Something that nobody can guess."""

    def recovery_code(self) -> str:
        """16 letters and digits that nobody can guess (80 bits)."""

    def digits(self, many: int) -> str:
        """As many digits of chance."""

    def successor(self, refresh_token: str, salt: str) -> str:
        """The refresh token after this one."""


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
