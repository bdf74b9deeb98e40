"""What may be asked of bikeManageApp."""

from collections.abc import Awaitable, Callable
from typing import Annotated

import msgspec

from gbike.contracts import PROBLEM_TEXTS
from gbike.kit.auth.limits import Pace
from gbike.kit.auth.rules import ADMIN, BIKE_MANAGER, PEOPLE, RIDER, may
from gbike.kit.calls.peers import CircuitOpen, PeerBusy, PeerTimeout, PeerUnavailable
from gbike.kit.clock import rfc3339
from gbike.kit.http.app import Operation, Refusals
from gbike.kit.http.fields import CLEANED, Degrees, Id, Instant, Percent, Text, ms_of
from gbike.kit.http.filters import NUMBER, SPAN, words
from gbike.kit.http.lists import listed
from gbike.kit.http.problems import Problem, catalogue
from gbike.kit.http.request import Request, ResourceKind, Response, showing
from gbike.kit.numbers import MAX_ID
from gbike.kit.store import Store
from gbike.kit.text import tidied
from gbike.services.bike_manage_app import domain, storage
from gbike.services.bike_manage_app.domain import (
    Complaint,
    ComplaintKind,
    Earning,
    Fault,
    Grievance,
    Report,
    Stand,
    State,
)
from gbike.services.bike_manage_app.storage import complaints

