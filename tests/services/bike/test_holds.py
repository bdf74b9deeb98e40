"""Holds: who keeps a bike out of service, why and until when; each lets go of its own, and the bike is free after the
last. Retirement, and the way back from it."""

from typing import Any

import pytest

from gbike.contracts.account import AccountErased
from gbike.contracts.rent import Returned
from gbike.kit.audit.chain import rows
from gbike.services.bike.domain import STAFF, Hold, Location, NoSuchHold, Status, a_new_bike, held, marked, released
from gbike.services.bike.wiring import SPEC
from tests.services.lone import NOON, Lone, Reply

WHY = {"reason": "the brake"}
TOMORROW = {"reason": "the tyre", "due": "2026-09-23T00:00:00+09:00"}


async def delete(lone: Lone, path: str, body: Any = None, **headers: str) -> Reply:
    """DELETE it."""
    return await lone.client.send("DELETE", path, body, **headers)


async def a_fleet(*bikes: dict[str, Any]) -> Lone:
    """The service with these bikes; with one of number 7 when none are named."""
    lone = Lone(SPEC)
    for bike in bikes or ({"bikeid": 7},):
        assert (await lone.client.post("/bikes", bike)).status == 201
    return lone


async def holders(lone: Lone, bikeid: int = 7) -> list[str]:
    """Who holds the bike."""
    page = (await lone.client.get(f"/bikes/{bikeid}/holds")).json
    return [hold["holder"] for hold in page["_embedded"]["holds"]]


async def deeds(lone: Lone) -> list[Any]:
    """What is on record, the first first, without registrations."""
    found = await lone.store.read(lambda read: list(rows(read)))
    return [row for row in found if row.action != "bike registered"]


def test_nobody_lets_go_of_the_hold_of_another() -> None:
    bike = a_new_bike(7, Status.AVAILABLE, Location(), 80)
    both = held(held(bike, Hold("ticket-1", "brake")), Hold("ticket-2", "bell"))
    one = released(both, "ticket-1")
    assert ([hold.holder for hold in one.holds], one.held, one.status) == (["ticket-2"], 1, Status.IN_USE)
    with pytest.raises(NoSuchHold):
        released(one, "ticket-1")
    assert released(one, "ticket-2") == bike


@pytest.mark.parametrize(("word", "after"), [(Status.AVAILABLE, Status.IN_USE), (Status.BROKEN, Status.IN_USE)])
def test_a_status_ends_the_hold_of_staff_and_of_nobody_else(word: Status, after: Status) -> None:
    bike = held(held(a_new_bike(7, Status.AVAILABLE, Location(), 80), Hold(STAFF)), Hold("ticket-1"))
    found = marked(bike, word)
    assert ([hold.holder for hold in found.holds], found.status) == (["ticket-1"], after)
    assert found.broken is (word is Status.BROKEN)


async def test_a_bike_is_free_again_when_the_last_lets_go() -> None:
    lone = await a_fleet()
    first = await lone.client.put("/bikes/7/holds/ticket-1", WHY)
    assert (first.status, first.json["status"], first.json["held"], first.json["due"]) == (200, "사용중", True, None)
    second = await lone.client.put("/bikes/7/holds/staff", TOMORROW)
    assert second.json["due"] == "2026-09-22T15:00:00.000Z"
    assert await holders(lone) == ["staff", "ticket-1"]
    assert (await lone.client.put("/internal/bikes/7/reservations/1")).status == 409
    assert (await delete(lone, "/bikes/7/holds/staff", {"reason": "mended"})).json["status"] == "사용중"
    assert (await lone.client.put("/internal/bikes/7/reservations/2")).status == 409
    last = await delete(lone, "/bikes/7/holds/ticket-1")
    assert (last.json["status"], last.json["held"], last.json["due"]) == ("사용가능", False, None)
    assert (await lone.client.put("/internal/bikes/7/reservations/3")).status == 200


async def test_a_hold_tells_who_why_since_when_and_until_when() -> None:
    lone = await a_fleet()
    await lone.client.put("/bikes/7/holds/staff", TOMORROW)
    [hold] = (await lone.client.get("/bikes/7/holds")).json["_embedded"]["holds"]
    told = {name: hold[name] for name in ("bikeid", "holder", "reason", "by", "since", "due")}
    assert told == {
        "bikeid": 7,
        "holder": "staff",
        "reason": "the tyre",
        "by": "demo",
        "since": "2026-09-21T14:13:20.000Z",
        "due": "2026-09-22T15:00:00.000Z",
    }


