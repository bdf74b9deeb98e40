"""Contacts that count and contacts that somebody has yet to prove.

An account's own contact (`accounts`) is one that was proved; what has yet to be is in `contact_proofs`, where several
accounts may have the same. Whoever changes who has a contact takes its lock first, then the account's row, then rows of
`contact_proofs`, and last what counts the codes.
"""

from gbike.contracts.account import RegisteredAccount
from gbike.kit.clock import is_ahead
from gbike.kit.contacts import Contact
from gbike.kit.housekeeping import DAY_MS
from gbike.kit.store import Reading, Store, Tx
from gbike.services.account.domain import (
    CODE_MS,
    MOST_CODES,
    MOST_TRIES,
    MOST_UNPROVED,
    Account,
    CodeWish,
    Credentials,
    Newcomer,
    NoSuchAccount,
    NothingToProve,
    Role,
    TooManyTries,
)
from gbike.services.account.storage.rows import KEYS, load, with_keys
from gbike.services.account.storage.secrets import kept
from gbike.services.account.storage.tries import forget_contact


class SqlContacts:
    """Contacts (ports) over a Store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def sign_up(self, newcomer: Newcomer, password_hash: str, code: str) -> CodeWish:
        """See Contacts.sign_up."""
        return await self._store.write(sign_up, newcomer, password_hash, code, key="accounts")

    async def candidates(self, contact: Contact) -> list[Credentials]:
        """See Contacts.candidates."""
        return await self._store.read(candidates, contact)

    async def as_kept(self, contact: Contact) -> str:
        """See Contacts.as_kept."""
        return await self._store.read(as_kept, contact)

    async def take(self, userid: int, contact: Contact, code: str) -> CodeWish:
        """See Contacts.take."""
        return await self._store.write(take, userid, contact, code, key=_key(userid))

    async def renew(self, userid: int, code: str, only: int | None) -> CodeWish:
        """See Contacts.renew."""
        return await self._store.write(renew, userid, code, only, key=_key(userid))

    async def prove(self, userid: int, code: str, only: int | None) -> Account | None:
        """See Contacts.prove."""
        return await self._store.write(prove, userid, code, only, key=_key(userid))


def sign_up(tx: Tx, newcomer: Newcomer, password_hash: str, code: str) -> CodeWish:
    """A new rider, whose contact a code must prove; where somebody has proved it, none. Of those who have yet to prove
    the same contact the one who was in longest ago gives way."""
    contact = Contact(newcomer.contact, newcomer.claimed)
    _lock(tx, contact.normal)
    holder = _holder(tx, contact, 0)
    if holder is not None:
        return CodeWish(owner=holder if _count(tx, _of_contact(contact.normal)) else None)
    row = tx.one(
        "INSERT INTO accounts (name, password_hash, roles, created_ms) VALUES (?, ?, ?, ?) RETURNING userid",
        (newcomer.name, password_hash, Role.RIDER, tx.now_ms),
    )
    userid = int(row[0]) if row else 0
    tx.count("accounts")
    tx.say(RegisteredAccount(userid=userid))
    _put(tx, userid, contact, code)
    return CodeWish(userid if _count(tx, _of_contact(contact.normal)) else None)


def candidates(read: Reading, contact: Contact) -> list[Credentials]:
    """Who may sign in with a contact: by what was typed, else by its normal form; who has proved it alone, else those
    who have yet to."""
    ways = (
        ("contact = ?", contact.typed),
        ("normal = ?", contact.normal),
        ("contact IS NULL AND userid IN (SELECT userid FROM contact_proofs WHERE normal = ?)", contact.normal),
    )
    for where, value in ways:
        sql = f"SELECT {KEYS} FROM accounts WHERE {where} AND erased_ms IS NULL ORDER BY userid DESC LIMIT ?"
        found = read.all(sql, (value, MOST_UNPROVED))
        if found:
            return [with_keys(row) for row in found]
    return []


def as_kept(read: Reading, contact: Contact) -> str:
    """A contact as the account that has proved it typed it, when there is just one; else as it is typed now."""
    for column, value in (("contact", contact.typed), ("normal", contact.normal)):
        found = read.all(f"SELECT contact FROM accounts WHERE {column} = ? LIMIT 2", (value,))
        if len(found) == 1:
            return str(found[0][0])
    return contact.typed


def take(tx: Tx, userid: int, contact: Contact, code: str) -> CodeWish:
    """Keep another contact for an account, which a code must prove. Raises NoSuchAccount, TooManyTries."""
    _lock(tx, contact.normal)
    if not tx.execute("UPDATE accounts SET name = name WHERE userid = ? AND erased_ms IS NULL", (userid,)):
        raise NoSuchAccount(userid)
    _put(tx, userid, contact, code)
    return _wish(tx, userid, contact, _count_both(tx, userid, contact.normal))


def renew(tx: Tx, userid: int, code: str, only: int | None) -> CodeWish:
    """Another code for the contact that has yet to be proved. Raises NoSuchAccount, NothingToProve, TooManyTries."""
    contact = _lock_pending(tx, userid, only)
    sql = "UPDATE contact_proofs SET code = ?, until_ms = ?, tries = 0 WHERE userid = ? AND normal = ?"
    if not tx.execute(sql, (_kept_code(userid, code), tx.now_ms + CODE_MS, userid, contact.normal)):
        raise NothingToProve
    return _wish(tx, userid, contact, _count_both(tx, userid, contact.normal))


def prove(tx: Tx, userid: int, code: str, only: int | None) -> Account | None:
    """The code is right: the contact is the account's, and nobody else's. None when it is wrong, too old, was tried too
    often, or somebody else has proved the contact. Raises NoSuchAccount, NothingToProve."""
    contact = _lock_pending(tx, userid, only)
    sql = "UPDATE contact_proofs SET tries = tries + 1 WHERE userid = ? AND normal = ? RETURNING code, until_ms, tries"
    row = tx.one(sql, (userid, contact.normal))
    if row is None:
        raise NothingToProve
    known, until_ms, tries = row
    good = tries <= MOST_TRIES and is_ahead(until_ms, tx.now_ms, CODE_MS) and known == _kept_code(userid, code)
    if not good or _holder(tx, contact, userid) is not None:
        return None
    sql = "UPDATE accounts SET contact = ?, normal = ?, shared = 0 WHERE userid = ?"
    tx.execute(sql, (contact.typed, contact.normal, userid))
    release(tx, contact.normal)
    tx.execute("DELETE FROM resets WHERE userid = ?", (userid,))  # they went to the contact before
    return load(tx, userid)


def release(tx: Tx, normal: str) -> None:
    """Somebody has proved the contact: whoever had yet to loses it."""
    tx.execute("DELETE FROM contact_proofs WHERE normal = ?", (normal,))


def lock_contact(tx: Tx, newcomer: Newcomer) -> bool:
    """Whether nobody has proved the contact; nobody else does until this commits."""
    _lock(tx, newcomer.claimed)
    return _holder(tx, Contact(newcomer.contact, newcomer.claimed), 0) is None


def give_up_change(tx: Tx, userid: int) -> None:
    """The other contact that an account asked for, where it has one of its own; its row is the caller's already."""
    own = "SELECT 1 FROM accounts AS a WHERE a.userid = contact_proofs.userid AND a.contact IS NOT NULL"
    tx.execute(f"DELETE FROM contact_proofs WHERE userid = ? AND EXISTS ({own})", (userid,))


