"""One function per sentence of the requirements, each run inside a transaction."""

from dataclasses import replace

from gbike.contracts.bike_manage_app import Reported, RiderComplained
from gbike.contracts.events import EVENTS
from gbike.kit.privacy.erasure import remember, share, take_out
from gbike.kit.storage.idempotency import hold, idempotent, keep, release
from gbike.kit.store import Tx
from gbike.services.bike_manage_app import domain, storage
from gbike.services.bike_manage_app.storage import complaints


def take_down_a_report(
    tx: Tx, state: domain.State, sent_reportid: int | None, stale_after_ms: int
) -> tuple[domain.Report, bool]:
    """R10: a manager reports a bike's battery and faults: PENDING, for `stale_after_ms` at most. With True: the applied
    report that this manager sent under the same number before. Raises ReportDiffers, ReportInFlight, and what a key
    raises."""
    hold(tx)
    before = None if sent_reportid is None else storage.sent_before(tx, state.managerid, sent_reportid)
    if before is None or sent_reportid is None:
        return storage.add(tx, state, sent_reportid, deadline_ms=tx.now_ms + stale_after_ms), False
    report, pending = before
    if report.state != state:
        raise domain.ReportDiffers(sent_reportid)
    if pending:
        raise domain.ReportInFlight(sent_reportid)
    keep(tx, report)
    return report, True


def confirm_the_report(tx: Tx, report: domain.Report, changedby: int | None, earning: domain.Earning) -> domain.Report:
    """R11: bike has applied the report, so it is said with what it earns, and whoever hears it adds the points.
    `changedby`: the report that changed the bike last, None: bike doesn't tell. Raises GivenUp when it was cancelled
    meanwhile."""
    points, paid_for = _earned(tx, report, changedby, earning)
    report = replace(report, applied_ms=tx.now_ms, points=points)
    if not storage.apply_pending(tx, report, paid_for if points else None):
        raise domain.GivenUp(report.state.bikeid)
    tx.count("reports")
    state = report.state
    tx.publish(
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


def give_up_the_report(tx: Tx, reportid: int, why: str) -> bool:
    """The undo of R10: PENDING → CANCELLED, no points; its number and key are free again. That bike may have stored the
    battery is harmless (ruling 10). False: it is no longer pending."""
    cancelled, key = storage.cancel_pending(tx, reportid, why)
    if key is not None:
        release(tx, key)
    return cancelled


def sweep(tx: Tx, most: int, stale_after_ms: int) -> int:
    """Give up what is pending past its deadline. Answers how many."""
    late = storage.overdue(tx, tx.now_ms, stale_after_ms, most)
    return sum(give_up_the_report(tx, reportid, "Swept") for reportid in late)


@idempotent
def take_a_complaint(tx: Tx, grievance: domain.Grievance) -> domain.Complaint:
    """Somebody complains of a bike: it is said whether that takes the bike out, and whoever hears it does so."""
    userid, bikeid = grievance.userid, grievance.bikeid
    share(tx, [userid])  # the words, which an answer under a key has too, are this person's
    tx.lock(f"complaints:{bikeid}")  # of two riders at once the second sees the first
    another = complaints.has_another_complained(tx, userid, bikeid)
    takenout = domain.takes_out(grievance, another_complained=another)
    made = complaints.add(tx, grievance, takenout=takenout)
    tx.publish(
        RiderComplained(
            complaintid=made.complaintid,
            userid=userid,
            bikeid=bikeid,
            kind=made.kind,
            at=made.at_ms,
            takenout=takenout,
        )
    )
    if tx.by.userid not in (None, userid):
        facts = {"complaintid": made.complaintid, "bikeid": bikeid}
        tx.audit("complained for another", f"user:{userid}", after=facts)
    return made


def forget_the_words(tx: Tx, userid: int) -> None:
    """That this rider complained of bikes stays; what they wrote goes."""
    remember(tx, userid)
    complaints.forget_words(tx, userid)
    take_out(tx, ("userid",), [userid], EVENTS, also=("words",))


def _earned(tx: Tx, report: domain.Report, changedby: int | None, earning: domain.Earning) -> tuple[int, int | None]:
    if earning == domain.AS_THE_ORIGINAL:
        return domain.POINTS_PER_REPORT, None
    tx.lock(f"manager:{report.state.managerid}")  # a report beside this one counts what it earned, or is counted
    if (
        earning.points_for is domain.PointsFor.REPORTS or changedby is None
    ):  # an older bike doesn't tell what changed it
        return domain.points_of(earning, storage.paid(tx, report.state)), None
    if not storage.is_unpaid(tx, report.state, changedby):
        return 0, None
    return domain.points_of(earning, storage.paid(tx, report.state)), changedby
