"""An account as a row, and how one is found."""

from gbike.kit.store import Reading, Row
from gbike.services.account.domain import Account, Credentials, NoSuchAccount, in_order
from gbike.services.account.storage.token_version import TOKEN_VERSION

FRESH = "(last_step < ? OR last_step > ? + 2)"
"""A code's step that was not used before. One so far ahead of it was used by a clock that was set back since."""
COLUMNS = (
    "userid, name, contact, roles, managerid, codes_wanted, created_ms, erased_ms,"
    " (SELECT p.contact FROM contact_proofs AS p WHERE p.userid = accounts.userid),"
    " (SELECT count(*) FROM recovery_codes AS r WHERE r.userid = accounts.userid),"
    f" {TOKEN_VERSION}"
)
KEYS = f"{COLUMNS}, password_hash, sealed, last_step"
"""The same, and what a sign-in is compared with."""


def load(read: Reading, userid: int, only: int | None = None) -> Account:
    """The account. Raises NoSuchAccount."""
    where, params = whose(userid, only)
    row = read.one(f"SELECT {COLUMNS} FROM accounts WHERE {where}", params)
    if row is None:
        raise NoSuchAccount(userid)
    return made(row)


def made(row: Row) -> Account:
    """An account from its columns."""
    userid, name, contact, roles, managerid, codes_wanted, created_ms, erased_ms, wanted, left, version = row
    held = in_order(roles.split(",")) if roles else ()
    proved = contact is not None
    return Account(
        userid,
        name,
        contact if proved else wanted,
        held,
        managerid,
        bool(codes_wanted),
        created_ms,
        erased_ms,
        proved,
        wanted,
        left,
        version,
    )


def with_keys(row: Row) -> Credentials:
    """What a sign-in is compared with, from KEYS."""
    return Credentials(made(row[:-3]), *row[-3:])


def whose(userid: int, only: int | None) -> tuple[str, tuple[object, ...]]:
    """The account, when it is this one's (None: anybody's)."""
    return ("userid = ?", (userid,)) if only is None else ("userid = ? AND userid = ?", (userid, only))
