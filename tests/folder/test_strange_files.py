"""Files that came from elsewhere, half a verb, and a place where nothing can be written."""

import asyncio
import os
from contextlib import closing, suppress
from errno import ENOSPC
from pathlib import Path
from typing import Any

import apsw
import pytest

from gbike.cli import verify
from gbike.kit.files import file_of
from gbike.kit.storage.migrations.migrate import migrate
from gbike.kit.storage.sqlite.store import open_file
from gbike.run.embedded import Embedded
from gbike.run.file_trouble import told
from gbike.run.folder import backup as backup_module
from gbike.run.folder import manifest
from gbike.run.folder.backup import copy_running, copy_stopped, restore
from gbike.run.folder.data_folder import MANIFEST, DataFolder
from gbike.run.folder.data_mode import Mode, claim
from gbike.run.folder.manifest import NotWhole
from gbike.services.rent.wiring import SPEC as RENT
from tests.folder.lived import Lived, ride
from tests.journeys.fleet import every
from tests.support import EVERY_RIDE_COSTS, Client
from tests.upgrade.kept import KEPT, put_back


async def bills(data: Path) -> tuple[int, list[int]]:
    """What a start makes of it: how many bills there are, and what verify finds."""
    embedded = Embedded(DataFolder(data), EVERY_RIDE_COSTS)
    await embedded.settle()
    found = len(await every(Client(embedded.app), "/billings"))
    await embedded.stop()
    lines: list[str] = []
    await verify.verify(DataFolder(data), EVERY_RIDE_COSTS, lines.append)
    return found, [len(lines)]


async def elsewhere(root: Path) -> Path:
    """Another folder with the same numbers and more rides."""
    claim(DataFolder(root), Mode.DEMO)
    for bikeid in (1, 2, 3, 4):
        await ride(root, bikeid)
    return root


async def test_what_another_folders_log_says_is_charged_to_nobody(lived: Lived, tmp_path: Path) -> None:
    data = lived.copy(tmp_path / "data")
    before, _ = await bills(lived.copy(tmp_path / "same"))
    other = await elsewhere(tmp_path / "other")
    (data / "bus.sqlite").write_bytes((other / "bus.sqlite").read_bytes())
    assert await bills(data) == (before, [0])


async def test_a_restore_leaves_another_backups_log_behind(lived: Lived, tmp_path: Path) -> None:
    backup = lived.copy(tmp_path / "backup", "backup")
    other = await elsewhere(tmp_path / "other")
    copy_stopped(DataFolder(other), tmp_path / "others")
    (backup / "bus.sqlite").write_bytes((tmp_path / "others" / "bus.sqlite").read_bytes())
    with pytest.raises(NotWhole, match=r"bus\.sqlite"):
        restore(backup, DataFolder(tmp_path / "data"))
    restore(backup, DataFolder(tmp_path / "data"), adopt=True)
    found, violations = await bills(tmp_path / "data")
    restore(lived.backup, DataFolder(tmp_path / "right"))
    assert (found, violations) == ((await bills(tmp_path / "right"))[0], [0])


async def test_a_backup_that_is_given_up_leaves_nothing(
    lived: Lived, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, on = asyncio.Event(), asyncio.Event()
    loop, one = asyncio.get_running_loop(), backup_module.copy_store

    def slowly(source: apsw.Connection, into: Path) -> None:
        one(source, into)
        loop.call_soon_threadsafe(begun.set)
        asyncio.run_coroutine_threadsafe(on.wait(), loop).result()

    monkeypatch.setattr(backup_module, "copy_store", slowly)
    embedded = Embedded(DataFolder(lived.copy(tmp_path / "data")), EVERY_RIDE_COSTS)
    (tmp_path / "backup").mkdir()
    backup = asyncio.create_task(copy_running(embedded, tmp_path / "backup"))
    await begun.wait()
    backup.cancel()  # the platform stops
    loop.call_soon(on.set)
    with suppress(asyncio.CancelledError):
        await backup
    await embedded.stop()
    await loop.shutdown_default_executor()  # as the end of the process does
    assert list((tmp_path / "backup").iterdir()) == []


def test_a_folder_of_0_1_0_whose_upgrade_was_left_half_way_by_the_next_is_whole(tmp_path: Path) -> None:
    folder = put_back(KEPT.parent / "0.1.0", tmp_path)
    with closing(open_file(folder.bus_path)) as log:
        log.pragma("user_version", Mode.DEMO.value)
    migrate(folder.store_path("rent"), RENT.versions)  # rent comes first, account last
    claim(folder, Mode.DEMO)


def test_a_backup_can_be_read_where_nothing_can_be_written(lived: Lived) -> None:
    for file in lived.backup.glob("*.sqlite"):
        with closing(open_file(file, apsw.SQLITE_OPEN_READONLY)) as store:
            assert store.pragma("journal_mode") == "delete", file


def test_a_store_that_can_t_be_read_is_not_adopted_as_none(lived: Lived, tmp_path: Path) -> None:
    data = lived.copy(tmp_path / "data")
    (data / "user_deposit.sqlite").write_bytes(b"no database" * 1000)
    before = (data / MANIFEST).read_bytes()
    with pytest.raises(apsw.NotADBError):
        claim(DataFolder(data), Mode.DEMO, adopt=True)
    assert (data / MANIFEST).read_bytes() == before


async def test_a_look_is_no_backup(lived: Lived, tmp_path: Path) -> None:
    folder = DataFolder(lived.copy(tmp_path / "data"))
    before = folder.backup_ms()
    assert await verify.verify(folder, EVERY_RIDE_COSTS, print) == 0
    assert folder.backup_ms() == before


def test_a_manifest_that_finds_no_room_is_named(lived: Lived, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = lived.copy(tmp_path / "data")
    seen = manifest.look(data)
    assert seen.manifest is not None

    def no_room(_file: Any) -> None:
        raise OSError(ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_room)
    with pytest.raises(OSError, match="No space") as full:
        manifest.write(data, seen.manifest)
    assert file_of(full.value) == str(data / MANIFEST)
    assert "there is no room left" in (told(full.value) or "")
