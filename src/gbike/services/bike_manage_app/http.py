"""What may be asked of bikeManageApp."""

from typing import Annotated

import msgspec

from gbike.contracts import PROBLEM_TEXTS
from gbike.kit.access.limits import Pace
from gbike.kit.access.rules import ADMIN, BIKE_MANAGER, may
from gbike.kit.breaker import CircuitOpen
from gbike.kit.clock import rfc3339
from gbike.kit.http.app import Operation, Refusals
from gbike.kit.http.ask import Answer, Ask
from gbike.kit.http.fields import Id, Percent
from gbike.kit.http.hal import Kind, collection, item
from gbike.kit.http.problems import catalogue
from gbike.kit.numbers import MAX_ID
from gbike.kit.peers import PeerBusy, PeerTimeout, PeerUnavailable
from gbike.kit.store import Store
from gbike.services.bike_manage_app import domain, storage
from gbike.services.bike_manage_app.domain import Report, State
from gbike.services.bike_manage_app.saga import ReportABike

REPORTS = Kind("bikeManageApps", "bikeManageApp", "reportid")
TEXTS = catalogue(PROBLEM_TEXTS)
NO_BIKE = TEXTS["bike-unknown"]
UNKNOWN = TEXTS["report-unknown"]
DIFFERS = TEXTS["report-differs"]
IN_FLIGHT = TEXTS["report-in-flight"]
GIVEN_UP = TEXTS["report-given-up"]
TIMEOUT = TEXTS["bike-service-timeout"]
UNREACHABLE = TEXTS["bike-service-unavailable"]
OPEN_CIRCUIT = TEXTS["circuit-open"]
BUSY = TEXTS["busy"]
REFUSALS: Refusals = {
    domain.NoSuchBike: NO_BIKE,
    domain.NoSuchReport: UNKNOWN,
    domain.ReportDiffers: DIFFERS,
    domain.ReportInFlight: IN_FLIGHT,
    domain.GivenUp: GIVEN_UP,
    PeerTimeout: TIMEOUT,
    PeerUnavailable: UNREACHABLE,
    PeerBusy: BUSY,
    CircuitOpen: OPEN_CIRCUIT,
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


class ReportHttp:
    """The handlers."""

    def __init__(self, store: Store, report_a_bike: ReportABike) -> None:
        self._store, self._report_a_bike = store, report_a_bike

    async def list(self, ask: Ask) -> Answer:
        """GET /bikeManageApps."""
        page, bikeid = ask.page(), ask.find("bikeid") if ask.first("bikeid") is not None else None
        found, total = await storage.page(self._store, page, bikeid)
        return Answer(200, collection(REPORTS, ask.base, [shown(one) for one in found], page, total))

    async def report(self, ask: Ask) -> Report:
        """POST /bikeManageApps."""
        new = await ask.body(NewReport)
        ask.must_cover(new.managerid)
        state = State(new.managerid, new.bikeid, new.batterylevel, new.usableyn)
        return await self._report_a_bike(state, new.reportid)

    async def show(self, ask: Ask) -> Answer:
        """GET /bikeManageApps/{reportid}."""
        report = await self._store.read(storage.load, ask.id("reportid"))
        return Answer(200, item(REPORTS, ask.base, shown(report)))


def _created(ask: Ask, report: Report) -> Answer:
    """201 with a report, and where it is."""
    where = f"{ask.base}/bikeManageApps/{report.reportid}"
    return Answer(201, item(REPORTS, ask.base, shown(report)), {"Location": where})


def shown(report: Report) -> ReportResource:
    """The report as clients see it."""
    state = report.state
    at = None if report.applied_ms is None else rfc3339(report.applied_ms)
    seen = (state.managerid, state.bikeid, state.batterylevel, state.usableyn)
    return ReportResource(report.reportid, *seen, at, report.points)


def operations(store: Store, report_a_bike: ReportABike, pace: Pace) -> list[Operation]:
    """The operations of bikeManageApp. `pace`: how often one may report."""
    http, base, at = ReportHttp(store, report_a_bike), "/bikeManageApps", "/bikeManageApps/{reportid}"
    refused = (NO_BIKE, DIFFERS, IN_FLIGHT, GIVEN_UP, TIMEOUT, UNREACHABLE, OPEN_CIRCUIT, BUSY)
    return [
        Operation(
            "GET",
            base,
            http.list,
            "List the reports",
            SEEN,
            answers={200: [ReportResource]},
            paged=True,
            filters={"bikeid": ()},
        ),
        Operation(
            "POST",
            base,
            http.report,
            "R10: report a bike's state",
            THEIRS,
            NewReport,
            {201: ReportResource},
            refusals=refused,
            example={"managerid": 1, "bikeid": 1, "batterylevel": 50, "usableyn": True},
            pace=pace,
            answer=_created,
        ),
        Operation("GET", at, http.show, "One report", SEEN, answers={200: ReportResource}, refusals=(UNKNOWN,)),
    ]
