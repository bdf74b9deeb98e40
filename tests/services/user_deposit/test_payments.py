"""Money comes in when the provider says so, signed and in time; once, however often it says it."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from gbike.kit.calls.in_process import call_asgi
from gbike.kit.settings import BadSetting
from gbike.services.user_deposit import wiring
from gbike.services.user_deposit.clients import WINDOW_S, check, signed
from gbike.services.user_deposit.domain import MOST, MOST_BEGUN, Payment
from gbike.services.user_deposit.ports import Provider
from gbike.services.user_deposit.storage import own_violations, unposted
from gbike.services.user_deposit.wiring import SPEC, DepositSettings
from tests.services.lone import Lone

SECRET = b"a secret of the tests, long enough"
AT = "/userDeposits/payments/confirmations"


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """The file that holds it."""
    file = tmp_path / "secret"
    file.write_bytes(SECRET + b"\n")
    return file


@pytest.fixture
def lone(secret: Path) -> Lone:
    """A userDeposit that takes test payments."""
    return Lone(SPEC, {"GBIKE_PAYMENT_PROVIDER": "test", "GBIKE_PAYMENT_SECRET_FILE": str(secret)})


async def begun(lone: Lone, amount: int = 10_000, userid: int = 3) -> str:
    """A payment that is not paid."""
    reply = await lone.client.post(f"/userDeposits/{userid}/payments", {"amount": amount})
    assert reply.status == 201
    return str(reply.json["paymentid"])


async def confirm(
    lone: Lone, paymentid: str, amount: int = 10_000, *, secret: bytes = SECRET, late_s: int = 0, **forged: Any
) -> tuple[int, Any]:
    """What a confirmation is answered. `forged`: another `body` or `signature` than is right."""
    body = json.dumps({"paymentid": paymentid, "amount": amount}).encode()
    signature = forged.get("signature", signed(secret, lone.clock.at_ms // 1000 - late_s, body))
    headers = {} if signature is None else {"gbike-signature": signature}
    answer = await call_asgi(lone.running.app, "POST", AT, forged.get("body", body), headers)
    found = json.loads(answer.body)
    return answer.status, found["type"].partition("#")[2] if answer.status >= 400 else found


async def entries(lone: Lone) -> list[tuple[str, str, int]]:
    """The ledger."""
    return await lone.rows("SELECT cause, account, amount FROM entries ORDER BY entryid")  # type: ignore[return-value]


async def test_a_confirmed_payment_is_the_riders_money_also_where_there_was_no_deposit(lone: Lone) -> None:
    paymentid = await begun(lone)
    assert await entries(lone) == []
    assert await confirm(lone, paymentid) == (200, {"paymentid": paymentid, "amount": 10_000})
    cause = f"payment:{paymentid}"
    assert await entries(lone) == [(cause, "user:3", 10_000), (cause, "cash", -10_000)]
    assert (await lone.client.get("/userDeposits/3")).json["deposit"] == 10_000
    shown = (await lone.client.get(f"/userDeposits/3/payments/{paymentid}")).json
    assert (shown["paid"], shown["payAt"]) == (True, None)
    (published,) = await lone.published()
    assert (published["eventType"], published["amount"], published["cause"]) == ("AddedDeposit", 10_000, cause)
    deeds = await lone.rows("SELECT action, subject FROM audit WHERE action <> 'looked at'")
    assert deeds == [("deposit paid in", "user:3")]
    assert list(await lone.store.read(own_violations)) == []


async def test_ten_confirmations_at_once_and_one_later_are_answered_alike_and_post_once(lone: Lone) -> None:
    paymentid = await begun(lone)
    answers = await asyncio.gather(*(confirm(lone, paymentid) for _ in range(10)))
    answers.append(await confirm(lone, paymentid, late_s=60))
    assert answers == [(200, {"paymentid": paymentid, "amount": 10_000})] * 11
    assert len(await entries(lone)) == 2
    assert len(await lone.published()) == 1


async def test_another_amount_under_the_same_payment_is_refused_before_and_after(lone: Lone) -> None:
    paymentid = await begun(lone)
    assert await confirm(lone, paymentid, 10_001) == (409, "payment-differs")
    assert await entries(lone) == []
    await confirm(lone, paymentid)
    assert await confirm(lone, paymentid, 20_000) == (409, "payment-differs")
    assert len(await entries(lone)) == 2


FORGED: list[dict[str, Any]] = [
    {"signature": None},
    {"signature": ""},
    {"signature": "t=1,v1=" + "0" * 64},
    {"signature": "t=1790000000"},
    {"signature": "v1=é"},
    {"secret": b"another secret, just as long as it is"},
    {"secret": b""},
]


@pytest.mark.parametrize("how", FORGED, ids=str)
async def test_what_is_not_signed_with_our_secret_is_refused_and_changes_nothing(
    lone: Lone, how: dict[str, Any]
) -> None:
    paymentid = await begun(lone)
    assert await confirm(lone, paymentid, **how) == (403, "confirmation-forged")
    assert await entries(lone) == []


async def test_a_signature_is_for_one_body_and_one_moment(lone: Lone) -> None:
    paymentid, other = await begun(lone), await begun(lone)
    good = signed(SECRET, lone.clock.at_ms // 1000, json.dumps({"paymentid": paymentid, "amount": 10_000}).encode())
    later = good.replace("t=17900", "t=17901")
    assert later != good
    for body, signature in (
        (json.dumps({"paymentid": other, "amount": 10_000}).encode(), good),
        (json.dumps({"paymentid": paymentid, "amount": 10_000}).encode(), later),
        (b'{ "paymentid": "%b", "amount": 10000}' % paymentid.encode(), good),
    ):
        assert await confirm(lone, paymentid, body=body, signature=signature) == (403, "confirmation-forged")
    assert await entries(lone) == []


@pytest.mark.parametrize(("late_s", "taken"), [(WINDOW_S, True), (WINDOW_S + 1, False), (-WINDOW_S - 1, False)])
async def test_what_was_signed_for_another_time_is_refused(lone: Lone, late_s: int, taken: bool) -> None:
    paymentid = await begun(lone)
    status, published = await confirm(lone, paymentid, late_s=late_s)
    assert (status == 200) is taken
    assert taken or published == "confirmation-too-old"
    assert len(await entries(lone)) == (2 if taken else 0)


async def test_a_payment_that_was_never_begun_is_unknown(lone: Lone) -> None:
    assert await confirm(lone, "made-up") == (404, "payment-unknown")
    assert await confirm(lone, "made-up", 0) == (422, "invalid-request")
    assert await entries(lone) == []


async def test_a_payment_has_bounds_and_a_key(lone: Lone) -> None:
    for amount in (0, -5, MOST + 1, 1.5, None):
        assert (await lone.client.post("/userDeposits/3/payments", {"amount": amount})).status == 422
    one = await lone.client.post("/userDeposits/3/payments", {"amount": MOST}, idempotency_key="k")
    again = await lone.client.post("/userDeposits/3/payments", {"amount": MOST}, idempotency_key="k")
    assert one.json == again.json
    assert one.json["payAt"] == f"/app/#/pay/{one.json['paymentid']}"
    for _ in range(MOST_BEGUN - 1):
        await begun(lone)
    refused = await lone.client.post("/userDeposits/3/payments", {"amount": 1})
    assert (refused.status, refused.json["type"].partition("#")[2]) == (429, "too-many-payments")
    await begun(lone, userid=4)
    lone.clock.at_ms += 3_600_001
    await begun(lone)


async def test_what_was_never_paid_is_forgotten_and_what_was_is_not(lone: Lone) -> None:
    paid, left = await begun(lone), await begun(lone)
    await confirm(lone, paid)
    lone.clock.at_ms += 8 * 24 * 3_600_000
    await lone.worker("housekeeper").step()
    assert await lone.rows("SELECT paymentid FROM payments") == [(paid,)]
    assert await confirm(lone, left) == (404, "payment-unknown")


async def test_the_test_providers_button_confirms_as_any_provider_does(lone: Lone) -> None:
    paymentid = await begun(lone)
    for _ in range(2):
        reply = await lone.client.post(f"/userDeposits/3/payments/{paymentid}/testPayment")
        assert (reply.status, reply.json["paid"]) == (200, True)
    assert len(await entries(lone)) == 2
    assert (await lone.client.post(f"/userDeposits/4/payments/{paymentid}/testPayment")).status == 404


class Bank:
    """Another provider, as an installation may have one."""

    def pay_at(self, payment: Payment) -> str:
        return f"https://bank.example/{payment.paymentid}"

    def check(self, signature: str, body: bytes, now_ms: int) -> None:
        check(SECRET, signature, body, now_ms)


async def test_with_another_provider_a_rider_has_no_button_that_confirms(
    secret: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wiring, "provider", lambda _settings: Bank())
    bank = Lone(SPEC, {"GBIKE_PAYMENT_SECRET_FILE": str(secret)})
    paymentid = await begun(bank)
    button = f"/userDeposits/3/payments/{paymentid}/testPayment"
    assert (await bank.client.post(button)).status == 404
    shown = (await bank.client.get(f"/userDeposits/3/payments/{paymentid}")).json
    assert (shown["paid"], shown["payAt"]) == (False, f"https://bank.example/{paymentid}")
    assert "testPayment" not in json.dumps((await bank.client.get("/openapi.json")).json)
    assert (await confirm(bank, paymentid))[0] == 200


def test_who_takes_payments_is_not_asked_to_sign_its_own_word() -> None:
    assert not hasattr(Provider, "sign")


async def test_where_nobody_takes_money_none_is_taken() -> None:
    lone = Lone(SPEC)
    reply = await lone.client.post("/userDeposits/3/payments", {"amount": 1})
    assert (reply.status, reply.json["type"].partition("#")[2]) == (409, "payments-off")
    assert await confirm(lone, "any") == (409, "payments-off")
    assert await lone.rows("SELECT 1 FROM payments") == []
    assert (await lone.client.post("/userDeposits/3/payments/any/testPayment")).status == 404


async def test_a_test_provider_without_a_file_has_a_secret_that_nobody_knows() -> None:
    lone = Lone(SPEC, {"GBIKE_PAYMENT_PROVIDER": "test"})
    paymentid = await begun(lone)
    for guess in (b"", b"test", SECRET):
        assert await confirm(lone, paymentid, secret=guess) == (403, "confirmation-forged")


@pytest.mark.parametrize(
    "env",
    [
        {"GBIKE_PAYMENT_PROVIDER": "test", "GBIKE_ENV": "production"},
        {"GBIKE_PAYMENT_PROVIDER": "someone"},
        {"GBIKE_PAYMENT_SECRET_FILE": "/nowhere/secret"},
        {"GBIKE_PAYMENT_SECRET_FILE": "/dev/null"},
    ],
    ids=str,
)
def test_what_must_not_run_does_not_start(env: dict[str, str]) -> None:
    with pytest.raises(BadSetting, match="GBIKE_PAYMENT"):
        Lone(SPEC, env)


def test_in_production_without_a_provider_it_starts() -> None:
    assert DepositSettings(env="production").payment_provider == ""
    Lone(SPEC, {"GBIKE_ENV": "production"})


async def test_verify_sees_a_payment_without_its_posting_and_a_posting_without_its_payment(lone: Lone) -> None:
    await begun(lone)
    await confirm(lone, await begun(lone))
    assert list(await lone.store.read(own_violations)) == []
    await lone.store.write(lambda tx: tx.execute("UPDATE payments SET paid_ms = CASE WHEN paid_ms IS NULL THEN 1 END"))
    assert len(list(await lone.store.read(own_violations))) == 1
    assert len(list(await lone.store.read(unposted))) == 1
