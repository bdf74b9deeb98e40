"""Complaints in SQL."""

from gbike.kit.privacy.personal_data import PersonalData
from gbike.kit.storage.listing import Listing
from gbike.kit.storage.retention import DAY_MS, RetentionRule
from gbike.kit.store import Reading, Row, Tx
from gbike.services.bike_manage_app.domain import COUNTS_MS, Complaint, ComplaintKind, Grievance, NoSuchComplaint

WRITTEN = PersonalData(
    "complaints",
    ("complaintid", "bikeid", "kind", "words", "at_ms", "takenout"),
    "FROM complaints WHERE userid = ? ORDER BY complaintid",
)
KEPT = RetentionRule(
    365 * DAY_MS,
    "DELETE FROM complaints WHERE at_ms < ?"
    " AND complaintid IN (SELECT complaintid FROM complaints ORDER BY complaintid LIMIT ?)",
)
_COLUMNS = "complaintid, userid, bikeid, kind, words, at_ms, takenout"
_SELECT = f"SELECT {_COLUMNS} FROM complaints"


def has_another_complained(tx: Tx, userid: int, bikeid: int) -> bool:
    """Whether another rider complained of the bike lately."""
    row = tx.one(
        "SELECT 1 FROM complaints WHERE bikeid = ? AND userid <> ? AND at_ms > ? LIMIT 1",
        (bikeid, userid, tx.now_ms - COUNTS_MS),
    )
    return row is not None


def add(tx: Tx, grievance: Grievance, *, takenout: bool) -> Complaint:
    """A new complaint; without words where its rider is erased."""
    row = tx.one(
        "INSERT INTO complaints (userid, bikeid, kind, words, at_ms, takenout)"
        " VALUES (?, ?, ?, CASE WHEN NOT EXISTS (SELECT 1 FROM erased WHERE userid = ?) THEN CAST(? AS TEXT) END, ?, ?)"
        f" RETURNING {_COLUMNS}",
        (
            *(grievance.userid, grievance.bikeid, grievance.kind, grievance.userid, grievance.words),
            *(tx.now_ms, int(takenout)),
        ),
    )
    assert row is not None
    return _complaint(row)


def load(read: Reading, complaintid: int) -> Complaint:
    """A complaint. Raises NoSuchComplaint, also for another's."""
    sql = f"{_SELECT} WHERE complaintid = ? AND userid = coalesce(?, userid)"
    row = read.one(sql, (complaintid, read.owner.only))
    if row is None:
        raise NoSuchComplaint(complaintid)
    return _complaint(row)


def forget_words(tx: Tx, userid: int) -> None:
    tx.execute("UPDATE complaints SET words = NULL WHERE userid = ?", (userid,))


def _complaint(row: Row) -> Complaint:
    complaintid, userid, bikeid, kind, words, at_ms, takenout = row
    return Complaint(complaintid, userid, bikeid, ComplaintKind(kind), words, at_ms, bool(takenout))


LISTED = Listing(
    select=_SELECT,
    sortable={name: name for name in ("complaintid", "bikeid", "kind")},
    order="complaintid DESC",
    counters=None,
    owner="userid",
    make=_complaint,
    conditions={
        "bikeid": "bikeid = ?",
        "userid": "userid = ?",
        "kind": "kind = ?",
        "from": "at_ms >= ?",
        "to": "at_ms < ?",
    },
    moment="at_ms",
    filled=("complaintid", "bikeid", "kind"),
)
"""All of them, the newest first."""
