"""Who somebody is, what they may do, and when they are not let in.

AccountRefused
├── NoSuchAccount         there is none with this number, or it is somebody else's
├── SignInRefused         contact, password or code do not fit; nobody is told which
├── CodeNeeded            the password fits and a one-time code is wanted too
├── TooManyAttempts          too many failures: wait `retry_after_s`
├── TooManyAtOnce         as many tries are under way as may fail: nothing was done
├── TooManySignUps        too many accounts were asked for by one client: wait `retry_after_s`
├── TooManyResets         too many resets were asked for by one client: wait `retry_after_s`
├── SignInAgain           the password must be shown for this, or have been shown a moment ago
├── SessionOver           the refresh token is none, was used before, or its session has ended
├── ResetRefused          the reset token is none, was used, or is too old
├── InvitationRefused     the invitation's token is none, was used or withdrawn, or is too old
├── NewcomerUnnamed       who is invited and has no account needs a name and a password
├── NoSuchInvitation      it was used or withdrawn, or never was
├── ExpiryRefused         an invitation would end in the past, or too late
├── WeakPassword          too common, or the person's own name
├── LastAdmin             somebody must be left who can grant roles
├── AccountInUse          there is an open ride, money or a debt
├── ProofRefused          the code that should prove a contact is wrong, too old, or was tried too often
├── NothingToProve        the contact is proved, or there is none
├── ContactUnproved       a second factor is for those whose contact is proved
├── EnrolledAlready       one-time codes are wanted already
└── NotEnrolling          there is no enrolment that a code could confirm
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from unicodedata import normalize

from gbike.kit.auth.guessable import is_guessable

SHORTEST, LONGEST = 10, 128
"""Characters of a password."""
CODE_DIGITS = 8
"""Of a code that proves a contact."""
CODE_MS = 15 * 60_000
"""How long such a code is good."""
MOST_TRIES = 5
"""How often such a code may be tried."""
RECOVERY_CODES = 10
"""Codes that let somebody in, each once, whose authenticator is lost."""
MOST_CODES = 5
"""Codes within CODES_WITHIN_MS, to one contact and for one account."""
CODES_WITHIN_MS = 3_600_000
MOST_UNPROVED = 2
"""Accounts that wait for the same contact. A failed sign-in takes as long as one hash for each: nobody learns it."""
RECENT_S = 300
"""How long ago the password may have been shown, for what asks for it."""
INVITATION_MS, LONGEST_INVITATION_MS = 72 * 3_600_000, 30 * 24 * 3_600_000
"""How long an invitation is good unless told, and at most."""
_FIRST_GUESSES = """
0123456789 01234567890 0987654321 1029384756 1111111111 1122334455 1123581321 1212121212 1234512345 1234567890
12345678900 12345678910 123456789a 1234567891 1234567899 12345678901 123456789q 123qwe123qwe 1357924680 1q2w3e4r5t
1q2w3e4r5t6y 1qaz2wsx3edc 2147483647 9876543210 abcd123456 abcdefghij administrator asdfasdfasdf asdfghjkl1 asdfghjkl;
basketball bicycle123 changeme123 computer123 football123 iloveyou12 iloveyou123 iloveyou1234 letmein123 password01
password10 password12 password11 password123 password1234 password12345 password123! passw0rd123 qwe123qwe123
qwer1234qwer qwerty1234 qwerty12345 qwerty123456 qwertyuiop qwertyuiop1 qwertyuiop[] q1w2e3r4t5 q1w2e3r4t5y6 superman123
sunshine123 welcome123 welcome1234 zxcvbnm123 zaq12wsx123 dkssudgktpdy sarang1234 tkfkdgo1234 비밀번호비밀번호비밀
"""
COMMON = frozenset(_FIRST_GUESSES.split())
"""What guessers try first, as far as it is long enough to be allowed."""


class AccountRefused(Exception):
    """Something about an account was refused."""


@dataclass(eq=False)
class NoSuchAccount(AccountRefused):
    """There is no such account, or it is not yours."""

    userid: int


class SignInRefused(AccountRefused):
    """Contact, password or code do not fit."""


@dataclass(eq=False)
class Wait(AccountRefused):
    """Not before so many seconds."""

    retry_after_s: int


class CodeNeeded(AccountRefused):
    """The password fits; the code of the authenticator is wanted too."""


class TooManyAttempts(Wait):
    """Too many failures, whether there is such an account or not."""


class TooManyAtOnce(AccountRefused):
    """As many tries are under way as may fail. None of them has failed yet, so nobody is told that they did."""


class TooManySignUps(Wait):
    """Too many accounts were asked for by one client."""


class TooManyResets(Wait):
    """Too many resets were asked for by one client."""


class SignInAgain(AccountRefused):
    """This asks for the password, or for a sign-in that is RECENT_S old at most."""


class SessionOver(AccountRefused):
    """The session has ended, or never was."""


class ResetRefused(AccountRefused):
    """The reset token is of no use."""


class InvitationRefused(AccountRefused):
    """The invitation's token is of no use."""


