"""A bill per rent: the fee, and that neither doubled nor reordered messages change what is charged."""

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from gbike.contracts.rent import Rented, Returned
from gbike.contracts.user_deposit import UpdatedDeposit
from gbike.kit.money import MAX_WON
from gbike.services.billing.domain import Rounding, Tariff
from gbike.services.billing.wiring import SPEC
from tests.services.lone import NOON, Lone, examples

RENTED = Rented(rentid=7, userid=3, bikeid=1, status="rented", starttime=NOON)
RETURNED = Returned(rentid=7, userid=3, bikeid=1, status="returned", endtime=NOON + 125_000, starttime=NOON)
VOIDED = replace(RETURNED, endedby="void", voided=True)
PAID = UpdatedDeposit(userid=3, deposit=0, billid=1, fee=200)
FEES = st.builds(
    Tariff, st.integers(0, 1_000_000), st.integers(1, 86_400), st.sampled_from([Rounding.FLOOR, Rounding.CEIL])
)


@examples(400)
@given(FEES, st.integers(0, 2**45), st.integers(-(2**45), 2**45))
def test_a_fee_is_whole_intervals_never_negative_and_bounded(tariff: Tariff, start: int, ridden: int) -> None:
    fee = tariff.fee(start, start + ridden)
    assert 0 <= fee <= MAX_WON
    whole, rest = divmod(max(0, ridden), tariff.per_s * 1000)
    begun = max(1, whole + (rest > 0)) if tariff.rounding is Rounding.CEIL else whole
    assert fee == min(begun * tariff.krw, MAX_WON)


@examples(400)
@given(FEES, st.integers(0, 2**44), st.integers(0, 2**40))
def test_a_longer_ride_never_costs_less(tariff: Tariff, ridden: int, longer: int) -> None:
    assert tariff.fee(0, ridden) <= tariff.fee(0, ridden + longer)


@pytest.mark.parametrize(("seconds", "fee"), [(0, 0), (59, 0), (60, 100), (62, 100), (119, 100), (120, 200), (-5, 0)])
def test_a_returned_bike_is_charged_by_whole_minutes(seconds: int, fee: int) -> None:
    assert Tariff(100, 60, Rounding.FLOOR).fee(NOON, NOON + seconds * 1000) == fee


@pytest.mark.parametrize(("ms", "fee"), [(0, 100), (1, 100), (1000, 100), (1001, 200), (-1, 100)])
def test_a_begun_second_is_charged_where_the_tariff_says_so(ms: int, fee: int) -> None:
    assert Tariff(100, 1, Rounding.CEIL).fee(NOON, NOON + ms) == fee


async def end_of(order: list[Any]) -> tuple[Any, Any]:
    """The bill and the set of what was said when messages come in this order."""
    lone = Lone(SPEC)
    await lone.tell(*order)
    bills = await lone.rows("SELECT rentid, userid, started_ms, ended_ms, fee, status FROM bills")
    published = sorted(event["eventType"] for event in await lone.published())
    await lone.stop()
    return bills, published


CLOSED = (
    [(7, 3, NOON, NOON + 125_000, 200, "CLOSEBILL")],
    ["CalculatedFee", "ClosedBill", "RegisteredBill"],
)


@pytest.mark.parametrize("order", list(permutations([RENTED, RENTED, RETURNED, RETURNED])), ids=str)
async def test_a_rent_told_twice_in_any_order_has_one_bill_and_one_fee(order: list[Any]) -> None:
    bills, published = await end_of([*order, PAID, PAID])
    assert (bills, published) == CLOSED


@pytest.mark.parametrize("rounding", ["floor", "ceil"])
@pytest.mark.parametrize("heard", [(RENTED, VOIDED), (VOIDED, RENTED), (VOIDED,)], ids=len)
async def test_a_voided_ride_costs_nothing_whatever_the_rounding(rounding: str, heard: tuple[Any, ...]) -> None:
    lone = Lone(SPEC, {"GBIKE_TARIFF_ROUNDING": rounding})
    await lone.tell(*heard, *heard)
    assert await lone.rows("SELECT fee, status, ended_ms FROM bills") == [(0, "APPLYFEE", NOON + 125_000)]
    assert [said["fee"] for said in await lone.published() if said["eventType"] == "CalculatedFee"] == [0]
    await lone.tell(replace(PAID, fee=0))
    assert await lone.rows("SELECT fee, status FROM bills") == [(0, "CLOSEBILL")]


async def test_only_a_payment_of_this_rider_and_this_fee_closes_the_bill() -> None:
    lone = Lone(SPEC)
    await lone.tell(RENTED, RETURNED)
    for wrong in (
        UpdatedDeposit(userid=4, deposit=0, billid=1, fee=200),
        UpdatedDeposit(userid=3, deposit=0, billid=1, fee=199),
        UpdatedDeposit(userid=3, deposit=0, billid=2, fee=200),
        UpdatedDeposit(userid=3, deposit=0),
    ):
        await lone.tell(wrong)
    assert await lone.rows("SELECT status FROM bills") == [("APPLYFEE",)]
    await lone.tell(PAID)
    assert await lone.rows("SELECT status FROM bills") == [("CLOSEBILL",)]


async def test_a_bill_is_stamped_with_its_tariff_and_a_new_tariff_changes_no_old_bill() -> None:
    lone = Lone(SPEC, {"GBIKE_TARIFF_KRW": "250", "GBIKE_TARIFF_PER_S": "30", "GBIKE_TARIFF_ROUNDING": "ceil"})
    await lone.tell(RENTED, RETURNED)
    reply = await lone.client.get("/billings/1")
    assert (reply.json["fee"], reply.json["tariff"]) == (1250, "250/30s ceil")


async def test_a_return_without_a_start_waits_among_the_dead_letters_until_someone_looks() -> None:
    lone = Lone(SPEC)
    old = Returned(rentid=9, userid=3, bikeid=1, status="returned", endtime=NOON)
    await lone.tell(old, RENTED)
    assert [reason for (reason,) in await lone.rows("SELECT reason FROM dead_letters")] == ["NoStart('rent 9')"]
    assert await lone.rows("SELECT rentid FROM bills") == [(7,)]


async def test_an_unknown_bill_is_a_404_and_no_bill_is_written_by_a_client() -> None:
    lone = Lone(SPEC)
    assert (await lone.client.get("/billings/1")).status == 404
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        for path in ("/billings", "/billings/1"):
            assert (await lone.client.send(method, path, {"rentid": 1, "fee": 0})).status == 405


@examples(40)
@given(st.data())
async def test_any_number_of_rents_in_any_order_is_billed_once_each(data: st.DataObject) -> None:
    rents = range(1, 5)
    told = [Rented(rentid=n, userid=n, bikeid=1, status="rented", starttime=NOON) for n in rents]
    told += [  # type: ignore[misc]
        Returned(rentid=n, userid=n, bikeid=1, status="returned", endtime=NOON + n * 60_000, starttime=NOON)
        for n in rents
    ]
    lone = Lone(SPEC)
    await lone.tell(*data.draw(st.permutations(told * 2)))
    bills = await lone.rows("SELECT rentid, fee, status FROM bills ORDER BY rentid")
    assert bills == [(n, n * 100, "APPLYFEE") for n in rents]
    await lone.stop()
