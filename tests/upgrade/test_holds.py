"""What 0.2.0 held out of service is a hold of staff, also of a bike that somebody rides, and nothing else is."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from gbike.kit.storage.sqlite.store import open_file
from gbike.run.folder.data_mode import Mode
from gbike.services.bike.storage import VERSIONS
from tests.journeys.fleet import violated
from tests.postgres import Server
from tests.upgrade.before import Before, Step, store_at
from tests.upgrade.kept import OPEN
from tests.upgrade.kept import VERSIONS as KEPT
from tests.upgrade.test_half_way import Databases, Folder, Past, give_back

before = store_at(Step(VERSIONS, "0010"))
FREE, RIDDEN = 1, 8
HOLD = "UPDATE bikes SET held = 1 WHERE bikeid IN (1, 8)"


def test_each_held_bike_has_one_hold(before: Before) -> None:
    before.run(
        "INSERT INTO bikes (bikeid, held, broken, retired, version) VALUES (1, 1, 0, 0, 1), (2, 0, 1, 0, 1),"
        " (3, 1, 1, 1, 4)"
    )
    before.upgrade()
    assert before.run("SELECT bikeid, holder, why, byuser, since_ms, due_ms FROM holds ORDER BY bikeid") == [
        (1, "staff", "", "", 0, None),
        (3, "staff", "", "", 0, None),
    ]
    assert before.run("SELECT bikeid, held, due_ms FROM bikes ORDER BY bikeid") == [
        (1, 1, None),
        (2, 0, None),
        (3, 1, None),
    ]


@pytest.fixture(params=["demo", "postgres"])
def past(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Past]:
    """What 0.2.0 left, with a free bike and a ridden one held."""
    if request.param == "demo":
        left = Folder(KEPT[-1], tmp_path, Mode.DEMO)
        open_file(left.folder.path / "bike.sqlite").execute(HOLD)
        yield left
        return
    server: Server = request.getfixturevalue("server")
    there = Databases(KEPT[-1], server)
    with psycopg.connect(there.urls["bike"], autocommit=True) as connection:
        connection.execute(HOLD)
    yield there
    for url in there.urls.values():
        server.drop(url)


async def test_held_bikes_and_open_rides_of_before_go_on(past: Past) -> None:
    embedded, client = past.open()
    await embedded.settle()
    for bikeid in (FREE, RIDDEN):
        [hold] = (await client.get(f"/bikes/{bikeid}/holds")).json["_embedded"]["holds"]
        assert (hold["holder"], hold["reason"], hold["since"]) == ("staff", "", None)
    assert await violated(embedded) == []
    assert OPEN
    await give_back(client)
    await embedded.settle()
    for bikeid in (FREE, RIDDEN):
        assert (await client.get(f"/bikes/{bikeid}")).json["status"] == "사용중"
        assert (await client.patch(f"/bikes/{bikeid}", {"status": "사용가능"})).json["held"] is False
    await embedded.settle()
    assert await violated(embedded) == []
    await embedded.stop()
