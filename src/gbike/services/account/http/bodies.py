"""What is sent to account and what it answers. No answer holds a password, and no body is kept for a key: see 0016."""

from typing import Annotated, Literal

from msgspec import Meta, Struct, structs

from gbike.kit.clock import rfc3339
from gbike.kit.http.fields import CLEANED, SEEN, Id, Instant, Reason
from gbike.services.account.domain import LONGEST, SHORTEST, Access, Account, Session
from gbike.services.account.http.consents import GivenConsents

_LINE = r"[^\x00-\x1f\x7f]*"
Name = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=100,
        pattern=rf"^{_LINE}{SEEN}{_LINE}$",
        description="as people are called",
        extra=CLEANED,
    ),
]
Contact = Annotated[
    str, Meta(min_length=3, max_length=254, pattern=rf"^{_LINE}$", description="an address or number to sign in with")
]
Known = Annotated[str, Meta(max_length=LONGEST, description="the password")]
New = Annotated[str, Meta(min_length=SHORTEST, max_length=LONGEST, description="a new password")]
Code = Annotated[str, Meta(pattern=r"^[0-9]{6}$", description="six digits of the authenticator")]
SignInCode = Annotated[
    str,
    Meta(
        pattern=r"^([0-9]{6}|[A-Za-z2-7]{4}(-?[A-Za-z2-7]{4}){3})$",
        description="six digits of the authenticator, or a recovery code",
    ),
]
ProofCode = Annotated[str, Meta(pattern=r"^[0-9]{8}$", description="eight digits, as they were sent to the contact")]
Secret = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9_-]+$", description="as it was given")]
RoleName = Literal["rider", "bikeManager", "admin"]


class SignUp(Struct, frozen=True):
    """Who wants an account. `consents`: the version of each that they agree to."""

    name: Name
    contact: Contact
    password: New
    consents: GivenConsents = GivenConsents()


class SignIn(Struct, frozen=True):
    """Who wants in. `code`: where there is an authenticator."""

    contact: Contact
    password: Known
    code: SignInCode | None = None


class Refresh(Struct, frozen=True):
    """The refresh token of the last answer; it is good once."""

    refresh_token: Secret


class PasswordChange(Struct, frozen=True):
    """The password so far, and the next one."""

    current: Known
    new: New


class ResetWish(Struct, frozen=True):
    """Whose password was forgotten."""

    contact: Contact


class Reset(Struct, frozen=True):
    """The token that was sent, and the new password."""

    token: Secret
    password: New


class AccountChange(Struct, frozen=True):
    """What people may change of themselves."""

    name: Name


class Grant(Struct, frozen=True):
    """What somebody may do from now on. `managerid`: which of the field staff; their own number unless told."""

    roles: Annotated[list[RoleName], Meta(min_length=1, max_length=3)]
    managerid: Id | None = None
    reason: Reason | None = None


class Search(Struct, frozen=True):
    """A number, four characters at least that a contact begins with, or two at least of a name."""

    q: Annotated[str, Meta(min_length=1, max_length=254, pattern=r"^[^\x00]*$", description="what is looked for")]


class AdminsReason(Struct, frozen=True):
    """Why an admin does it; kept on record."""

    reason: Reason | None = None


class InvitationWish(Struct, frozen=True):
    """Who is invited, to do what. `expires`: 72 hours from now unless told, 30 days at most."""

    contact: Contact
    roles: Annotated[list[RoleName], Meta(min_length=1, max_length=3)]
    managerid: Id | None = None
    expires: Instant | None = None
    reason: Reason | None = None


class InvitationToken(Struct, frozen=True):
    """The token that was sent."""

    token: Secret


class InvitationUse(Struct, frozen=True):
    """The token that was sent; a name and a password of who has no account yet, else they are not looked at."""

    token: Secret
    name: Name | None = None
    password: New | None = None


class Confirmation(Struct, frozen=True):
    """A first code. `password`: unless the sign-in is five minutes old at most."""

    code: Code
    password: Known | None = None


class Proof(Struct, frozen=True):
    """The code that was sent to the contact."""

    code: ProofCode


