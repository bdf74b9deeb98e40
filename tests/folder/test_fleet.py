"""The small fleet of a demo: made whole when it was wanted, and never made again."""

import asyncio
import os
from itertools import count
from pathlib import Path

import pytest

from gbike.run.embedded import Embedded
from gbike.run.folder.backup import copy, restore
from gbike.run.folder.data_folder import DataFolder
from gbike.run.seed import BIKES_PER_ZONE, FIRST, RIDERS, ZONES, Post, SmallFleet, posted_to, seed
from tests.cluster.running import until
from tests.folder.demo import Demo
from tests.journeys.fleet import assert_nothing_is_violated, violated
from tests.support import Client

BIKES = BIKES_PER_ZONE * len(ZONES)
FULL = pytest.mark.skipif(not os.environ.get("GBIKE_FULL"), reason="a process started twice: GBIKE_FULL=1")


class Killed(BaseException):
    """The process ends here."""


def killed_before(number: int, post: Post) -> Post:
    """A Post of a process that is killed before it sends this one, counted from 0."""
    sent = count()

    async def until_then(path: str, body: dict[str, object]) -> int:
        if next(sent) == number:
            raise Killed
        return await post(path, body)

    return until_then


async def size_of(embedded: Embedded) -> list[int]:
    """How many bikes, riders with a deposit and managers there are."""
    found = [await Client(embedded.app).get(path) for path in ("/bikes", "/userDeposits", "/bikeManagers")]
    return [answer.json["page"]["totalElements"] for answer in found]


async def test_a_fleet_is_finished_wherever_it_was_left(tmp_path: Path) -> None:
    for number in range(BIKES + RIDERS + 1):
        embedded, fleet = Embedded(None, {}), SmallFleet(tmp_path)
        fleet.want()
        post = posted_to(embedded.inside)
        with pytest.raises(Killed):
            await fleet.finish(killed_before(number, post))
        await fleet.finish(post)
        assert await size_of(embedded) == [BIKES, RIDERS, 1], number
        await fleet.finish(killed_before(0, post))  # it is whole: nothing is sent
        await embedded.stop()


@pytest.mark.parametrize(("text", "on_the_map"), [(ZONES[0][0], BIKES), ("집 앞", 0)])
async def test_a_bike_that_was_ridden_is_on_the_map_where_its_rider_named_a_place(text: str, on_the_map: int) -> None:
    """Elsewhere it is listed with its old point, and lost from no list."""
    embedded = Embedded(None, {})
    client = Client(embedded.app)
    await seed(posted_to(embedded.inside))
    before = (await client.get("/bikes")).json["_embedded"]["bikes"]
    for bikeid in range(FIRST, FIRST + BIKES):
        rent = (await client.post("/rents", {"userid": FIRST, "bikeid": bikeid})).json["rentid"]
        assert (await client.patch(f"/rents/{rent}", {"endlocation": text})).status == 200
    await embedded.settle()
    bikes = (await client.get("/bikes?near=37.367,127.1083")).json["_embedded"]["bikes"]
    placed = [bike for bike in bikes if bike["lat"] is not None]
    assert (len(bikes), len(placed), {bike["location"] for bike in bikes}) == (BIKES, on_the_map, {text})
    assert {(bike["lat"], bike["lon"]) for bike in placed} <= {ZONES[0][1:]}
    old = {bike["bikeid"]: (bike["lat"], bike["lon"]) for bike in before}
    stale = {bike["bikeid"]: (bike["point"]["lat"], bike["point"]["lon"]) for bike in bikes if bike["point"]["stale"]}
    assert stale == (old if on_the_map == 0 else {})
    places = (await client.get("/places?near=37.367,127.1083")).json["_embedded"]["places"]
    assert [place["name"] for place in places] == [zone[0] for zone in ZONES]
    assert sum(place["bikes"] for place in places) == on_the_map
    await assert_nothing_is_violated(embedded)
    await embedded.stop()


async def test_verify_finds_a_bike_at_a_point_where_no_ride_of_it_ended() -> None:
    embedded = Embedded(None, {})
    client = Client(embedded.app)
    await seed(posted_to(embedded.inside))
    told = {"endlocation": "집 앞", "lon": 127.1}
    for rentid in (1, 2):
        assert (await client.post("/rents", {"userid": FIRST, "bikeid": FIRST})).json["rentid"] == rentid
        assert (await client.patch(f"/rents/{rentid}", {**told, "lat": 37.36 + rentid / 100})).status == 200
        await embedded.settle()
    await assert_nothing_is_violated(embedded)
    stood = "UPDATE bikes SET lat = lat + 0.0001 WHERE bikeid = ?"
    await embedded.part("bike").store.write(lambda tx: tx.execute(stood, (FIRST,)))
    assert await violated(embedded) == [f"I25 bike {FIRST} is at a point where no ride of it ended"]
    await embedded.stop()


async def test_a_fleet_is_not_made_where_none_is_wanted_any_more(tmp_path: Path) -> None:
    fleet = SmallFleet(tmp_path)
    await fleet.finish(killed_before(0, posted_to(None)))  # type: ignore[arg-type]
    fleet.want()
    fleet.forget()
    await fleet.finish(killed_before(0, posted_to(None)))  # type: ignore[arg-type]


async def test_what_is_restored_gets_no_fleet(tmp_path: Path) -> None:
    source, target = DataFolder(tmp_path / "source"), DataFolder(tmp_path / "target")
    await Embedded(source, {}).stop()
    assert copy(source, tmp_path / "backup").ok
    target.path.mkdir()
    SmallFleet(target.path).want()  # as a start left it that was killed at once
    restore(tmp_path / "backup", target)
    await SmallFleet(target.path).finish(killed_before(0, posted_to(None)))  # type: ignore[arg-type]


def test_a_demo_killed_between_its_schema_and_its_fleet_has_its_bikes_after_the_next_start(tmp_path: Path) -> None:
    with Demo(tmp_path / "data") as demo:
        demo.launch()
        until((demo.data / "seeding").exists)
        demo.killed_after(0)
        asyncio.run(Embedded(DataFolder(demo.data), {}).stop())  # as far as the schema
        demo.start()
        assert demo.count("/bikes") == BIKES


@FULL
@pytest.mark.parametrize("flags", [("--empty",), ()])
def test_a_demo_that_was_begun_empty_stays_empty(flags: tuple[str, ...], tmp_path: Path) -> None:
    with Demo(tmp_path / "data") as demo:
        demo.start("--empty")
        assert demo.end() == 0
        demo.start(*flags)
        assert demo.count("/bikes") == 0
