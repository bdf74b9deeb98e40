"""An operator corrects a balance by a difference; a balance is set only where it is the expected one. Who was erased
pays nothing in any more."""

import json
from pathlib import Path
from typing import Any

import pytest

from gbike.contracts.account import AccountErased
from gbike.contracts.billing import CalculatedFee
from gbike.kit.calls.in_process import call_asgi
from gbike.kit.money import MAX_WON
from gbike.kit.settings import BadSetting
from gbike.services.user_deposit.clients import signed
from gbike.services.user_deposit.storage import own_violations
from gbike.services.user_deposit.wiring import SPEC
from tests.services.lone import Lone, Reply

SECRET = b"a secret of the tests, long enough"


def slug(reply: Reply) -> tuple[int, str]:
    """How a request was refused."""
    return reply.status, reply.json["type"].partition("#")[2]


async def with_money(won: int = 5_000, env: dict[str, str] | None = None) -> Lone:
    """A userDeposit where rider 3 has money."""
    lone = Lone(SPEC, env)
    await lone.client.post("/userDeposits", {"userid": 3, "deposit": won})
    return lone


async def correct(lone: Lone, amount: Any, reason: Any = "taken twice", userid: int = 3, **headers: str) -> Reply:
    """The answer to a correction."""
    body = {"amount": amount, "reason": reason}
    return await lone.client.post(f"/userDeposits/{userid}/corrections", body, **headers)


async def test_a_correction_posts_its_difference_whatever_came_in_between() -> None:
    lone = await with_money()
    await lone.client.post("/userDeposits/3/topUps", {"amount": 5_000})
    reply = await correct(lone, -1_500)
    assert (reply.status, reply.json["deposit"]) == (201, 8_500)
    ((cause, house),) = await lone.rows("SELECT cause, account FROM entries WHERE amount = 1500")
    assert (cause.partition(":")[0], house) == ("correction", "adjustments")
    published = (await lone.published())[-1]
    assert (published["eventType"], published["amount"], published["cause"]) == ("AddedDeposit", -1_500, cause)
    assert list(await lone.store.read(own_violations)) == []


async def test_a_debt_is_corrected_in_part() -> None:
    lone = await with_money(0)
    await lone.tell(CalculatedFee(billid=1, rentid=1, userid=3, endtime=0, fee=9_000, status="APPLYFEE"))
    assert [(await correct(lone, won)).json["deposit"] for won in (4_000, "1000", "-500")] == [-5_000, -4_000, -4_500]


async def test_a_correction_is_on_record_with_its_reason() -> None:
    lone = await with_money()
    await correct(lone, 700, "요금이 두 번 빠졌어요")
    ((action, subject, before, after),) = await lone.rows(
        "SELECT action, subject, before, after FROM audit ORDER BY number DESC LIMIT 1"
    )
    assert (action, subject, json.loads(before)) == ("deposit corrected", "user:3", {"deposit": 5_000})
    assert {**json.loads(after), "cause": ""} == {"deposit": 5_700, "cause": "", "reason": "요금이 두 번 빠졌어요"}


async def test_a_correction_with_a_key_is_posted_once() -> None:
    lone = await with_money()
    answers = [await correct(lone, 700, idempotency_key="a") for _ in range(3)]
    assert {(reply.status, reply.json["deposit"]) for reply in answers} == {(201, 5_700)}
    assert slug(await correct(lone, 701, idempotency_key="a")) == (422, "idempotency-key-reused")
    assert len(await lone.rows("SELECT 1 FROM entries")) == 4


@pytest.mark.parametrize("amount", [0, "0", MAX_WON + 1, -MAX_WON - 1, 1.5, None, "x"])
async def test_a_correction_of_nothing_or_too_much_is_a_422(amount: Any) -> None:
    lone = await with_money()
    assert slug(await correct(lone, amount)) == (422, "invalid-request")


@pytest.mark.parametrize("reason", ["", " ", None, 7, "x" * 256])
async def test_a_correction_without_a_reason_is_a_422(reason: Any) -> None:
    lone = await with_money()
    assert slug(await correct(lone, 1, reason)) == (422, "invalid-request")


