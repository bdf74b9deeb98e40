"""A part of a fee is given back, once for a key and never more than the fee; the bill stays as it is."""

from gbike.contracts.rent import Rented, Returned
from gbike.services.billing.storage.corrections import own_violations
from gbike.services.billing.wiring import SPEC
from tests.services.lone import NOON, Lone, Reply

RENTED = Rented(rentid=7, userid=3, bikeid=1, status="rented", starttime=NOON)
RETURNED = Returned(rentid=7, userid=3, bikeid=1, status="returned", endtime=NOON + 600_000, starttime=NOON)
BILL, AT = "/billings/1", "/billings/1/corrections"


async def correct(lone: Lone, amount: int, key: str | None = None) -> Reply:
    """An operator gives back so much."""
    headers = {"idempotency_key": key} if key else {}
    return await lone.client.post(AT, {"amount": amount, "reason": "the lock did not close"}, **headers)


async def charged() -> Lone:
    """A billing with one bill of 1,000 won."""
    lone = Lone(SPEC)
    await lone.tell(RENTED, RETURNED)
    return lone


async def test_a_correction_gives_back_a_part_of_the_fee_and_the_bill_stays_as_it_is() -> None:
    lone = await charged()
    before = (await lone.client.get(BILL)).json
    made = await correct(lone, 300)
    assert (made.status, made.json["correctionid"], made.json["billid"], made.json["amount"]) == (201, 1, 1, 300)
    assert (made.json["reason"], made.json["by"]) == ("the lock did not close", None)
    assert made.json["_links"]["self"]["href"].endswith("/billings/1/corrections/1")
    assert (await lone.client.get(BILL)).json == {**before, "refunded": 300}
    said = (await lone.published())[-1]
    assert (said["eventType"], said["correctionid"], said["billid"]) == ("CorrectedBill", 1, 1)
    assert (said["rentid"], said["userid"], said["amount"]) == (7, 3, 300)
    assert await lone.rows("SELECT action, subject, before, after FROM audit WHERE action <> 'looked at'") == [
        (
            "bill corrected",
            "user:3",
            '{"refunded":0}',
            '{"billid":1,"correctionid":1,"reason":"the lock did not close","refunded":300}',
        )
    ]


async def test_corrections_are_never_more_than_the_fee() -> None:
    lone = await charged()
    assert [(await correct(lone, amount)).status for amount in (400, 600)] == [201, 201]
    refused = await correct(lone, 1)
    assert (refused.status, refused.json["left"]) == (409, 0)
    assert refused.json["type"].endswith("#correction-too-much")
    assert (await lone.client.get(BILL)).json["refunded"] == 1_000
    listed = (await lone.client.get(AT)).json
    assert [one["amount"] for one in listed["_embedded"]["corrections"]] == [400, 600]
    assert listed["page"]["totalElements"] == 2
    looked = "SELECT subject, after FROM audit WHERE action = 'looked at'"
    assert await lone.rows(looked) == [("user:3", '{"what":"bills"}')]
    assert await lone.store.read(lambda read: list(own_violations(read))) == []


async def test_of_more_than_is_left_nothing_is_given_back() -> None:
    lone = await charged()
    await correct(lone, 400)
    refused = await correct(lone, 601)
    assert (refused.status, refused.json["left"]) == (409, 600)
    assert (await lone.client.get(BILL)).json["refunded"] == 400
    assert [said["eventType"] for said in await lone.published()].count("CorrectedBill") == 1


async def test_what_is_not_charged_yet_is_not_given_back() -> None:
    lone = Lone(SPEC)
    assert (await correct(lone, 1)).json["type"].endswith("#bill-unknown")
    await lone.tell(RENTED)
    refused = await correct(lone, 1)
    assert (refused.status, refused.json["type"].partition("#")[2]) == (409, "bill-not-charged")


async def test_a_correction_sent_again_with_its_key_is_made_once() -> None:
    lone = await charged()
    first = await correct(lone, 300, key="k")
    assert await correct(lone, 300, key="k") == first
    assert (await correct(lone, 400, key="k")).status == 422
    assert (await lone.client.get(BILL)).json["refunded"] == 300


async def test_verify_finds_what_was_given_back_and_is_not_said() -> None:
    lone = await charged()
    await correct(lone, 300)
    await lone.store.write(lambda tx: tx.execute("UPDATE bills SET refunded = 1200"))
    found = await lone.store.read(lambda read: list(own_violations(read)))
    assert found == ["I27 bill 1 has a fee of 1000 won, says 1200 are given back, its corrections give 300"]
