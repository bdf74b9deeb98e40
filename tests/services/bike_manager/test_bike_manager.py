"""Points: earned once per applied report, converted as ruling 12 says, and never negative."""

from itertools import product

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gbike.contracts.account import RegisteredAccount
from gbike.contracts.bike_manage_app import Reported
from gbike.services.bike_manager.domain import (
    ConversionWish,
    KeyNeeded,
    Manager,
    NotEnoughPoints,
    NotYourPoints,
    PointsDiffer,
    convert,
)
from gbike.services.bike_manager.storage import own_violations
from gbike.services.bike_manager.wiring import SPEC
from tests.services.lone import Lone, Reply, examples


@pytest.mark.parametrize(
    ("balance", "points", "asked", "last"),
    list(product((0, 1000, 2000), (None, 0, 1000, 2000), (1000, 2000), (None, -1000, 1000))),
)
def test_a_conversion_is_judged_by_what_would_be_left(
    balance: int, points: int | None, asked: int, last: int | None
) -> None:
    """b - a = p: convert; b = p and this was the last movement: nothing; otherwise refused; no p: a key decides."""
    manager = Manager(1, 3, balance, None)
    wish = ConversionWish(asked, points, None, keyed=True)
    left = balance - asked
    if points is None:
        expected: object = True if left >= 0 else NotEnoughPoints
    elif left == points and left >= 0:
        expected = True
    elif balance == points and last == -asked:
        expected = False
    else:
        expected = NotEnoughPoints if left < 0 else PointsDiffer
    if isinstance(expected, bool):
        assert convert(manager, last, wish) is expected
    else:
        with pytest.raises(expected):  # type: ignore[call-overload]
            convert(manager, last, wish)


def test_without_the_points_that_are_left_a_conversion_needs_a_key() -> None:
    with pytest.raises(KeyNeeded):
        convert(Manager(1, 3, 2000, None), None, ConversionWish(1000, None, None, keyed=False))


@pytest.mark.parametrize(("userid", "refused"), [(None, False), (3, False), (4, True)])
def test_points_go_to_the_managers_own_account_only(userid: int | None, refused: bool) -> None:
    wish = ConversionWish(1000, 1000, userid, keyed=False)
    if refused:
        with pytest.raises(NotYourPoints):
            convert(Manager(1, 3, 2000, None), None, wish)
    else:
        assert convert(Manager(1, 3, 2000, None), None, wish)


async def with_points(points: int) -> Lone:
    """Manager 1 of rider 3 with points."""
    lone = Lone(SPEC)
    assert (await lone.client.post("/bikeManagers", {"userid": 3, "point": points})).status == 201
    return lone


async def test_the_originals_conversion_works_and_sent_twice_pays_once() -> None:
    lone = await with_points(3000)
    for _ in range(3):
        reply = await lone.client.put("/bikeManagers/1", {"userid": "1", "point": "2000", "adjustpoint": "1000"})
        assert reply.status == 409  # another rider's account
    for _ in range(3):
        reply = await lone.client.put("/bikeManagers/1", {"userid": "3", "point": "2000", "adjustpoint": "1000"})
        assert (reply.status, reply.json["point"]) == (200, 2000)
    assert [(published["adjustpoint"], published["userid"]) for published in await lone.published()] == [(1000, 3)]


async def test_a_keyed_conversion_without_points_happens_once() -> None:
    lone = await with_points(3000)
    for _ in range(3):
        assert (await lone.client.put("/bikeManagers/1", {"adjustpoint": 500}, idempotency_key="k")).status == 200
    assert (await lone.client.get("/bikeManagers/1")).json["point"] == 2500
    unkeyed = await lone.client.put("/bikeManagers/1", {"adjustpoint": 500})
    assert unkeyed.json["type"].endswith("#idempotency-key-needed")


async def test_the_answer_to_wrong_points_names_the_right_ones() -> None:
    lone = await with_points(3000)
    reply = await lone.client.put("/bikeManagers/1", {"point": 1, "adjustpoint": 1000})
    assert (reply.status, reply.json["balance"], reply.json["right_point"]) == (409, 3000, 2000)


