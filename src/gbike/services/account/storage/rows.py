"""An account as a row, and how one is found."""

from gbike.kit.store import Reading, Row
from gbike.services.account.domain import Account, NoSuchAccount, in_order

FRESH = "(last_step < ? OR last_step > ? + 2)"
"""A code's step that was not used before. One so far ahead of it was used by a clock that was set back since."""
COLUMNS = "userid, name, contact, roles, managerid, codes_wanted, created_ms, erased_ms"


def load(read: Reading, userid: int, only: int | None = None) -> Account:
    """The account. Raises NoSuchAccount."""
    where, params = whose(userid, only)
    row = read.one(f"SELECT {COLUMNS} FROM accounts WHERE {where}", params)
    if row is None:
        raise NoSuchAccount(userid)
    return made(row)


def made(row: Row) -> Account:
    """An account from its columns."""
    userid, name, contact, roles, managerid, codes_wanted, created_ms, erased_ms = row
    held = in_order(roles.split(",")) if roles else ()
    return Account(userid, name, contact, held, managerid, bool(codes_wanted), created_ms, erased_ms)


def whose(userid: int, only: int | None) -> tuple[str, tuple[object, ...]]:
    """The account, when it is this one's (None: anybody's)."""
    return ("userid = ?", (userid,)) if only is None else ("userid = ? AND userid = ?", (userid, only))
