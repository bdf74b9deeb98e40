"""Reports in SQL. Every change of state names the state it comes from, and the row count decides."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import msgspec

from gbike.contracts.bike_manage_app import Reported
from gbike.kit.access.principal import Whose
from gbike.kit.http.hal import Page
from gbike.kit.listing import Listing, list_page, owned
from gbike.kit.once import Once, release
from gbike.kit.personal import Holding
from gbike.kit.store import Reading, Row, Store, Tx
from gbike.services.bike_manage_app.domain import (
    GivenUp,
    NoSuchReport,
    Report,
    ReportDiffers,
    ReportInFlight,
    State,
)

VERSIONS = Path(__file__).parent / "versions"
HOLDS = (
    Holding(
        "reports",
        ("reportid", "managerid", "bikeid", "batterylevel", "usableyn", "status"),
        "FROM reports WHERE managerid = ? ORDER BY reportid",
        staff=True,
    ),
)
_COLUMNS = "reportid, managerid, bikeid, batterylevel, usableyn, applied_ms"
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
)
_OF_A_BIKE = "WHERE status = 'applied' AND bikeid = ?"


class SqlReports:
    """Reports (ports) over a Store."""

    def __init__(self, store: Store, patience_ms: int) -> None:
        """`patience_ms`: how long a report may stay pending."""
        self._store, self._patience_ms = store, patience_ms

    async def answered_before(self, once: Once | None) -> None:
        """See Reports.answered_before."""
        if once is not None:
            await self._store.read(once.check)

    async def begin(self, state: State, sent_reportid: int | None, once: Once | None) -> tuple[Report, bool]:
        """See Reports.begin."""
        return await self._store.write(
            begin, state, sent_reportid, self._patience_ms, once, key=f"manager:{state.managerid}"
        )

    async def applied(self, report: Report, once: Once | None) -> Report:
        """See Reports.applied."""
        return await self._store.write(applied, report, once, key=f"manager:{report.state.managerid}")

    async def cancel(self, report: Report, reason: str) -> None:
        """See Reports.cancel."""
        await self._store.write(cancel, report.reportid, reason, key=f"manager:{report.state.managerid}")

    async def one(self, reportid: int, whose: Whose) -> Report:
        """See Reports.one."""
        return await self._store.read(load, reportid, whose)

    async def page(self, page: Page, bikeid: int | None, whose: Whose) -> tuple[list[Report], int]:
        """One page of the applied reports, of one bike or of all, and how many there are."""
        listing = _LISTED
        if bikeid is not None:
            listing = msgspec.structs.replace(_LISTED, where=_OF_A_BIKE, params=(bikeid,), counters=None)
        return await list_page(self._store, owned(listing, whose, "managerid"), page, _report)

    async def sweep(self, most: int) -> int:
        """Cancel up to `most` reports that are pending past their deadline; answers how many."""
        return await self._store.write(sweep, most)


def begin(tx: Tx, state: State, sent_reportid: int | None, patience_ms: int, once: Once | None) -> tuple[Report, bool]:
    """A PENDING report with its deadline, or the one that was sent under this number before."""
    if once is not None:
        once.hold(tx)
    if sent_reportid is not None:
        row = tx.one(
            f"SELECT {_COLUMNS}, status FROM reports"
            " WHERE managerid = ? AND sent_reportid = ? AND status <> 'cancelled'",
            (state.managerid, sent_reportid),
        )
        if row is not None:
            return _sent_before(tx, row, state, sent_reportid, once), True
    row = tx.one(
        "INSERT INTO reports (managerid, bikeid, batterylevel, usableyn, status, sent_reportid, deadline_ms, once_key)"
        " VALUES (?, ?, ?, ?, 'pending', ?, ?, ?) RETURNING reportid",
        (
            *(state.managerid, state.bikeid, state.batterylevel, state.usableyn, sent_reportid),
            *(tx.now_ms + patience_ms, once.key if once else None),
        ),
    )
    assert row is not None
    return Report(row[0], state), False


def applied(tx: Tx, report: Report, once: Once | None) -> Report:
    """PENDING → APPLIED and say Reported."""
    sql = "UPDATE reports SET status = 'applied', applied_ms = ? WHERE reportid = ? AND status = 'pending'"
    if not tx.execute(sql, (tx.now_ms, report.reportid)):
        raise GivenUp(report.state.bikeid)
    report = replace(report, applied_ms=tx.now_ms)
    tx.count("reports")
    state = report.state
    tx.say(
        Reported(
            reportid=report.reportid,
            managerid=state.managerid,
            bikeid=state.bikeid,
            batterylevel=state.batterylevel,
            usableyn=state.usableyn,
        )
    )
    told = {"reportid": report.reportid, "batterylevel": state.batterylevel, "usableyn": state.usableyn}
    tx.audit("bike reported", f"bike:{state.bikeid}", after={"managerid": state.managerid, **told})
    if once is not None:
        once.keep(tx, report)
    return report


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


def sweep(tx: Tx, most: int) -> int:
    """Cancel what is pending past its deadline."""
    late = tx.all(
        "SELECT reportid FROM reports WHERE status = 'pending' AND deadline_ms < ? ORDER BY deadline_ms LIMIT ?",
        (tx.now_ms, most),
    )
    return sum(cancel(tx, reportid, "Swept") for (reportid,) in late)


def overdue(read: Reading, now_ms: int) -> int:
    """How many reports are pending past their deadline: the sweeper is about to cancel them."""
    row = read.one("SELECT count(*) FROM reports WHERE status = 'pending' AND deadline_ms < ?", (now_ms,))
    return int(row[0]) if row else 0


def load(read: Reading, reportid: int, whose: Whose) -> Report:
    """An applied report. Raises NoSuchReport, also for another's."""
    theirs, owner = whose.sql("managerid")
    row = read.one(f"{_SELECT} WHERE reportid = ? AND status = 'applied'{theirs}", (reportid, *owner))
    if row is None:
        raise NoSuchReport(reportid)
    return _report(row)


def facts(read: Reading) -> Iterable[tuple[int, str, int]]:
    """For `gbike verify`: reportid, status, deadline_ms; by reportid."""
    sql = "SELECT reportid, status, deadline_ms FROM reports ORDER BY reportid"
    return ((row[0], row[1], row[2]) for row in read.each(sql))


def _sent_before(tx: Tx, row: Row, state: State, sent_reportid: int, once: Once | None) -> Report:
    report = _report(row[:6])
    if report.state != state:
        raise ReportDiffers(sent_reportid)
    if row[6] == "pending":
        raise ReportInFlight(sent_reportid)
    if once is not None:
        once.keep(tx, report)
    return report


def _report(row: Row) -> Report:
    reportid, managerid, bikeid, batterylevel, usableyn, applied_ms = row
    usable = None if usableyn is None else bool(usableyn)
    return Report(reportid, State(managerid, bikeid, batterylevel, usable), applied_ms)
