"""The three proofs of reporting: wherever it stops, a report that was not confirmed earns nothing."""

import pytest

from gbike.services.bike_manage_app.clients import BikeClient
from gbike.services.bike_manage_app.domain import Report, State
from gbike.services.bike_manage_app.saga import ReportABike, Reporting
from gbike.services.bike_manage_app.storage import SqlReports
from gbike.services.bike_manage_app.wiring import CARD
from tests.services.lone import Lone
from tests.services.proofs import each_step_twice, each_undo_twice, failing, fails, run

SEEN = Reporting(State(1, 7, 50, usableyn=True), sent_reportid=5)


class YesBike(BikeClient):
    """Bike that applies everything."""

    def __init__(self) -> None:
        self.applied: list[int] = []

    def check(self) -> None:
        return None

    async def apply(self, report: Report) -> None:
        self.applied.append(report.reportid)


def a_saga() -> tuple[Lone, YesBike, ReportABike]:
    """The saga over a real store."""
    lone, bike = Lone(CARD), YesBike()
    return lone, bike, ReportABike(SqlReports(lone.store, 600), bike)


async def test_a_report_applied_twice_is_said_once() -> None:
    lone, bike, saga = a_saga()
    await run(each_step_twice(saga.steps, but=("take down", "confirm")), SEEN)
    assert bike.applied == [1, 1]
    assert [said["eventType"] for said in await lone.said()] == ["Reported"]


@pytest.mark.parametrize(
    ("at", "after", "status", "says"),
    [
        (0, False, [], 0),
        (0, True, ["pending"], 0),  # the sweeper's
        (1, False, ["cancelled"], 0),
        (1, True, ["cancelled"], 0),
        (2, False, ["cancelled"], 0),
        (2, True, ["applied"], 1),  # only its answer was lost
    ],
)
async def test_a_report_that_fails_at_any_step_earns_nothing(
    at: int, after: bool, status: list[str], says: int
) -> None:
    lone, _, saga = a_saga()
    assert await fails(failing(saga.steps, at, after), SEEN)
    assert [row[0] for row in await lone.rows("SELECT status FROM reports")] == status
    assert len(await lone.said()) == says


@pytest.mark.parametrize("at", [1, 2])
async def test_undoing_twice_is_undoing_once_and_the_report_may_be_sent_again(at: int) -> None:
    lone, bike, saga = a_saga()
    assert await fails(each_undo_twice(failing(saga.steps, at, after=False)), SEEN)
    await saga(SEEN.state, SEEN.sent_reportid)
    assert [said["eventType"] for said in await lone.said()] == ["Reported"]
    await saga(SEEN.state, SEEN.sent_reportid)
    assert len(await lone.said()) == 1
    assert bike.applied[-1] == 2
