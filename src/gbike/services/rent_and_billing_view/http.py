"""What may be asked of the view: only to look."""

import re
from functools import partial

import msgspec

from gbike.contracts import PROBLEM_TEXTS
from gbike.kit.auth.addresses import client_prefix
from gbike.kit.auth.rules import PEOPLE
from gbike.kit.clock import rfc3339
from gbike.kit.http.app import Operation, Refusals
from gbike.kit.http.filters import NUMBER, SPAN, words
from gbike.kit.http.lists import listed, searching
from gbike.kit.http.problems import catalogue
from gbike.kit.http.request import Request, ResourceKind, Response, showing
from gbike.kit.http.streams import STREAM_ONLY
from gbike.kit.store import Store
from gbike.services.rent_and_billing_view import storage
from gbike.services.rent_and_billing_view.domain import STATUSES, Line, NoSuchLine
from gbike.services.rent_and_billing_view.streams import Changes, StreamsFull, TooManyOfAddress, TooManyOfYours

CHANGES = "/rentAndBillingViews/changes"
FINDERS = (("findByRentid", "rentid"), ("findByUserid", "userid"))
VIEWS = ResourceKind("rentAndBillingViews", "rentAndBillingView", "rentid", FINDERS)
TEXTS = catalogue(PROBLEM_TEXTS)
REFUSALS: Refusals = {
    NoSuchLine: TEXTS["ride-unknown"],
    TooManyOfYours: TEXTS["too-many-streams"],
    TooManyOfAddress: TEXTS["too-many-streams-of-address"],
    StreamsFull: TEXTS["streams-full"],
}


class ViewResource(msgspec.Struct, frozen=True):
    """A ride with its bill and its rider's deposit; won."""

    rentid: int
    userid: int
    bikeid: int | None
    rentStatus: str | None
    rentStarttime: str | None
    rentEndTime: str | None
    billid: int | None
    fee: int | None
    billingStatus: str | None
    deposit: int | None
    refunded: int = 0
    """Won of the fee that were given back."""


class ViewHttp:
    """The handlers."""

    def __init__(self, store: Store, changes: Changes) -> None:
        self._store, self._changes = store, changes

    async def list(self, request: Request) -> Response:
        if request.owner.only is not None:
            return await self._of(request, request.owner.only)
        return await listed(request, self._store, storage.LISTED, VIEWS, to_resource)

    async def show(self, request: Request) -> Line:
        return await self._store.read(storage.load, request.id("rentid"))

    async def of_rent(self, request: Request) -> Response:
        """GET /rentAndBillingViews/search/findByRentid: a list of one, as the original."""
        return await listed(request, self._store, storage.of_rent(request.id("rentid")), VIEWS, to_resource)

    async def of_rider(self, request: Request) -> Response:
        """GET /rentAndBillingViews/search/findByUserid: a rider's rides, newest first."""
        userid = request.id("userid")
        return await self._of(request, userid if request.owner.covers(userid) else 0)  # numbers begin at 1

    async def _of(self, request: Request, userid: int) -> Response:
        total = await self._store.read(storage.rides_of, userid)
        return await listed(request, self._store, storage.of_rider(userid), VIEWS, to_resource, total=total)

    async def changes(self, request: Request) -> Response:
        """GET /rentAndBillingViews/changes: goes on; see streams.py."""
        last = request.headers.get("last-event-id", "")
        after = int(last) if re.fullmatch("[0-9]{1,16}", last) else None
        stream = await self._changes.listen(request.principal, request.owner, after, home=client_prefix(request.origin))
        return Response(200, stream, {"X-Accel-Buffering": "no"})


def to_resource(line: Line) -> ViewResource:
    return ViewResource(
        rentid=line.rentid,
        userid=line.userid,
        bikeid=line.bikeid,
        rentStatus=line.rentstatus,
        rentStarttime=None if line.started_ms is None else rfc3339(line.started_ms),
        rentEndTime=None if line.ended_ms is None else rfc3339(line.ended_ms),
        billid=line.billid,
        fee=line.fee,
        billingStatus=line.billingstatus,
        deposit=line.deposit,
        refunded=line.refunded,
    )


def operations(store: Store, changes: Changes) -> list[Operation]:
    http = ViewHttp(store, changes)
    base, search = "/rentAndBillingViews", "/rentAndBillingViews/search"
    by = {**SPAN, "userid": NUMBER, "bikeid": NUMBER, "status": words(STATUSES)}
    pages = partial(Operation, answers={200: [ViewResource]}, paged=True, looks="statement")
    return [
        pages("GET", base, http.list, "R9: rides with their bills", PEOPLE, filters=by),
        Operation("GET", search, searching(VIEWS), "The searches", PEOPLE),
        pages("GET", search + "/findByRentid", http.of_rent, "R9: a rent's line", PEOPLE, finder="rentid"),
        pages("GET", search + "/findByUserid", http.of_rider, "R9: a rider's rides", PEOPLE, finder="userid"),
        Operation(
            "GET",
            CHANGES,
            http.changes,
            "What changed, as server-sent events: `change` with `type`, `userid`, `rentid`, `bikeid`, and `anew` when"
            " everything must be read anew. `Last-Event-ID` goes on after an event",
            PEOPLE,
            refusals=(STREAM_ONLY, *TEXTS.of("too-many-streams", "too-many-streams-of-address", "streams-full")),
            streams=True,
        ),
        Operation(
            "GET",
            base + "/{rentid}",
            http.show,
            "R9: one ride",
            PEOPLE,
            answers={200: ViewResource},
            refusals=TEXTS.of("ride-unknown"),
            looks="statement",
            respond=showing(VIEWS, to_resource),
        ),
    ]
