"""The ledger: money moves once per cause, both sides add up, and a fee is always taken."""

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gbike.contracts.bike_manager import AdjustedPoint
from gbike.contracts.billing import CalculatedFee, CorrectedBill
from gbike.kit.money import MAX_WON, won
from gbike.services.user_deposit.domain import Deposit, OutOfBounds, adjustment, conversion, fee, opening, top_up
from gbike.services.user_deposit.storage import own_violations
from gbike.services.user_deposit.wiring import SPEC
from tests.services.lone import Lone, examples


def a_fee(billid: int = 1, amount: int = 500, userid: int = 3) -> CalculatedFee:
    """A fee that is known."""
    return CalculatedFee(billid=billid, rentid=billid, userid=userid, endtime=0, fee=amount, status="APPLYFEE")


def a_conversion(name: str = "conversion:1:a", points: int = 1000, userid: int = 3) -> AdjustedPoint:
    """Points that were converted."""
    return AdjustedPoint(managerid=1, userid=userid, point=0, adjustpoint=points, conversion=name)


async def balance(lone: Lone, userid: int = 3) -> int:
    """What a rider has."""
    return int((await lone.client.get(f"/userDeposits/{userid}")).json["deposit"])


@pytest.mark.parametrize("posting", [fee(1, 2, 300, rentid=7), opening(1, 5), top_up(1, 7, "x"), conversion(1, 9, "c")])
def test_the_two_sides_of_a_posting_add_up_to_nothing(posting: Any) -> None:
    assert sum(amount for _, amount in posting.sides()) == 0


@pytest.mark.parametrize("order", list(permutations([a_fee(), a_fee(), a_conversion(), a_conversion()])), ids=str)
async def test_every_movement_happens_once_however_often_and_in_whatever_order_it_is_told(order: list[Any]) -> None:
    lone = Lone(SPEC)
    await lone.client.post("/userDeposits", {"userid": 3, "deposit": 10_000})
    await lone.tell(*order)
    assert await balance(lone) == 10_500
    assert len(await lone.rows("SELECT 1 FROM entries")) == 6
    await lone.stop()


async def test_points_that_were_only_earned_move_no_money() -> None:
    lone = Lone(SPEC)
    await lone.client.post("/userDeposits", {"userid": 3, "deposit": 10_000})
    await lone.tell(AdjustedPoint(managerid=1, userid=3, point=1000))
    assert await balance(lone) == 10_000


async def test_the_same_bill_with_another_fee_is_set_aside_and_moves_nothing() -> None:
    lone = Lone(SPEC)
    await lone.tell(a_fee(amount=500), a_fee(amount=700))
    assert await balance(lone) == -500
    assert await lone.rows("SELECT reason FROM dead_letters") == [("PostingDiffers(cause='bill:1')",)]


async def test_a_fee_of_nothing_is_posted_and_said_so_that_the_bill_closes() -> None:
    lone = Lone(SPEC)
    await lone.tell(a_fee(amount=0))
    assert [(published["eventType"], published["fee"]) for published in await lone.published()] == [
        ("UpdatedDeposit", 0)
    ]


async def test_a_movement_tells_which_ride_it_is_of() -> None:
    lone = Lone(SPEC)
    await lone.tell(a_fee(), CorrectedBill(correctionid=1, billid=1, rentid=1, userid=3, amount=200))
    await lone.client.post("/userDeposits/3/topUps", {"amount": 10})
    listed = (await lone.client.get("/userDeposits/3/entries")).json["_embedded"]["entries"]
    assert [(one["cause"].partition(":")[0], one["rentid"]) for one in listed] == [
        ("topUp", None),
        ("billCorrection", 1),
        ("bill", 1),
    ]


async def test_the_first_fee_opens_an_account_that_its_owner_registers_later() -> None:
    lone = Lone(SPEC)
    await lone.tell(a_fee())
    implicit = (await lone.client.get("/userDeposits/3")).json
    assert (implicit["deposit"], implicit["registered"]) == (-500, False)
    opened = await lone.client.post("/userDeposits", {"userid": 3, "deposit": 2_000})
    assert (opened.status, opened.json["deposit"], opened.json["registered"]) == (201, 1_500, True)
    assert (await lone.client.post("/userDeposits", {"userid": 3, "deposit": 2_000})).status == 409


