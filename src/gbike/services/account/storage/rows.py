"""An account as a row, and how one is found."""

from gbike.kit.store import Reading, Row
from gbike.services.account.domain import Account, NoSuchAccount, in_order
from gbike.services.account.storage.token_version import TOKEN_VERSION

FRESH = "(last_step < ? OR last_step > ? + 2)"
"""A code's step that was not used before. One so far ahead of it was used by a clock that was set back since."""
COLUMNS = f"userid, name, contact, roles, managerid, codes_wanted, created_ms, erased_ms, {TOKEN_VERSION}"
WIDTH = 9
"""How many columns these are."""


def load(read: Reading, userid: int, only: int | None = None) -> Account:
    """The account. Raises NoSuchAccount."""
    where, params = whose(userid, only)
    row = read.one(f"SELECT {COLUMNS} FROM accounts WHERE {where}", params)
    if row is None:
        raise NoSuchAccount(userid)
    return made(row)


def made(row: Row) -> Account:
    """An account from its columns."""
    userid, name, contact, roles, managerid, codes_wanted, created_ms, erased_ms, version = row
    held = in_order(roles.split(",")) if roles else ()
    return Account(userid, name, contact, held, managerid, bool(codes_wanted), created_ms, erased_ms, version)


def whose(userid: int, only: int | None) -> tuple[str, tuple[object, ...]]:
    """The account, when it is this one's (None: anybody's)."""
    return ("userid = ?", (userid,)) if only is None else ("userid = ? AND userid = ?", (userid, only))
