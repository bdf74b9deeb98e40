"""The people: who they are, what they may do, and how they are forgotten."""

from collections.abc import Sequence

from gbike.contracts.account import AccountErased, ChangedRoles, RegisteredAccount
from gbike.contracts.events import EVENTS
from gbike.kit.erasure import alone, remember, take_out
from gbike.kit.http.hal import Page
from gbike.kit.listing import Listing, list_page
from gbike.kit.store import Facts, Reading, Store, Tx
from gbike.services.account.domain import (
    Account,
    ContactUnproved,
    Credentials,
    EnrolledAlready,
    LastAdmin,
    Newcomer,
    NoSuchAccount,
    NotEnrolling,
    Role,
    Roles,
    Unsettled,
    must_be_settled,
)
from gbike.services.account.storage.contacts import forget_contacts, give_up_change, lock_contact, release
from gbike.services.account.storage.recovery import put
from gbike.services.account.storage.rows import COLUMNS, FRESH, KEYS, load, made, whose, with_keys
from gbike.services.account.storage.sessions import sessions_end
from gbike.services.account.storage.token_version import raise_token_version
from gbike.services.account.storage.tries import forget_households
from gbike.services.account.storage.unsettled import lock_person, unsettled

_ADMINS = "admins"
"""The lock of whoever changes roles: one after the other, so that somebody is left who may."""
_LISTED = Listing(
    select=f"SELECT {COLUMNS} FROM accounts",
    sortable={"userid": "userid", "name": "name", "contact": "contact", "managerid": "managerid"},
    order="userid",
    counters=("accounts",),
)