async def test_a_correction_posts_the_difference_and_the_same_balance_posts_nothing() -> None:
    lone = Lone(SPEC)
    await lone.client.post("/userDeposits", {"userid": 3, "deposit": 100})
    for wanted, entries in ((100, 2), (70, 4), (70, 4), (90, 6)):
        reply = await lone.client.patch("/userDeposits/3", {"deposit": wanted})
        assert (reply.status, reply.json["deposit"]) == (200, wanted)
        assert len(await lone.rows("SELECT 1 FROM entries")) == entries


async def test_a_top_up_with_a_key_is_paid_once_and_without_one_each_time() -> None:
    lone = Lone(SPEC)
    await lone.client.post("/userDeposits", {"userid": 3, "deposit": 0})
    for _ in range(3):
        assert (await lone.client.post("/userDeposits/3/topUps", {"amount": 10}, idempotency_key="a")).status == 201
    for _ in range(2):
        await lone.client.post("/userDeposits/3/topUps", {"amount": 1})
    assert await balance(lone) == 12
    other = await lone.client.post("/userDeposits/3/topUps", {"amount": 11}, idempotency_key="a")
    assert other.status == 422


async def test_an_account_never_holds_more_than_the_bound_and_a_refused_top_up_moves_nothing() -> None:
    lone = Lone(SPEC)
    await lone.client.post("/userDeposits", {"userid": 3, "deposit": MAX_WON})
    assert (await lone.client.post("/userDeposits/3/topUps", {"amount": 1})).status == 409
    assert await balance(lone) == MAX_WON
    assert len(await lone.rows("SELECT 1 FROM entries")) == 2


async def test_a_correction_of_a_debt_up_to_the_bound_is_never_our_mistake() -> None:
    lone = Lone(SPEC)
    await lone.tell(a_fee(amount=1))
    reply = await lone.client.patch("/userDeposits/3", {"deposit": MAX_WON})
    assert reply.status == 409
    assert reply.json["type"].endswith("#amount-out-of-bounds")
    with pytest.raises(OutOfBounds):
        adjustment(Deposit(3, won(-1), None, True, 1), MAX_WON, "x")


async def test_nobody_tops_up_an_account_that_is_not_there() -> None:
    lone = Lone(SPEC)
    assert (await lone.client.post("/userDeposits/9/topUps", {"amount": 1})).status == 404
    assert (await lone.client.patch("/userDeposits/9", {"deposit": 1})).status == 404
    assert (await lone.client.get("/userDeposits/9")).status == 404


STEPS = st.one_of(
    st.tuples(st.just("open"), st.integers(1, 3), st.integers(0, 1000)),
    st.tuples(st.just("top up"), st.integers(1, 3), st.integers(1, 1000)),
    st.tuples(st.just("set"), st.integers(1, 3), st.integers(0, 1000)),
    st.tuples(st.just("fee"), st.integers(1, 3), st.integers(1, 5)),
    st.tuples(st.just("convert"), st.integers(1, 3), st.integers(1, 5)),
)


async def take(lone: Lone, what: str, userid: int, number: int) -> None:
    """One step of the bank test."""
    match what:
        case "open":
            await lone.client.post("/userDeposits", {"userid": userid, "deposit": number})
        case "top up":
            await lone.client.post(f"/userDeposits/{userid}/topUps", {"amount": number})
        case "set":
            await lone.client.patch(f"/userDeposits/{userid}", {"deposit": number})
        case "fee":
            await lone.tell(a_fee(number, number * 100, number % 3 + 1))
        case _:
            await lone.tell(a_conversion(f"conversion:1:{number}", number * 10, number % 3 + 1))


@examples(40)
@given(st.lists(STEPS, max_size=25))
async def test_whatever_happens_no_won_is_made_or_lost(steps: list[tuple[str, int, int]]) -> None:
    lone = Lone(SPEC)
    for step in steps:
        await take(lone, *step)
    assert await lone.rows("SELECT coalesce(sum(amount), 0) FROM entries") == [(0,)]
    assert await lone.store.read(lambda read: list(own_violations(read))) == []
    riders = await lone.rows("SELECT coalesce(sum(balance), 0) FROM deposits")
    house = await lone.rows("SELECT -coalesce(sum(amount), 0) FROM entries WHERE account NOT LIKE 'user:%'")
    assert riders == house
    assert await lone.rows("SELECT cause FROM entries GROUP BY cause HAVING count(*) <> 2") == []
    assert await lone.rows("SELECT 1 FROM dead_letters") == []
    await lone.stop()
