"""What may be asked of billing: only to look. Bills are written by what was said, never by a client (flaw 28)."""

import msgspec

from gbike.contracts import PROBLEM_TEXTS
from gbike.kit.access.rules import PEOPLE, PUBLIC
from gbike.kit.clock import Clock, rfc3339
from gbike.kit.http.app import Operation, Refusals
from gbike.kit.http.ask import Answer, Ask
from gbike.kit.http.hal import Kind, collection, item, searches
from gbike.kit.http.problems import catalogue
from gbike.services.billing import domain
from gbike.services.billing.domain import Bill, Tariff
from gbike.services.billing.storage import SqlBills

BILLS = Kind("billings", "billing", "billid", (("findByRentid", "rentid"), ("findByBillid", "billid")))
TEXTS = catalogue(PROBLEM_TEXTS)
UNKNOWN = TEXTS["bill-unknown"]
REFUSALS: Refusals = {domain.NoSuchBill: UNKNOWN}


class BillResource(msgspec.Struct, frozen=True):
    """A bill as clients see it; fee in KRW."""

    billid: int
    rentid: int
    userid: int
    starttime: str
    endtime: str | None
    fee: int | None
    status: str
    tariff: str | None


class TariffResource(msgspec.Struct, frozen=True):
    """What a ride costs that begins now: `krw` for each interval of `per_s` seconds, a begun one free (floor) or whole
    (ceil, one at least)."""

    krw: int
    per_s: int
    rounding: str


class BillingHttp:
    """The handlers."""

    def __init__(self, bills: SqlBills, first: Tariff, clock: Clock) -> None:
        self._bills, self._first, self._clock = bills, first, clock

    async def list(self, ask: Ask) -> Answer:
        """GET /billings."""
        page = ask.page()
        bills, total = await self._bills.page(page, ask.whose)
        return Answer(200, collection(BILLS, ask.base, [shown(bill) for bill in bills], page, total))

    async def show(self, ask: Ask) -> Answer:
        """GET /billings/{billid}."""
        return self._shown(ask, await self._bills.one(ask.id("billid"), ask.whose))

    async def find_by_billid(self, ask: Ask) -> Answer:
        """GET /billings/search/findByBillid."""
        return self._shown(ask, await self._bills.one(ask.find("billid"), ask.whose))

    async def find_by_rentid(self, ask: Ask) -> Answer:
        """GET /billings/search/findByRentid."""
        return self._shown(ask, await self._bills.for_rent(ask.find("rentid"), ask.whose))

    async def price(self, _ask: Ask) -> Answer:
        """GET /billings/tariff."""
        tariff = await self._bills.tariff_at(self._clock.now_ms()) or self._first
        return Answer(200, TariffResource(tariff.krw, tariff.per_s, tariff.rounding))

    async def searches(self, ask: Ask) -> Answer:
        """GET /billings/search."""
        return Answer(200, searches(BILLS, ask.base))

    def _shown(self, ask: Ask, bill: Bill) -> Answer:
        return Answer(200, item(BILLS, ask.base, shown(bill)))


def shown(bill: Bill) -> BillResource:
    """The bill as clients see it."""
    ended = None if bill.ended_ms is None else rfc3339(bill.ended_ms)
    return BillResource(
        bill.billid, bill.rentid, bill.userid, rfc3339(bill.started_ms), ended, bill.fee, bill.status, bill.tariff
    )


def operations(bills: SqlBills, first: Tariff, clock: Clock) -> list[Operation]:
    """The operations of billing. `first`: the tariff until there is a version of it."""
    http, one = BillingHttp(bills, first, clock), {200: BillResource}
    search, none = "/billings/search", (UNKNOWN,)
    return [
        Operation(
            "GET", "/billings", http.list, "R9: list the bills", PEOPLE, answers={200: [BillResource]}, paged=True
        ),
        Operation("GET", "/billings/tariff", http.price, "R7: what riding costs", PUBLIC, None, {200: TariffResource}),
        Operation("GET", search, http.searches, "The searches", PEOPLE),
        Operation(
            "GET",
            search + "/findByRentid",
            http.find_by_rentid,
            "R9: a rent's bill",
            PEOPLE,
            None,
            one,
            "rentid",
            refusals=none,
        ),
        Operation(
            "GET",
            search + "/findByBillid",
            http.find_by_billid,
            "R9: a bill",
            PEOPLE,
            None,
            one,
            "billid",
            refusals=none,
        ),
        Operation("GET", "/billings/{billid}", http.show, "R9: one bill", PEOPLE, answers=one, refusals=none),
    ]
