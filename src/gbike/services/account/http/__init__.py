"""What may be asked of account: signing up, signing in and staying in; one's own account; and what admins decide."""

from gbike.kit.access.keyring import Keys
from gbike.kit.access.limits import FREE, SESSIONS, SIGN_INS
from gbike.kit.access.rules import ADMINS, PEOPLE, PUBLIC
from gbike.kit.http.app import Operation
from gbike.services.account.http import bodies, refusals
from gbike.services.account.http.accounts import AccountHttp
from gbike.services.account.http.contacts import ContactHttp, contact_operations
from gbike.services.account.http.refusals import REFUSALS
from gbike.services.account.http.sessions import SessionHttp
from gbike.services.account.saga.services import AccountServices

__all__ = ["REFUSALS", "operations"]
AT = "/accounts/{userid}"


def operations(services: AccountServices, keys: Keys, issuer: str) -> list[Operation]:
    """The operations of account. `issuer`: what an authenticator calls us."""
    doors, accounts_http = SessionHttp(services, keys), AccountHttp(services, issuer)
    proving = contact_operations(ContactHttp(services))
    own = [*_own(accounts_http), *_signed_in(accounts_http), *proving, *_authenticators(accounts_http)]
    return [*_doors(doors), *_sessions(doors), *_ways_back(doors), *own, *_admins(accounts_http)]


def _doors(http: SessionHttp) -> list[Operation]:
    """Where those come who are not known yet."""
    received, opened = {202: bodies.Received}, {200: bodies.SessionResource}
    kim = {"contact": "kim@example.com", "password": "a bicycle at dawn"}
    return [
        Operation(
            "POST",
            "/accounts",
            http.sign_up,
            "Sign up as a rider",
            PUBLIC,
            takes=bodies.SignUp,
            answers=received,
            refusals=(refusals.CONTACT, refusals.WEAK, refusals.SIGN_UPS, refusals.BUSY),
            example={"name": "Kim", **kim},
            pace=SIGN_INS,
        ),
        Operation(
            "POST",
            "/sessions",
            http.sign_in,
            "Sign in",
            PUBLIC,
            takes=bodies.SignIn,
            answers=opened,
            refusals=(refusals.REFUSED, refusals.CODE, refusals.WAIT, refusals.BUSY),
            example=kim,
            pace=SIGN_INS,
        ),
        Operation(
            "GET",
            "/.well-known/jwks.json",
            http.key_set,
            "The keys of access tokens",
            PUBLIC,
            answers={200: bodies.KeySet},
            pace=FREE,
        ),
    ]


def _sessions(http: SessionHttp) -> list[Operation]:
    """How those who are in stay in, and go."""
    token = {"refresh_token": "2Zx0cW5hbWUtdG9rZW4"}
    return [
        Operation(
            "POST",
            "/sessions/refresh",
            http.refresh,
            "Stay in: a new pair of tokens",
            PUBLIC,
            takes=bodies.Refresh,
            answers={200: bodies.SessionResource},
            refusals=(refusals.OVER,),
            example=token,
            pace=SESSIONS,
        ),
        Operation(
            "POST",
            "/sessions/end",
            http.end,
            "Sign out",
            PUBLIC,
            takes=bodies.Refresh,
            answers={200: bodies.Received},
            example=token,
            pace=SESSIONS,
        ),
    ]


def _ways_back(http: SessionHttp) -> list[Operation]:
    """For those who forgot their password."""
    return [
        Operation(
            "POST",
            "/accounts/passwordResets",
            http.ask_for_a_reset,
            "Forgotten: ask for a new password",
            PUBLIC,
            takes=bodies.ResetWish,
            answers={202: bodies.Received},
            refusals=(refusals.RESETS,),
            example={"contact": "kim@example.com"},
            pace=SIGN_INS,
        ),
        Operation(
            "POST",
            "/accounts/passwordResets/use",
            http.reset,
            "Set a new password with the token that was sent",
            PUBLIC,
            takes=bodies.Reset,
            answers={200: bodies.Received},
            refusals=(refusals.RESET, refusals.WEAK, refusals.BUSY),
            example={"token": "cmVzZXQtdG9rZW4", "password": "another bicycle at dawn"},
            pace=SIGN_INS,
        ),
    ]


