"""New passwords: by who knows the one before, and by who was sent a token. All take what it hashes to."""

from gbike.kit.auth.principal import OwnerScope
from gbike.kit.clock import is_ahead
from gbike.kit.store import Tx
from gbike.services.account.commands.sessions import end_sessions
from gbike.services.account.domain import Account, NoSuchAccount
from gbike.services.account.storage import accounts, contacts, resets
from gbike.services.account.storage import sign_in_attempts as attempts

LETTERS = 3
"""Within half of the time that a token is good. Whoever asks beyond that, the newest is good for the other half."""


def replace_password(tx: Tx, userid: int, before: str, after: str) -> Account | None:
    """Somebody takes another password; None: it is no longer the one that was shown. Raises NoSuchAccount."""
    return _set_password(tx, userid, after) if accounts.hold_if_password(tx, userid, before) else None


def offer_reset(tx: Tx, contact: str, token: str, lasts_ms: int) -> tuple[int, int] | None:
    """Somebody forgot their password: one more token (its hash), beside those that are good, as somebody else may have
    asked for this one. Answers the account's number and until when it is good, ms; None where there is no account, or
    LETTERS are new. The account's row orders it with every other offer, use, change of password and erasure."""
    userid = resets.hold_account_of_contact(tx, contact)
    if userid is None:
        return None
    expires_ms = tx.now_ms + lasts_ms
    if resets.sent(tx, userid, expires_ms - lasts_ms // 2, expires_ms) >= LETTERS:
        return None
    resets.add(tx, token, userid, expires_ms)
    return userid, expires_ms


def use_reset(tx: Tx, token: str, password_hash: str, lasts_ms: int, client: str) -> Account | None:
    """Somebody comes back with the token they were sent; of the clients that the account knew only this one is left.
    None: the token is of no use. The account's row comes first, as for all who remove tokens: who comes the other way
    round waits for the one who waits for them."""
    resets.hold_account_of_token(tx, token)
    found = resets.take_away(tx, token)
    if found is None or not is_ahead(found[1], tx.now_ms, lasts_ms):
        return None
    attempts.forget_clients(tx, found[0])
    attempts.know(tx, found[0], client)
    return _set_password(tx, found[0], password_hash)


def _set_password(tx: Tx, userid: int, password_hash: str) -> Account:
    """Every session ends, every reset that was offered, and what no code has confirmed, an enrolment or another
    contact: it may be somebody else's. Raises NoSuchAccount."""
    if not accounts.set_password(tx, userid, password_hash):
        raise NoSuchAccount(userid)
    resets.forget(tx, userid)
    contacts.give_up_change(tx, userid)
    end_sessions(tx, userid)
    return accounts.load(tx, userid, OwnerScope.ALL)
