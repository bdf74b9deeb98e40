"""Reporting a bike's state: the report on record, bike asked to apply it, the points said; and one undo.

If it stops half-way, the report is PENDING and the sweeper cancels it once its deadline has passed: it earns no points,
and the manager is told to send it again. Applying a report twice to a bike changes nothing more.
"""

from gbike.kit.calls.peers import CircuitOpen
from gbike.kit.storage.idempotency import answered_before
from gbike.kit.store import Store, StoreUnavailable
from gbike.services.bike_manage_app.clients import BikeClient
from gbike.services.bike_manage_app.commands import (
    confirm_the_report,
    give_up_the_report,
    take_a_complaint,
    take_down_a_report,
)
from gbike.services.bike_manage_app.domain import Complaint, Earning, Grievance, NoSuchBike, Report, State


async def report_a_bike(
    state: State, sent_reportid: int | None, *, store: Store, bikes: BikeClient, stale_after_ms: int, earning: Earning
) -> Report:
    """R10, R11: a manager reports a bike; once bike has applied it, it earns points. `sent_reportid`: the manager's own
    number, which tells a repeat from a new one; `stale_after_ms`: how long a report may stay pending."""
    key = f"manager:{state.managerid}"
    try:
        bikes.check()
        report, answered = await store.write(take_down_a_report, state, sent_reportid, stale_after_ms, key=key)
    except (CircuitOpen, StoreUnavailable) as why:
        await answered_before(store, why)  # whoever has the points already, but not our answer, gets that answer
        raise
    if answered:
        return report
    try:
        changedby = await bikes.apply(report)
        return await store.write(confirm_the_report, report, changedby, earning, key=key)
    except Exception as why:
        await store.write(give_up_the_report, report.reportid, type(why).__name__, key=key)
        raise


async def complain_of_a_bike(grievance: Grievance, *, store: Store, bikes: BikeClient) -> Complaint:
    """Somebody complains of a bike that there is. A complaint is taken whether or not bike can be asked: it hears of
    it later. Raises NoSuchBike."""
    try:
        await bikes.must_know(grievance.bikeid)
    except NoSuchBike as why:
        await answered_before(store, why)  # it may have been taken while bike could not be asked
        raise
    return await store.write(take_a_complaint, grievance, key=f"complaints:{grievance.bikeid}")