@pytest.mark.parametrize("asked", [0, -1, -1000, "x", 1.5])
async def test_only_a_positive_number_of_points_is_converted(asked: object) -> None:
    lone = await with_points(3000)
    assert (await lone.client.put("/bikeManagers/1", {"point": 3000, "adjustpoint": asked})).status == 422


async def test_points_of_a_manager_nobody_knows_yet_wait_for_him() -> None:
    lone = Lone(SPEC)
    await lone.tell(*[Reported(reportid=n, managerid=9, bikeid=1) for n in (1, 2, 2)])
    assert (await lone.client.get("/bikeManagers/9")).status == 404
    made = await lone.client.post("/bikeManagers", {"managerid": 9, "userid": 3, "point": 10})
    assert (made.status, made.json["point"]) == (201, 2010)


async def test_a_posted_number_is_used_when_it_is_free() -> None:
    lone = Lone(SPEC)
    assert (await lone.client.post("/bikeManagers", {"managerid": 7, "userid": 3})).json["managerid"] == 7
    assert (await lone.client.post("/bikeManagers", {"managerid": 7, "userid": 4})).status == 409
    assert (await lone.client.post("/bikeManagers", {"userid": 4})).json["managerid"] == 8


@examples(40)
@given(
    st.lists(
        st.one_of(st.tuples(st.just("report"), st.integers(1, 4)), st.tuples(st.just("convert"), st.integers(1, 3000)))
    )
)
async def test_points_are_the_sum_of_their_entries_and_never_negative(steps: list[tuple[str, int]]) -> None:
    lone = await with_points(500)
    for n, (what, number) in enumerate(steps):
        if what == "report":
            await lone.tell(Reported(reportid=number, managerid=1, bikeid=1))
        else:
            await lone.client.put("/bikeManagers/1", {"adjustpoint": number}, idempotency_key=str(n))
    assert await lone.store.read(lambda read: list(own_violations(read))) == []
    [(points,)] = await lone.rows("SELECT points FROM managers")
    converted = sum(published["adjustpoint"] or 0 for published in await lone.published())
    reports = len({number for what, number in steps if what == "report"})
    assert points == 500 + 1000 * reports - converted >= 0
    await lone.stop()


async def test_a_report_gives_the_points_that_it_says_and_an_old_one_1000() -> None:
    lone = Lone(SPEC)
    await lone.client.post("/bikeManagers", {"userid": 1})
    earned = {1: 700, 2: 0, 3: msgspec.UNSET}
    await lone.tell(*[Reported(reportid=n, managerid=1, bikeid=1, points=points) for n, points in earned.items()])
    entries = await lone.rows("SELECT cause, amount FROM point_entries WHERE amount > 0 ORDER BY entryid")
    assert entries == [("report:1", 700), ("report:3", 1000)]
    assert [published["point"] for published in await lone.published()] == [700, 1700]
    assert await lone.rows("SELECT count(*) FROM inbox") == [(3,)]


async def test_as_the_original_a_manager_without_a_number_gets_the_next() -> None:
    lone = Lone(SPEC)
    await lone.tell(RegisteredAccount(userid=1))
    assert [(await lone.client.post("/bikeManagers", {"userid": 7})).json["managerid"] for _ in range(2)] == [1, 2]
    assert (await lone.client.post("/bikeManagers", {"managerid": 3, "userid": 7})).status == 201


async def test_where_account_gives_the_numbers_a_manager_gets_the_rider_s_own_and_nobody_gets_another_account_s() -> (
    None
):
    lone = Lone(SPEC, {"GBIKE_MANAGER_NUMBERS": "rider"})
    await lone.tell(*[RegisteredAccount(userid=userid) for userid in (4, 5, 7, 4)])
    assert (await lone.client.post("/bikeManagers", {"userid": 7})).json["managerid"] == 7
    again = await lone.client.post("/bikeManagers", {"userid": 7})
    assert (again.status, again.json["type"].partition("#")[2]) == (409, "manager-exists")
    taken = await lone.client.post("/bikeManagers", {"managerid": 4, "userid": 5})
    assert (taken.status, taken.json["type"].partition("#")[2]) == (409, "number-of-another")
    assert (await lone.client.post("/bikeManagers", {"managerid": 4, "userid": 4})).status == 201
    assert (await lone.client.post("/bikeManagers", {"managerid": 900, "userid": 5})).status == 201


