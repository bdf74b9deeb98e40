"""Who is signed in: sessions begin, go on and end."""

from gbike.contracts.account import EndedSessions
from gbike.kit.auth.principal import OwnerScope
from gbike.kit.clock import is_ahead
from gbike.kit.store import Tx
from gbike.services.account.commands.sign_in_attempts import succeed
from gbike.services.account.domain import Credentials, NewSession, Renewal, SignInAttempt
from gbike.services.account.storage import accounts, sessions

AGAIN_MS = 60_000
"""How long a token that was replaced answers the same successor: the answer may have been lost on its way."""


def start_session(tx: Tx, known: Credentials, step: int | str | None, new: NewSession, attempt: SignInAttempt) -> bool:
    """Somebody is in, with which the attempt succeeds. `step`: of the authenticator's code, or text that may be a
    recovery code. False: the password was changed, or the code used, meanwhile, or the text is no recovery code."""
    userid = known.account.userid
    if not accounts.sign_in(tx, known, step):
        return False
    if isinstance(step, str) and not accounts.use_recovery_code(tx, userid, step):
        return False
    succeed(tx, attempt, userid)
    sessions.add(tx, userid, new)
    return True


def renew_session(tx: Tx, token: str, salt: str, following: str, lasts_ms: int) -> Renewal | None:
    """One refresh token (its hash) for the `following` one, its successor with `salt`. The one that was just replaced
    gives the same next one, with the salt of then, while nobody used that: its answer was lost. Any other that was used
    ends its session; None: the token is of no use."""
    session = sessions.session_of(tx, token)
    found = None if session is None else sessions.go_on(tx, session)
    if session is None or found is None:
        return None
    userid, expires_ms, auth_ms = found
    if not is_ahead(expires_ms, tx.now_ms, lasts_ms):
        return None
    if sessions.use_token(tx, token, salt, following):
        sessions.forget_salt(tx, token, session)
        sessions.add_token(tx, following, session, expires_ms)
    else:
        lost = sessions.salt_of(tx, token)
        if lost is None or not is_ahead(lost[1] + AGAIN_MS, tx.now_ms, AGAIN_MS):
            sessions.end(tx, session)
            return None
        salt = lost[0]
    shown_s = None if auth_ms is None else auth_ms // 1000
    return Renewal(accounts.load(tx, userid, OwnerScope.ALL), session, shown_s, salt)


def sign_out(tx: Tx, token: str) -> None:
    """Somebody goes: the session of a refresh token (its hash) ends."""
    session = sessions.session_of(tx, token)
    if session is not None:
        sessions.end(tx, session)


def sign_out_there(tx: Tx, userid: int, session: str) -> None:
    """One session ends, if it is this account's and goes on. Access tokens can't be told apart by their session at
    every door, so those of the account's other sessions are refused too; they refresh. Raises NoSuchAccount."""
    accounts.load(tx, userid)
    accounts.hold(tx, userid)  # whoever raises the version of an account's tokens has its row first
    if sessions.end_of(tx, userid, session):
        refuse_tokens(tx, userid)


def sign_out_everywhere(tx: Tx, userid: int) -> None:
    """Every session of an account ends at its owner's wish, or an admin's. Raises NoSuchAccount."""
    accounts.load(tx, userid)
    accounts.hold(tx, userid)
    end_sessions(tx, userid)
    tx.audit("signed out everywhere", f"user:{userid}")


def end_sessions(tx: Tx, userid: int) -> None:
    """Every session of an account ends: the one place for a new password, an erasure, and signing out everywhere."""
    sessions.end_all(tx, userid)
    refuse_tokens(tx, userid)


def refuse_tokens(tx: Tx, userid: int) -> None:
    """Access tokens that were issued until now are refused from then on."""
    tx.publish(EndedSessions(userid=userid, tokenversion=accounts.raise_token_version(tx, userid)))
