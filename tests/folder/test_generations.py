"""A store counts its generations while it is written to, and the manifest follows."""

import shutil
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from gbike.kit.storage.sqlite.seal import read_seal
from gbike.kit.storage.sqlite.store import open_file
from gbike.run.embedded import Embedded
from gbike.run.folder.data_folder import MANIFEST, DataFolder
from gbike.run.folder.manifest import NotWhole, check, look
from tests.services.lone import SetClock
from tests.support import Client

MINUTE_MS = 60_000


def known(data: Path) -> dict[str, int]:
    """The generations that the manifest knows."""
    manifest = look(data).manifest
    assert manifest is not None
    return {name: kept.generation for name, kept in manifest.stores.items()}


def counted(file: Path) -> int:
    """The generation that a store's file has."""
    with closing(open_file(file)) as store:
        seal = read_seal(store)
    assert seal is not None
    return seal.generation


class Running:
    """A gbike on a folder, with its clock."""

    def __init__(self, data: Path) -> None:
        self.data, self.clock = data, SetClock()
        self.embedded = Embedded(DataFolder(data), {}, clock=self.clock)
        self.client, self._bikes = Client(self.embedded.app), 0

    async def write(self) -> None:
        """Write to bike's store, and let the manifest follow."""
        self._bikes += 1
        made = await self.client.post("/bikes", {"bikeid": self._bikes, "status": "사용가능"})
        assert made.status == 201
        assert self.embedded.generations is not None
        await self.embedded.generations.follow(None)


@pytest.fixture
def running(tmp_path: Path) -> Running:
    """One that has just started."""
    return Running(tmp_path / "data")


async def test_each_start_and_each_stop_is_a_generation(running: Running) -> None:
    for number in (1, 3, 5):
        assert set(known(running.data).values()) == {number}
        await running.embedded.stop()
        assert set(known(running.data).values()) == {number + 1}
        assert {counted(file) for file in running.data.glob("*.sqlite")} == {number + 1}
        running.embedded = Embedded(DataFolder(running.data), {}, clock=running.clock)
    await running.embedded.stop()


async def test_a_minute_of_writing_is_a_generation_and_a_minute_of_rest_is_none(running: Running) -> None:
    before = known(running.data)
    for _ in range(3):
        await running.write()
    assert known(running.data) == before
    running.clock.waited_ms += MINUTE_MS
    for _ in range(3):
        await running.write()
    assert {name: n - before[name] for name, n in known(running.data).items() if n != before[name]} == {"bike": 1}
    await running.embedded.stop()


async def test_a_file_from_before_a_minute_of_writing_is_refused_after_a_crash(
    running: Running, tmp_path: Path
) -> None:
    await running.write()
    before = tmp_path / "bike.sqlite"
    with closing(open_file(running.data / before.name)) as store:
        store.execute("VACUUM INTO ?", (str(before),))
    running.clock.waited_ms += MINUTE_MS
    await running.write()
    crashed = tmp_path / "crashed"
    shutil.copytree(running.data, crashed)  # as kill -9 leaves it: with its write-ahead logs
    check(DataFolder(crashed))
    for left in crashed.glob("bike.sqlite-*"):
        left.unlink()
    shutil.copy(before, crashed)
    with pytest.raises(NotWhole, match=r"bike.sqlite is older"):
        check(DataFolder(crashed))
    await running.embedded.stop()


async def test_a_store_may_be_ahead_of_its_manifest(running: Running, tmp_path: Path) -> None:
    shutil.copy(running.data / MANIFEST, tmp_path)
    running.clock.waited_ms += MINUTE_MS
    await running.write()
    await running.embedded.stop()
    shutil.copy(tmp_path / MANIFEST, running.data)  # the crash came between the commit and the manifest
    check(DataFolder(running.data))
    await Embedded(DataFolder(running.data), {}).stop()
    assert known(running.data)["bike"] == counted(running.data / "bike.sqlite") == 5


async def test_a_generation_is_counted_with_the_write_or_not_at_all(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = running.embedded.part("bike").store
    before = store.generation
    running.clock.waited_ms += MINUTE_MS
    with monkeypatch.context() as patch:
        patch.setattr(store, "_commit", _full)
        assert (await running.client.post("/bikes", {"bikeid": 90, "status": "사용가능"})).status == 503
    assert store.generation == before == counted(running.data / "bike.sqlite")
    await running.write()
    assert store.generation == before + 1 == known(running.data)["bike"]
    await running.embedded.stop()


async def _full() -> None:
    raise apsw.FullError("the disk is full")


async def test_a_stop_that_can_t_write_the_manifest_is_a_stop(running: Running) -> None:
    (running.data / f".{MANIFEST}").mkdir()
    await running.embedded.stop()
    (running.data / f".{MANIFEST}").rmdir()
    await Embedded(DataFolder(running.data), {}).stop()
