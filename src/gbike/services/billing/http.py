"""What may be asked of billing: only to look. Bills are written by what was said, never by a client (flaw 28)."""

from functools import partial

import msgspec

from gbike.contracts import PROBLEM_TEXTS
from gbike.kit.auth.rules import PEOPLE, PUBLIC
from gbike.kit.clock import Clock, rfc3339
from gbike.kit.http.app import Operation, Refusals
from gbike.kit.http.filters import NUMBER, SPAN, words
from gbike.kit.http.lists import listed, searching
from gbike.kit.http.problems import catalogue
from gbike.kit.http.request import Request, ResourceKind, Response, showing
from gbike.kit.store import Store
from gbike.services.billing import domain, storage
from gbike.services.billing.domain import Bill, BillStatus, Tariff

BILLS = ResourceKind("billings", "billing", "billid", (("findByRentid", "rentid"), ("findByBillid", "billid")))
TEXTS = catalogue(PROBLEM_TEXTS)
REFUSALS: Refusals = {domain.NoSuchBill: TEXTS["bill-unknown"]}


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
        self._store = store
        self._first = first
        self._clock = clock

    async def list(self, request: Request) -> Response:
        return await listed(request, self._store, storage.LISTED, BILLS, to_resource)

    async def show(self, request: Request) -> Bill:
        return await self._store.read(storage.load, request.id("billid"))

    async def find_by_rentid(self, request: Request) -> Bill:
        return await self._store.read(storage.load_of_rent, request.id("rentid"))

    async def price(self, _ask: Request) -> Response:
        found = await self._store.read(storage.valid_tariff, self._clock.now_ms())
        tariff = found.tariff if found else self._first
        return Response(200, TariffResource(tariff.krw, tariff.per_s, tariff.rounding))


def to_resource(bill: Bill) -> BillResource:
    return BillResource(
        billid=bill.billid,
        rentid=bill.rentid,
        userid=bill.userid,
        starttime=rfc3339(bill.started_ms),
        endtime=None if bill.ended_ms is None else rfc3339(bill.ended_ms),
        fee=bill.fee,
        status=bill.status,
        tariff=bill.tariff,
    )


def operations(store: Store, first: Tariff, clock: Clock) -> list[Operation]:
    """The operations of billing. `first`: the tariff until there is a version of it."""
    http = BillingHttp(store, first, clock)
    base, many = "/billings", {200: [BillResource]}
    by = {**SPAN, "userid": NUMBER, "rentid": NUMBER, "status": words(tuple(BillStatus))}
    price = {200: TariffResource}
    single = partial(
        Operation, answers={200: BillResource}, refusals=TEXTS.of("bill-unknown"), respond=showing(BILLS, to_resource)
    )
    return [
        Operation("GET", base, http.list, "R9: list the bills", PEOPLE, answers=many, paged=True, filters=by),
        Operation("GET", base + "/tariff", http.price, "R7: what riding costs", PUBLIC, answers=price),
        Operation("GET", base + "/search", searching(BILLS), "The searches", PEOPLE),
        single("GET", base + "/search/findByRentid", http.find_by_rentid, "R9: a rent's bill", PEOPLE, finder="rentid"),
        single("GET", base + "/search/findByBillid", http.show, "R9: a bill", PEOPLE, finder="billid"),
        single("GET", base + "/{billid}", http.show, "R9: one bill", PEOPLE),
    ]