async def test_a_correction_that_can_not_be_posted_changes_nothing() -> None:
    lone = await with_money(MAX_WON)
    assert slug(await correct(lone, 1)) == (409, "amount-out-of-bounds")
    assert slug(await correct(lone, 1, userid=4)) == (404, "deposit-unknown")
    assert len(await lone.rows("SELECT 1 FROM entries")) == 2


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
async def test_a_balance_is_set_only_where_it_is_the_expected_one(method: str) -> None:
    lone = await with_money()
    await lone.client.post("/userDeposits/3/topUps", {"amount": 5_000})
    late = await lone.client.send(method, "/userDeposits/3", {"deposit": 4_000, "expected": 5_000})
    assert slug(late) == (409, "balance-changed")
    assert late.json["deposit"] == 10_000
    assert len(await lone.rows("SELECT 1 FROM entries")) == 4
    right = await lone.client.send(method, "/userDeposits/3", {"deposit": 4_000, "expected": "10000"})
    assert (right.status, right.json["deposit"]) == (200, 4_000)


async def test_a_balance_that_is_set_without_an_expectation_is_a_422_only_where_one_is_required() -> None:
    open_, strict = await with_money(), await with_money(env={"GBIKE_DEPOSIT_EXPECTED": "required"})
    assert (await open_.client.patch("/userDeposits/3", {"deposit": 7})).status == 200
    for body in ({"deposit": 7}, {"deposit": 7, "expected": None}, {}):
        refused = await strict.client.patch("/userDeposits/3", body)
        assert (*slug(refused), "expected" in str(refused.json["errors"])) == (422, "invalid-request", True)
    assert (await strict.client.patch("/userDeposits/3", {"deposit": 7, "expected": 5_000})).status == 200
    debt = await strict.client.patch("/userDeposits/3", {"deposit": 7, "expected": -1})
    assert slug(debt) == (409, "balance-changed")


def test_another_word_for_the_expectation_does_not_start() -> None:
    with pytest.raises(BadSetting, match="GBIKE_DEPOSIT_EXPECTED"):
        Lone(SPEC, {"GBIKE_DEPOSIT_EXPECTED": "yes"})


@pytest.fixture
def paying(tmp_path: Path) -> Lone:
    """A userDeposit that takes test payments."""
    (tmp_path / "secret").write_bytes(SECRET)
    return Lone(SPEC, {"GBIKE_PAYMENT_PROVIDER": "test", "GBIKE_PAYMENT_SECRET_FILE": str(tmp_path / "secret")})


async def test_an_erased_rider_pays_nothing_in_and_a_late_fee_is_still_taken(paying: Lone) -> None:
    client = paying.client
    await client.post("/userDeposits", {"userid": 3, "deposit": 0})
    begun = (await client.post("/userDeposits/3/payments", {"amount": 500})).json["paymentid"]
    await paying.tell(AccountErased(userid=3))
    for path, body in (
        ("/userDeposits/3/payments", {"amount": 500}),
        (f"/userDeposits/3/payments/{begun}/testPayment", {}),
        ("/userDeposits/3/topUps", {"amount": 500}),
        ("/userDeposits", {"userid": 3, "deposit": 500}),
    ):
        assert slug(await client.post(path, body)) == (403, "account-erased"), path
    assert await paying.rows("SELECT 1 FROM entries WHERE amount <> 0") == []
    await paying.tell(CalculatedFee(billid=1, rentid=1, userid=3, endtime=0, fee=300, status="APPLYFEE"))
    assert (await client.get("/userDeposits/3")).json["deposit"] == -300
    assert (await correct(paying, 300, "written off")).json["deposit"] == 0


async def test_money_that_the_provider_has_of_an_erased_rider_is_in_the_books(paying: Lone) -> None:
    begun = (await paying.client.post("/userDeposits/3/payments", {"amount": 500})).json["paymentid"]
    await paying.tell(AccountErased(userid=3))
    body = json.dumps({"paymentid": begun, "amount": 500}).encode()
    headers = {"gbike-signature": signed(SECRET, paying.clock.at_ms // 1000, body)}
    answer = await call_asgi(paying.running.app, "POST", "/userDeposits/payments/confirmations", body, headers)
    assert answer.status == 200
    assert (await paying.client.get("/userDeposits/3")).json["deposit"] == 500
    assert list(await paying.store.read(own_violations)) == []
