"""Accounts as rows, and which version of an account its access tokens are of.

The version counts how often what tokens say of the account has changed. It is a number and no moment, read in the same
statement as the roles: a token that was made of an older look at the account is of an older version, whoever was faster
and whatever the clocks of two machines say. It is a counter of the floor, which only those accounts have whose tokens
had to be refused.
"""

from collections.abc import Sequence

from gbike.kit.auth.principal import OwnerScope
from gbike.kit.contacts import Contact
from gbike.kit.storage.listing import Listing
from gbike.kit.store import Reading, Row, Tx
from gbike.services.account.domain import Account, Credentials, NoSuchAccount, Role, Roles, in_order
from gbike.services.account.storage import names
from gbike.services.account.storage.secrets import kept

FRESH = "(last_step < ? OR last_step > ? + 2)"
"""A code's step that was not used before. One so far ahead of it was used by a clock that was set back since."""
_COLUMNS = (
    "userid, name, contact, roles, managerid, codes_wanted, created_ms, erased_ms,"
    " (SELECT p.contact FROM contact_proofs AS p WHERE p.userid = accounts.userid),"
    " (SELECT count(*) FROM recovery_codes AS r WHERE r.userid = accounts.userid),"
    " coalesce((SELECT n FROM counters WHERE name = 'tokens:' || userid), 0)"
)
KEYS = f"{_COLUMNS}, password_hash, sealed, last_step"
"""The same, and what a sign-in is compared with."""
_STAFF = "roles <> 'rider' AND roles <> ''"
"""The few who have an index of their own."""
LISTED = Listing(
    select=f"SELECT {_COLUMNS} FROM accounts",
    sortable={"userid": "userid", "name": "name", "contact": "contact", "managerid": "managerid"},
    order="userid",
    counters=("accounts",),
    make=lambda row: _account(row),
    filled=("userid",),
    conditions={
        "role": {
            Role.RIDER: "roles LIKE '%rider%'",
            Role.BIKE_MANAGER: f"{_STAFF} AND roles LIKE '%bikeManager%'",
            Role.ADMIN: f"{_STAFF} AND roles LIKE '%admin%'",
        }
    },
)


def load(read: Reading, userid: int, owner: OwnerScope | None = None) -> Account:
    """The account. Raises NoSuchAccount, also for another's than the `owner` (None: who asked)."""
    sql = f"SELECT {_COLUMNS} FROM accounts WHERE userid = ? AND userid = coalesce(?, userid)"
    row = read.one(sql, (userid, (owner or read.owner).only))
    if row is None:
        raise NoSuchAccount(userid)
    return _account(row)


def found(read: Reading, text: str, beginnings: Sequence[str]) -> list[Account]:
    """Who has the number, a contact that begins so, or a name with the text in it: MOST_FOUND at most."""
    number = [int(text)] if text.isdecimal() and len(text) < 16 else []
    wanted = list(dict.fromkeys([*number, *names.reached(read, beginnings), *names.called(read, text)]))
    marks = ", ".join("?" * len(wanted))
    sql = f"SELECT {_COLUMNS} FROM accounts WHERE userid IN ({marks}) AND erased_ms IS NULL"
    by_number = {row[0]: _account(row) for row in (read.all(sql, wanted) if wanted else ())}
    return [by_number[userid] for userid in wanted if userid in by_number][: names.MOST_FOUND]


def find(read: Reading, userid: int) -> Account | None:
    """The account, whoever asks; None: there is none, or it was erased."""
    row = read.one(f"SELECT {_COLUMNS} FROM accounts WHERE userid = ? AND erased_ms IS NULL", (userid,))
    return None if row is None else _account(row)


def credentials(read: Reading, userid: int) -> Credentials:
    """What a sign-in is compared with. Raises NoSuchAccount, also for an erased one, or another's than who asked."""
    sql = f"SELECT {KEYS} FROM accounts WHERE userid = ? AND userid = coalesce(?, userid) AND erased_ms IS NULL"
    row = read.one(sql, (userid, read.owner.only))
    if row is None:
        raise NoSuchAccount(userid)
    return with_keys(row)


