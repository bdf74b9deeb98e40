"""Whoever was erased has left no name, contact or exact place in any file or later backup; the books still balance."""

import json
from pathlib import Path

import pytest

from gbike.cli import privacy, verify
from gbike.contracts.rent import Returned
from gbike.kit.clock import SystemClock, SystemIds
from gbike.kit.envelope import pack
from gbike.kit.messaging.dead_letters import letters
from gbike.kit.telemetry import NO_TRACE
from gbike.run import erasure
from gbike.run.embedded import ERASED_AFTER_MS, Embedded
from gbike.run.folder.backup import copy_stopped
from gbike.run.folder.data_folder import DataFolder
from gbike.run.open_stores import StoreLocation
from tests.kit.floor import SetClock
from tests.privacy.people import SETTINGS, Person, found_in, ride, sign_up
from tests.support import Client

RIDES, BIKES = 12, 6


@pytest.fixture
async def lived(tmp_path: Path) -> tuple[DataFolder, Person, Person]:
    """A stopped folder in which two people rode in turns, each leaving bikes where only they were."""
    folder = DataFolder(tmp_path / "data")
    embedded = Embedded(folder, SETTINGS)
    client = Client(embedded.app)
    gone, stays = await sign_up(embedded, "zubenelgenubi", 100), await sign_up(embedded, "aldebaran", 200)
    for bikeid in range(1, BIKES + 1):
        await client.post(
            "/bikes", {"bikeid": bikeid, "status": "사용가능", "location": "Depot", "lat": 37.5, "lon": 127.1}
        )
    for number in range(RIDES):
        for person in (gone, stays) if number % 2 else (stays, gone):
            await ride(client, person, 1 + number % BIKES, number)
            await embedded.settle()
    for person in (gone, stays):
        await client.post("/userDeposits", {"userid": person.userid, "deposit": 5000})
        invited = await client.post("/accounts/invitations", {"contact": person.contact, "roles": ["bikeManager"]})
        assert invited.status == 201, invited
    await embedded.settle()
    await embedded.stop()
    return folder, gone, stays


def test_everything_is_there_before(lived: tuple[DataFolder, Person, Person]) -> None:
    folder, gone, _ = lived
    assert {line.split(".")[0] for line in found_in(folder.path, gone.traces(RIDES))} >= {
        "account",
        "rent",
        "bike",
        "bus",
    }


async def test_who_is_erased_leaves_no_trace_and_the_books_balance(
    lived: tuple[DataFolder, Person, Person], tmp_path: Path
) -> None:
    folder, gone, stays = lived
    before = privacy.export(StoreLocation(folder.path), stays.userid)
    told = await erasure._erase_in_folder(folder, gone.userid, SETTINGS)
    assert "unsettled: 0 open rides, balance 3800 won" in told
    assert found_in(folder.path, gone.traces(RIDES)) == []
    copy_stopped(folder, tmp_path / "backup")
    assert found_in(tmp_path / "backup", gone.traces(RIDES)) == []
    lines: list[str] = []
    assert await verify.verify(folder, SETTINGS, lines.append) == 0, lines
    after = privacy.export(StoreLocation(folder.path), stays.userid)
    assert {name: after[name] for name in ("account", "rent", "billing", "user_deposit", "rent_and_billing_view")} == {
        name: before[name] for name in ("account", "rent", "billing", "user_deposit", "rent_and_billing_view")
    }
    assert [one["contact"] for one in after["account"]["invitations"]] == [stays.contact]
    rides = privacy.export(StoreLocation(folder.path), gone.userid)["rent"]["rents"]
    assert [(one["endlocation"], one["lat"], one["lon"]) for one in rides] == [(None, None, None)] * RIDES
    assert {one["status"] for one in rides} == {"returned"}


async def test_a_bike_that_somebody_left_is_near_where_it_was_and_may_be_moved(
    lived: tuple[DataFolder, Person, Person],
) -> None:
    folder, gone, _ = lived
    await erasure._erase_in_folder(folder, gone.userid, SETTINGS)
    embedded = Embedded(folder, SETTINGS)
    client = Client(embedded.app)
    bikes = (await client.get("/bikes")).json["_embedded"]["bikes"]
    left = [bike for bike in bikes if bike["location"] is None]
    assert len(left) == BIKES / 2
    assert {(bike["lat"], bike["lon"]) for bike in left} == {(37.1, 127.0)}
    moved = await client.patch(f"/bikes/{left[0]['bikeid']}", {"location": "Depot"})
    assert moved.json["location"] == "Depot"
    await embedded.stop()


