"""Contacts in SQL: those that somebody has yet to prove, and how many codes were sent.

An account's own contact (`accounts`) is one that was proved; what has yet to be is in `contact_proofs`, where several
accounts may have the same. Whoever changes who has a contact takes its lock first, then the account's row, then rows of
`contact_proofs`, and last what counts the codes.
"""

from gbike.kit.contacts import Contact
from gbike.kit.store import Reading, Tx
from gbike.services.account.domain import MOST_UNPROVED, Credentials
from gbike.services.account.storage.accounts import KEYS, with_keys
from gbike.services.account.storage.secrets import kept


def lock(tx: Tx, normal: str) -> None:
    """Nobody else proves the contact, or asks to, until this commits."""
    tx.lock(f"contact:{kept(normal)}")


def candidates(read: Reading, contact: Contact) -> list[Credentials]:
    """Who may sign in with a contact: by what was typed, else by its normal form; who has proved it alone, else those
    who have yet to, MOST_UNPROVED at most."""
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


def holder(read: Reading, contact: Contact, but: int = 0) -> int | None:
    """Who has proved the contact, other than `but`."""
    sql = "SELECT userid FROM accounts WHERE (normal = ? OR contact = ?) AND userid <> ? ORDER BY userid LIMIT 1"
    row = read.one(sql, (contact.normal, contact.typed, but))
    return None if row is None else int(row[0])


def pending(read: Reading, userid: int) -> Contact | None:
    row = read.one("SELECT contact, normal FROM contact_proofs WHERE userid = ?", (userid,))
    return None if row is None else Contact(*row)


def put(tx: Tx, userid: int, contact: Contact, code: str, until_ms: int) -> None:
    """The account has this contact to prove, and no other."""
    tx.execute(
        "INSERT INTO contact_proofs (userid, contact, normal, code, until_ms, tries) VALUES (?, ?, ?, ?, ?, 0)"
        " ON CONFLICT (userid) DO UPDATE SET contact = excluded.contact, normal = excluded.normal, tries = 0,"
        " code = excluded.code, until_ms = excluded.until_ms",
        (userid, contact.typed, contact.normal, kept_code(userid, code), until_ms),
    )


def waiting(read: Reading, normal: str, but: int) -> list[int]:
    """Which accounts without a contact of their own wait for this one, other than `but`: who was in last first."""
    rows = read.all(
        "SELECT userid FROM contact_proofs AS p WHERE normal = ? AND userid <> ?"
        " AND EXISTS (SELECT 1 FROM accounts WHERE userid = p.userid AND contact IS NULL)"
        " ORDER BY (SELECT coalesce(max(expires_ms), 0) FROM sessions WHERE userid = p.userid) DESC, userid DESC",
        (normal, but),
    )
    return [row[0] for row in rows]


def renew_code(tx: Tx, userid: int, normal: str, code: str, until_ms: int) -> bool:
    """Another code for a contact; False: the account has not this one to prove."""
    sql = "UPDATE contact_proofs SET code = ?, until_ms = ?, tries = 0 WHERE userid = ? AND normal = ?"
    return tx.execute(sql, (kept_code(userid, code), until_ms, userid, normal)) == 1


def count_a_try(tx: Tx, userid: int, normal: str) -> tuple[str, int, int] | None:
    """The code as it is kept, until when it is good, ms, and how often it was tried by now; None: there is none."""
    sql = "UPDATE contact_proofs SET tries = tries + 1 WHERE userid = ? AND normal = ? RETURNING code, until_ms, tries"
    row = tx.one(sql, (userid, normal))
    return None if row is None else (row[0], row[1], row[2])


def give_up(tx: Tx, userid: int, normal: str) -> None:
    """The account has this contact to prove no more."""
    tx.execute("DELETE FROM contact_proofs WHERE userid = ? AND normal = ?", (userid, normal))


def give_up_change(tx: Tx, userid: int) -> None:
    """The other contact that an account asked for, where it has one of its own; its row is the caller's already."""
    own = "SELECT 1 FROM accounts AS a WHERE a.userid = contact_proofs.userid AND a.contact IS NOT NULL"
    tx.execute(f"DELETE FROM contact_proofs WHERE userid = ? AND EXISTS ({own})", (userid,))


def release(tx: Tx, normal: str) -> None:
    """Somebody has proved the contact: whoever had yet to loses it."""
    tx.execute("DELETE FROM contact_proofs WHERE normal = ?", (normal,))


def forget(tx: Tx, userid: int) -> None:
    """The account has no contact to prove, and no recovery codes."""
    tx.execute("DELETE FROM contact_proofs WHERE userid = ?", (userid,))
    tx.execute("DELETE FROM recovery_codes WHERE userid = ?", (userid,))


def lock_codes(tx: Tx, owner: str) -> None:
    """Nobody else counts codes of an account or contact until this commits."""
    tx.lock(f"codes:{owner}")


def codes_sent(read: Reading, owner: str) -> tuple[int, int] | None:
    """How many codes were sent, and since when they are counted, ms."""
    row = read.one("SELECT sent, since_ms FROM contact_codes WHERE whose = ?", (owner,))
    return None if row is None else (row[0], row[1])


def count_codes(tx: Tx, owner: str, sent: int, since_ms: int) -> None:
    tx.execute(
        "INSERT INTO contact_codes (whose, sent, since_ms) VALUES (?, ?, ?) ON CONFLICT (whose) DO UPDATE"
        " SET sent = excluded.sent, since_ms = excluded.since_ms",
        (owner, sent, since_ms),
    )


def forget_codes(tx: Tx, owner: str) -> None:
    """None was sent."""
    tx.execute("DELETE FROM contact_codes WHERE whose = ?", (owner,))


def kept_code(userid: int, code: str) -> str:
    """What is kept of a code; it is short, so what protects it is that it is good for minutes and a few tries."""
    return kept(f"proof {userid} {code}")


def of_account(userid: int) -> str:
    """Under which name codes of an account are counted."""
    return f"account {userid}"


def of_contact(normal: str) -> str:
    return kept(f"contact {normal}")
