"""What may be asked about payments: begin one, look at it, and the provider's word that it was paid."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from gbike.kit.auth.limits import FREE
from gbike.kit.auth.principal import OwnerScope
from gbike.kit.auth.rules import PEOPLE, PUBLIC
from gbike.kit.clock import Clock, Ids
from gbike.kit.http.app import Operation, Refusals
from gbike.kit.http.fields import read_body
from gbike.kit.http.request import Request, ResourceKind, Response, item
from gbike.kit.store import Store
from gbike.services.user_deposit import domain, storage
from gbike.services.user_deposit.commands import begin_a_payment, confirm_a_payment
from gbike.services.user_deposit.domain import MOST, Payment
from gbike.services.user_deposit.http import TEXTS
from gbike.services.user_deposit.ports import Provider
from gbike.services.user_deposit.storage import payments

SIGNATURE = "gbike-signature"
PAYMENTS = ResourceKind("payments", "payment", "paymentid")
REFUSALS: Refusals = {
    domain.NoSuchPayment: TEXTS["payment-unknown"],
    domain.PaymentDiffers: TEXTS["payment-differs"],
    domain.NoProvider: TEXTS["payments-off"],
    domain.TooManyPayments: TEXTS["too-many-payments"],
    domain.ForgedConfirmation: TEXTS["confirmation-forged"],
    domain.OldConfirmation: TEXTS["confirmation-too-old"],
}


class PaymentResource(msgspec.Struct, frozen=True):
    """Money that a rider pays in; won. `payAt`: where, until it is paid."""

    paymentid: str
    userid: int
    amount: int
    paid: bool
    payAt: str | None


class NewPayment(msgspec.Struct, frozen=True):
    """What a rider wants to pay in."""

    amount: Annotated[int, Meta(ge=1, le=MOST, description="whole won (KRW)")]


class PaymentConfirmation(msgspec.Struct, frozen=True):
    """The provider has this money. Signed: `Gbike-Signature: t=SECONDS,v1=HEX`, HMAC-SHA256 over `SECONDS.BODY`."""

    paymentid: Annotated[str, Meta(max_length=64, description="of which payment")]
    amount: Annotated[int, Meta(ge=1, le=MOST, description="whole won (KRW)")]


Sign = Callable[[bytes, int], str]
"""The signature of a body at that moment, ms."""


class PaymentHttp:
    """The handlers."""

    def __init__(self, store: Store, ids: Ids, provider: Provider | None, clock: Clock) -> None:
        self._store = store
        self._ids = ids
        self._provider = provider
        self._clock = clock

    async def begin(self, request: Request) -> Payment:
        userid, wanted = request.id("userid"), await request.body(NewPayment)
        request.must_cover(userid)
        self._taker()
        payment = Payment(self._ids.new(), userid, wanted.amount, paid=False)
        return await self._store.write(begin_a_payment, payment, key=f"user:{userid}")

    async def show(self, request: Request) -> Response:
        return Response(200, self._item(request, await self._theirs(request)))

    async def pay(self, sign: Sign, request: Request) -> Response:
        """The test provider's button: it confirms as any provider does."""
        payment = await self._theirs(request)
        if await self._store.read(storage.is_erased, payment.userid):
            raise domain.RiderErased(payment.userid)
        published = msgspec.json.encode(PaymentConfirmation(payment.paymentid, payment.amount))
        return Response(200, self._item(request, await self._receive(published, sign(published, self._clock.now_ms()))))

    async def confirm(self, request: Request) -> Response:
        paid = await self._receive(await request.raw(), request.headers.get(SIGNATURE, ""))
        return Response(200, PaymentConfirmation(paid.paymentid, paid.amount))

    async def _receive(self, raw: bytes, signature: str) -> Payment:
        """Believe nothing before the signature is right."""
        self._taker().check(signature, raw, self._clock.now_ms())
        published = read_body(raw, PaymentConfirmation)
        known = await self._store.read(payments.load, published.paymentid, OwnerScope.ALL)
        return await self._store.write(confirm_a_payment, known, published.amount, key=f"user:{known.userid}")

    async def _theirs(self, request: Request) -> Payment:
        payment = await self._store.read(payments.load, request.path_params["paymentid"])
        if payment.userid != request.id("userid"):
            raise domain.NoSuchPayment(payment.paymentid)
        return payment

    def _taker(self) -> Provider:
        if self._provider is None:
            raise domain.NoProvider
        return self._provider

    def _item(self, request: Request, payment: Payment) -> dict[str, Any]:
        at = None if payment.paid or self._provider is None else self._provider.pay_at(payment)
        shown = PaymentResource(payment.paymentid, payment.userid, payment.amount, payment.paid, at)
        return item(PAYMENTS, f"{request.base}/userDeposits/{payment.userid}", shown)

    def _created(self, request: Request, payment: Payment) -> Response:
        """201 with a payment that was begun."""
        content = self._item(request, payment)
        return Response(201, content, {"Location": content["_links"]["self"]["href"]})


def test_payment(http: PaymentHttp, sign: Sign) -> Operation:
    """With the test provider alone: with any other, a rider would confirm what they say that they paid."""
    return Operation(
        "POST",
        "/userDeposits/{userid}/payments/{paymentid:str}/testPayment",
        partial(http.pay, sign),
        "The test payment provider's button, which there is with no other provider: no money moves",
        PEOPLE,
        answers={200: PaymentResource},
        refusals=TEXTS.of("payment-unknown", "amount-out-of-bounds", "account-erased"),
    )


def operations(http: PaymentHttp) -> list[Operation]:
    base = "/userDeposits/{userid}/payments"
    one = base + "/{paymentid:str}"
    shown, tenner = {200: PaymentResource}, {"amount": 10000}
    return [
        Operation(
            "POST",
            base,
            http.begin,
            "Begin to pay in; the answer says where",
            PEOPLE,
            takes=NewPayment,
            answers={201: PaymentResource},
            refusals=TEXTS.of("payments-off", "too-many-payments", "account-erased"),
            example=tenner,
            respond=http._created,
        ),
        Operation(
            "GET",
            one,
            http.show,
            "One payment",
            PEOPLE,
            answers=shown,
            refusals=TEXTS.of("payment-unknown"),
            looks="payment",
        ),
        Operation(
            "POST",
            "/userDeposits/payments/confirmations",
            http.confirm,
            "The payment provider says that it has the money",
            PUBLIC,
            takes=PaymentConfirmation,
            answers={200: PaymentConfirmation},
            refusals=TEXTS.of(
                *("confirmation-forged", "confirmation-too-old", "payment-unknown"),
                *("payment-differs", "amount-out-of-bounds", "payments-off"),
            ),
            example={"paymentid": "0199f4a2-7c1e-7b3a-8a52-6d1f0c9e4b7d", **tenner},
            pace=FREE,
        ),
    ]
