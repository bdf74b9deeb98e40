"""What may be asked of bikeManageApp."""

from collections.abc import Awaitable, Callable
from typing import Annotated

import msgspec

from gbike.contracts import PROBLEM_TEXTS
from gbike.kit.auth.limits import Pace
from gbike.kit.auth.rules import ADMIN, BIKE_MANAGER, may
from gbike.kit.calls.peers import CircuitOpen, PeerBusy, PeerTimeout, PeerUnavailable
from gbike.kit.clock import rfc3339
from gbike.kit.http.app import Operation, Refusals
from gbike.kit.http.fields import Id, Percent
from gbike.kit.http.filters import NUMBER
from gbike.kit.http.lists import listed
from gbike.kit.http.problems import catalogue
from gbike.kit.http.request import Request, ResourceKind, Response, showing
from gbike.kit.numbers import MAX_ID
from gbike.kit.store import Store
from gbike.services.bike_manage_app import domain, storage
from gbike.services.bike_manage_app.domain import Report, State

REPORTS = ResourceKind("bikeManageApps", "bikeManageApp", "reportid")
TEXTS = catalogue(PROBLEM_TEXTS)
REFUSALS: Refusals = {
    domain.NoSuchBike: TEXTS["bike-unknown"],
    domain.NoSuchReport: TEXTS["report-unknown"],
    domain.ReportDiffers: TEXTS["report-differs"],
    domain.ReportInFlight: TEXTS["report-in-flight"],
    domain.GivenUp: TEXTS["report-given-up"],
    PeerTimeout: TEXTS["bike-service-timeout"],
    PeerUnavailable: TEXTS["bike-service-unavailable"],
    PeerBusy: TEXTS["busy"],
    CircuitOpen: TEXTS["circuit-open"],
}
SentNumber = Annotated[
    int, msgspec.Meta(ge=1, le=MAX_ID, description="the manager's own number of the report: the same again is a repeat")
]


class ReportResource(msgspec.Struct, frozen=True):
    """A report as clients see it."""

    reportid: int
    managerid: int
    bikeid: int
    batterylevel: int
    usableyn: bool | None
    at: str | None
    """When it was applied; not known of old ones."""
    points: int
    """What it earned."""


class NewReport(msgspec.Struct, frozen=True):
    """What a manager sends; battery in percent."""

    managerid: Id
    bikeid: Id
    batterylevel: Percent
    usableyn: bool | None = None
    reportid: SentNumber | None = None


THEIRS = may(own=(BIKE_MANAGER,), by="managerid")
SEEN = may(own=(BIKE_MANAGER,), all=(ADMIN,), by="managerid")

ReportABike = Callable[[State, int | None], Awaitable[Report]]


class ReportHttp:
    """The handlers."""

    def __init__(self, store: Store, report_a_bike: ReportABike) -> None:
        self._store, self._report_a_bike = store, report_a_bike

    async def list(self, request: Request) -> Response:
        return await listed(request, self._store, storage.LISTED, REPORTS, to_resource)

    async def report(self, request: Request) -> Report:
        new = await request.body(NewReport)
        request.must_cover(new.managerid)
        state = State(new.managerid, new.bikeid, new.batterylevel, new.usableyn)
        return await self._report_a_bike(state, new.reportid)

    async def show(self, request: Request) -> Report:
        return await self._store.read(storage.load, request.id("reportid"))


def to_resource(report: Report) -> ReportResource:
    return ReportResource(
        reportid=report.reportid,
        managerid=report.state.managerid,
        bikeid=report.state.bikeid,
        batterylevel=report.state.batterylevel,
        usableyn=report.state.usableyn,
        at=None if report.applied_ms is None else rfc3339(report.applied_ms),
        points=report.points,
    )


def operations(store: Store, report_a_bike: ReportABike, pace: Pace) -> list[Operation]:
    """The operations of bikeManageApp. `pace`: how often one may report."""
    http, base = ReportHttp(store, report_a_bike), "/bikeManageApps"
    many, by = {200: [ReportResource]}, {"bikeid": NUMBER}
    return [
        Operation("GET", base, http.list, "List the reports", SEEN, answers=many, paged=True, filters=by),
        Operation(
            "POST",
            base,
            http.report,
            "R10: report a bike's state",
            THEIRS,
            takes=NewReport,
            answers={201: ReportResource},
            refusals=TEXTS.of(
                *("bike-unknown", "report-differs", "report-in-flight", "report-given-up"),
                *("bike-service-timeout", "bike-service-unavailable", "circuit-open", "busy"),
            ),
            example={"managerid": 1, "bikeid": 1, "batterylevel": 50, "usableyn": True},
            pace=pace,
            respond=showing(REPORTS, to_resource, 201),
        ),
        Operation(
            "GET",
            base + "/{reportid}",
            http.show,
            "One report",
            SEEN,
            answers={200: ReportResource},
            refusals=TEXTS.of("report-unknown"),
            respond=showing(REPORTS, to_resource),
        ),
    ]
