"""Riders complain of a bike, and it is taken out: with everybody signed in, and while a service is down."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from gbike.run.embedded import Embedded
from tests.security.people import As, Locked
from tests.support import Client


@pytest.fixture
async def locked() -> AsyncIterator[Locked]:
    """Two bikes, and riders who may ride."""
    made = Locked()
    for bikeid in (1, 2):
        assert (await made.admin.post("/bikes", {"bikeid": bikeid, "batterylevel": 80})).status == 201
    for userid in (7, 8, 9):
        assert (await made.admin.post("/userDeposits", {"userid": userid, "deposit": 5_000})).status == 201
    await made.whole.settle()
    yield made
    await made.whole.stop()


async def complains(client: Client, bikeid: int = 1, kind: str = "brake", **more: Any) -> dict[str, Any]:
    reply = await client.post("/complaints", {"bikeid": bikeid, "kind": kind, **more})
    assert reply.status == 201, reply
    found: dict[str, Any] = reply.json
    return found


async def status_of(whole: Embedded, client: Client, bikeid: int = 1) -> str:
    await whole.settle()
    return str((await client.get(f"/bikes/{bikeid}")).json["status"])


async def test_two_riders_take_a_bike_out_and_nobody_rents_it_then(locked: Locked) -> None:
    seven, eight, nine = (locked.person(userid, "rider") for userid in (7, 8, 9))
    assert (await complains(seven))["userid"] == 7
    await complains(seven)
    assert await status_of(locked.whole, seven) == "사용가능"
    assert (await complains(eight, kind="tyre"))["takenout"]
    assert await status_of(locked.whole, seven) == "불량"
    refused = await nine.post("/rents", {"userid": 9, "bikeid": 1})
    assert (refused.status, refused.json["type"].partition("#")[2]) == (409, "bike-unavailable")


@pytest.mark.parametrize("roles", [("rider", "bikeManager"), ("admin",)])
async def test_one_of_staff_is_enough(locked: Locked, roles: tuple[str, ...]) -> None:
    staff = locked.person(20, *roles, managerid=3 if "bikeManager" in roles else None)
    assert (await complains(staff, kind="dirty"))["takenout"]
    assert await status_of(locked.whole, staff) == "불량"


async def test_what_an_operator_writes_down_for_a_rider_counts_as_the_riders_and_is_on_record(locked: Locked) -> None:
    told = await complains(locked.admin, userid=7, kind="brake", words="on the telephone")
    assert (told["userid"], told["takenout"]) == (7, False)
    deeds = (await locked.admin.get("/audit/bike_manage_app?subject=user:7")).json["_embedded"]["deeds"]
    assert [one["action"] for one in deeds] == ["complained for another"]
    assert (await complains(locked.person(8, "rider")))["takenout"]


async def test_a_rider_complains_in_no_other_name_and_sees_no_others_words(locked: Locked) -> None:
    seven, eight = (locked.person(userid, "rider") for userid in (7, 8))
    mine = await complains(seven, words="it squeals")
    assert (await eight.post("/complaints", {"bikeid": 1, "kind": "brake", "userid": 7})).status == 403
    assert (await eight.get(f"/complaints/{mine['complaintid']}")).status == 404
    assert (await eight.get("/complaints?bikeid=1")).json["page"]["totalElements"] == 0
    assert (await seven.get("/complaints")).json["_embedded"]["complaints"][0]["words"] == "it squeals"


async def test_staff_see_all_and_that_they_looked_is_on_record(locked: Locked) -> None:
    await complains(locked.person(7, "rider"), words="it squeals")
    manager: As = locked.person(20, "rider", "bikeManager", managerid=3)
    assert [one["userid"] for one in (await manager.get("/complaints?bikeid=1")).json["_embedded"]["complaints"]] == [7]
    deeds = (await locked.admin.get("/audit/bike_manage_app?subject=user:7")).json["_embedded"]["deeds"]
    assert [(one["who"], one["action"], one["after"]) for one in deeds] == [("20", "looked at", {"what": "complaints"})]


async def test_a_complaint_while_bike_is_down_takes_the_bike_out_once_it_is_up(
    embedded: Embedded, client: Client
) -> None:
    assert (await client.post("/bikes", {"bikeid": 1, "batterylevel": 80})).status == 201
    await embedded.settle()
    embedded.parts["bike"].answer(stopped=True)
    assert (await complains(client, kind="safety", userid=7))["takenout"]
    assert (await complains(client, bikeid=404, userid=7))["bikeid"] == 404
    embedded.parts["bike"].answer(stopped=False)
    assert await status_of(embedded, client) == "불량"
    assert (await client.post("/complaints", {"bikeid": 404, "kind": "brake", "userid": 7})).status == 404
