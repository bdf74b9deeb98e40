"""What riders complained of, and the tries that are free because of it, in SQL, under the lock of the rider."""

from gbike.kit.storage.retention import DAY_MS, RetentionRule
from gbike.kit.store import Tx
from gbike.services.billing.domain import HEARD_MS, Bill, Complaint
from gbike.services.billing.storage import SELECT, as_bill

KEPT = RetentionRule(
    90 * DAY_MS,
    "DELETE FROM complaints WHERE at_ms < ? AND complaintid IN"
    " (SELECT complaintid FROM complaints ORDER BY complaintid LIMIT ?)",
)
"""A return that is heard so late finds no complaint any more."""


def keep(tx: Tx, complaint: Complaint) -> bool:
    """False: it was heard before, or its rider is erased."""
    kept = tx.execute(
        "INSERT INTO complaints (complaintid, userid, bikeid, at_ms) SELECT ?, ?, ?, ?"
        " WHERE NOT EXISTS (SELECT 1 FROM erased WHERE userid = ?) ON CONFLICT DO NOTHING",
        (complaint.complaintid, complaint.userid, complaint.bikeid, complaint.at_ms, complaint.userid),
    )
    return kept == 1


def was_made(tx: Tx, bill: Bill, ended_ms: int, bikeid: int) -> bool:
    """Whether the rider of a try complained of its bike, in time."""
    sql = "SELECT 1 FROM complaints WHERE userid = ? AND bikeid = ? AND at_ms BETWEEN ? AND ? LIMIT 1"
    return tx.one(sql, (bill.userid, bikeid, bill.started_ms, ended_ms + HEARD_MS)) is not None


def tries_of(tx: Tx, complaint: Complaint) -> list[Bill]:
    """The tries that a complaint is of, in the order of their bills."""
    rows = tx.all(
        f"{SELECT} WHERE userid = ? AND tried = ? AND started_ms <= ? AND ended_ms >= ? ORDER BY billid",
        (complaint.userid, complaint.bikeid, complaint.at_ms, complaint.at_ms - HEARD_MS),
    )
    return [as_bill(row) for row in rows]


def take_the_day(tx: Tx, bill: Bill, day: int) -> bool:
    """This bill is the one of its rider's that is free that day; False: another one is, or it is already."""
    return (
        tx.execute(
            "UPDATE bills SET freeday = ? WHERE billid = ? AND freeday IS NULL AND NOT EXISTS"
            " (SELECT 1 FROM bills AS other WHERE other.userid = ? AND other.freeday = ?)",
            (day, bill.billid, bill.userid, day),
        )
        == 1
    )


def forget(tx: Tx, userid: int) -> None:
    """Keep nothing that this rider complained of."""
    tx.execute("DELETE FROM complaints WHERE userid = ?", (userid,))
