"""What may be asked of bikeManageApp."""

from typing import Annotated

import msgspec

from gbike.kit.access.guard import REPORTS as REPORTS_A_MINUTE
from gbike.kit.access.rules import ADMIN, BIKE_MANAGER, may
from gbike.kit.breaker import CircuitOpen
from gbike.kit.clock import rfc3339
from gbike.kit.http.app import Operation, Refusals
from gbike.kit.http.ask import Answer, Ask
from gbike.kit.http.fields import Id, Percent
from gbike.kit.http.hal import Kind, collection, item
from gbike.kit.http.problems import ProblemType
from gbike.kit.numbers import MAX_ID
from gbike.kit.peers import PeerBusy, PeerTimeout, PeerUnavailable
from gbike.services.bike_manage_app import domain
from gbike.services.bike_manage_app.domain import Report, State
from gbike.services.bike_manage_app.saga import ReportABike
from gbike.services.bike_manage_app.storage import SqlReports
from gbike.services.bike_manage_app.usecases import look_up_a_report

REPORTS = Kind("bikeManageApps", "bikeManageApp", "reportid")
NO_BIKE = ProblemType(
    "bike-unknown", 404, "No such bike", "없는 자전거", "There is no bike {bikeid}.", "{bikeid}번 자전거는 없습니다."
)
UNKNOWN = ProblemType(
    "report-unknown",
    404,
    "No such report",
    "없는 보고",
    "There is no report {reportid}.",
    "{reportid}번 보고는 없습니다.",
)
DIFFERS = ProblemType(
    "report-differs",
    409,
    "This report number was sent with other contents",
    "같은 번호로 다른 내용이 보고됨",
    "Report number {sent_reportid} was sent before with other contents. Use a new number.",
    "{sent_reportid}번은 다른 내용으로 이미 보고되었습니다. 새 번호를 사용하세요.",
)
IN_FLIGHT = ProblemType(
    "report-in-flight",
    409,
    "The first report is still under way",
    "같은 보고가 처리 중",
    "Report number {sent_reportid} is still under way. Try again in a second.",
    "{sent_reportid}번 보고가 처리 중입니다. 1초 후 다시 시도해 주세요.",
    retry_after_s=1,
)
_SHORTLY = "보고가 반영되지 않았습니다. 잠시 후 다시 보내 주세요."
GIVEN_UP = ProblemType(
    "report-given-up",
    503,
    "Try again shortly",
    "잠시 후 다시 시도",
    "The report took too long and was cancelled; it earned nothing. Please send it again shortly.",
    _SHORTLY,
    retry_after_s=2,
)
TIMEOUT = ProblemType(
    "bike-service-timeout",
    503,
    "The bike service is slow",
    "자전거 서비스 지연",
    "The bike service did not answer in time. Please send the report again shortly.",
    _SHORTLY,
    retry_after_s=2,
)
UNREACHABLE = ProblemType(
    "bike-service-unavailable",
    503,
    "The bike service is not available",
    "자전거 서비스 이용 불가",
    "The bike service can't be reached. Please send the report again shortly.",
    _SHORTLY,
    retry_after_s=2,
)
OPEN_CIRCUIT = ProblemType(
    "circuit-open",
    503,
    "Reports are paused for a moment",
    "보고가 잠시 중단됨",
    "The bike service is overloaded, so reports are paused. Please send it again shortly.",
    "자전거 관리 시스템이 과중하여 보고를 잠시 받지 않습니다. 잠시 후 다시 보내 주세요.",
)
BUSY = ProblemType(
    "busy",
    503,
    "Too many reports at this moment",
    "보고 요청이 많음",
    "Too many reports at once. Please send it again in a second.",
    "보고 요청이 많습니다. 잠시 후 다시 보내 주세요.",
    retry_after_s=1,
)
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

    def __init__(self, reports: SqlReports, report_a_bike: ReportABike) -> None:
        self._reports, self._report_a_bike = reports, report_a_bike

    async def list(self, ask: Ask) -> Answer:
        """GET /bikeManageApps."""
        page, bikeid = ask.page(), ask.find("bikeid") if ask.first("bikeid") is not None else None
        found, total = await self._reports.page(page, bikeid)
        return Answer(200, collection(REPORTS, ask.base, [shown(one) for one in found], page, total))

    async def report(self, ask: Ask) -> Report:
        """POST /bikeManageApps."""
        new = await ask.body(NewReport)
        ask.must_cover(new.managerid)
        state = State(new.managerid, new.bikeid, new.batterylevel, new.usableyn)
        return await self._report_a_bike(state, new.reportid)

    async def show(self, ask: Ask) -> Answer:
        """GET /bikeManageApps/{reportid}."""
        report = await look_up_a_report(ask.id("reportid"), reports=self._reports)
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


def operations(reports: SqlReports, report_a_bike: ReportABike) -> list[Operation]:
    """The operations of bikeManageApp."""
    http, base, at = ReportHttp(reports, report_a_bike), "/bikeManageApps", "/bikeManageApps/{reportid}"
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
            pace=REPORTS_A_MINUTE,
            answer=_created,
        ),
        Operation("GET", at, http.show, "One report", SEEN, answers={200: ReportResource}, refusals=(UNKNOWN,)),
    ]
