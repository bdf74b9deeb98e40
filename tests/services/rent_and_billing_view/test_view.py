"""The view: folded from events in any order, and the same when it is folded anew."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gbike.contracts.billing import CalculatedFee, ClosedBill, RegisteredBill
from gbike.contracts.rent import Rented, Returned
from gbike.contracts.user_deposit import AddedDeposit, RefundedFee, UpdatedDeposit
from gbike.services.rent_and_billing_view.storage import lines
from gbike.services.rent_and_billing_view.wiring import SPEC, rebuild
from tests.services.lone import NOON, Lone, examples


def a_ride(n: int, userid: int = 3) -> list[Any]:
    """Everything that is said of one ride, in its natural order."""
    end = NOON + n * 60_000
    return [
        AddedDeposit(userid=userid, deposit=1000, amount=1000, cause="opening", version=1),
        Rented(rentid=n, userid=userid, bikeid=n, status="rented", starttime=NOON),
        RegisteredBill(billid=10 + n, rentid=n, userid=userid, starttime=NOON, status="OPENBILL"),
        Returned(rentid=n, userid=userid, bikeid=n, status="returned", endtime=end, starttime=NOON),
        CalculatedFee(billid=10 + n, rentid=n, userid=userid, endtime=end, fee=n * 100, status="APPLYFEE"),
        UpdatedDeposit(userid=userid, deposit=1000 - n * 100, billid=10 + n, fee=n * 100, version=1 + n),
        ClosedBill(billid=10 + n, rentid=n, userid=userid, status="CLOSEBILL"),
        *(
            RefundedFee(
                userid=userid, deposit=900, billid=10 + n, rentid=n, correctionid=n * 10 + m, amount=m, version=5 + m
            )
            for m in (1, 2)
        ),
    ]


async def view_of(lone: Lone) -> list[Any]:
    """The whole view."""
    return await lone.store.read(lambda read: list(lines(read)))


async def told(order: list[Any]) -> list[Any]:
    """The view after these events."""
    lone = Lone(SPEC)
    await lone.tell(*order)
    seen = await view_of(lone)
    await lone.stop()
    return seen


async def test_a_ride_is_shown_with_its_bill_and_the_riders_deposit() -> None:
    lone = Lone(SPEC)
    await lone.tell(*a_ride(1))
    shown = (await lone.client.get("/rentAndBillingViews/1")).json
    assert (shown["rentStatus"], shown["billid"], shown["fee"], shown["billingStatus"], shown["deposit"]) == (
        *("returned", 11, 100, "CLOSEBILL"),
        900,
    )
    assert shown["refunded"] == 3


@examples(60)
@given(st.permutations(a_ride(1) + a_ride(2) + a_ride(1)))
async def test_doubled_events_in_any_order_give_the_same_view(order: list[Any]) -> None:
    assert await told(order) == await told(a_ride(1) + a_ride(2))


@examples(30)
@given(st.lists(st.sampled_from(a_ride(1) + a_ride(2, userid=4)), max_size=20))
async def test_the_view_folded_anew_is_the_same(order: list[Any]) -> None:
    lone, other = Lone(SPEC), Lone(SPEC)
    await lone.tell(*order)
    before = await view_of(lone)
    await rebuild(lone.store, other.store)
    assert await view_of(other) == before
    await rebuild(lone.store, lone.store)
    assert await view_of(lone) == before
    await lone.stop()
    await other.stop()


async def test_a_rebuild_mends_a_view_that_was_damaged() -> None:
    lone = Lone(SPEC)
    await lone.tell(*a_ride(1), *a_ride(2))
    before = await view_of(lone)
    await lone.store.write(lambda tx: tx.execute("UPDATE rides SET fee = 0, userid = 9"))
    assert await view_of(lone) != before
    await rebuild(lone.store, lone.store)
    assert await view_of(lone) == before
    assert (await lone.client.get("/rentAndBillingViews")).json["page"]["totalElements"] == 2


async def test_rides_are_listed_newest_first() -> None:
    lone = Lone(SPEC)
    for n in (2, 1, 3):
        await lone.tell(*a_ride(n))
    listed = (await lone.client.get("/rentAndBillingViews")).json["_embedded"]["rentAndBillingViews"]
    assert [line["rentid"] for line in listed] == [3, 2, 1]


async def test_an_older_deposit_never_replaces_a_newer_one() -> None:
    lone = Lone(SPEC)
    await lone.tell(*a_ride(1)[1:3])
    for version in (5, 4, 5, 1):
        await lone.tell(UpdatedDeposit(userid=3, deposit=version * 10, version=version))
    assert (await lone.client.get("/rentAndBillingViews/1")).json["deposit"] == 50


async def test_the_rides_on_a_bike_are_found_newest_first() -> None:
    lone = Lone(SPEC)
    await lone.tell(*a_ride(1), *a_ride(2))
    await lone.tell(Rented(rentid=3, userid=4, bikeid=1, status="rented", starttime=NOON))
    found = (await lone.client.get("/rentAndBillingViews?bikeid=1")).json
    assert [one["rentid"] for one in found["_embedded"]["rentAndBillingViews"]] == [3, 1]
    assert found["page"]["totalElements"] == 2
