"""One function per sentence of the requirements; the way of a report through its steps is in `saga`."""

from gbike.services.bike_manage_app.domain import Report, State
from gbike.services.bike_manage_app.ports import BikeStates, Reports


async def take_down_a_report(
    state: State, sent_reportid: int | None, *, reports: Reports, bikes: BikeStates
) -> tuple[Report, bool]:
    """R10: a manager reports a bike's battery and faults. Their own number tells a repeat from a new report."""
    await reports.answered_before()  # also while bike is down
    bikes.check()
    return await reports.begin(state, sent_reportid)


async def apply_the_report(report: Report, *, bikes: BikeStates) -> int | None:
    """R10: the bike's state is updated, synchronously: a report that was not applied earns nothing. Answers which
    report changed the bike last."""
    return await bikes.apply(report)


async def confirm_the_report(report: Report, changedby: int | None, *, reports: Reports) -> Report:
    """R11: the report was applied, so it is said with what it earns, and whoever hears it adds the points."""
    return await reports.applied(report, changedby)


async def give_up_the_report(report: Report, why: Exception, *, reports: Reports) -> None:
    """The undo of R10: no points. That bike may have stored the battery is harmless (ruling 10)."""
    await reports.cancel(report, type(why).__name__)


async def look_up_a_report(reportid: int, *, reports: Reports) -> Report:
    """Managers look up what they reported."""
    return await reports.one(reportid)
