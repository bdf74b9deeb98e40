"""Reports in SQL. Every change of state names the state it comes from, and the row count decides."""

from collections.abc import Iterable
from pathlib import Path

from gbike.kit.clock import latest
from gbike.kit.privacy.personal_data import PersonalData
from gbike.kit.storage.listing import Listing
from gbike.kit.store import Reading, Row, Tx
from gbike.services.bike_manage_app.domain import PER_BIKE_MS, PER_DAY_MS, NoSuchReport, PaidBefore, Report, State
from gbike.services.bike_manage_app.storage import complaints

VERSIONS = Path(__file__).parent / "versions"
PERSONAL_DATA = (
    PersonalData(
        "reports",
        ("reportid", "managerid", "bikeid", "batterylevel", "usableyn", "status", "points"),
        "FROM reports WHERE managerid = ? ORDER BY reportid",
        staff=True,
    ),
    complaints.WRITTEN,
)
HALF_WAY = "SELECT count(*) FROM reports WHERE status = 'pending'"
_COLUMNS = "reportid, managerid, bikeid, batterylevel, usableyn, applied_ms, points"
_SELECT = f"SELECT {_COLUMNS} FROM reports"
_PAID = "status = 'applied' AND points > 0"
_OVERDUE = "status = 'pending' AND (deadline_ms < ? OR deadline_ms > ?)"
"""Past its deadline, or further from it than any may be: then the clock was set back since."""


def sent_before(read: Reading, managerid: int, sent_reportid: int) -> tuple[Report, bool] | None:
    """The report that this manager sent under this number and that was not cancelled, and whether it is pending."""
    row = read.one(
        f"SELECT {_COLUMNS}, status FROM reports WHERE managerid = ? AND sent_reportid = ? AND status <> 'cancelled'",
        (managerid, sent_reportid),
    )
    return None if row is None else (_report(row[:-1]), row[-1] == "pending")


def add(tx: Tx, state: State, sent_reportid: int | None, *, deadline_ms: int) -> Report:
    row = tx.one(
        "INSERT INTO reports (managerid, bikeid, batterylevel, usableyn, status, sent_reportid, deadline_ms, once_key)"
        " VALUES (?, ?, ?, ?, 'pending', ?, ?, ?) RETURNING reportid",
        (
            *(state.managerid, state.bikeid, state.batterylevel, state.usableyn, sent_reportid),
            *(deadline_ms, tx.key.key if tx.key else None),
        ),
    )
    assert row is not None
    return Report(row[0], state)


def apply_pending(tx: Tx, report: Report, paid_for: int | None) -> bool:
    """PENDING → APPLIED; False: it is no longer pending. `paid_for`: the report whose change its points are for."""
    applied = tx.execute(
        "UPDATE reports SET status = 'applied', applied_ms = ?, points = ?, paid_for = ?"
        " WHERE reportid = ? AND status = 'pending'",
        (report.applied_ms, report.points, paid_for, report.reportid),
    )
    return applied == 1


def cancel_pending(tx: Tx, reportid: int, reason: str) -> tuple[bool, str | None]:
    """PENDING → CANCELLED; whether it was pending, and the key of its request."""
    row = tx.one(
        "UPDATE reports SET status = 'cancelled', reason = ? WHERE reportid = ? AND status = 'pending'"
        " RETURNING once_key",
        (reason, reportid),
    )
    return (False, None) if row is None else (True, row[0])


def is_unpaid(read: Reading, state: State, changedby: int) -> bool:
    """Whether the change is the same manager's, by this report or by a try of it that bike had stored and that was not
    applied here, and nothing was paid for it yet: a report sent again is paid once (ruling 10)."""
    row = read.one(
        "SELECT 1 FROM reports r WHERE reportid = ? AND managerid = ? AND bikeid = ? AND status <> 'applied'"
        " AND NOT EXISTS (SELECT 1 FROM reports p WHERE p.paid_for = r.reportid)",
        (changedby, state.managerid, state.bikeid),
    )
    return row is not None


def paid(tx: Tx, state: State) -> PaidBefore:
    row = tx.one(
        "SELECT count(*) FILTER (WHERE bikeid = ? AND applied_ms > ?), coalesce(sum(points), 0) FROM reports"
        f" WHERE managerid = ? AND {_PAID} AND applied_ms > ?",
        (state.bikeid, tx.now_ms - PER_BIKE_MS, state.managerid, tx.now_ms - PER_DAY_MS),
    )
    return PaidBefore(*(row or (0, 0)))


def overdue(read: Reading, now_ms: int, stale_after_ms: int, most: int) -> list[int]:
    """The reports that are pending past their deadline, latest last, `most` of them."""
    sql = f"SELECT reportid FROM reports WHERE {_OVERDUE} ORDER BY deadline_ms LIMIT ?"
    return [row[0] for row in read.all(sql, (now_ms, latest(now_ms, stale_after_ms), most))]


def how_many_overdue(read: Reading, now_ms: int, stale_after_ms: int) -> int:
    """How many there are: the sweeper is about to cancel them."""
    row = read.one(f"SELECT count(*) FROM reports WHERE {_OVERDUE}", (now_ms, latest(now_ms, stale_after_ms)))
    return int(row[0]) if row else 0


def load(read: Reading, reportid: int) -> Report:
    """An applied report. Raises NoSuchReport, also for another's."""
    sql = f"{_SELECT} WHERE reportid = ? AND status = 'applied' AND managerid = coalesce(?, managerid)"
    row = read.one(sql, (reportid, read.owner.only))
    if row is None:
        raise NoSuchReport(reportid)
    return _report(row)


def rows_for_verify(read: Reading) -> Iterable[Row]:
    """For `gbike verify`: reportid, status, what it earns once it is applied; by reportid."""
    return read.each("SELECT reportid, status, points FROM reports ORDER BY reportid")


def _report(row: Row) -> Report:
    reportid, managerid, bikeid, batterylevel, usableyn, applied_ms, points = row
    usable = None if usableyn is None else bool(usableyn)
    return Report(reportid, State(managerid, bikeid, batterylevel, usable), applied_ms, points)


LISTED = Listing(
    select=_SELECT,
    sortable={name: name for name in ("reportid", "managerid", "bikeid", "batterylevel", "usableyn")},
    order="reportid ASC",  # as the original orders what is equal, also downwards
    where="WHERE status = 'applied'",
    counters=("reports",),
    owner="managerid",
    make=_report,
    conditions={"bikeid": "bikeid = ?"},
    filled=("reportid", "managerid", "bikeid"),
)
"""The reports that were applied."""
