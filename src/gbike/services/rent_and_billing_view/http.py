"""What may be asked of the view: only to look."""

import re

import msgspec

from gbike.contracts import PROBLEM_TEXTS
from gbike.kit.access.addresses import household
from gbike.kit.access.principal import NOBODYS, Whose
from gbike.kit.access.rules import PEOPLE
from gbike.kit.clock import rfc3339
from gbike.kit.http.app import Operation, Refusals
from gbike.kit.http.ask import Answer, Ask
from gbike.kit.http.hal import Kind, collection, item, searches
from gbike.kit.http.problems import catalogue
from gbike.kit.http.streams import STREAM_ONLY
from gbike.kit.store import Store
from gbike.services.rent_and_billing_view import storage
from gbike.services.rent_and_billing_view.domain import Line, NoSuchLine
from gbike.services.rent_and_billing_view.streams import Changes, StreamsFull, TooManyOfAddress, TooManyOfYours

CHANGES = "/rentAndBillingViews/changes"
FINDERS = (("findByRentid", "rentid"), ("findByUserid", "userid"))
VIEWS = Kind("rentAndBillingViews", "rentAndBillingView", "rentid", FINDERS)
TEXTS = catalogue(PROBLEM_TEXTS)
UNKNOWN = TEXTS["ride-unknown"]
TOO_MANY_STREAMS = TEXTS["too-many-streams"]
ADDRESS_FULL = TEXTS["too-many-streams-of-address"]
STREAMS_FULL = TEXTS["streams-full"]
REFUSALS: Refusals = {
    NoSuchLine: UNKNOWN,
    TooManyOfYours: TOO_MANY_STREAMS,
    TooManyOfAddress: ADDRESS_FULL,
    StreamsFull: STREAMS_FULL,
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


class ViewHttp:
    """The handlers."""

    def __init__(self, store: Store, changes: Changes) -> None:
        self._store, self._changes = store, changes

    async def list(self, ask: Ask) -> Answer:
        """GET /rentAndBillingViews."""
        page, bikeid = ask.page(), ask.find("bikeid") if ask.first("bikeid") is not None else None
        found, total = await storage.page(self._store, page, ask.whose, bikeid)
        return Answer(200, collection(VIEWS, ask.base, [shown(line) for line in found], page, total))

    async def show(self, ask: Ask) -> Answer:
        """GET /rentAndBillingViews/{rentid}."""
        return Answer(200, item(VIEWS, ask.base, shown(await self._store.read(storage.load, ask.id("rentid")))))

    async def of_rent(self, ask: Ask) -> Answer:
        """GET /rentAndBillingViews/search/findByRentid: a list of one, as the original."""
        try:
            found = [shown(await self._store.read(storage.load, ask.find("rentid")))]
        except NoSuchLine:
            found = []
        return Answer(200, collection(VIEWS, ask.base, found, ask.page(), len(found), ask.path))

    async def of_rider(self, ask: Ask) -> Answer:
        """GET /rentAndBillingViews/search/findByUserid: a rider's rides, newest first."""
        page, userid = ask.page(), ask.find("userid")
        theirs = Whose(userid) if ask.whose.covers(userid) else NOBODYS
        found, total = await storage.page(self._store, page, theirs)
        return Answer(200, collection(VIEWS, ask.base, [shown(line) for line in found], page, total, ask.path))

    async def changes(self, ask: Ask) -> Answer:
        """GET /rentAndBillingViews/changes: goes on; see streams.py."""
        last = ask.headers.get("last-event-id", "")
        after = int(last) if re.fullmatch("[0-9]{1,16}", last) else None
        stream = await self._changes.listen(ask.principal, ask.whose, after, home=household(ask.origin))
        return Answer(200, stream, {"X-Accel-Buffering": "no"})

    async def searches(self, ask: Ask) -> Answer:
        """GET /rentAndBillingViews/search."""
        return Answer(200, searches(VIEWS, ask.base))


def shown(line: Line) -> ViewResource:
    """A line as clients see it."""
    began = None if line.started_ms is None else rfc3339(line.started_ms)
    ended = None if line.ended_ms is None else rfc3339(line.ended_ms)
    return ViewResource(
        line.rentid,
        line.userid,
        line.bikeid,
        line.rentstatus,
        began,
        ended,
        line.billid,
        line.fee,
        line.billingstatus,
        line.deposit,
    )


def operations(store: Store, changes: Changes) -> list[Operation]:
    """The operations of the view."""
    http, base, many = ViewHttp(store, changes), "/rentAndBillingViews", {200: [ViewResource]}
    at, search = base + "/{rentid}", base + "/search"
    of_rent, of_rider = search + "/findByRentid", search + "/findByUserid"
    return [
        Operation(
            "GET",
            base,
            http.list,
            "R9: rides with their bills",
            PEOPLE,
            answers=many,
            paged=True,
            filters={"bikeid": ()},
        ),
        Operation("GET", search, http.searches, "The searches", PEOPLE),
        Operation("GET", of_rent, http.of_rent, "R9: a rent's line", PEOPLE, None, many, "rentid", paged=True),
        Operation("GET", of_rider, http.of_rider, "R9: a rider's rides", PEOPLE, None, many, "userid", paged=True),
        Operation(
            "GET",
            CHANGES,
            http.changes,
            "What changed, as server-sent events: `change` with `type`, `userid`, `rentid`, `bikeid`, and `anew` when"
            " everything must be read anew. `Last-Event-ID` goes on after an event",
            PEOPLE,
            refusals=(STREAM_ONLY, TOO_MANY_STREAMS, ADDRESS_FULL, STREAMS_FULL),
            streams=True,
        ),
        Operation("GET", at, http.show, "R9: one ride", PEOPLE, answers={200: ViewResource}, refusals=(UNKNOWN,)),
    ]