REPORTS = ResourceKind("bikeManageApps", "bikeManageApp", "reportid")
COMPLAINTS = ResourceKind("complaints", "complaint", "complaintid")
TEXTS = catalogue(PROBLEM_TEXTS)
REFUSALS: Refusals = {
    domain.NoSuchBike: TEXTS["bike-unknown"],
    domain.NoSuchReport: TEXTS["report-unknown"],
    domain.NoSuchComplaint: TEXTS["complaint-unknown"],
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
Words = Annotated[
    str,
    msgspec.Meta(max_length=500, pattern=r"^[^\x00]*$", description="what is the matter, freely", extra=CLEANED),
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
    fault: str | None
    """brake, tyre, chain, steering, light, battery, lock, seat, other or none; null: not told."""
    words: str | None
    """Forgotten after 90 days, and so is where the bike stood."""
    location: str | None
    lat: float | None
    lon: float | None
    why: str | None
    """Why it earned nothing: unchanged (neither battery nor fault), bike (paid for it too often in 30 minutes) or day
    (earned too much in 24 hours); null: it earned something, or that is not known of old ones."""


class NewReport(msgspec.Struct, frozen=True):
    """What a manager sends; battery in percent, and where the bike stands now, by name or position."""

    managerid: Id
    bikeid: Id
    batterylevel: Percent
    usableyn: bool | None = None
    reportid: SentNumber | None = None
    fault: Fault | None = None
    words: Words | None = None
    location: Text | None = None
    lat: Degrees | None = None
    lon: Degrees | None = None
    seenat: Instant | None = None
    """When it stood there, of a report that waited for a line; else now."""

    @property
    def state(self) -> State:
        """What it says the manager saw."""
        seen_ms = None if self.seenat is None else ms_of(self.seenat)
        return State(
            *(self.managerid, self.bikeid, self.batterylevel, self.usableyn),
            fault=self.fault,
            words=tidied(self.words),
            stand=Stand(tidied(self.location), self.lat, self.lon, seen_ms),
        )


class EarningResource(msgspec.Struct, frozen=True):
    """What reports earn here."""

    points: int
    """A report that is paid."""
    per_bike: int
    """So many reports of one bike are paid to a manager in 30 minutes; 0: no limit."""
    per_day: int
    """So many points a manager may earn in 24 hours; 0: no limit."""
    points_for: str
    """reports: each is paid; changes: only one that changed a bike's battery or fault."""


class ComplaintResource(msgspec.Struct, frozen=True):
    """A complaint as clients see it."""

    complaintid: int
    userid: int
    bikeid: int
    kind: str
    words: str | None
    """None: nothing was written, or its rider is erased."""
    at: str
    takenout: bool
    """Whether it took the bike out of service."""


class NewComplaint(msgspec.Struct, frozen=True):
    """What somebody complains of. `userid`: who does; left out, whoever is signed in."""

    bikeid: Id
    kind: ComplaintKind
    words: Words | None = None
    userid: Id | None = None


THEIRS = may(own=(BIKE_MANAGER,), by="managerid")
SEEN = may(own=(BIKE_MANAGER,), all=(ADMIN,), by="managerid")
PAID = may(all=(BIKE_MANAGER, ADMIN))

EXAMPLE = {"managerid": 1, "bikeid": 1, "batterylevel": 12, "usableyn": False, "fault": "brake", "words": "헐거워요"}

HEARD = may(own=(RIDER,), all=(BIKE_MANAGER, ADMIN))
"""Riders see what they complained of, staff everything."""
STAFF = frozenset((BIKE_MANAGER, ADMIN))

ReportABike = Callable[[State, int | None], Awaitable[Report]]


ComplainOfABike = Callable[[Grievance], Awaitable[Complaint]]


class ReportHttp:
    """The handlers."""

    def __init__(self, store: Store, report_a_bike: ReportABike, earning: Earning) -> None:
        self._store, self._report_a_bike = store, report_a_bike
        self._earning = EarningResource(
            domain.POINTS_PER_REPORT, earning.per_bike, earning.per_day, earning.points_for.value
        )

    async def list(self, request: Request) -> Response:
        return await listed(request, self._store, storage.LISTED, REPORTS, to_resource)

    async def report(self, request: Request) -> Report:
        new = await request.body(NewReport)
        request.must_cover(new.managerid)
        return await self._report_a_bike(new.state, new.reportid)

    async def earning(self, _request: Request) -> Response:
        return Response(200, self._earning)

    async def show(self, request: Request) -> Report:
        return await self._store.read(storage.load, request.id("reportid"))


class ComplaintHttp:
    """The handlers of complaints."""

    def __init__(self, store: Store, complain_of_a_bike: ComplainOfABike) -> None:
        self._store, self._complain_of_a_bike = store, complain_of_a_bike

    async def list(self, request: Request) -> Response:
        return await listed(request, self._store, complaints.LISTED, COMPLAINTS, complaint_resource)

    async def complain(self, request: Request) -> Complaint:
        sent, by = await request.body(NewComplaint), request.principal
        userid = by.userid if sent.userid is None else sent.userid
        if userid is None:
            raise Problem(TEXTS["complainer-unnamed"], {})
        request.must_cover(userid)
        # who writes down what a rider told on the telephone has not seen the bike
        bystaff = userid == by.userid and not by.roles.isdisjoint(STAFF)
        return await self._complain_of_a_bike(
            Grievance(userid, sent.bikeid, sent.kind, tidied(sent.words), bystaff=bystaff)
        )

    async def show(self, request: Request) -> Complaint:
        return await self._store.read(complaints.load, request.id("complaintid"))


def complaint_resource(complaint: Complaint) -> ComplaintResource:
    return ComplaintResource(
        complaintid=complaint.complaintid,
        userid=complaint.userid,
        bikeid=complaint.bikeid,
        kind=complaint.kind,
        words=complaint.words,
        at=rfc3339(complaint.at_ms),
        takenout=complaint.takenout,
    )


def to_resource(report: Report) -> ReportResource:
    return ReportResource(
        reportid=report.reportid,
        managerid=report.state.managerid,
        bikeid=report.state.bikeid,
        batterylevel=report.state.batterylevel,
        usableyn=report.state.usableyn,
        at=None if report.applied_ms is None else rfc3339(report.applied_ms),
        points=report.points,
        fault=report.state.fault,
        words=report.state.words,
        location=report.state.stand.location,
        lat=report.state.stand.lat,
        lon=report.state.stand.lon,
        why=report.why,
    )


def operations(store: Store, report_a_bike: ReportABike, earning: Earning, pace: Pace) -> list[Operation]:
    """The operations of bikeManageApp. `pace`: how often one may report."""
    http, base = ReportHttp(store, report_a_bike, earning), "/bikeManageApps"
    paid = {200: EarningResource}
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
            example=EXAMPLE,
            pace=pace,
            respond=showing(REPORTS, to_resource, 201),
        ),
        Operation("GET", base + "/earning", http.earning, "What reports earn", PAID, answers=paid),
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


def complaint_operations(store: Store, complain_of_a_bike: ComplainOfABike, pace: Pace) -> list[Operation]:
    """The operations of complaints. `pace`: how often one may complain."""
    http, base = ComplaintHttp(store, complain_of_a_bike), "/complaints"
    return [
        Operation(
            "GET",
            base,
            http.list,
            "List the complaints",
            HEARD,
            answers={200: [ComplaintResource]},
            paged=True,
            filters={"bikeid": NUMBER, "userid": NUMBER, "kind": words(list(ComplaintKind)), **SPAN},
            looks="complaints",
            one_by=("bikeid",),
        ),
        Operation(
            "POST",
            base,
            http.complain,
            "Complain of a bike",
            PEOPLE,
            takes=NewComplaint,
            answers={201: ComplaintResource},
            refusals=TEXTS.of("bike-unknown", "complainer-unnamed"),
            example={"userid": 1, "bikeid": 1, "kind": "brake", "words": "the rear brake does not hold"},
            pace=pace,
            respond=showing(COMPLAINTS, complaint_resource, 201),
        ),
        Operation(
            "GET",
            base + "/{complaintid}",
            http.show,
            "One complaint",
            HEARD,
            answers={200: ComplaintResource},
            refusals=TEXTS.of("complaint-unknown"),
            looks="complaints",
            respond=showing(COMPLAINTS, complaint_resource),
        ),
    ]