def hold(tx: Tx, userid: int) -> bool:
    """Nobody else changes the account until this commits; False: there is none, or it was erased."""
    row = tx.one("UPDATE accounts SET name = name WHERE userid = ? RETURNING erased_ms", (userid,))
    return row is not None and row[0] is None


def hold_if_password(tx: Tx, userid: int, password_hash: str) -> bool:
    sql = "UPDATE accounts SET password_hash = password_hash WHERE userid = ? AND password_hash = ?"
    return tx.execute(sql, (userid, password_hash)) == 1


def add(tx: Tx, name: str, contact: Contact, password_hash: str, roles: Roles) -> Account | None:
    """An account with a contact of its own; None: somebody has it."""
    row = tx.one(
        "INSERT INTO accounts (name, contact, normal, password_hash, roles, created_ms) VALUES (?, ?, ?, ?, ?, ?)"
        f" ON CONFLICT DO NOTHING RETURNING {_COLUMNS}",
        (name, contact.typed, contact.normal, password_hash, ",".join(roles), tx.now_ms),
    )
    if row is None:
        return None
    tx.count("accounts")
    names.put(tx, row[0], name)
    return _account(row)


def add_without_contact(tx: Tx, name: str, password_hash: str) -> int:
    """A rider whose contact has yet to be proved; their number."""
    row = tx.one(
        "INSERT INTO accounts (name, password_hash, roles, created_ms) VALUES (?, ?, ?, ?) RETURNING userid",
        (name, password_hash, Role.RIDER, tx.now_ms),
    )
    tx.count("accounts")
    userid = int(row[0]) if row else 0
    names.put(tx, userid, name)
    return userid


def rename(tx: Tx, userid: int, name: str) -> None:
    """Another name, for the account of who asked."""
    sql = "UPDATE accounts SET name = ? WHERE userid = ? AND userid = coalesce(?, userid) AND erased_ms IS NULL"
    if tx.execute(sql, (name, userid, tx.owner.only)):
        names.put(tx, userid, name)


def set_roles(tx: Tx, userid: int, roles: Roles, managerid: int | None) -> bool:
    """Other roles; False: there is no such account, or it was erased."""
    sql = "UPDATE accounts SET roles = ?, managerid = ? WHERE userid = ? AND erased_ms IS NULL"
    return tx.execute(sql, (",".join(roles), managerid, userid)) == 1


def admins(read: Reading) -> list[int]:
    """Two of those who may grant roles, if there are so many."""
    are = f"{_STAFF} AND roles LIKE '%admin%' AND erased_ms IS NULL"
    rows = read.all(f"SELECT userid FROM accounts WHERE {are} LIMIT 2")
    return [row[0] for row in rows]


def set_password(tx: Tx, userid: int, password_hash: str) -> bool:
    """Another password, and no enrolment that no code has confirmed; False: there is no such account."""
    sql = (
        "UPDATE accounts SET password_hash = ?, sealed = CASE WHEN codes_wanted = 1 THEN sealed END"
        " WHERE userid = ? AND erased_ms IS NULL"
    )
    return tx.execute(sql, (password_hash, userid)) == 1


def rehash(tx: Tx, userid: int, before: str, after: str) -> None:
    """Another hash, while the one before is kept."""
    sql = "UPDATE accounts SET password_hash = ? WHERE userid = ? AND password_hash = ?"
    tx.execute(sql, (after, userid, before))


def erase(tx: Tx, userid: int) -> bool:
    """Nothing is left of who it was; False: there was nothing, or it was erased."""
    sql = (
        "UPDATE accounts SET name = NULL, password_hash = NULL, roles = '', managerid = NULL,"
        " sealed = NULL, codes_wanted = 0, erased_ms = ? WHERE userid = ? AND erased_ms IS NULL"
    )
    erased = tx.execute(sql, (tx.now_ms, userid)) == 1  # first: from here on nobody else writes the name's parts
    names.forget(tx, userid)
    return erased


def set_contact(tx: Tx, userid: int, contact: Contact) -> None:
    sql = "UPDATE accounts SET contact = ?, normal = ?, shared = 0 WHERE userid = ?"
    tx.execute(sql, (contact.typed, contact.normal, userid))