async def test_what_is_said_of_a_bike_that_somebody_left_is_found(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    embedded = Embedded(folder, SETTINGS)
    client = Client(embedded.app)
    text, point = await sign_up(embedded, "zubenelgenubi", 100), await sign_up(embedded, "betelgeuse", 200)
    stays = await sign_up(embedded, "aldebaran", 300)
    await client.post("/bikes", {"bikeid": 1, "status": "사용가능"})
    for person, said in (
        (text, {"endlocation": text.place(0)["endlocation"]}),
        (point, {**point.place(0), "endlocation": ""}),
    ):
        rent = (await client.post("/rents", {"userid": person.userid, "bikeid": 1})).json["rentid"]
        assert (await client.patch(f"/rents/{rent}", said)).status == 200
        await embedded.settle()
    for number, change in enumerate(
        ({"batterylevel": 50}, {"batterylevel": 50}, {"status": "불량"}, {"status": "사용가능"})
    ):
        assert (await client.patch("/bikes/1", change, idempotency_key=f"key-{number}")).json["point"]["by"] == "rider"
    other = (await client.post("/rents", {"userid": stays.userid, "bikeid": 1})).json["rentid"]
    await client.patch(f"/rents/{other}", {"endlocation": ""})  # the bike's place stays that of the others
    await embedded.settle()
    await ride(client, stays, 1, 1)
    await embedded.settle()
    await embedded.stop()
    for gone in (text, point):
        assert found_in(folder.path, gone.traces(1)) != []
        await erasure._erase_in_folder(folder, gone.userid, SETTINGS)
        assert found_in(folder.path, gone.traces(1)) == []
    assert {line.split(".")[0] for line in found_in(folder.path, stays.traces(2))} >= {"rent", "bike"}


async def test_what_was_said_before_and_comes_after_loses_its_places(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    embedded = Embedded(folder, SETTINGS)
    client = Client(embedded.app)
    person = await sign_up(embedded, "zubenelgenubi", 100)
    await client.post("/bikes", {"bikeid": 1, "status": "사용가능"})
    await ride(client, person, 1, 0)  # nobody has heard it yet
    late = Returned(rentid=77, userid=person.userid, bikeid=99, status="returned", endtime=1, **person.place(1))
    await Client(embedded.app).post(f"/accounts/{person.userid}/erasure")
    await embedded.settle()
    message = pack(late, id=SystemIds().new(), source="rent", now_ms=1, trace=NO_TRACE)
    await embedded.bus.append([message])
    await embedded.settle()
    dead = await embedded.part("billing").store.read(letters, 10)
    assert [json.loads(one.message.value)["endlocation"] for one in dead] == [None]
    await embedded.forget_messages(embedded.clock.now_ms() + 1)
    await embedded.stop()
    assert found_in(folder.path, person.traces(2)) == []


async def test_no_place_is_kept_of_a_ride_that_outlasts_the_account(tmp_path: Path) -> None:
    embedded = Embedded(None, SETTINGS, run_twice=True)
    client = Client(embedded.app)
    person = await sign_up(embedded, "zubenelgenubi", 100)
    await client.post("/bikes", {"bikeid": 1, "status": "사용가능"})
    rent = (await client.post("/rents", {"userid": person.userid, "bikeid": 1})).json["rentid"]
    await client.post(f"/accounts/{person.userid}/erasure")
    await embedded.settle()
    back = await client.patch(f"/rents/{rent}", person.place(0))
    assert (back.status, back.json["status"], back.json["endlocation"], back.json["lat"]) == (
        200,
        "returned",
        None,
        None,
    )
    await embedded.stop()


async def test_an_erasure_is_on_record_and_tells_nothing(lived: tuple[DataFolder, Person, Person]) -> None:
    folder, gone, _ = lived
    await erasure._erase_in_folder(folder, gone.userid, SETTINGS)
    deeds = privacy.export(StoreLocation(folder.path), gone.userid)["account"]["audit"]
    assert [(deed["who"], deed["mode"], deed["action"]) for deed in deeds] == [("local", "local", "account erased")]


async def test_who_has_no_account_is_erased_too_and_again_after_a_restore(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    embedded = Embedded(folder, SETTINGS)
    rider = Person("zubenelgenubi", 1001, 100)
    client = Client(embedded.app)
    await client.post("/bikes", {"bikeid": 1, "status": "사용가능"})
    await ride(client, rider, 1, 0)
    await embedded.settle()
    await embedded.stop()
    for _ in range(2):
        await erasure._erase_in_folder(folder, 1001, SETTINGS)
    assert found_in(folder.path, rider.traces(1)) == []


async def test_beside_a_running_gbike_it_is_done_when_everybody_has_heard(
    lived: tuple[DataFolder, Person, Person],
) -> None:
    folder, gone, _ = lived
    embedded = Embedded(folder, SETTINGS)
    embedded.start()
    try:
        assert "erased everywhere" in await erasure.erasure_verbs(embedded)["erase"](str(gone.userid))
        assert found_in(folder.path, gone.traces(RIDES)) == []
    finally:
        await embedded.stop()


async def test_who_asks_over_http_is_gone_from_the_log_a_minute_later(lived: tuple[DataFolder, Person, Person]) -> None:
    folder, gone, _ = lived
    clock = SetClock(SystemClock().now_ms())
    embedded = Embedded(folder, SETTINGS, clock=clock)
    client = Client(embedded.app)
    await embedded.settle()
    assert (await client.post(f"/accounts/{gone.userid}/erasure")).status == 409, "there is money"
    assert (await client.patch(f"/userDeposits/{gone.userid}", {"deposit": 0})).status == 200
    await embedded.settle()
    assert (await client.post(f"/accounts/{gone.userid}/erasure")).status == 200
    await embedded.settle()
    assert await embedded.forget_old_messages() == 0
    clock.at_ms += ERASED_AFTER_MS
    assert await embedded.forget_old_messages() > 0
    assert found_in(folder.path, gone.traces(RIDES)) == []
    await embedded.stop()


async def test_who_signs_up_empties_no_log() -> None:
    clock = SetClock(SystemClock().now_ms())
    embedded = Embedded(None, {}, clock=clock)
    newcomer = {"name": "Kim", "contact": "kim@example.com", "password": "정자역 자전거 대여소"}
    assert (await Client(embedded.app).post("/accounts", newcomer)).status == 202
    await embedded.settle()
    clock.at_ms += ERASED_AFTER_MS
    assert await embedded.forget_old_messages() == 0
    await embedded.stop()
