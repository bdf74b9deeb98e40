"""A bike that was complained of: out of service when it is said so, whoever rides it then."""

import pytest

from gbike.contracts.bike_manage_app import RiderComplained
from gbike.contracts.rent import Returned
from gbike.services.bike.wiring import SPEC
from tests.services.lone import NOON, Lone


def complained(bikeid: int = 1, complaintid: int = 5, *, takenout: bool = True) -> RiderComplained:
    return RiderComplained(complaintid=complaintid, userid=3, bikeid=bikeid, kind="brake", at=NOON, takenout=takenout)


async def a_town() -> Lone:
    lone = Lone(SPEC)
    await lone.client.post("/bikes", {"bikeid": 1, "location": "정자역", "batterylevel": 80})
    return lone


async def status_of(lone: Lone) -> str:
    return str((await lone.client.get("/bikes/1")).json["status"])


async def test_it_is_broken_and_its_story_and_record_say_why() -> None:
    lone = await a_town()
    await lone.tell(complained())
    assert await status_of(lone) == "불량"
    last = (await lone.published())[-1]
    assert (last["eventType"], last["act"], last["status"], last["location"]) == (
        *("UpdatedBike", "complained", "불량"),
        "정자역",
    )
    deeds = (await lone.client.get("/audit/bike?subject=bike:1")).json["_embedded"]["deeds"]
    (deed,) = [one for one in deeds if one["action"] == "bike complained of"]
    assert (deed["who"], deed["after"]["complaintid"], deed["after"]["broken"]) == ("gbike", 5, True)


async def test_a_complaint_that_takes_nothing_out_changes_nothing() -> None:
    lone = await a_town()
    before = await lone.published()
    await lone.tell(complained(takenout=False))
    assert (await status_of(lone), await lone.published()) == ("사용가능", before)


async def test_a_ride_goes_on_and_the_bike_is_out_when_it_is_returned() -> None:
    lone = await a_town()
    assert (await lone.client.put("/internal/bikes/1/reservations/9")).status == 200
    await lone.tell(complained())
    assert await status_of(lone) == "사용중"
    await lone.tell(Returned(rentid=9, userid=3, bikeid=1, status="returned", starttime=NOON - 60_000, endtime=NOON))
    assert await status_of(lone) == "불량"
    assert (await lone.client.put("/internal/bikes/1/reservations/10")).status == 409


async def test_of_a_bike_that_nobody_knows_nothing_is_said_and_nothing_set_aside() -> None:
    lone = await a_town()
    before = await lone.published()
    await lone.tell(complained(bikeid=77))
    assert (await lone.published(), await lone.rows("SELECT * FROM dead_letters")) == (before, [])


async def test_staff_put_it_back_and_the_same_complaint_heard_again_leaves_it() -> None:
    lone = await a_town()
    message = lone.message(complained())
    await lone.bus.append([message])
    await lone.settle()
    assert (await lone.client.patch("/bikes/1", {"status": "사용가능"})).status == 200
    await lone.bus.append([message])
    await lone.settle()
    assert await status_of(lone) == "사용가능"


@pytest.mark.parametrize(("bikeid", "status"), [(1, 200), (77, 404)])
async def test_bike_manage_app_is_told_whether_there_is_such_a_bike(bikeid: int, status: int) -> None:
    lone = await a_town()
    reply = await lone.client.get(f"/internal/bikes/{bikeid}")
    assert reply.status == status
    assert reply.json["bikeid"] == bikeid
    if status == 404:
        assert reply.json["type"].endswith("#bike-unknown")
