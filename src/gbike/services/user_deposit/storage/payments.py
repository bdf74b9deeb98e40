"""Payments in SQL: begun by a rider, and paid once."""

from gbike.kit.auth.principal import OwnerScope
from gbike.kit.storage.retention import DAY_MS, RetentionRule
from gbike.kit.store import Reading, Row, Tx
from gbike.services.user_deposit.domain import NoSuchPayment, Payment

KEEPS = (
    RetentionRule(
        7 * DAY_MS,
        "DELETE FROM payments WHERE paid_ms IS NULL AND paymentid IN"
        " (SELECT paymentid FROM payments WHERE paid_ms IS NULL AND at_ms < ? ORDER BY at_ms LIMIT ?)",
    ),
)
"""What was begun and never paid; said twice, as one may be paid between the look and the deletion."""
_COLUMNS = "paymentid, userid, amount, paid_ms"


def add(tx: Tx, wanted: Payment) -> None:
    sql = "INSERT INTO payments (paymentid, userid, amount, at_ms) VALUES (?, ?, ?, ?)"
    tx.execute(sql, (wanted.paymentid, wanted.userid, wanted.amount, tx.now_ms))


def begun(read: Reading, userid: int, after_ms: int, until_ms: int) -> int:
    """How many payments a rider began in a time, and did not pay."""
    row = read.one(
        "SELECT count(*) FROM payments WHERE userid = ? AND paid_ms IS NULL AND at_ms > ? AND at_ms <= ?",
        (userid, after_ms, until_ms),
    )
    return int(row[0]) if row else 0


def mark_paid(tx: Tx, paymentid: str) -> bool:
    """It is paid; False: it was."""
    sql = "UPDATE payments SET paid_ms = ? WHERE paymentid = ? AND paid_ms IS NULL"
    return tx.execute(sql, (tx.now_ms, paymentid)) == 1


def paid_and_unposted(read: Reading, paymentid: str) -> Payment | None:
    """A payment that is paid and in no ledger; None: it is neither."""
    row = read.one(
        f"SELECT {_COLUMNS} FROM payments WHERE paymentid = ? AND paid_ms IS NOT NULL"
        " AND NOT EXISTS (SELECT 1 FROM entries WHERE cause = 'payment:' || paymentid)",
        (paymentid,),
    )
    return _payment(row) if row is not None else None


def load(read: Reading, paymentid: str, owner: OwnerScope | None = None) -> Payment:
    """The payment. Raises NoSuchPayment, also for another's than the `owner` (None: who asked)."""
    sql = f"SELECT {_COLUMNS} FROM payments WHERE paymentid = ? AND userid = coalesce(?, userid)"
    row = read.one(sql, (paymentid, (owner or read.owner).only))
    if row is None:
        raise NoSuchPayment(paymentid)
    return _payment(row)


def _payment(row: Row) -> Payment:
    paymentid, userid, amount, paid_ms = row
    return Payment(paymentid, userid, amount, paid_ms is not None)
