"""A bike that was only tried and is no good costs nothing: once a day, whatever is heard first, and posted once."""

from typing import Any

import msgspec
import pytest

from gbike.contracts.account import AccountErased
from gbike.contracts.bike_manage_app import RiderComplained
from gbike.contracts.rent import Returned
from gbike.services.billing.storage.corrections import own_violations
from gbike.services.billing.wiring import SPEC
from tests.services.lone import NOON, Lone

MINUTE = 60_000
MIDNIGHT = NOON - NOON % 86_400_000 + 15 * 3_600_000
"""In Korea, after NOON."""


def ride(rentid: int = 7, *, began: int = NOON, lasted: int = 2 * MINUTE, **other: Any) -> Returned:
    """A ride of two minutes, 200 won, that ended where it began."""
    facts = {"userid": 3, "bikeid": 1, "stayed": True, **other}
    return Returned(rentid=rentid, status="returned", starttime=began, endtime=began + lasted, **facts)


def complaint(at: int = NOON + MINUTE, *, id: int = 1, userid: int = 3, bikeid: int = 1) -> RiderComplained:
    """Its rider complains of its bike while riding."""
    return RiderComplained(complaintid=id, userid=userid, bikeid=bikeid, kind="brake", at=at, takenout=False)


async def refunded(lone: Lone) -> list[int]:
    """What of each bill is given back, and that it was said once and verify agrees."""
    said = [one["amount"] for one in await lone.published() if one["eventType"] == "CorrectedBill"]
    given = [row[0] for row in await lone.rows("SELECT refunded FROM bills ORDER BY billid")]
    assert sum(said) == sum(given)
    assert await lone.store.read(lambda read: list(own_violations(read))) == []
    return given


@pytest.mark.parametrize("first", ["complaint", "bill"])
async def test_a_try_with_a_complaint_is_free_whichever_is_heard_first_and_however_often(first: str) -> None:
    lone, heard = Lone(SPEC), [complaint(), ride()]
    for event in (heard if first == "complaint" else heard[::-1]) * 2:
        await lone.tell(event)
    assert await refunded(lone) == [200]
    bill = (await lone.client.get("/billings/1")).json
    assert (bill["fee"], bill["refunded"]) == (200, 200)
    made = (await lone.client.get("/billings/1/corrections")).json["_embedded"]["corrections"]
    assert [(one["amount"], one["reason"], one["by"]) for one in made] == [(200, "complaint", None)]
    assert await lone.rows("SELECT subject, after FROM audit WHERE action = 'bill corrected'") == [
        ("user:3", '{"billid":1,"correctionid":1,"reason":"complaint","refunded":200}')
    ]


@pytest.mark.parametrize(
    ("over", "said", "given"),
    [
        (ride(lasted=3 * MINUTE), complaint(), 300),
        (ride(lasted=3 * MINUTE + 1), complaint(), 0),
        (ride(stayed=msgspec.UNSET), complaint(), 0),  # it moved, or an older rent does not say
        (ride(stayed=False), complaint(), 0),
        (ride(), complaint(NOON), 200),
        (ride(), complaint(NOON - 1), 0),
        (ride(), complaint(NOON + 12 * MINUTE), 200),
        (ride(), complaint(NOON + 12 * MINUTE + 1), 0),
        (ride(), complaint(userid=4), 0),
        (ride(), complaint(bikeid=2), 0),
        (ride(voided=True), complaint(), 0),
    ],
)
@pytest.mark.parametrize("first", ["complaint", "bill"])
async def test_free_is_exactly_what_the_rule_says(
    over: Returned, said: RiderComplained, given: int, first: str
) -> None:
    lone = Lone(SPEC)
    for event in (said, over) if first == "complaint" else (over, said):
        await lone.tell(event)
    assert await refunded(lone) == [given]


async def test_one_try_a_day_is_free_and_the_day_is_koreas() -> None:
    lone = Lone(SPEC)
    tries = [NOON, NOON + 20 * MINUTE, MIDNIGHT - 3 * MINUTE, MIDNIGHT, MIDNIGHT + 30 * MINUTE]
    for number, began in enumerate(tries, 1):
        await lone.tell(ride(number, began=began), complaint(began + MINUTE, id=number))
    assert await refunded(lone) == [200, 0, 0, 200, 0]


async def test_one_complaint_of_two_tries_gives_back_the_one_that_was_billed_first() -> None:
    lone = Lone(SPEC)
    await lone.tell(ride(7), ride(8, began=NOON + 3 * MINUTE), complaint(NOON + 6 * MINUTE))
    assert await refunded(lone) == [200, 0]


async def test_everybody_has_a_day_of_their_own() -> None:
    lone = Lone(SPEC)
    await lone.tell(ride(7), complaint(), ride(8, userid=4), complaint(id=2, userid=4))
    assert await refunded(lone) == [200, 200]


async def test_of_what_an_operator_gave_back_the_rest_is_left_and_a_day_is_not_spent_on_nothing() -> None:
    lone = Lone(SPEC)
    await lone.tell(ride(7))
    await lone.client.post("/billings/1/corrections", {"amount": 150, "reason": "the lock"})
    await lone.tell(complaint())
    assert await refunded(lone) == [200]
    refused = await lone.client.post("/billings/1/corrections", {"amount": 1, "reason": "the lock"})
    assert (refused.status, refused.json["left"]) == (409, 0)
    whole = Lone(SPEC)
    await whole.tell(ride(7))
    await whole.client.post("/billings/1/corrections", {"amount": 200, "reason": "the lock"})
    await whole.tell(complaint(), ride(8, began=NOON + 20 * MINUTE), complaint(NOON + 21 * MINUTE, id=2))
    assert await refunded(whole) == [200, 200]


async def test_an_erasure_takes_what_they_complained_of_and_no_more_is_kept() -> None:
    lone = Lone(SPEC)
    await lone.tell(complaint(), AccountErased(userid=3), complaint(id=2))
    assert await lone.rows("SELECT * FROM complaints") == []


async def test_verify_finds_a_free_try_that_was_none_or_is_not_given_back() -> None:
    lone = Lone(SPEC)
    await lone.tell(ride(), complaint())
    await lone.store.write(lambda tx: tx.execute("UPDATE bills SET tried = NULL"))
    found = await lone.store.read(lambda read: list(own_violations(read)))
    day = (NOON + 9 * 3_600_000) // 86_400_000
    assert found == [f"I27 bill 1 is the free try of rider 3 on day {day}, and was none or is not given back"]
