"""What is done with money, bikes, staff and accounts is on record with who did it; riders' own rides are not."""

from typing import Any

import pytest

from gbike.kit.audit.chain import breaks, rows
from gbike.kit.audit.rows import Row
from tests.security.people import Locked
from tests.support import Client

QUICK = {"GBIKE_PASSWORD_MEMORY_KIB": "8192", "GBIKE_PASSWORD_PASSES": "1"}
PASSWORD = "a bicycle at dawn"


@pytest.fixture
async def locked() -> Any:
    found = Locked(QUICK)
    yield found
    await found.whole.stop()


async def deeds(locked: Locked) -> list[Row]:
    """All of them, by service."""
    found = []
    for part in locked.whole.parts.values():
        assert await part.store.read(lambda read: list(breaks(read))) == []
        found += await part.store.read(lambda read: list(rows(read)))
    return found


def told(found: list[Row]) -> list[tuple[str, str, str, str]]:
    return [(row.who, row.mode, row.action, row.subject) for row in found]


async def made(reply: Any) -> Any:
    assert reply.status in (200, 201, 202), reply
    return reply.json


async def test_money_is_on_record_before_and_after(locked: Locked) -> None:
    await made(await locked.admin.post("/userDeposits", {"userid": 5, "deposit": 1000}))
    await made(await locked.admin.post("/userDeposits/5/topUps", {"amount": 500}, idempotency_key="a"))
    await made(await locked.admin.post("/userDeposits/5/topUps", {"amount": 500}, idempotency_key="a"))
    await made(await locked.admin.patch("/userDeposits/5", {"deposit": 100, "expected": 1500}))
    await made(await locked.admin.patch("/userDeposits/5", {"deposit": 100, "expected": 100}))
    assert (await locked.person(5, "rider").post("/userDeposits/5/topUps", {"amount": 500})).status == 403
    found = await deeds(locked)
    assert told(found) == [
        ("900", "secure", "deposit opened", "user:5"),
        ("900", "secure", "deposit topped up", "user:5"),
        ("900", "secure", "deposit adjusted", "user:5"),
    ]
    assert [(row.before, row.after.partition(",")[2]) for row in found] == [
        ('{"deposit":0}', '"deposit":1000}'),
        ('{"deposit":1000}', '"deposit":1500}'),
        ('{"deposit":1500}', '"deposit":100}'),
    ]
    assert {row.roles for row in found} == {"admin"}


async def test_bikes_and_staff_are_on_record_without_places(locked: Locked) -> None:
    place = {"location": "Corner-zubenelgenubi", "lat": 37.123456, "lon": 127.123456}
    await made(await locked.admin.post("/bikes", {"bikeid": 1, "status": "사용가능", **place}))
    await made(await locked.admin.patch("/bikes/1", {"location": "Corner-aldebaran"}))
    await made(await locked.admin.post("/bikeManagers", {"userid": 8, "point": 2000, "managerid": 3}))
    manager = locked.person(8, "bikeManager", managerid=3)
    await made(await manager.post("/bikeManageApps", {"managerid": 3, "bikeid": 1, "batterylevel": 40}))
    await made(await manager.put("/bikeManagers/3", {"point": 1000, "adjustpoint": 1000, "userid": 8}))
    await made(await locked.admin.patch("/bikeManagers/3", {"userid": 9}))
    await made(await locked.admin.post("/bikes/1/retirement"))
    found = await deeds(locked)
    assert sorted(told(found)) == [
        ("8", "secure", "bike reported", "bike:1"),
        ("8", "secure", "points converted", "manager:3"),
        ("900", "secure", "bike changed", "bike:1"),
        ("900", "secure", "bike registered", "bike:1"),
        ("900", "secure", "bike retired", "bike:1"),
        ("900", "secure", "manager registered", "manager:3"),
        ("900", "secure", "manager's rider changed", "manager:3"),
    ]
    assert not [row for row in found for secret in ("Corner", "37.1", "127.1") if secret in row.before + row.after]


async def test_own_rides_are_not_on_record_and_those_for_another_are(locked: Locked) -> None:
    await made(await locked.admin.post("/bikes", {"bikeid": 1, "status": "사용가능"}))
    await made(await locked.admin.post("/userDeposits", {"userid": 5, "deposit": 5000}))
    rider = locked.person(5, "rider")
    first = await made(await rider.post("/rents", {"userid": 5, "bikeid": 1}))
    await made(await rider.patch(f"/rents/{first['rentid']}", {"status": "returned"}))
    await locked.whole.settle()
    second = await made(await locked.admin.post("/rents", {"userid": 5, "bikeid": 1}, traceparent=TRACE))
    await made(await locked.admin.patch(f"/rents/{second['rentid']}", {"status": "returned"}))
    found = [row for row in await deeds(locked) if row.subject == "user:5" and row.action != "deposit opened"]
    assert told(found) == [
        ("900", "secure", "rented for another", "user:5"),
        ("900", "secure", "returned for another", "user:5"),
    ]
    assert found[0].trace_id == TRACE[3:35]


TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


async def test_roles_locks_and_erasures_are_on_record_without_names(locked: Locked) -> None:
    kim = {"contact": "zubenelgenubi@contact.example", "password": PASSWORD}
    await made(await locked.anonymous.post("/accounts", {"name": "Zubenelgenubi", **kim}))
    (account,) = (await locked.admin.get("/accounts")).json["_embedded"]["accounts"]
    userid = account["userid"]
    await made(await locked.admin.put(f"/accounts/{userid}/roles", {"roles": ["rider", "bikeManager"]}))
    await made(await locked.admin.post(f"/accounts/{userid}/authenticator/removal"))
    for _ in range(7):
        await locked.anonymous.post("/sessions", {**kim, "password": "a wrong bicycle"})
    await made(await locked.person(userid, "rider").post(f"/accounts/{userid}/erasure"))
    found = await deeds(locked)
    assert told(found) == [
        ("900", "secure", "looked at", "accounts"),
        ("900", "secure", "roles granted", f"user:{userid}"),
        ("900", "secure", "authenticator removed", f"user:{userid}"),
        ("anonymous", "secure", "account locked", f"user:{userid}"),
        (str(userid), "secure", "account erased", f"user:{userid}"),
    ]
    assert found[1].after == f'{{"managerid":{userid},"roles":["rider","bikeManager"]}}'
    assert not [row for row in found if "zubenelgenubi" in repr(row).lower()]


async def test_in_the_demo_everything_is_done_by_demo(client: Client, embedded: Any) -> None:
    await client.post("/bikes", {"bikeid": 1, "status": "사용가능"})
    rent = (await client.post("/rents", {"userid": 5, "bikeid": 1})).json["rentid"]
    await client.patch(f"/rents/{rent}", {"status": "returned"})
    found = [row for part in embedded.parts.values() for row in await part.store.read(lambda read: list(rows(read)))]
    assert told(found) == [("demo", "open", "bike registered", "bike:1")]
