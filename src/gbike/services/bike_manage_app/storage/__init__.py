"""Reports in SQL. Every change of state names the state it comes from, and the row count decides."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import msgspec

from gbike.contracts.bike_manage_app import Reported
from gbike.kit.clock import latest
from gbike.kit.http.hal import Page
from gbike.kit.idempotency import answered_before, hold, keep, release
from gbike.kit.listing import Listing, list_page
from gbike.kit.personal import Holding
from gbike.kit.store import Reading, Row, Store, Tx
from gbike.services.bike_manage_app.domain import (
    AS_THE_ORIGINAL,
    PER_BIKE_MS,
    PER_DAY_MS,
    POINTS_PER_REPORT,
    Earning,
    GivenUp,
    NoSuchReport,
    PaidBefore,
    PointsFor,
    Report,
    ReportDiffers,
    ReportInFlight,
    State,
    points_of,
)

VERSIONS = Path(__file__).parent / "versions"
HOLDS = (
    Holding(
        "reports",
        ("reportid", "managerid", "bikeid", "batterylevel", "usableyn", "status", "points"),
        "FROM reports WHERE managerid = ? ORDER BY reportid",
        staff=True,
    ),
)
HALF_WAY = "SELECT count(*) FROM reports WHERE status = 'pending'"
_COLUMNS = "reportid, managerid, bikeid, batterylevel, usableyn, applied_ms, points"
_SELECT = f"SELECT {_COLUMNS} FROM reports"
_LISTED = Listing(
    select=_SELECT,
    sortable={
        "reportid": "reportid",
        "managerid": "managerid",
        "bikeid": "bikeid",
        "batterylevel": "batterylevel",
        "usableyn": "usableyn",
    },
    order="reportid",
    where="WHERE status = 'applied'",
    counters=("reports",),
    owner="managerid",
)
_PAID = "status = 'applied' AND points > 0"
_OVERDUE = "status = 'pending' AND (deadline_ms < ? OR deadline_ms > ?)"
"""Past its deadline, or further from it than any may be: then the clock was set back since."""
_OF_A_BIKE = "WHERE status = 'applied' AND bikeid = ?"


class SqlReports:
    """Reports (ports) over a Store."""

    def __init__(self, store: Store, patience_ms: int, earning: Earning = AS_THE_ORIGINAL) -> None:
        """`patience_ms`: how long a report may stay pending."""
        self._store, self._patience_ms, self._earning = store, patience_ms, earning

    async def answered_before(self) -> None:
        """See Reports.answered_before."""
        await answered_before(self._store)

    async def begin(self, state: State, sent_reportid: int | None) -> tuple[Report, bool]:
        """See Reports.begin."""
        return await self._store.write(begin, state, sent_reportid, self._patience_ms, key=f"manager:{state.managerid}")

    async def applied(self, report: Report, changedby: int | None) -> Report:
        """See Reports.applied."""
        key = f"manager:{report.state.managerid}"
        return await self._store.write(applied, report, changedby, self._earning, key=key)

    async def cancel(self, report: Report, reason: str) -> None:
        """See Reports.cancel."""
        await self._store.write(cancel, report.reportid, reason, key=f"manager:{report.state.managerid}")

    async def one(self, reportid: int) -> Report:
        """See Reports.one."""
        return await self._store.read(load, reportid)

    async def page(self, page: Page, bikeid: int | None) -> tuple[list[Report], int]:
        """One page of the applied reports, of one bike or of all, and how many there are."""
        listing = _LISTED
        if bikeid is not None:
            listing = msgspec.structs.replace(_LISTED, where=_OF_A_BIKE, params=(bikeid,), counters=None)
        return await list_page(self._store, listing, page, _report)

    async def sweep(self, most: int) -> int:
        """Cancel up to `most` reports that are pending past their deadline; answers how many."""
        return await self._store.write(sweep, most, self._patience_ms)


def begin(tx: Tx, state: State, sent_reportid: int | None, patience_ms: int) -> tuple[Report, bool]:
    """A PENDING report with its deadline, or the one that was sent under this number before."""
    hold(tx)
    if sent_reportid is not None:
        row = tx.one(
            f"SELECT {_COLUMNS}, status FROM reports"
            " WHERE managerid = ? AND sent_reportid = ? AND status <> 'cancelled'",
            (state.managerid, sent_reportid),
        )
        if row is not None:
            return _sent_before(tx, row, state, sent_reportid), True
    row = tx.one(
        "INSERT INTO reports (managerid, bikeid, batterylevel, usableyn, status, sent_reportid, deadline_ms, once_key)"
        " VALUES (?, ?, ?, ?, 'pending', ?, ?, ?) RETURNING reportid",
        (
            *(state.managerid, state.bikeid, state.batterylevel, state.usableyn, sent_reportid),
            *(tx.now_ms + patience_ms, tx.key.key if tx.key else None),
        ),
    )
    assert row is not None
    return Report(row[0], state), False


def applied(tx: Tx, report: Report, changedby: int | None, earning: Earning) -> Report:
    """PENDING → APPLIED, decide what it earns and say Reported."""
    points, paid_for = _earned(tx, report, changedby, earning)
    sql = (
        "UPDATE reports SET status = 'applied', applied_ms = ?, points = ?, paid_for = ?"
        " WHERE reportid = ? AND status = 'pending'"
    )
    if not tx.execute(sql, (tx.now_ms, points, paid_for if points else None, report.reportid)):
        raise GivenUp(report.state.bikeid)
    report = replace(report, applied_ms=tx.now_ms, points=points)
    tx.count("reports")
    state = report.state
    tx.say(
        Reported(
            reportid=report.reportid,
            managerid=state.managerid,
            bikeid=state.bikeid,
            batterylevel=state.batterylevel,
            usableyn=state.usableyn,
            points=points,
        )
    )
    told = {"reportid": report.reportid, "batterylevel": state.batterylevel, "usableyn": state.usableyn}
    tx.audit("bike reported", f"bike:{state.bikeid}", after={"managerid": state.managerid, **told})
    keep(tx, report)
    return report


def _earned(tx: Tx, report: Report, changedby: int | None, earning: Earning) -> tuple[int, int | None]:
    """What the report earns, and the report whose change it is paid for, where that is asked."""
    if earning == AS_THE_ORIGINAL:
        return POINTS_PER_REPORT, None
    tx.lock(f"manager:{report.state.managerid}")  # a report beside this one counts what this one earned, or is counted
    if earning.points_for is PointsFor.REPORTS or changedby is None:  # an older bike doesn't tell what changed it
        return points_of(earning, _paid(tx, report.state)), None
    if not _unpaid(tx, report.state, changedby):
        return 0, None
    return points_of(earning, _paid(tx, report.state)), changedby


def _unpaid(read: Reading, state: State, changedby: int) -> bool:
    """Whether the change is the same manager's, by this report or by a try of it that bike had stored and that was not
    applied here, and nothing was paid for it yet: a report sent again is paid once (ruling 10)."""
    row = read.one(
        "SELECT 1 FROM reports r WHERE reportid = ? AND managerid = ? AND bikeid = ? AND status <> 'applied'"
        " AND NOT EXISTS (SELECT 1 FROM reports p WHERE p.paid_for = r.reportid)",
        (changedby, state.managerid, state.bikeid),
    )
    return row is not None


def _paid(tx: Tx, state: State) -> PaidBefore:
    row = tx.one(
        "SELECT count(*) FILTER (WHERE bikeid = ? AND applied_ms > ?), coalesce(sum(points), 0) FROM reports"
        f" WHERE managerid = ? AND {_PAID} AND applied_ms > ?",
        (state.bikeid, tx.now_ms - PER_BIKE_MS, state.managerid, tx.now_ms - PER_DAY_MS),
    )
    return PaidBefore(*(row or (0, 0)))


def cancel(tx: Tx, reportid: int, reason: str) -> bool:
    """PENDING → CANCELLED; a report that is no longer pending stays as it is: False."""
    row = tx.one(
        "UPDATE reports SET status = 'cancelled', reason = ? WHERE reportid = ? AND status = 'pending'"
        " RETURNING once_key",
        (reason, reportid),
    )
    if row is not None and row[0] is not None:
        release(tx, row[0])
    return row is not None


def sweep(tx: Tx, most: int, patience_ms: int) -> int:
    """Cancel what is pending past its deadline."""
    late = tx.all(
        f"SELECT reportid FROM reports WHERE {_OVERDUE} ORDER BY deadline_ms LIMIT ?",
        (tx.now_ms, latest(tx.now_ms, patience_ms), most),
    )
    return sum(cancel(tx, reportid, "Swept") for (reportid,) in late)


def overdue(read: Reading, now_ms: int, patience_ms: int) -> int:
    """How many reports are pending past their deadline: the sweeper is about to cancel them."""
    row = read.one(f"SELECT count(*) FROM reports WHERE {_OVERDUE}", (now_ms, latest(now_ms, patience_ms)))
    return int(row[0]) if row else 0


def load(read: Reading, reportid: int) -> Report:
    """An applied report. Raises NoSuchReport, also for another's."""
    theirs, owner = read.owner.sql("managerid")
    row = read.one(f"{_SELECT} WHERE reportid = ? AND status = 'applied'{theirs}", (reportid, *owner))
    if row is None:
        raise NoSuchReport(reportid)
    return _report(row)


def facts(read: Reading) -> Iterable[tuple[int, str, int]]:
    """For `gbike verify`: reportid, status, what it earns once it is applied; by reportid."""
    sql = "SELECT reportid, status, points FROM reports ORDER BY reportid"
    return ((row[0], row[1], row[2]) for row in read.each(sql))


def _sent_before(tx: Tx, row: Row, state: State, sent_reportid: int) -> Report:
    report = _report(row[:-1])
    if report.state != state:
        raise ReportDiffers(sent_reportid)
    if row[-1] == "pending":
        raise ReportInFlight(sent_reportid)
    keep(tx, report)
    return report


def _report(row: Row) -> Report:
    reportid, managerid, bikeid, batterylevel, usableyn, applied_ms, points = row
    usable = None if usableyn is None else bool(usableyn)
    return Report(reportid, State(managerid, bikeid, batterylevel, usable), applied_ms, points)