def forget_contacts(tx: Tx, userid: int) -> None:
    """Every contact that the account has, or has yet to prove, and what was counted for it. What was counted for one
    that it has not proved stays its day: it protects whoever has that contact from being written to, or guessed at."""
    mine = "SELECT normal FROM accounts WHERE userid = ? AND shared = 0 AND normal IS NOT NULL"
    own = [row[0] for row in tx.all(mine, (userid,))]
    tx.execute("UPDATE accounts SET contact = NULL, normal = NULL, shared = 0 WHERE userid = ?", (userid,))
    tx.execute("DELETE FROM contact_proofs WHERE userid = ?", (userid,))
    tx.execute("DELETE FROM recovery_codes WHERE userid = ?", (userid,))
    for whose in (_of_account(userid), *map(_of_contact, own)):
        tx.lock(f"codes:{whose}")
        tx.execute("DELETE FROM contact_codes WHERE whose = ?", (whose,))
    for normal in own:
        forget_contact(tx, normal)


def _lock_pending(tx: Tx, userid: int, only: int | None) -> Contact:
    """The contact that an account has yet to prove; who has it, and the account, changes nobody else until this
    commits. Raises NoSuchAccount, NothingToProve."""
    load(tx, userid, only)
    row = tx.one("SELECT contact, normal FROM contact_proofs WHERE userid = ?", (userid,))
    if row is None:
        raise NothingToProve
    _lock(tx, row[1])
    tx.execute("UPDATE accounts SET name = name WHERE userid = ?", (userid,))
    return Contact(*row)


