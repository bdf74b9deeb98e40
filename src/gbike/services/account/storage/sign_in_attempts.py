"""Attempts that are under way, failures that are counted, and the clients that an account knows, in SQL.

Contact and client are kept as what they hash to. A row of `tries` under a contact and client has failures in a row, the
last one's moment, and until when there is a wait; under a pace `until_ms` is when all that was taken is given back (the
theoretical arrival time of GCRA).
"""

from collections.abc import Iterable

from gbike.kit.store import Reading, Tx
from gbike.services.account.domain import SignInAttempt
from gbike.services.account.storage.secrets import kept

UNDER_WAY_MS = 60_000
"""Longer than any attempt takes; whatever is older was never ended, as its process was killed."""


def of_pair(contact: str, client: str) -> str:
    return kept(f"contact {contact} client {client}")


def of_contact(contact: str) -> str:
    """The name of what is counted of a contact, from clients that its account does not know."""
    return kept(f"contact {contact}")


def of_client(client: str, what: str = "client") -> str:
    """The name of what is counted of a client, of failures or of something else (`sign-up`)."""
    return kept(f"{what} {client}")


def lock(tx: Tx, *names: str) -> None:
    """Nobody else counts under these names until this commits."""
    for name in names:
        tx.lock(f"tries:{name}")


def counted(read: Reading, name: str) -> tuple[int, int]:
    """Failures, and until when there is a wait, ms; 0 and 0 where nothing was counted."""
    row = read.one("SELECT failures, until_ms FROM tries WHERE whose = ?", (name,))
    return (row[0], row[1]) if row is not None else (0, 0)


def count(tx: Tx, name: str, failures: int, until_ms: int) -> None:
    tx.execute(
        "INSERT INTO tries (whose, failures, since_ms, until_ms) VALUES (?, ?, ?, ?) ON CONFLICT (whose) DO UPDATE"
        " SET failures = excluded.failures, since_ms = excluded.since_ms, until_ms = excluded.until_ms",
        (name, failures, tx.now_ms, until_ms),
    )


def shorten(tx: Tx, name: str, by_ms: int) -> None:
    tx.execute("UPDATE tries SET until_ms = until_ms - ? WHERE whose = ?", (by_ms, name))


def forget(tx: Tx, name: str) -> None:
    """Nothing is counted under this name."""
    tx.execute("DELETE FROM tries WHERE whose = ?", (name,))


def begin(tx: Tx, id: str, names: Iterable[str]) -> None:
    for name in names:
        tx.execute("INSERT INTO attempts (id, whose, at_ms) VALUES (?, ?, ?)", (id, name, tx.now_ms))


def end_attempt(tx: Tx, attempt: SignInAttempt) -> None:
    tx.execute("DELETE FROM attempts WHERE id = ?", (attempt.id,))


def under_way(tx: Tx, name: str) -> int:
    sql = "SELECT count(*) FROM attempts WHERE whose = ? AND at_ms > ? AND at_ms <= ?"
    row = tx.one(sql, (name, tx.now_ms - UNDER_WAY_MS, tx.now_ms + UNDER_WAY_MS))
    return int(row[0]) if row is not None else 0


def accounts_of(read: Reading, contact: str) -> list[int]:
    """Who may get in with a contact in its normal form: who has proved it alone, else those who have yet to, a few."""
    waiting = (
        "SELECT userid FROM accounts WHERE contact IS NULL"
        " AND userid IN (SELECT userid FROM contact_proofs WHERE normal = ?)"
    )
    found = read.all("SELECT userid FROM accounts WHERE normal = ?", (contact,)) or read.all(waiting, (contact,))
    return [int(row[0]) for row in found]


def knows(read: Reading, userid: int, client: str) -> bool:
    sql = "SELECT 1 FROM households WHERE userid = ? AND client = ?"
    return read.one(sql, (userid, _client_of(userid, client))) is not None


def know(tx: Tx, userid: int, client: str) -> None:
    tx.execute(
        "INSERT INTO households (userid, client, seen_ms) VALUES (?, ?, ?)"
        " ON CONFLICT (userid, client) DO UPDATE SET seen_ms = excluded.seen_ms",
        (userid, _client_of(userid, client), tx.now_ms),
    )


def forget_clients(tx: Tx, userid: int) -> None:
    """No client is known to this account any more."""
    tx.execute("DELETE FROM households WHERE userid = ?", (userid,))


def _client_of(userid: int, client: str) -> str:
    return kept(f"household {userid} {client}")
