"""Blocks in SQL: a row for each rider whom an operator keeps from beginning a ride."""

from gbike.kit.store import Reading, Tx
from gbike.services.user_deposit.domain import Block

_COLUMNS = "reason, since_ms, until_ms"


def find(read: Reading, userid: int) -> Block | None:
    row = read.one(f"SELECT {_COLUMNS} FROM blocks WHERE userid = ?", (userid,))
    return Block(*row) if row else None


def put(tx: Tx, userid: int, reason: str, until_ms: int | None) -> None:
    """Block the rider, or block them otherwise: since when stays."""
    tx.execute(
        f"INSERT INTO blocks (userid, {_COLUMNS}) VALUES (?, ?, ?, ?) ON CONFLICT (userid) DO UPDATE"
        " SET reason = excluded.reason, until_ms = excluded.until_ms",
        (userid, reason, tx.now_ms, until_ms),
    )


def end(tx: Tx, userid: int) -> bool:
    return tx.execute("DELETE FROM blocks WHERE userid = ?", (userid,)) == 1


def end_lapsed(tx: Tx, userid: int, now_ms: int) -> bool:
    """End the rider's block if it is over by itself; False: it is not, or is another one by now."""
    return tx.execute("DELETE FROM blocks WHERE userid = ? AND until_ms <= ?", (userid, now_ms)) == 1


def lapsed(read: Reading, now_ms: int, most: int) -> list[int]:
    """Up to `most` riders whose block is over by itself."""
    sql = "SELECT userid FROM blocks WHERE until_ms <= ? ORDER BY until_ms, userid LIMIT ?"
    return [row[0] for row in read.all(sql, (now_ms, most))]


def forget_reason(tx: Tx, userid: int) -> None:
    tx.execute("UPDATE blocks SET reason = NULL WHERE userid = ?", (userid,))