def _put(tx: Tx, userid: int, contact: Contact, code: str) -> None:
    """Keep the code; of the accounts without a contact of their own no more than a few wait for the same one."""
    tx.execute(
        "INSERT INTO contact_proofs (userid, contact, normal, code, until_ms, tries) VALUES (?, ?, ?, ?, ?, 0)"
        " ON CONFLICT (userid) DO UPDATE SET contact = excluded.contact, normal = excluded.normal, tries = 0,"
        " code = excluded.code, until_ms = excluded.until_ms",
        (userid, contact.typed, contact.normal, _kept_code(userid, code), tx.now_ms + CODE_MS),
    )
    waiting = tx.all(
        "SELECT userid FROM contact_proofs AS p WHERE normal = ? AND userid <> ?"
        " AND EXISTS (SELECT 1 FROM accounts WHERE userid = p.userid AND contact IS NULL)"
        " ORDER BY (SELECT coalesce(max(expires_ms), 0) FROM sessions WHERE userid = p.userid) DESC, userid DESC",
        (contact.normal, userid),
    )
    for row in waiting[MOST_UNPROVED - 1 :]:
        tx.execute("DELETE FROM contact_proofs WHERE userid = ? AND normal = ?", (row[0], contact.normal))


def _holder(read: Reading, contact: Contact, but: int) -> int | None:
    """Who else has proved the contact."""
    sql = "SELECT userid FROM accounts WHERE (normal = ? OR contact = ?) AND userid <> ? ORDER BY userid LIMIT 1"
    row = read.one(sql, (contact.normal, contact.typed, but))
    return None if row is None else int(row[0])


def _wish(read: Reading, userid: int, contact: Contact, sends: bool) -> CodeWish:
    owner = _holder(read, contact, userid)
    if not sends:
        return CodeWish()
    return CodeWish(userid) if owner is None else CodeWish(owner=owner)


def _count_both(tx: Tx, userid: int, normal: str) -> bool:
    """Whether a code may be sent to the contact; nobody is told, as others may have asked. Raises TooManyTries when the
    account asked too often."""
    if not _count(tx, _of_account(userid)):
        raise TooManyTries(CODES_WITHIN_MS // 1000)
    return _count(tx, _of_contact(normal))


def _count(tx: Tx, whose: str) -> bool:
    """Count a letter; whether it is within the bound."""
    tx.lock(f"codes:{whose}")
    row = tx.one("SELECT sent, since_ms FROM contact_codes WHERE whose = ?", (whose,))
    counts = row is not None and is_ahead(row[1] + CODES_WITHIN_MS, tx.now_ms, CODES_WITHIN_MS)
    sent, since_ms = (row[0], row[1]) if row and counts else (0, tx.now_ms)
    if sent >= MOST_CODES:
        return False
    tx.execute(
        "INSERT INTO contact_codes (whose, sent, since_ms) VALUES (?, ?, ?) ON CONFLICT (whose) DO UPDATE"
        " SET sent = excluded.sent, since_ms = excluded.since_ms",
        (whose, sent + 1, since_ms),
    )
    return True


CODES_WITHIN_MS = DAY_MS // 24


def _kept_code(userid: int, code: str) -> str:
    """What is kept of a code; it is short, so what protects it is that it is good for minutes and a few tries."""
    return kept(f"proof {userid} {code}")


def _of_account(userid: int) -> str:
    return f"account {userid}"


def _of_contact(normal: str) -> str:
    return kept(f"contact {normal}")


def _lock(tx: Tx, normal: str) -> None:
    tx.lock(f"contact:{kept(normal)}")


def _key(userid: int) -> str:
    return f"account:{userid}"
