"""Consents in SQL: of each kind the last one that an account gave."""

from gbike.kit.store import Reading, Tx
from gbike.services.account.domain.consents import Consent, ConsentKind


def of(read: Reading, userid: int) -> list[Consent]:
    """Those of an account, by kind."""
    rows = read.all("SELECT kind, version, at_ms FROM consents WHERE userid = ? ORDER BY kind", (userid,))
    return [Consent(ConsentKind(kind), version, at_ms) for kind, version, at_ms in rows]


def put(tx: Tx, userid: int, kind: ConsentKind, version: str) -> None:
    """Keep it, with the moment; the same version again keeps its first."""
    tx.execute(
        "INSERT INTO consents (userid, kind, version, at_ms) VALUES (?, ?, ?, ?) ON CONFLICT (userid, kind) DO UPDATE"
        " SET version = excluded.version, at_ms = excluded.at_ms WHERE consents.version <> excluded.version",
        (userid, kind, version, tx.now_ms),
    )


def withdraw(tx: Tx, userid: int, kind: ConsentKind) -> None:
    tx.execute("DELETE FROM consents WHERE userid = ? AND kind = ?", (userid, kind))


def forget(tx: Tx, userid: int) -> None:
    """The account agreed to nothing."""
    tx.execute("DELETE FROM consents WHERE userid = ?", (userid,))