async def test_the_same_hold_again_changes_nothing_and_another_reason_is_kept() -> None:
    lone = await a_fleet()
    version = (await lone.client.put("/bikes/7/holds/staff", WHY), await lone.rows("SELECT version FROM bikes"))[1]
    lone.clock.at_ms += 1000
    await lone.client.put("/bikes/7/holds/staff", WHY)
    assert await lone.rows("SELECT version FROM bikes") == version
    await lone.client.put("/bikes/7/holds/staff", TOMORROW)
    assert await lone.rows("SELECT holder, why, since_ms FROM holds") == [("staff", "the tyre", NOON)]
    assert [row.action for row in await deeds(lone)] == ["bike held", "bike held"]


async def test_a_ridden_bike_is_held_and_its_ride_goes_on() -> None:
    lone = await a_fleet()
    await lone.client.put("/internal/bikes/7/reservations/1")
    assert (await lone.client.put("/bikes/7/holds/staff", WHY)).status == 200
    await lone.tell(Returned(rentid=1, userid=3, bikeid=7, status="returned", endtime=NOON))
    assert (await lone.client.get("/bikes/7")).json["status"] == "사용중"
    assert (await delete(lone, "/bikes/7/holds/staff")).json["status"] == "사용가능"


async def test_the_status_of_before_is_a_hold_of_staff() -> None:
    lone = await a_fleet({"bikeid": 7}, {"bikeid": 8, "status": "사용중"})
    assert await holders(lone, 8) == ["staff"]
    await lone.client.patch("/bikes/7", {"status": "사용중", "reason": "for the fair"})
    assert await lone.rows("SELECT bikeid, holder, why FROM holds ORDER BY bikeid") == [
        (7, "staff", "for the fair"),
        (8, "staff", ""),
    ]
    await lone.client.put("/bikes/7/holds/ticket-1", WHY)
    for bikeid, status in ((7, "사용중"), (8, "사용가능")):
        assert (await lone.client.patch(f"/bikes/{bikeid}", {"status": "사용가능"})).json["status"] == status
    assert await lone.rows("SELECT bikeid, holder FROM holds") == [(7, "ticket-1")]


async def test_what_is_no_hold_is_refused() -> None:
    lone = await a_fleet()
    for path, body, status in (
        ("/bikes/7/holds/Staff", WHY, 422),
        ("/bikes/7/holds/" + "a" * 41, WHY, 422),
        ("/bikes/7/holds/staff", {}, 422),
        ("/bikes/7/holds/staff", {"reason": " "}, 422),
        ("/bikes/7/holds/staff", {"reason": "x", "due": "tomorrow"}, 422),
        ("/bikes/8/holds/staff", WHY, 404),
    ):
        assert (await lone.client.put(path, body)).status == status, path
    gone = await delete(lone, "/bikes/7/holds/staff")
    assert (gone.status, gone.json["type"]) == (404, "/docs/status-codes#hold-unknown")
    assert (await delete(lone, "/bikes/8/holds/staff")).json["type"] == "/docs/status-codes#bike-unknown"
    assert (await lone.client.get("/bikes/8/holds")).status == 404


async def test_each_act_is_on_record_with_who_why_and_what_was_so() -> None:
    lone = await a_fleet({"bikeid": 7, "label": "SPB-1"})
    await lone.client.put("/bikes/7/holds/ticket-1", TOMORROW)
    await delete(lone, "/bikes/7/holds/ticket-1", {"reason": "mended"})
    await lone.client.post("/bikes/7/retirement", {"reason": "sold"})
    await delete(lone, "/bikes/7/retirement", {"reason": "bought back"})
    await lone.client.patch("/bikes/7", {"batterylevel": 50, "reason": "charged"})
    told = [(row.action, row.subject, row.who) for row in await deeds(lone)]
    actions = ("bike held", "bike released", "bike retired", "bike unretired", "bike changed")
    assert told == [(action, "bike:7", "demo") for action in actions]
    held_, *_, changed = await deeds(lone)
    assert held_.before == '{"batterylevel":null,"broken":false,"held":false,"label":"SPB-1","status":"사용가능"}'
    assert held_.after == (
        '{"batterylevel":null,"broken":false,"due":"2026-09-22T15:00:00.000Z","held":true,"holder":"ticket-1",'
        '"holders":["ticket-1"],"label":"SPB-1","reason":"the tyre","status":"사용중"}'
    )
    assert '"reason":"charged"' in changed.after