class SqlAccounts:
    """Accounts and Enrolments (ports) over a Store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def add(self, newcomer: Newcomer, password_hash: str, roles: Roles) -> Account | None:
        """See Accounts.add."""
        return await self._store.write(add, newcomer, password_hash, roles, key="accounts")

    async def one(self, userid: int, only: int | None = None) -> Account:
        """See Accounts.one."""
        return await self._store.read(load, userid, only)

    async def page(self, page: Page) -> tuple[list[Account], int]:
        """One page of the accounts, and how many there are."""
        return await list_page(self._store, _LISTED, page, made)

    async def credentials_of(self, userid: int, only: int | None) -> Credentials:
        """See Accounts.credentials_of."""
        found = await self._store.read(credentials, *whose(userid, only))
        if found is None:
            raise NoSuchAccount(userid)
        return found

    async def rename(self, userid: int, name: str, only: int | None) -> Account:
        """See Accounts.rename."""
        return await self._store.write(rename, userid, name, only, key=_key(userid))

    async def set_roles(self, userid: int, roles: Roles, managerid: int | None) -> Account:
        """See Accounts.set_roles."""
        return await self._store.write(set_roles, userid, roles, managerid, key=_key(userid))

    async def change_password(self, known: Credentials, password_hash: str) -> Account | None:
        """See Accounts.change_password."""
        userid = known.account.userid
        return await self._store.write(change_password, userid, known.password_hash, password_hash, key=_key(userid))

    async def rehash(self, known: Credentials, password_hash: str) -> None:
        """See Accounts.rehash."""
        userid = known.account.userid
        await self._store.write(rehash, userid, known.password_hash, password_hash, key=_key(userid))

    async def erase(self, userid: int, only: int | None) -> Account:
        """See Accounts.erase."""
        return await self._store.write(erase, userid, only, key=_key(userid))

    async def begin(self, userid: int, sealed: bytes, only: int | None) -> None:
        """See Enrolments.begin."""
        await self._store.write(begin_enrolment, userid, sealed, only, key=_key(userid))

    async def confirm(
        self, userid: int, sealed: bytes, step: int, only: int | None, *, recovery: Sequence[str]
    ) -> Account:
        """See Enrolments.confirm."""
        return await self._store.write(confirm_enrolment, userid, sealed, step, only, recovery, key=_key(userid))

    async def remove(self, userid: int) -> Account:
        """See Enrolments.remove."""
        return await self._store.write(remove_enrolment, userid, key=_key(userid))


def add(tx: Tx, newcomer: Newcomer, password_hash: str, roles: Roles) -> Account | None:
    """A new account whose contact counts as proved, said to everybody; None when the contact has one."""
    if not lock_contact(tx, newcomer):
        return None
    release(tx, newcomer.claimed)
    row = tx.one(
        "INSERT INTO accounts (name, contact, normal, password_hash, roles, created_ms) VALUES (?, ?, ?, ?, ?, ?)"
        f" ON CONFLICT DO NOTHING RETURNING {COLUMNS}",
        (newcomer.name, newcomer.contact, newcomer.claimed, password_hash, ",".join(roles), tx.now_ms),
    )
    if row is None:
        return None
    tx.count("accounts")
    account = made(row)
    if Role.ADMIN in roles:
        tx.audit("admin appointed", f"user:{account.userid}", after=_may(account))
    tx.say(RegisteredAccount(userid=account.userid))
    return account


def credentials(read: Reading, where: str, params: tuple[object, ...]) -> Credentials | None:
    """What a sign-in is compared with."""
    row = read.one(f"SELECT {KEYS} FROM accounts WHERE {where} AND erased_ms IS NULL", params)
    return None if row is None else with_keys(row)


def rename(tx: Tx, userid: int, name: str, only: int | None) -> Account:
    """Change the name. Raises NoSuchAccount."""
    where, params = whose(userid, only)
    tx.execute(f"UPDATE accounts SET name = ? WHERE {where} AND erased_ms IS NULL", (name, *params))
    return load(tx, userid, only)


def set_roles(tx: Tx, userid: int, roles: Roles, managerid: int | None) -> Account:
    """What they may do. Raises NoSuchAccount, LastAdmin."""
    tx.lock(_ADMINS)
    if Role.ADMIN not in roles:
        _must_leave_an_admin(tx, userid)
    sql = "UPDATE accounts SET roles = ?, managerid = ? WHERE userid = ? AND erased_ms IS NULL"
    before = load(tx, userid)
    if not tx.execute(sql, (",".join(roles), managerid, userid)):
        raise NoSuchAccount(userid)
    if _may(before) != _may(after := load(tx, userid)):
        _say_roles_changed(tx, userid)
    tx.audit("roles granted", f"user:{userid}", _may(before), _may(after))
    return after


def set_password(tx: Tx, userid: int, password_hash: str) -> Account:
    """A new password; every session ends, every way back that was offered, and what no code has confirmed, an enrolment
    or another contact: it may be somebody else's. Raises NoSuchAccount."""
    sql = (
        "UPDATE accounts SET password_hash = ?, sealed = CASE WHEN codes_wanted = 1 THEN sealed END"
        " WHERE userid = ? AND erased_ms IS NULL"
    )
    if not tx.execute(sql, (password_hash, userid)):
        raise NoSuchAccount(userid)
    tx.execute("DELETE FROM resets WHERE userid = ?", (userid,))
    give_up_change(tx, userid)
    sessions_end(tx, userid)
    return load(tx, userid)


def change_password(tx: Tx, userid: int, before: str, after: str) -> Account | None:
    """The same while the password is still the one that was shown; None when it is not. Raises NoSuchAccount."""
    sql = "UPDATE accounts SET password_hash = password_hash WHERE userid = ? AND password_hash = ?"
    return set_password(tx, userid, after) if tx.execute(sql, (userid, before)) else None


def rehash(tx: Tx, userid: int, before: str, after: str) -> None:
    """The same password at another cost."""
    sql = "UPDATE accounts SET password_hash = ? WHERE userid = ? AND password_hash = ?"
    tx.execute(sql, (after, userid, before))


def erase(tx: Tx, userid: int, only: int | None) -> Account:
    """Forget who it was, and say so the first time. Raises NoSuchAccount, LastAdmin, AccountInUse."""
    _lock_for_erasure(tx, userid)
    account = load(tx, userid, only)
    if account.erased_ms is not None:
        return account
    must_be_settled(userid, unsettled(tx, userid))
    return _erase(tx, account)


def forget(tx: Tx, userid: int) -> Unsettled:
    """An operator's duty by law: erase whoever has this number, whatever is unsettled, which is answered. Also where
    there never was an account, as in the demo, and say so each time: a backup may have brought the rest back.
    Raises LastAdmin."""
    _lock_for_erasure(tx, userid)
    left, known = unsettled(tx, userid), credentials(tx, "userid = ?", (userid,))
    if known is not None:
        _erase(tx, known.account)
    else:
        _forget_messages(tx, userid)
        tx.audit("account erased", f"user:{userid}")
        tx.say(AccountErased(userid=userid))
    return left


