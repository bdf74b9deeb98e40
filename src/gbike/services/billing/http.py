"""What may be asked of billing: to look, and to give back a part of a fee. Bills are written by what was said, never by
a client (flaw 28)."""

from functools import partial

import msgspec

from gbike.contracts import PROBLEM_TEXTS
from gbike.kit.auth.limits import VISITS
from gbike.kit.auth.rules import ADMINS, PEOPLE, PUBLIC
from gbike.kit.clock import Clock, rfc3339
from gbike.kit.http.app import Operation, Refusals
from gbike.kit.http.fields import Amount, Reason
from gbike.kit.http.filters import NUMBER, SPAN, words
from gbike.kit.http.lists import listed, searching
from gbike.kit.http.problems import catalogue
from gbike.kit.http.request import Request, ResourceKind, Response, item, showing
from gbike.kit.store import Store
from gbike.services.billing import domain, storage
from gbike.services.billing.commands import correct_a_bill
from gbike.services.billing.domain import Bill, BillStatus, Correction, Tariff
from gbike.services.billing.storage import corrections

BILLS = ResourceKind("billings", "billing", "billid", (("findByRentid", "rentid"), ("findByBillid", "billid")))
CORRECTIONS = ResourceKind("corrections", "correction", "correctionid")
TEXTS = catalogue(PROBLEM_TEXTS)
REFUSALS: Refusals = {
    domain.NoSuchBill: TEXTS["bill-unknown"],
    domain.NotCharged: TEXTS["bill-not-charged"],
    domain.CorrectedTooMuch: TEXTS["correction-too-much"],
}


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
    refunded: int = 0
    """Won of the fee that corrections give back."""


class CorrectionWish(msgspec.Struct, frozen=True):
    """What of a fee is given back, won, and why."""

    amount: Amount
    reason: Reason


class CorrectionResource(msgspec.Struct, frozen=True):
    """What of a fee was given back; won. `by`: the operator's account, which only operators are told; else null."""

    correctionid: int
    billid: int
    amount: int
    reason: str
    at: str
    by: int | None


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

    async def correct(self, request: Request) -> Correction:
        billid, wish = request.id("billid"), await request.body(CorrectionWish)
        return await self._store.write(correct_a_bill, billid, wish.amount, wish.reason, key=f"bill:{billid}")

    async def corrections(self, request: Request) -> Response:
        """GET /billings/{billid}/corrections: of one's own bill; operators are told who corrected, too."""
        bill, shown = await self._store.read(storage.load, request.id("billid")), to_correction
        request.whose = bill.userid
        if request.owner.only is not None:
            shown = partial(to_correction, told_by=False)
        of = f"/billings/{bill.billid}"
        return await listed(request, self._store, corrections.of_bill(bill.billid), CORRECTIONS, shown, of=of)

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
        refunded=bill.refunded,
    )


def to_correction(made: Correction, *, told_by: bool = True) -> CorrectionResource:
    by = made.byuser if told_by else None
    ids, at = (made.correctionid, made.billid), rfc3339(made.at_ms)
    return CorrectionResource(*ids, made.amount, made.reason, at=at, by=by)


def _corrected(request: Request, made: Correction) -> Response:
    content = item(CORRECTIONS, f"{request.base}/billings/{made.billid}", to_correction(made))
    return Response(201, content, {"Location": content["_links"]["self"]["href"]})


def operations(store: Store, first: Tariff, clock: Clock) -> list[Operation]:
    """The operations of billing. `first`: the tariff until there is a version of it."""
    http = BillingHttp(store, first, clock)
    base, many = "/billings", {200: [BillResource]}
    by = {**SPAN, "userid": NUMBER, "rentid": NUMBER, "status": words(tuple(BillStatus))}
    price = {200: TariffResource}
    single = partial(
        Operation,
        answers={200: BillResource},
        refusals=TEXTS.of("bill-unknown"),
        looks="bills",
        respond=showing(BILLS, to_resource),
    )
    return [
        Operation(
            "GET",
            base,
            http.list,
            "R9: list the bills",
            PEOPLE,
            answers=many,
            paged=True,
            filters=by,
            looks="bills",
            one_by=("rentid",),
        ),
        Operation("GET", base + "/tariff", http.price, "R7: what riding costs", PUBLIC, answers=price, pace=VISITS),
        Operation("GET", base + "/search", searching(BILLS), "The searches", PEOPLE),
        single("GET", base + "/search/findByRentid", http.find_by_rentid, "R9: a rent's bill", PEOPLE, finder="rentid"),
        single("GET", base + "/search/findByBillid", http.show, "R9: a bill", PEOPLE, finder="billid"),
        single("GET", base + "/{billid}", http.show, "R9: one bill", PEOPLE),
        Operation(
            "POST",
            base + "/{billid}/corrections",
            http.correct,
            "Give back a part of a fee",
            ADMINS,
            takes=CorrectionWish,
            answers={201: CorrectionResource},
            refusals=TEXTS.of("bill-unknown", "bill-not-charged", "correction-too-much"),
            example={"amount": 500, "reason": "the lock did not close"},
            respond=_corrected,
        ),
        Operation(
            "GET",
            base + "/{billid}/corrections",
            http.corrections,
            "What of a fee was given back",
            PEOPLE,
            answers={200: [CorrectionResource]},
            refusals=TEXTS.of("bill-unknown"),
            paged=True,
            looks="bills",
        ),
    ]