def _own(http: AccountHttp) -> list[Operation]:
    """What people ask about themselves, and admins about everybody."""
    one, none = {200: bodies.AccountResource}, (refusals.UNKNOWN,)
    return [
        Operation("GET", AT, http.show, "An account", PEOPLE, answers=one, refusals=none),
        Operation(
            "PATCH",
            AT,
            http.rename,
            "Change the name",
            PEOPLE,
            takes=bodies.AccountChange,
            answers=one,
            refusals=none,
            example={"name": "Kim Minji"},
        ),
        Operation(
            "POST",
            AT + "/password",
            http.change_password,
            "Change the password; every session ends",
            PEOPLE,
            takes=bodies.PasswordChange,
            answers=one,
            refusals=(*none, refusals.REFUSED, refusals.WEAK, refusals.WAIT, refusals.BUSY),
            example={"current": "a bicycle at dawn", "new": "another bicycle at dawn"},
        ),
        Operation(
            "POST",
            AT + "/erasure",
            http.erase,
            "Be forgotten",
            PEOPLE,
            takes=bodies.Oneself,
            answers=one,
            may_be_empty=True,
            example={"password": "a bicycle at dawn"},
            refusals=(*none, refusals.LAST, refusals.IN_USE, *refusals.OF_PASSWORD),
        ),
    ]


def _signed_in(http: AccountHttp) -> list[Operation]:
    """Where one is signed in."""
    ended, none = {200: bodies.Received}, (refusals.UNKNOWN,)
    return [
        Operation(
            "GET",
            AT + "/sessions",
            http.sessions,
            "Where the account is signed in",
            PEOPLE,
            answers={200: bodies.OpenSessions},
            refusals=none,
        ),
        Operation(
            "POST",
            AT + "/sessions/{sessionid:str}/end",
            http.end_session,
            "Sign out there",
            PEOPLE,
            answers=ended,
            refusals=none,
            keyed=True,
        ),
        Operation(
            "POST",
            AT + "/sessions/end",
            http.end_sessions,
            "Sign out everywhere",
            PEOPLE,
            answers=ended,
            refusals=none,
            keyed=True,
        ),
    ]


def _authenticators(http: AccountHttp) -> list[Operation]:
    """One's authenticator."""
    none = (refusals.UNKNOWN,)
    return [
        Operation(
            "POST",
            AT + "/authenticator",
            http.enrol,
            "Take an authenticator: its secret",
            PEOPLE,
            takes=bodies.Oneself,
            answers={200: bodies.EnrolmentResource},
            may_be_empty=True,
            example={"password": "a bicycle at dawn"},
            refusals=(*none, refusals.ENROLLED, refusals.UNPROVED, *refusals.OF_PASSWORD),
        ),
        Operation(
            "POST",
            AT + "/authenticator/confirmation",
            http.confirm,
            "Its first code: from now on one is needed",
            PEOPLE,
            takes=bodies.Confirmation,
            answers={200: bodies.RecoveryResource},
            refusals=(*none, refusals.NOT_ENROLLING, *refusals.OF_PASSWORD),
            example={"code": "123456"},
        ),
        Operation(
            "POST",
            AT + "/authenticator/recoveryCodes",
            http.renew_recovery_codes,
            "Other recovery codes in place of those before",
            PEOPLE,
            takes=bodies.Oneself,
            answers={200: bodies.RecoveryResource},
            may_be_empty=True,
            example={"password": "a bicycle at dawn"},
            refusals=(*none, refusals.NOT_ENROLLING, *refusals.OF_PASSWORD),
        ),
    ]


def _admins(http: AccountHttp) -> list[Operation]:
    """What only admins decide."""
    one, none = {200: bodies.AccountResource}, (refusals.UNKNOWN,)
    return [
        Operation(
            "GET",
            "/accounts",
            http.list,
            "List the accounts",
            ADMINS,
            answers={200: [bodies.AccountResource]},
            paged=True,
        ),
        Operation(
            "PUT",
            AT + "/roles",
            http.grant,
            "Say what somebody may do",
            ADMINS,
            takes=bodies.Grant,
            answers=one,
            refusals=(*none, refusals.LAST),
            example={"roles": ["rider", "bikeManager"], "managerid": 1},
        ),
        Operation(
            "POST",
            AT + "/authenticator/removal",
            http.remove_authenticator,
            "Take a lost authenticator away",
            ADMINS,
            answers=one,
            refusals=none,
            keyed=True,
        ),
    ]
