"""A ride that an operator lets cost nothing, and rides that last too long."""

from typing import Any

import pytest

from gbike.contracts.account import AccountErased
from tests.services.lone import NOON, Lone
from tests.services.rent.test_ends import OVER, WISH, a_ride, at

HOUR = 3_600
MINUTE = 60


async def reminded(lone: Lone) -> list[dict[str, Any]]:
    """What was said of rides that are overdue."""
    return [said for said in await lone.published() if said["eventType"] == "RideOverdue"]


async def test_a_voided_ride_ends_now_without_a_place_and_it_is_said_and_on_record() -> None:
    lone = await a_ride(42)
    reply = await lone.client.post("/rents/1/void", OVER, idempotency_key="k")
    assert (reply.status, reply.json["endtime"], reply.json["endedby"]) == (200, at(NOON + 42_000), "void")
    assert (reply.json["voided"], reply.json["status"], reply.json["lat"]) == (True, "returned", None)
    assert await lone.client.post("/rents/1/void", OVER, idempotency_key="k") == reply
    published = (await lone.published())[1:]
    assert [(said["eventType"], said["endedby"], said["voided"]) for said in published] == [("Returned", "void", True)]
    [(action, before, after)] = await lone.rows("SELECT action, before, after FROM audit")
    assert (action, '"status":"rented"' in before, OVER["reason"] in after) == ("ride voided", True, True)
    assert (await lone.client.get("/rents/1")).json == reply.json


async def test_only_a_voided_ride_is_said_to_be_one() -> None:
    lone = await a_ride(42)
    assert (await lone.client.post("/rents/1/end", OVER)).json["voided"] is False
    assert "voided" not in (await lone.published())[-1]


async def test_what_is_over_or_never_began_can_t_be_voided() -> None:
    lone = await a_ride(42)
    await lone.client.patch("/rents/1", {"status": "returned"})
    lone.peer.answer = None
    await lone.client.post("/rents", WISH)
    replies = [await lone.client.post(f"/rents/{rentid}/void", OVER) for rentid in (1, 2, 3)]
    assert [(reply.status, reply.json["type"].partition("#")[2]) for reply in replies] == [
        (409, "rent-returned"),
        (409, "rent-cancelled"),
        (404, "rent-unknown"),
    ]
    assert await lone.rows("SELECT voided, (SELECT count(*) FROM audit) FROM rents WHERE rentid = 1") == [(0, 0)]


async def test_a_void_tells_why() -> None:
    lone = await a_ride(42)
    refused = await lone.client.post("/rents/1/void", {"reason": " "})
    assert (refused.status, refused.json["errors"][0]["field"]) == (422, "reason")
    assert (await lone.client.get("/rents/1")).json["status"] == "rented"


async def test_a_rider_is_reminded_once_of_a_ride_that_lasts_too_long() -> None:
    lone = await a_ride(2 * HOUR - 1)
    reminder = lone.worker("reminder")
    assert (await reminder.step(), (await lone.client.get("/rents/1")).json["overdue"]) == (0, False)
    lone.clock.at_ms += 1_000
    assert (await reminder.step(), (await lone.client.get("/rents/1")).json["overdue"]) == (1, True)
    told = {"eventType": "RideOverdue", "rentid": 1, "userid": 3, "bikeid": 1, "starttime": NOON}
    assert await reminded(lone) == [told]
    lone.clock.at_ms += HOUR * 1_000
    assert (await reminder.step(), await reminded(lone)) == (0, [told])
    over = (await lone.client.patch("/rents/1", {"status": "returned"})).json
    assert (over["status"], over["overdue"]) == ("returned", False)


@pytest.mark.parametrize(("minutes", "said"), [("10", 1), ("11", 0), ("0", 0)])
async def test_how_long_is_too_long_is_set_and_may_be_never(minutes: str, said: int) -> None:
    lone = await a_ride(10 * MINUTE, {"GBIKE_OVERDUE_MIN": minutes})
    assert await lone.worker("reminder").step() == said
    assert ((await lone.client.get("/rents/1")).json["overdue"], len(await reminded(lone))) == (said == 1, said)


async def test_overdue_rides_are_listed_also_of_one_bike_the_longest_first() -> None:
    lone = await a_ride(1, {"GBIKE_OVERDUE_MIN": "10"})
    for number in (4, 5, 6):
        await lone.client.post("/rents", {"userid": number, "bikeid": number})
    await lone.client.patch("/rents/3", {"status": "returned"})
    lone.clock.at_ms += 10 * MINUTE * 1_000
    await lone.client.post("/rents", {"userid": 7, "bikeid": 7})
    for query, found in (("", [4, 2, 1]), ("&bikeid=4", [2]), ("&status=rented", [4, 2, 1]), ("&status=returned", [])):
        page = (await lone.client.get(f"/rents?overdue=true&sort=rentid,desc{query}")).json
        assert [rent["rentid"] for rent in page["_embedded"]["rents"]] == found, query
        assert page["page"]["totalElements"] == len(found)
    assert (await lone.client.get("/rents?overdue=false")).status == 422


async def test_no_ride_is_listed_as_overdue_where_none_ever_is() -> None:
    lone = await a_ride(1000 * HOUR, {"GBIKE_OVERDUE_MIN": "0"})
    assert (await lone.client.get("/rents?overdue=true")).json["page"]["totalElements"] == 0


async def test_who_has_returned_or_is_erased_is_reminded_of_nothing() -> None:
    lone = await a_ride(HOUR)
    await lone.client.post("/rents", {"userid": 4, "bikeid": 2})
    await lone.client.patch("/rents/1", {"status": "returned"})
    await lone.tell(AccountErased(userid=4))
    lone.clock.at_ms += 3 * HOUR * 1_000
    assert (await lone.worker("reminder").step(), await reminded(lone)) == (0, [])


async def test_many_overdue_rides_are_told_of_in_pieces_the_longest_first() -> None:
    lone = await a_ride(0)
    for userid in range(4, 124):
        lone.clock.at_ms += 1
        await lone.client.post("/rents", {"userid": userid, "bikeid": userid})
    lone.clock.at_ms += 3 * HOUR * 1_000
    reminder = lone.worker("reminder")
    assert [await reminder.step() for _ in range(3)] == [100, 21, 0]
    assert [said["userid"] for said in await reminded(lone)] == list(range(3, 124))
