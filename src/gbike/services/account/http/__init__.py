"""What may be asked of account: signing up, signing in and staying in; one's own account; and what admins decide."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from gbike.kit.auth.keyring import Keys
from gbike.kit.auth.limits import FREE, SESSIONS, SIGN_INS
from gbike.kit.auth.passwords import HashingBusy
from gbike.kit.auth.rules import ADMINS, PEOPLE, PUBLIC, Rule
from gbike.kit.contacts import BadContact
from gbike.kit.http.app import Handler, Operation
from gbike.kit.http.filters import words
from gbike.services.account import domain
from gbike.services.account.domain.consents import TermsChanged
from gbike.services.account.http import bodies, invitations
from gbike.services.account.http.accounts import AccountHttp
from gbike.services.account.http.consents import consent_operations
from gbike.services.account.http.refusals import OF_PASSWORD, REFUSALS, refused
from gbike.services.account.http.sessions import SessionHttp
from gbike.services.account.saga.services import AccountServices

__all__ = ["REFUSALS", "operations"]
PASSWORD, NEW_PASSWORD = "a bicycle at dawn", "another bicycle at dawn"
CONTACT = "kim@example.com"
EXAMPLES: dict[type[Struct], dict[str, Any]] = {
    bodies.SignUp: {"name": "Kim", "contact": CONTACT, "password": PASSWORD},
    bodies.SignIn: {"contact": CONTACT, "password": PASSWORD},
    bodies.Refresh: {"refresh_token": "2Zx0cW5hbWUtdG9rZW4"},
    bodies.ResetWish: {"contact": CONTACT},
    bodies.Reset: {"token": "cmVzZXQtdG9rZW4", "password": NEW_PASSWORD},
    bodies.AccountChange: {"name": "Kim Minji"},
    bodies.PasswordChange: {"current": PASSWORD, "new": NEW_PASSWORD},
    bodies.Oneself: {"password": PASSWORD},
    bodies.Confirmation: {"code": "123456"},
    bodies.Grant: {"roles": ["rider", "bikeManager"], "managerid": 1, "reason": "works in the field from today"},
    bodies.Search: {"q": "minji"},
    bodies.AdminsReason: {"reason": "the telephone is lost; they came to the office"},
    bodies.Proof: {"code": "12345678"},
    bodies.ContactChange: {"contact": "010-1234-5678", "password": PASSWORD},
}
"""Of each body, for the documents."""


def operations(services: AccountServices, keys: Keys, issuer: str) -> list[Operation]:
    """The operations of account. `issuer`: what an authenticator calls us."""
    people = AccountHttp(services, issuer)
    own = [*_own_account(people), *_own_contact(people), *_authenticator(people)]
    doors = [*_auth_mode(SessionHttp(services, keys)), *invitations.operations(services)]
    return [*doors, *consent_operations(services), *own, *_admins(people)]


def _auth_mode(http: SessionHttp) -> list[Operation]:
    """Where those come who are not known yet; how those who are in stay in, and go; the way back without a password."""
    join = (TermsChanged, BadContact, domain.WeakPassword, domain.TooManySignUps, HashingBusy)
    get_in = (domain.SignInRefused, domain.CodeNeeded, domain.TooManyAttempts, HashingBusy)
    come_back = (domain.ResetRefused, domain.WeakPassword, HashingBusy)
    session, key_set = bodies.SessionResource, {200: bodies.KeySet}
    resets = "/accounts/passwordResets"
    return [
        _door("/accounts", http.sign_up, "Sign up as a rider", bodies.SignUp, status=202, raises=join),
        _door("/sessions", http.sign_in, "Sign in", bodies.SignIn, session, raises=get_in),
        Operation(
            "GET",
            "/.well-known/jwks.json",
            http.key_set,
            "The keys of access tokens",
            PUBLIC,
            answers=key_set,
            pace=FREE,
        ),
        _door(
            "/sessions/refresh",
            http.refresh,
            "Stay in: a new pair of tokens",
            bodies.Refresh,
            session,
            raises=(domain.SessionOver,),
        ),
        _door("/sessions/end", http.end, "Sign out", bodies.Refresh),
        _door(
            resets,
            http.ask_for_a_reset,
            "Forgotten: ask for a new password",
            bodies.ResetWish,
            status=202,
            raises=(domain.TooManyResets,),
        ),
        _door(
            resets + "/use",
            http.reset,
            "Set a new password with the token that was sent",
            bodies.Reset,
            raises=come_back,
        ),
    ]


def _own_account(http: AccountHttp) -> list[Operation]:
    """What people ask about themselves, and admins about everybody."""
    change = (domain.SignInRefused, domain.WeakPassword, domain.TooManyAttempts, HashingBusy)
    erase = (domain.LastAdmin, domain.AccountInUse, *OF_PASSWORD)
    return [
        _own("", http.show, "An account", method="GET", looks="account"),
        _own("", http.rename, "Change the name", takes=bodies.AccountChange, method="PATCH"),
        _own(
            "/password",
            http.change_password,
            "Change the password; every session ends",
            takes=bodies.PasswordChange,
            raises=change,
        ),
        _own("/erasure", http.erase, "Be forgotten", takes=bodies.Oneself, raises=erase),
        _own(
            "/sessions",
            http.sessions,
            "Where the account is signed in",
            gives=bodies.OpenSessions,
            method="GET",
            looks="sessions",
        ),
        _own("/sessions/{sessionid:str}/end", http.end_session, "Sign out there", gives=bodies.Received, keyed=True),
        _own("/sessions/end", http.end_sessions, "Sign out everywhere", gives=bodies.Received, keyed=True),
    ]


def _own_contact(http: AccountHttp) -> list[Operation]:
    prove, change = (domain.ProofRefused, domain.NothingToProve), (BadContact, *OF_PASSWORD)
    send, received = (domain.NothingToProve, domain.TooManyAttempts), bodies.Received
    return [
        _own(
            "/contact/proof",
            http.prove_contact,
            "Prove the contact with the code that was sent to it",
            takes=bodies.Proof,
            raises=prove,
        ),
        _own(
            "/contact/code",
            http.ask_for_a_code,
            "Send another code to the contact",
            gives=received,
            status=202,
            raises=send,
        ),
        _own(
            "/contact",
            http.change_contact,
            "Take another contact: a code must prove it",
            takes=bodies.ContactChange,
            gives=received,
            status=202,
            raises=change,
        ),
    ]


def _authenticator(http: AccountHttp) -> list[Operation]:
    at, codes = "/authenticator", bodies.RecoveryResource
    enrol = (domain.EnrolledAlready, domain.ContactUnproved, *OF_PASSWORD)
    enrolled = (domain.NotEnrolling, *OF_PASSWORD)
    return [
        _own(
            at,
            http.enrol,
            "Take an authenticator: its secret",
            takes=bodies.Oneself,
            gives=bodies.EnrolmentResource,
            raises=enrol,
        ),
        _own(
            at + "/confirmation",
            http.confirm,
            "Its first code: from now on one is needed",
            takes=bodies.Confirmation,
            gives=codes,
            raises=enrolled,
        ),
        _own(
            at + "/recoveryCodes",
            http.renew_recovery_codes,
            "Other recovery codes in place of those before",
            takes=bodies.Oneself,
            gives=codes,
            raises=enrolled,
        ),
    ]


def _admins(http: AccountHttp) -> list[Operation]:
    many = {200: [bodies.AccountResource]}
    return [
        Operation(
            "GET",
            "/accounts",
            http.list,
            "List the accounts",
            ADMINS,
            answers=many,
            paged=True,
            looks="names",
            looks_at="accounts",
            filters={"role": words(list(domain.Role), domain.Role)},
        ),
        Operation(
            "POST",
            "/accounts/searches",
            http.search,
            "Find people by number, contact or name; what was looked for is not kept",
            ADMINS,
            takes=bodies.Search,
            answers=many,
            looks="account",
            example=EXAMPLES[bodies.Search],
        ),
        _own(
            "/roles",
            http.grant,
            "Say what somebody may do",
            ADMINS,
            takes=bodies.Grant,
            raises=(domain.LastAdmin,),
            method="PUT",
        ),
        _own(
            "/authenticator/removal",
            http.remove_authenticator,
            "Take a lost authenticator away",
            ADMINS,
            takes=bodies.AdminsReason,
        ),
    ]


def _door(
    path: str,
    handler: Handler,
    summary: str,
    takes: type[Struct],
    gives: type[Struct] = bodies.Received,
    *,
    status: int = 200,
    raises: Sequence[type[Exception]] = (),
) -> Operation:
    """For whoever comes. Who holds a refresh token has a pace of their own."""
    return Operation(
        "POST",
        path,
        handler,
        summary,
        PUBLIC,
        takes=takes,
        answers={status: gives},
        refusals=refused(*raises),
        example=EXAMPLES[takes],
        pace=SESSIONS if takes is bodies.Refresh else SIGN_INS,
    )


def _own(
    path: str,
    handler: Handler,
    summary: str,
    rule: Rule = PEOPLE,
    *,
    takes: type[Struct] | None = None,
    gives: type[Struct] = bodies.AccountResource,
    status: int = 200,
    raises: Sequence[type[Exception]] = (),
    keyed: bool = False,
    method: str = "POST",
    looks: str = "",
) -> Operation:
    """On one's own account, or on anybody's for admins."""
    return Operation(
        method,
        "/accounts/{userid}" + path,
        handler,
        summary,
        rule,
        takes=takes,
        answers={status: gives},
        refusals=refused(domain.NoSuchAccount, *raises),
        keyed=keyed,
        example=EXAMPLES[takes] if takes else {},
        may_be_empty=takes in (bodies.Oneself, bodies.AdminsReason),
        looks=looks,
    )
