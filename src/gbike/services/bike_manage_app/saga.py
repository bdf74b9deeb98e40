"""Reporting a bike's state, as a table of steps and undos.

If it stops half-way, the report is PENDING and the sweeper cancels it once its deadline has passed: it earns no points,
and the manager is told to send it again. Applying a report twice to a bike changes nothing more.
"""

from dataclasses import dataclass, replace

from gbike.kit.saga import Step, run
from gbike.services.bike_manage_app.domain import Report, State
from gbike.services.bike_manage_app.ports import BikeStates, Reports
from gbike.services.bike_manage_app.usecases import (
    apply_the_report,
    confirm_the_report,
    give_up_the_report,
    take_down_a_report,
)


@dataclass(frozen=True, slots=True)
class Reporting:
    """How far a report has come."""

    state: State
    sent_reportid: int | None = None
    report: Report | None = None
    answered: bool = False
    changedby: int | None = None


class ReportABike:
    """The table, over its ports."""

    def __init__(self, reports: Reports, bikes: BikeStates) -> None:
        self._reports, self._bikes = reports, bikes
        self.steps = (
            Step("take down", self._take_down),
            Step("apply", self._apply, undo=self._give_up),
            Step("confirm", self._confirm),
        )

    async def __call__(self, state: State, sent_reportid: int | None) -> Report:
        """R10, R11: a manager reports a bike; once it is applied, it earns points."""
        done = await run(self.steps, Reporting(state, sent_reportid))
        assert done.report is not None
        return done.report

    async def _take_down(self, so_far: Reporting) -> Reporting:
        report, answered = await take_down_a_report(
            so_far.state, so_far.sent_reportid, reports=self._reports, bikes=self._bikes
        )
        return replace(so_far, report=report, answered=answered)

    async def _apply(self, so_far: Reporting) -> Reporting:
        assert so_far.report is not None
        if so_far.answered:
            return so_far
        return replace(so_far, changedby=await apply_the_report(so_far.report, bikes=self._bikes))

    async def _give_up(self, so_far: Reporting, why: Exception) -> None:
        assert so_far.report is not None
        await give_up_the_report(so_far.report, why, reports=self._reports)

    async def _confirm(self, so_far: Reporting) -> Reporting:
        assert so_far.report is not None
        if so_far.answered:
            return so_far
        confirmed = await confirm_the_report(so_far.report, so_far.changedby, reports=self._reports)
        return replace(so_far, report=confirmed)
