"""A store whose disk is full or broken remembers it, says it once, and finds out by itself when it can write again."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import apsw
import pytest
from structlog.testing import capture_logs

from gbike.kit.clock import SystemIds
from gbike.kit.storage import batching
from gbike.kit.storage.sqlite.store import SqliteStore, open_file
from gbike.kit.store import StoreUnavailable
from tests.kit.floor import SetClock, a_store, note, words
from tests.waiting import soon


async def test_a_store_without_room_remembers_it_says_it_once_and_finds_out_when_there_is_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "PROBE_S", 0.001)
    store = a_store(tmp_path / "store.sqlite")
    commit, before = store._commit, store._writer.total_changes()

    async def no_room(left: batching.Left) -> None:
        if left.counts or store._writer.total_changes() != before:
            raise apsw.FullError("database or disk is full")
        await commit(left)

    with capture_logs() as told:
        monkeypatch.setattr(store, "_commit", no_room)
        assert not store.failing
        for _ in range(3):
            with pytest.raises(StoreUnavailable, match="full"):
                await store.write(note, "a")
            assert store.failing
        for _ in range(20):
            await asyncio.sleep(0)
        assert store.failing
        monkeypatch.setattr(store, "_commit", commit)
        await soon(lambda: not store.failing)
    lines = [line["event"] for line in told]
    assert lines == ["a batch of writes was rolled back", "the store can be written again"]
    await store.write(note, "room again")
    assert await words(store) == ["room again"]
    await store.close()


async def test_a_damaged_page_is_a_store_that_is_away_and_said_once(tmp_path: Path) -> None:
    store = a_store(tmp_path / "store.sqlite")
    await store.write(note, "a")
    await store.close()
    with closing(open_file(tmp_path / "store.sqlite")) as file:
        [page] = file.execute("SELECT rootpage FROM sqlite_master WHERE name = 'notes'").fetchone()
        [size] = file.execute("PRAGMA page_size").fetchone()
    with (tmp_path / "store.sqlite").open("r+b") as content:
        content.seek((page - 1) * size)
        content.write(b"\xff" * size)
    with capture_logs() as told, ThreadPoolExecutor(1) as threads:
        store = SqliteStore(
            tmp_path / "store.sqlite", clock=SetClock(), ids=SystemIds(), source="bell", committer=threads
        )
        for read in (store.read, store.scan):
            with pytest.raises(StoreUnavailable, match="malformed"):
                await read(lambda read: read.all("SELECT * FROM notes"))
        await store.close()
    [line] = told
    assert (line["event"], line["file"]) == ("the store can't be read", str(tmp_path / "store.sqlite"))


async def test_a_write_that_is_wrong_by_itself_is_no_disk_without_room() -> None:
    store = a_store()
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            await store.write(lambda tx: tx.execute("INSERT INTO no_such_table VALUES (1)"))
    assert not store.failing
