"""An admin sees over HTTP what is on record in each service, and whether it is as it was written."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gbike.cli.audit import Wanted, listed
from gbike.run.embedded import Embedded
from gbike.run.folder.data_folder import DataFolder
from gbike.run.open_stores import StoreLocation
from tests.security.people import EVERYWHERE, Locked
from tests.support import Client


@pytest.fixture
async def locked() -> AsyncIterator[Locked]:
    found = Locked()
    yield found
    await found.whole.stop()


async def test_every_service_tells_what_is_on_record_newest_first(locked: Locked) -> None:
    for amount in (500, 700):
        await locked.admin.post("/userDeposits", {"userid": 5, "deposit": 1_000})
        await locked.admin.post("/userDeposits/5/topUps", {"amount": amount}, idempotency_key=str(amount))
    found = (await locked.admin.get("/audit/user_deposit?size=2")).json
    newest, before = found["_embedded"]["deeds"]
    assert (newest["number"], before["number"], found["page"]["totalElements"]) == (3, 2, 3)
    assert (newest["who"], newest["roles"], newest["mode"]) == ("900", ["admin"], "secure")
    assert (newest["action"], newest["subject"]) == ("deposit topped up", "user:5")
    assert (newest["before"]["deposit"], newest["after"]["deposit"]) == (1_500, 2_200)
    assert found["_links"]["next"]["href"].endswith("/audit/user_deposit?page=1&size=2")
    for service in EVERYWHERE:
        assert (await locked.admin.get(f"/audit/{service}")).status == 200
        chain = (await locked.admin.get(f"/audit/{service}/chain")).json
        assert (chain["whole"], chain["breaks"], chain["checked"]) == (True, [], chain["number"])
    links = (await locked.anonymous.get("/")).json["_links"]
    assert {f"audit/{service}" for service in EVERYWHERE} <= set(links)
    for nowhere in ("/audit", "/audit/", "/audit/nobody", "/auditrent"):
        assert (await locked.admin.get(nowhere)).status == 404, nowhere


async def test_the_record_is_narrowed_by_who_whom_what_and_when(locked: Locked) -> None:
    other = locked.person(901, "admin")
    for userid, who in ((5, locked.admin), (6, other), (5, other)):
        await who.post("/userDeposits", {"userid": userid, "deposit": 0})
        await who.post(f"/userDeposits/{userid}/topUps", {"amount": 1}, idempotency_key=f"{userid}-{who.token}"[:99])

    async def numbers(query: str) -> list[int]:
        reply = await locked.admin.get(f"/audit/user_deposit?{query}")
        assert reply.status == 200, reply
        return [deed["number"] for deed in reply.json["_embedded"]["deeds"]]

    assert await numbers("") == [5, 4, 3, 2, 1]
    assert await numbers("who=901") == [5, 4, 3]
    assert await numbers("who=901&subject=user:5") == [5]
    assert await numbers("action=deposit+opened&subject=user:6") == [3]
    assert await numbers("to=2020-01-01") == []
    assert await numbers("from=2020-01-01&who=900") == [2, 1]
    assert (await locked.admin.get("/audit/user_deposit?whom=5")).status == 422
    assert (await locked.person(5, "rider").get("/audit/user_deposit?who=5")).status == 403


async def test_the_command_and_the_list_tell_the_same(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    embedded = Embedded(folder, {})
    client = Client(embedded.app)
    await client.post("/userDeposits", {"userid": 5, "deposit": 1_000})
    await client.post("/userDeposits/5/topUps", {"amount": 5})
    await client.get("/userDeposits/5")
    found = (await client.get("/audit/user_deposit?who=demo")).json["_embedded"]["deeds"]
    await embedded.stop()
    told = list(listed(StoreLocation(folder.path, service="user_deposit"), Wanted(who="demo")))
    over_http = [f"{one['at']}  user_deposit {one['number']}" for one in reversed(found)]
    assert [line[: len(over_http[0])] for line in told[0:-1:2]] == over_http
    assert [line.rpartition("  ")[2] for line in told[0:-1:2]] == [
        f"{one['action']} {one['subject']}" for one in reversed(found)
    ]
    assert len(found) == 3
