"""What may be asked of billing: only to look. Bills are written by what was said, never by a client (flaw 28)."""

import msgspec

from gbike.contracts import PROBLEM_TEXTS
from gbike.kit.access.rules import PEOPLE, PUBLIC
from gbike.kit.clock import Clock, rfc3339
from gbike.kit.http.app import Operation, Refusals
from gbike.kit.http.ask import Answer, Ask
from gbike.kit.http.hal import Kind, collection, item, searches
from gbike.kit.http.problems import catalogue
from gbike.kit.store import Store
from gbike.services.billing import domain, storage
from gbike.services.billing.domain import Bill, Tariff

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

    def __init__(self, store: Store, first: Tariff, clock: Clock) -> None:
        self._store, self._first, self._clock = store, first, clock

    async def list(self, ask: Ask) -> Answer:
        """GET /billings."""
        page = ask.page()
        bills, total = await storage.page(self._store, page)
        return Answer(200, collection(BILLS, ask.base, [shown(bill) for bill in bills], page, total))

    async def show(self, ask: Ask) -> Bill:
        """GET /billings/{billid}."""
        return await self._store.read(storage.load, ask.id("billid"))

    async def find_by_billid(self, ask: Ask) -> Bill:
        """GET /billings/search/findByBillid."""
        return await self._store.read(storage.load, ask.find("billid"))

    async def find_by_rentid(self, ask: Ask) -> Bill:
        """GET /billings/search/findByRentid."""
        return await self._store.read(storage.load_of_rent, ask.find("rentid"))

    async def price(self, _ask: Ask) -> Answer:
        """GET /billings/tariff."""
        found = await self._store.read(storage.valid_tariff, self._clock.now_ms())
        tariff = found.tariff if found else self._first
        return Answer(200, TariffResource(tariff.krw, tariff.per_s, tariff.rounding))

    async def searches(self, ask: Ask) -> Answer:
        """GET /billings/search."""
        return Answer(200, searches(BILLS, ask.base))


def _found(ask: Ask, bill: Bill) -> Answer:
    return Answer(200, item(BILLS, ask.base, shown(bill)))


def shown(bill: Bill) -> BillResource:
    """The bill as clients see it."""
    ended = None if bill.ended_ms is None else rfc3339(bill.ended_ms)
    return BillResource(
        bill.billid, bill.rentid, bill.userid, rfc3339(bill.started_ms), ended, bill.fee, bill.status, bill.tariff
    )


def operations(store: Store, first: Tariff, clock: Clock) -> list[Operation]:
    """The operations of billing. `first`: the tariff until there is a version of it."""
    http, one = BillingHttp(store, first, clock), {200: BillResource}
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
            answer=_found,
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
            answer=_found,
        ),
        Operation(
            "GET", "/billings/{billid}", http.show, "R9: one bill", PEOPLE, answers=one, refusals=none, answer=_found
        ),
    ]