class ContactChange(Struct, frozen=True):
    """The contact from when a code has proved it. `password`: unless the sign-in is five minutes old at most."""

    contact: Contact
    password: Known | None = None


class Oneself(Struct, frozen=True):
    """One's own password: unless the sign-in is five minutes old at most."""

    password: Known | None = None


class Received(Struct, frozen=True):
    """What was asked for is under way; the answer is the same for everybody."""

    status: str


class AccountResource(Struct, frozen=True):
    """An account as its owner and admins see it. `contact_wanted`: the one that has yet to be proved."""

    userid: int
    name: str | None
    contact: str | None
    roles: list[str]
    managerid: int | None
    codes: bool
    created: str
    erased: bool
    contact_proved: bool
    contact_wanted: str | None
    recovery_left: int


class InvitationResource(Struct, frozen=True):
    """An invitation that can be used."""

    invitationid: int
    contact: str
    roles: list[str]
    managerid: int | None
    since: str
    expires: str


class InvitedResource(InvitationResource, frozen=True):
    """The same with the link that was sent, which is shown this once."""

    link: str


class InvitationLook(Struct, frozen=True):
    """What an invitation is good for. `known`: its contact has an account, which is given the roles."""

    roles: list[str]
    known: bool
    expires: str


class RecoveryResource(AccountResource, frozen=True):
    """The same with ten codes, each good for one sign-in without the authenticator; they are shown this once."""

    recovery_codes: list[str]


class SessionResource(Struct, frozen=True):
    """What a session gives. The access token goes into `Authorization: Bearer`."""

    access_token: str
    token_type: str
    expires_in: int
    refresh_token: str
    userid: int
    roles: list[str]
    codes_needed: bool


class OpenSessionResource(Struct, frozen=True):
    """Somewhere the account is signed in. `network` and `agent` say it coarsely; `this`: the one that asks."""

    sessionid: str
    since: str | None
    lastused: str | None
    expires: str
    network: str
    agent: str
    this: bool


class OpenSessions(Struct, frozen=True):
    """Where an account is signed in, the session used last first."""

    sessions: list[OpenSessionResource]


class EnrolmentResource(Struct, frozen=True):
    """What an authenticator takes, typed or as a QR code of the link."""

    secret: str
    link: str


class Jwk(Struct, frozen=True):
    """A public key (RFC 8037)."""

    kty: str
    crv: str
    x: str
    kid: str
    use: str
    alg: str


class KeySet(Struct, frozen=True):
    """The keys that access tokens are signed with: the one of now, and the one before."""

    keys: list[Jwk]


def to_resource(account: Account) -> AccountResource:
    return AccountResource(
        userid=account.userid,
        name=account.name,
        contact=account.contact,
        roles=list(account.roles),
        managerid=account.managerid,
        codes=account.codes_wanted,
        created=rfc3339(account.created_ms),
        erased=account.erased_ms is not None,
        contact_proved=account.proved,
        contact_wanted=account.wanted,
        recovery_left=account.recovery_left,
    )


def with_codes(account: Account, codes: list[str]) -> RecoveryResource:
    grouped = ["-".join(code[at : at + 4] for at in range(0, len(code), 4)) for code in codes]
    return RecoveryResource(**structs.asdict(to_resource(account)), recovery_codes=grouped)


def opened(access: Access) -> SessionResource:
    return SessionResource(
        access.access_token,
        "Bearer",
        access.lasts_s,
        access.refresh_token,
        access.account.userid,
        roles=list(access.roles),
        codes_needed=access.roles != access.account.roles,
    )


def open_session(session: Session, mine: str | None) -> OpenSessionResource:
    """A session as its owner sees it in a list; `mine`: the one that asks."""
    return OpenSessionResource(
        sessionid=session.id,
        since=_moment(session.since_ms),
        lastused=_moment(session.used_ms),
        expires=rfc3339(session.expires_ms),
        network=session.device.network,
        agent=session.device.agent,
        this=session.id == mine,
    )


def _moment(at_ms: int | None) -> str | None:
    return None if at_ms is None else rfc3339(at_ms)