async def test_the_story_of_a_bike_tells_what_was_done_to_it() -> None:
    lone = await a_fleet()
    await lone.client.put("/bikes/7/holds/ticket-1", WHY)
    await lone.client.put("/bikes/7/holds/staff", WHY)
    await delete(lone, "/bikes/7/holds/ticket-1")
    await lone.client.post("/bikes/7/retirement")
    await delete(lone, "/bikes/7/retirement")
    await lone.client.patch("/bikes/7", {"location": "역"})
    page = (await lone.client.get("/bikes/7/events")).json["_embedded"]["events"]
    facts = [event["facts"] for event in reversed(page)][1:]
    assert [(one["act"], one.get("holder"), one["held"], one["retired"]) for one in facts] == [
        ("held", "ticket-1", True, False),
        ("held", "staff", True, False),
        ("released", "ticket-1", True, False),
        ("retired", None, True, True),
        ("unretired", None, True, False),
        ("changed", None, True, False),
    ]


async def test_a_bike_comes_back_from_its_retirement_as_it_left() -> None:
    """Its label was nobody else's meanwhile, and it counts again, once."""
    lone = await a_fleet({"bikeid": 7, "label": "SPB-1"}, {"bikeid": 8})
    for _ in range(2):
        assert (await lone.client.post("/bikes/7/retirement", {"reason": "sold"})).json["retired"] is True
    assert (await lone.client.get("/bikes")).json["page"]["totalElements"] == 1
    assert (await lone.client.patch("/bikes/8", {"label": "SPB-1"})).status == 409
    assert (await lone.client.put("/internal/bikes/7/reservations/1")).status == 409
    for _ in range(2):
        back = await delete(lone, "/bikes/7/retirement", {"reason": "bought back"})
        assert (back.status, back.json["retired"], back.json["label"]) == (200, False, "SPB-1")
    assert (await lone.client.get("/bikes")).json["page"]["totalElements"] == 2
    assert (await lone.client.put("/internal/bikes/7/reservations/2")).status == 200
    assert (await delete(lone, "/bikes/9/retirement")).status == 404
    said = [one for one in await lone.published() if one.get("act") == "unretired"]
    assert [(one["bikeid"], one["retired"], one["status"]) for one in said] == [(7, False, "사용가능")]


async def test_a_held_bike_that_was_retired_comes_back_held() -> None:
    lone = await a_fleet()
    await lone.client.put("/bikes/7/holds/ticket-1", WHY)
    await lone.client.post("/bikes/7/retirement")
    back = await delete(lone, "/bikes/7/retirement")
    assert (back.json["status"], back.json["held"]) == ("사용중", True)


async def test_a_key_makes_a_release_that_was_sent_twice_one() -> None:
    lone = await a_fleet()
    await lone.client.put("/bikes/7/holds/staff", WHY)
    first, again = [await delete(lone, "/bikes/7/holds/staff", idempotency_key="k") for _ in range(2)]
    assert (first.status, again) == (200, first)


async def test_an_erased_account_is_in_no_hold() -> None:
    lone = await a_fleet()
    await lone.client.put("/bikes/7/holds/staff", WHY)
    await lone.store.write(lambda tx: tx.execute("UPDATE holds SET byuser = '3'"))
    await lone.tell(AccountErased(userid=3))
    assert await lone.rows("SELECT holder, byuser FROM holds") == [("staff", "")]


async def test_a_mark_that_an_older_gbike_set_beside_us_is_a_hold_of_staff() -> None:
    """Two versions write one store while they change places."""
    lone = await a_fleet({"bikeid": 7}, {"bikeid": 8, "status": "사용중"})
    await lone.store.write(lambda tx: tx.execute("UPDATE bikes SET held = 1 - held"))
    assert (await lone.client.put("/bikes/7/holds/ticket-1", WHY)).status == 200
    assert await holders(lone) == ["staff", "ticket-1"]
    assert (await lone.client.get("/bikes/8")).json["status"] == "사용가능"
    await lone.client.put("/bikes/8/holds/ticket-2", WHY)
    assert await holders(lone, 8) == ["ticket-2"]
