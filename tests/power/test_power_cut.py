"""A power cut takes nothing that was acknowledged: not from one store, and not from a platform under way."""

import asyncio
import os
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import apsw
import pytest

from gbike.cli import verify
from gbike.kit.storage.sqlite import store as sqlite_store
from gbike.kit.storage.sqlite.store import open_file
from gbike.run.embedded import Embedded
from gbike.run.folder.data_folder import MANIFEST, DataFolder
from tests.kit.floor import a_store, note
from tests.power.disk import Disk
from tests.support import EVERY_RIDE_COSTS, Client
from tests.waiting import a_while

WRITERS = 4
EACH = 10
RIDERS = 4
RIDES = 3
CUTS, CUTS_UNDER_RIDES = (200, 20) if os.environ.get("GBIKE_FULL") else (10, 2)
FREE = "사용가능"


@pytest.fixture
def disk() -> Iterator[Disk]:
    disk = Disk()
    yield disk
    disk.unregister()


async def written_until_a_cut(disk: Disk, folder: Path, chance: Random) -> set[str]:
    """Write to a store; what was acknowledged when the power was cut, and `folder / "found"` is what is left."""
    store = a_store(folder / "store.sqlite")
    known = list[str]()
    at_the_cut = list[set[str]]()

    def cut() -> None:
        at_the_cut.append(set(known))
        disk.leave(folder / "found", chance)

    async def one(writer: int) -> None:
        for n in range(EACH):
            await store.write(note, f"{writer}-{n}")
            known.append(f"{writer}-{n}")

    disk.cut_after(chance.randint(1, 100), cut)
    await asyncio.gather(*map(one, range(WRITERS)))
    disk.cut_by_now()
    await store.close()
    return at_the_cut[0]


def left(folder: Path) -> set[str]:
    """What somebody finds who starts again after the cut."""
    with closing(open_file(folder / "found" / "store.sqlite")) as store:
        assert store.pragma("integrity_check") == "ok"
        tables = store.execute("SELECT 1 FROM sqlite_master WHERE name = 'notes'").fetchall()
        return {word for (word,) in store.execute("SELECT word FROM notes")} if tables else set()


async def lost(disk: Disk, tmp_path: Path, seeds: range) -> list[set[str]]:
    """For each seed what was acknowledged and is not there."""
    gone = []
    for seed in seeds:
        (folder := tmp_path / str(seed)).mkdir()
        known = await written_until_a_cut(disk, folder, Random(seed))
        gone.append(known - left(folder))
    return gone


async def test_a_power_cut_takes_nothing_that_a_store_acknowledged(disk: Disk, tmp_path: Path) -> None:
    assert await lost(disk, tmp_path, range(CUTS)) == [set()] * CUTS


async def test_a_store_that_does_not_wait_for_the_disk_is_caught(
    disk: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = sqlite_store.connect

    def careless(path: Path | None, **how: Any) -> apsw.Connection:
        connection = connect(path, **how)
        connection.pragma("synchronous", "NORMAL")
        return connection

    monkeypatch.setattr(sqlite_store, "connect", careless)
    for seed in range(20):
        if (await lost(disk, tmp_path, range(seed, seed + 1)))[0]:
            return
    raise AssertionError("nothing was lost")


class Known(NamedTuple):
    """What riders were told."""

    rented: set[int]
    returned: set[int]


async def ridden_until_a_cut(disk: Disk, data: Path, found: Path, chance: Random) -> Known:
    """Ride; what riders knew when the power was cut, and `found` is what is left."""
    embedded = Embedded(DataFolder(data), EVERY_RIDE_COSTS, chance=chance.random)
    client = Client(embedded.app)
    rented = set[int]()
    returned = set[int]()
    at_the_cut = list[Known]()

    def cut() -> None:
        at_the_cut.append(Known(rented.copy(), returned.copy()))
        disk.leave(found, chance)
        shutil.copy(data / MANIFEST, found)  # it is written whole, and after what it tells of

    async def rider(userid: int) -> None:
        for _ in range(RIDES):
            rent = await client.post("/rents", {"userid": userid, "bikeid": userid})
            if rent.status == 409:
                return  # the last return is still on its way to the bike
            assert rent.status == 201, rent
            rented.add(rent.json["rentid"])
            back = await client.patch(f"/rents/{rent.json['rentid']}", {"endlocation": "정자"})
            assert back.status == 200, back
            returned.add(rent.json["rentid"])
            await a_while()

    embedded.start()
    disk.cut_after(chance.randint(20, 900), cut)
    await asyncio.gather(*(rider(userid) for userid in range(1, RIDERS + 1)))
    disk.cut_by_now()
    await embedded.stop()
    return at_the_cut[0]


async def test_after_a_power_cut_every_ride_that_riders_know_of_is_there_and_settles_once(
    disk: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_store, "SLOW_COMMIT_MS", 60_000)  # in no other thread, so that a cut is one moment
    for seed in range(CUTS_UNDER_RIDES):
        data, found = tmp_path / f"{seed}", tmp_path / f"{seed}-found"
        fleet = Embedded(DataFolder(data), EVERY_RIDE_COSTS)
        for bikeid in range(1, RIDERS + 1):
            assert (await Client(fleet.app).post("/bikes", {"bikeid": bikeid, "status": FREE})).status == 201
        await fleet.stop()
        known = await ridden_until_a_cut(disk, data, found, Random(seed))
        again = Embedded(DataFolder(found), EVERY_RIDE_COSTS)
        await again.settle()
        for rentid in known.rented:
            there = await Client(again.app).get(f"/rents/{rentid}")
            assert there.status == 200, (seed, rentid)
            assert there.json["status"] == "returned" or rentid not in known.returned, (seed, there)
        await again.stop()
        told: list[str] = []
        assert await verify.verify(DataFolder(found), EVERY_RIDE_COSTS, told.append) == 0, (seed, told)