class NewcomerUnnamed(AccountRefused):
    """Who has no account yet gives a name and a password."""


@dataclass(eq=False)
class NoSuchInvitation(AccountRefused):
    """There is no open invitation with this number."""

    invitationid: int


@dataclass(eq=False)
class ExpiryRefused(AccountRefused):
    """An invitation ends after now, and not after `latest`."""

    latest: str


@dataclass(eq=False)
class WeakPassword(AccountRefused):
    """The password is easy to guess."""

    why: str


@dataclass(eq=False)
class LastAdmin(AccountRefused):
    """There would be no admin left."""

    userid: int


@dataclass(eq=False)
class AccountInUse(AccountRefused):
    """The person has so many open `rides`, or money or a debt (`deposit` in won, below 0): that comes first."""

    userid: int
    rides: int
    deposit: int


class ProofRefused(AccountRefused):
    """The code proves no contact."""


class NothingToProve(AccountRefused):
    """There is no contact that a code could prove."""


class ContactUnproved(AccountRefused):
    """The contact must be proved first."""


class EnrolledAlready(AccountRefused):
    """The account wants one-time codes already."""


class NotEnrolling(AccountRefused):
    """No enrolment is under way."""


class Role(StrEnum):
    """What somebody may be."""

    RIDER = "rider"
    BIKE_MANAGER = "bikeManager"
    ADMIN = "admin"


STAFF = frozenset({Role.BIKE_MANAGER, Role.ADMIN})
Roles = tuple[Role, ...]


@dataclass(frozen=True, slots=True)
class Account:
    """One person. An erased one has neither name nor contact, and no role. `managerid`: which of the field staff.
    `contact`: the one that is `proved`, else the one that has yet to be (`wanted`), if nobody else proved it.
    `tokenversion`: of access tokens that are issued from this look at it."""

    userid: int
    name: str | None
    contact: str | None
    roles: Roles
    managerid: int | None
    codes_wanted: bool
    created_ms: int
    erased_ms: int | None = None
    proved: bool = True
    wanted: str | None = None
    recovery_left: int = 0
    tokenversion: int = 0


@dataclass(frozen=True, slots=True)
class Unsettled:
    """What a person has elsewhere that must be settled before the account may be erased."""

    open_rides: int = 0
    balance_krw: int = 0


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a sign-in is compared with. `sealed` is the authenticator's secret, once enrolled or while enrolling."""

    account: Account
    password_hash: str
    sealed: bytes | None
    last_step: int


class About(StrEnum):
    """What a person is told of: what was done, in case it was not they who did it, or what they may have forgotten."""

    PASSWORD = "password changed"  # noqa: S105 - what a letter is about
    FACTOR = "second factor added"
    FACTOR_GONE = "second factor removed"
    RECOVERY = "recovery codes made anew"
    RECOVERED = "signed in with a recovery code"
    CONTACT_ASKED = "another contact asked for"
    CONTACT = "contact changed"
    SIGN_UP = "signed up with your contact"
    ROLES = "roles changed"
    OVERDUE = "a ride is overdue"


@dataclass(frozen=True, slots=True)
class Invitation:
    """Who has this contact (`normal`: in its normal form) may come, and do this."""

    invitationid: int
    contact: str
    normal: str
    roles: Roles
    managerid: int | None
    since_ms: int
    expires_ms: int


