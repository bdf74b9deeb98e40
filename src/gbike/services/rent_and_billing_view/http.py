"""What may be asked of the view: only to look."""

import msgspec

from gbike.kit.access.principal import NOBODYS, Whose
from gbike.kit.access.rules import PEOPLE
from gbike.kit.clock import rfc3339
from gbike.kit.http.app import Operation, Refusals
from gbike.kit.http.ask import Answer, Ask
from gbike.kit.http.hal import Kind, collection, item, searches
from gbike.kit.http.problems import ProblemType
from gbike.services.rent_and_billing_view.storage import Line, NoSuchLine, SqlView

FINDERS = (("findByRentid", "rentid"), ("findByUserid", "userid"), ("findByBikeid", "bikeid"))
VIEWS = Kind("rentAndBillingViews", "rentAndBillingView", "rentid", FINDERS)
UNKNOWN = ProblemType(
    "ride-unknown",
    404,
    "No such ride",
    "없는 이용 내역",
    "There is no ride {rentid}.",
    "{rentid}번 이용 내역은 없습니다.",
)
REFUSALS: Refusals = {NoSuchLine: UNKNOWN}


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

    def __init__(self, view: SqlView) -> None:
        self._view = view

    async def list(self, ask: Ask) -> Answer:
        """GET /rentAndBillingViews."""
        page = ask.page()
        found, total = await self._view.page(page, ask.whose)
        return Answer(200, collection(VIEWS, ask.base, [shown(line) for line in found], page, total))

    async def show(self, ask: Ask) -> Answer:
        """GET /rentAndBillingViews/{rentid}."""
        return Answer(200, item(VIEWS, ask.base, shown(await self._view.one(ask.id("rentid"), ask.whose))))

    async def of_rent(self, ask: Ask) -> Answer:
        """GET /rentAndBillingViews/search/findByRentid: a list of one, as the original."""
        try:
            found = [shown(await self._view.one(ask.find("rentid"), ask.whose))]
        except NoSuchLine:
            found = []
        return Answer(200, collection(VIEWS, ask.base, found, ask.page(), len(found), ask.path))

    async def of_rider(self, ask: Ask) -> Answer:
        """GET /rentAndBillingViews/search/findByUserid: a rider's rides, newest first."""
        page, userid = ask.page(), ask.find("userid")
        theirs = Whose(userid) if ask.whose.covers(userid) else NOBODYS
        found, total = await self._view.page(page, theirs)
        return Answer(200, collection(VIEWS, ask.base, [shown(line) for line in found], page, total, ask.path))

    async def of_bike(self, ask: Ask) -> Answer:
        """GET /rentAndBillingViews/search/findByBikeid: a bike's rides, newest first."""
        page = ask.page()
        found, total = await self._view.of_bike(page, ask.find("bikeid"), ask.whose)
        return Answer(200, collection(VIEWS, ask.base, [shown(line) for line in found], page, total, ask.path))

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


def operations(view: SqlView) -> list[Operation]:
    """The operations of the view."""
    http, base, many = ViewHttp(view), "/rentAndBillingViews", {200: [ViewResource]}
    at, search = base + "/{rentid}", base + "/search"
    of_rent, of_rider, of_bike = search + "/findByRentid", search + "/findByUserid", search + "/findByBikeid"
    return [
        Operation("GET", base, http.list, "R9: rides with their bills", PEOPLE, answers=many, paged=True),
        Operation("GET", search, http.searches, "The searches", PEOPLE),
        Operation("GET", of_rent, http.of_rent, "R9: a rent's line", PEOPLE, None, many, "rentid", paged=True),
        Operation("GET", of_rider, http.of_rider, "R9: a rider's rides", PEOPLE, None, many, "userid", paged=True),
        Operation("GET", of_bike, http.of_bike, "R9: a bike's rides", PEOPLE, None, many, "bikeid", paged=True),
        Operation("GET", at, http.show, "R9: one ride", PEOPLE, answers={200: ViewResource}, refusals=(UNKNOWN,)),
    ]