def own_contacts(read: Reading, userid: int) -> list[str]:
    """The normal form of the contact that the account, and no other, has proved."""
    sql = "SELECT normal FROM accounts WHERE userid = ? AND shared = 0 AND normal IS NOT NULL"
    return [row[0] for row in read.all(sql, (userid,))]


def forget_contact(tx: Tx, userid: int) -> None:
    tx.execute("UPDATE accounts SET contact = NULL, normal = NULL, shared = 0 WHERE userid = ?", (userid,))


def raise_token_version(tx: Tx, userid: int) -> int:
    """Tokens issued until now are of an older version from here on; answers the new one."""
    row = tx.one(
        "INSERT INTO counters (name, n) VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET n = counters.n + 1 RETURNING n",
        (f"tokens:{userid}",),
    )
    return int(row[0]) if row else 0


def seal(tx: Tx, userid: int, sealed: bytes) -> None:
    """An authenticator's secret, which no code has confirmed."""
    tx.execute("UPDATE accounts SET sealed = ? WHERE userid = ?", (sealed, userid))


def want_codes(tx: Tx, userid: int, sealed: bytes, step: int) -> bool:
    """Codes of this secret are wanted, this step's no more; False: they are already, the secret is another, or it is
    another's account than who asked."""
    sql = (
        "UPDATE accounts SET codes_wanted = 1, last_step = ? WHERE userid = ? AND userid = coalesce(?, userid)"
        f" AND codes_wanted = 0 AND sealed = ? AND {FRESH}"
    )
    return tx.execute(sql, (step, userid, tx.owner.only, sealed, step, step)) == 1


def want_no_codes(tx: Tx, userid: int) -> None:
    tx.execute("UPDATE accounts SET codes_wanted = 0, sealed = NULL WHERE userid = ?", (userid,))


def sign_in(tx: Tx, known: Credentials, step: int | str | None) -> bool:
    """Use the `step` of the authenticator's code up (text: a recovery code is shown instead); False: password or
    authenticator were changed since they were looked at, or the step was used. The account's row is ours from here on.
    """
    changes, where = "last_step = last_step", "userid = ? AND password_hash = ? AND codes_wanted = ?"
    params: list[object] = [known.account.userid, known.password_hash, int(known.account.codes_wanted)]
    if step is not None:
        where += " AND sealed = ?"
        params.append(known.sealed)
    if isinstance(step, int):
        changes, where = "last_step = ?", f"{where} AND {FRESH}"
        params = [step, *params, step, step]
    return tx.execute(f"UPDATE accounts SET {changes} WHERE {where}", params) == 1


def put_recovery_codes(tx: Tx, userid: int, codes: Sequence[str]) -> None:
    """These codes and no others, each as what it hashes to (80 bits of chance); the account's row is ours already."""
    tx.execute("DELETE FROM recovery_codes WHERE userid = ?", (userid,))
    tx.execute_many(
        "INSERT INTO recovery_codes (userid, code) VALUES (?, ?)",
        [(userid, _kept_code(userid, code)) for code in codes],
    )


def use_recovery_code(tx: Tx, userid: int, code: str) -> bool:
    """Use a code up; False: it was none. The account's row is ours already."""
    sql = "DELETE FROM recovery_codes WHERE userid = ? AND code = ?"
    return tx.execute(sql, (userid, _kept_code(userid, code))) > 0


def with_keys(row: Row) -> Credentials:
    return Credentials(_account(row[:-3]), *row[-3:])


def _account(row: Row) -> Account:
    userid, name, contact, roles, managerid, codes_wanted, created_ms, erased_ms, wanted, left, version = row
    proved = contact is not None
    return Account(
        userid=userid,
        name=name,
        contact=contact if proved else wanted,
        roles=in_order(roles.split(",")) if roles else (),
        managerid=managerid,
        codes_wanted=bool(codes_wanted),
        created_ms=created_ms,
        erased_ms=erased_ms,
        proved=proved,
        wanted=wanted,
        recovery_left=left,
        tokenversion=version,
    )


def _kept_code(userid: int, code: str) -> str:
    return kept(f"recovery {userid} {code}")