async def test_whose_account_has_the_number_of_a_report_is_its_manager_without_being_registered() -> None:
    lone = Lone(SPEC, {"GBIKE_MANAGER_NUMBERS": "rider"})
    await lone.tell(Reported(managerid=7, bikeid=1, batterylevel=50, reportid=1, points=1000))
    assert (await lone.client.get("/bikeManagers/7")).status == 404, "whose number it is, is not known yet"
    await lone.tell(RegisteredAccount(userid=7))
    for reportid in (2, 3):
        await lone.tell(Reported(managerid=7, bikeid=1, batterylevel=40, reportid=reportid, points=1000))
    found = (await lone.client.get("/bikeManagers/7")).json
    assert (found["userid"], found["point"]) == (7, 3000), "what waited is theirs too"
    assert [event["point"] for event in await lone.published()] == [2000, 3000]
    assert (await lone.client.get("/bikeManagers")).json["page"]["totalElements"] == 1
    registered = "SELECT subject, after FROM audit WHERE action = 'manager registered'"
    assert await lone.rows(registered) == [("manager:7", '{"points":2000,"userid":7}')]
    assert await lone.store.read(lambda read: list(own_violations(read))) == []


async def corrected(lone: Lone, amount: object, reason: str = "a report that was wrong") -> Reply:
    return await lone.client.post("/bikeManagers/1/corrections", {"amount": amount, "reason": reason})


async def test_an_operator_corrects_points_with_a_reason_and_no_money_moves() -> None:
    lone = await with_points(3000)
    reply = await corrected(lone, -1000)
    assert (reply.status, reply.json["point"], reply.json["adjustpoint"]) == (201, 2000, None)
    assert (await corrected(lone, 500)).json["point"] == 2500
    said = await lone.published()
    assert [(event["point"], event.get("adjustpoint"), event.get("conversion")) for event in said] == [
        (2000, None, None),
        (2500, None, None),
    ], "what is no conversion makes no deposit"
    entries = (await lone.client.get("/bikeManagers/1/entries")).json["_embedded"]["entries"]
    assert [entry["amount"] for entry in entries] == [500, -1000, 3000]
    assert entries[1]["cause"].startswith("correction:1:")
    [row, _] = [
        row for row in await lone.rows("SELECT action, subject, before, after FROM audit") if "points c" in row[0]
    ]
    assert row[:3] == ("points corrected", "manager:1", '{"points":3000}')
    assert '"points":2000,"reason":"a report that was wrong"' in row[3]
    assert await lone.store.read(lambda read: list(own_violations(read))) == []


async def test_a_correction_leaves_no_points_below_0_and_needs_a_reason() -> None:
    lone = await with_points(3000)
    reply = await corrected(lone, -3001)
    assert (reply.status, reply.json["balance"]) == (409, 3000)
    assert reply.json["type"].endswith("#not-enough-points")
    assert [(await corrected(lone, amount)).status for amount in (0, "x", 1.5, None)] == [422] * 4
    assert (await corrected(lone, 1, " ")).status == 422
    assert (await lone.client.post("/bikeManagers/2/corrections", {"amount": 1, "reason": "x"})).status == 404


async def test_a_correction_is_not_taken_for_the_conversion_of_as_many_points() -> None:
    """Who counts on the points of before is told, as nothing was converted."""
    lone = await with_points(5000)
    await corrected(lone, -3000)
    reply = await lone.client.put("/bikeManagers/1", {"point": 2000, "adjustpoint": 3000})
    assert reply.status == 409, reply