@dataclass(frozen=True, slots=True)
class CodeWish:
    """To whom a code that proves `contact` is sent; or who has proved it and is told instead. Neither: too many."""

    userid: int | None = None
    owner: int | None = None
    contact: str = ""


@dataclass(frozen=True, slots=True)
class SignInAttempt:
    """A try to get in that is under way. `contact`: in its normal form. `client`: what counts as one asker (an IPv4
    address, an IPv6 /64). `known`: it got into this account before, so others' failures don't delay it."""

    id: str
    contact: str
    client: str
    known: bool


@dataclass(frozen=True, slots=True)
class Pace:
    """So many at once, and as many evenly over each `per_ms`."""

    most: int
    per_ms: int

    @property
    def each_ms(self) -> int:
        """How long one takes to be given back, ms."""
        return max(1, self.per_ms // self.most)


@dataclass(frozen=True, slots=True)
class LockoutPolicy:
    """Lockout policy: `free` of a contact and client before each costs a wait that doubles up to `longest_ms`; of one
    client over all contacts; and of one contact over all clients that are unknown to its account."""

    free: int
    longest_ms: int
    of_client: Pace
    of_contact: Pace

    def delay_ms(self, failures: int) -> int:
        """The wait after so many failures of a contact and client in a row, ms."""
        late = failures - self.free
        return 0 if late < 0 else min(1000 << min(late, 20), self.longest_ms)


@dataclass(frozen=True, slots=True)
class Access:
    """What a session gives: an access token, how long it lasts, and the one refresh token that continues it."""

    account: Account
    roles: Roles
    access_token: str
    lasts_s: int
    refresh_token: str


@dataclass(frozen=True, slots=True)
class Device:
    """Where a session began, as coarse as it helps its owner: the client's network and what it calls itself."""

    network: str
    agent: str


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session that begins. `token`: the hash of its first refresh token."""

    id: str
    token: str
    lasts_ms: int
    device: Device


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody is signed in. `since_ms` and `used_ms` are None where it began under a version that did not say."""

    id: str
    since_ms: int | None
    used_ms: int | None
    device: Device
    expires_ms: int


@dataclass(frozen=True, slots=True)
class Renewal:
    """What a refresh token gives: whose it is, the session, when its password was shown (s), and the salt from which
    its one successor is made."""

    account: Account
    session: str
    auth_time_s: int | None
    salt: str


def plain_code(typed: str) -> str:
    """A code as it is compared: people type a recovery code with or without its dashes."""
    return typed.replace("-", "").upper()


def in_order(roles: Iterable[str]) -> Roles:
    """Roles, each once and in the usual order. Raises ValueError for one that there is not."""
    wanted = {Role(role) for role in roles}
    return tuple(role for role in Role if role in wanted)


def must_be_strong(password: str, *, beside: Sequence[str]) -> None:
    """Raises WeakPassword when it is too short or long, common, one character over and over, or one of `beside`. It is
    judged as it is kept, as NFC: a keyboard that takes syllables apart makes none longer or rarer."""
    password = normalize("NFC", password)
    low = password.casefold()
    if not SHORTEST <= len(password) <= LONGEST:
        raise WeakPassword(f"it must have {SHORTEST} to {LONGEST} characters")
    if low in COMMON or len(set(low)) < 3:
        raise WeakPassword("it is one of the first that would be guessed")
    if low in {word.casefold() for word in beside}:
        raise WeakPassword("it must not be the name or the contact")
    if is_guessable(password, beside):
        raise WeakPassword("it is easy to guess")


def must_be_settled(userid: int, left: Unsettled) -> None:
    """An account with an open ride, money or debt is not erased. Raises AccountInUse."""
    if left != Unsettled():
        raise AccountInUse(userid, left.open_rides, left.balance_krw)


def roles_in_session(account: Account, *, codes_required_of_staff: bool) -> Roles:
    """Staff who must have an authenticator and have none yet are riders until they have enrolled."""
    if codes_required_of_staff and not account.codes_wanted and STAFF & set(account.roles):
        return (Role.RIDER,)
    return account.roles