def _lock_for_erasure(tx: Tx, userid: int) -> None:
    """In the order of the consumer, whose policies lock a person after they share the erasure."""
    alone(tx, userid)
    tx.lock(_ADMINS)
    lock_person(tx, userid)


def _erase(tx: Tx, account: Account) -> Account:
    userid = account.userid
    _must_leave_an_admin(tx, userid)
    gone = tx.execute(
        "UPDATE accounts SET name = NULL, password_hash = NULL, roles = '', managerid = NULL,"
        " sealed = NULL, codes_wanted = 0, erased_ms = ? WHERE userid = ? AND erased_ms IS NULL",
        (tx.now_ms, userid),
    )
    if gone:
        sessions_end(tx, userid)
        tx.execute("DELETE FROM resets WHERE userid = ?", (userid,))
        forget_contacts(tx, userid)
        forget_households(tx, userid)
        _forget_messages(tx, userid)
        tx.audit("account erased", f"user:{userid}", before=_may(account))
        tx.say(AccountErased(userid=userid))
    return load(tx, userid)


def _forget_messages(tx: Tx, userid: int) -> None:
    """A message that was set aside, or comes later, tells no place where the person was."""
    remember(tx, userid)
    take_out(tx, "userid", [userid], EVENTS)


def begin_enrolment(tx: Tx, userid: int, sealed: bytes, only: int | None) -> None:
    """Keep a secret that a code must confirm. Raises NoSuchAccount, EnrolledAlready, ContactUnproved."""
    where, params = whose(userid, only)
    sql = f"UPDATE accounts SET sealed = ? WHERE {where} AND codes_wanted = 0 AND contact IS NOT NULL"
    if not tx.execute(sql, (sealed, *params)):
        account = load(tx, userid, only)
        if account.erased_ms is not None:
            raise NoSuchAccount(userid)
        raise EnrolledAlready if account.codes_wanted else ContactUnproved


def confirm_enrolment(
    tx: Tx, userid: int, sealed: bytes, step: int, only: int | None, codes: Sequence[str] = ()
) -> Account:
    """Codes are wanted from now on, this one no more. Raises NoSuchAccount, NotEnrolling, also where another secret
    than the code's was begun with meanwhile."""
    where, params = whose(userid, only)
    changed = tx.execute(
        f"UPDATE accounts SET codes_wanted = 1, last_step = ? WHERE {where} AND codes_wanted = 0"
        f" AND sealed = ? AND {FRESH}",
        (step, *params, sealed, step, step),
    )
    if not changed:
        raise NotEnrolling
    put(tx, userid, codes)
    return load(tx, userid, only)


def remove_enrolment(tx: Tx, userid: int) -> Account:
    """Codes are wanted no more. Raises NoSuchAccount."""
    tx.execute("UPDATE accounts SET name = name WHERE userid = ?", (userid,))  # what goes on record is what was so
    before = load(tx, userid)
    tx.execute("UPDATE accounts SET codes_wanted = 0, sealed = NULL WHERE userid = ?", (userid,))
    put(tx, userid, ())
    if before.codes_wanted:  # staff may have to have one
        _say_roles_changed(tx, userid)
    tx.audit("authenticator removed", f"user:{userid}", before={"codes_wanted": before.codes_wanted})
    return load(tx, userid)


def _say_roles_changed(tx: Tx, userid: int) -> None:
    tx.say(ChangedRoles(userid=userid, tokenversion=raise_token_version(tx, userid)))


def _may(account: Account) -> Facts:
    """What an audit row tells of an account: who it is, is not in it."""
    return {"roles": account.roles, "managerid": account.managerid}


def _must_leave_an_admin(tx: Tx, userid: int) -> None:
    tx.lock(_ADMINS)
    admins = tx.all("SELECT userid FROM accounts WHERE roles LIKE '%admin%' AND erased_ms IS NULL LIMIT 2")
    if [row[0] for row in admins] == [userid]:
        raise LastAdmin(userid)


def _key(userid: int) -> str:
    return f"account:{userid}"
