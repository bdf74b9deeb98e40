"""What older versions kept for the view becomes facts: folded anew it is the same before, half-way and after."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gbike.cli import verify
from gbike.kit.clock import SystemClock, SystemIds
from gbike.kit.storage.migrations.migrate import in_memory
from gbike.kit.storage.sqlite.store import SqliteStore
from gbike.run.embedded import Embedded
from gbike.run.folder.data_mode import Mode
from gbike.run.invariants import differing_lines
from gbike.run.single import open_store
from gbike.services.rent_and_billing_view.storage import VERSIONS, lines
from gbike.services.rent_and_billing_view.storage.kept import BATCH
from gbike.services.rent_and_billing_view.wiring import Folding, rebuild
from tests.postgres import Server
from tests.upgrade.kept import KEPT, put_back
from tests.upgrade.test_half_way import Databases, Folder, Past, give_back

VIEW = "rent_and_billing_view"
OF_BEFORE = "SELECT count(*) FROM kept WHERE length(headers) > 0"
HALF_WAY = """
import asyncio, sys
from gbike.run.single import open_store
from gbike.kit.clock import SystemClock
from gbike.kit.clock import SystemIds
from gbike.services.rent_and_billing_view import commands as folding

folding.BATCH = 3

def never_ends(tx, after):
    folding.fold_kept(tx, after, 5)
    print("half-way", flush=True)
    sys.stdin.read()

async def main():
    store = open_store(sys.argv[1], "rent_and_billing_view", SystemClock(), SystemIds())
    place, _, _ = await store.write(folding.fold_kept, 0, 5)
    await store.write(never_ends, place)

asyncio.run(main())
"""
"""A process that has folded a bite and is in the midst of the next."""


@pytest.fixture(params=["sqlite", "postgres"])
def past(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Past]:
    """What c943df6 left, on either engine."""
    if request.param != "postgres":
        yield Folder(KEPT, tmp_path, Mode.DEMO)
        return
    server: Server = request.getfixturevalue("server")
    past = Databases(KEPT, server)
    yield past
    for url in past.urls.values():
        server.drop(url)


def where(past: Past) -> str:
    """The view's store."""
    if isinstance(past, Databases):
        return past.urls[VIEW]
    assert isinstance(past, Folder)
    return f"sqlite:///{past.folder.store_path(VIEW)}"


async def rows(embedded: Embedded, sql: str) -> list[Any]:
    """What a query over the view's store answers."""
    return await embedded.parts[VIEW].store.read(lambda read: read.all(sql))


async def differences(embedded: Embedded) -> list[str]:
    """Between the view and one that is folded anew beside it."""
    parts = {"clock": embedded.clock, "ids": embedded._ids}
    anew = SqliteStore(None, source=VIEW, memory=in_memory(VERSIONS), **parts)  # type: ignore[arg-type]
    await rebuild(embedded.parts[VIEW].store, anew)
    shown = await embedded.parts[VIEW].store.read(lambda read: list(lines(read)))
    assert shown
    return list(differing_lines(shown, await anew.read(lambda read: list(lines(read)))))


async def fold(embedded: Embedded) -> None:
    """Until nothing is left to fold."""
    worker = next(one for one in embedded.parts[VIEW].running.workers if one.name == "folding")
    while await worker.step():
        pass


def killed_half_way(past: Past) -> None:
    """A process folds one bite and is killed in the midst of the next."""
    command = [sys.executable, "-c", HALF_WAY, where(past)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "half-way\n"
        process.kill()


async def test_the_view_folded_anew_is_the_same_before_half_way_and_after(past: Past) -> None:
    embedded, _ = past.open()
    [(before,)] = await rows(embedded, OF_BEFORE)
    assert before > 10
    assert await differences(embedded) == []
    await embedded.stop()

    killed_half_way(past)
    embedded, client = past.open()
    assert await rows(embedded, OF_BEFORE) == [(before - 3,)]
    assert await differences(embedded) == []

    await embedded.settle()  # open bills close, which the view hears
    await give_back(client)
    await embedded.settle()
    assert await differences(embedded) == []
    shown = await rows(embedded, "SELECT * FROM rides ORDER BY rentid")

    await fold(embedded)
    assert await rows(embedded, OF_BEFORE) == [(0,)]
    assert await differences(embedded) == []
    assert await rows(embedded, "SELECT * FROM rides ORDER BY rentid") == shown
    assert await rows(embedded, "SELECT (SELECT count(*) FROM rent_facts), (SELECT count(*) FROM bill_facts)") == [
        (len(shown), len(shown))
    ]
    await embedded.stop()


async def test_more_old_events_than_a_bite_are_folded_and_removed(tmp_path: Path) -> None:
    embedded, _ = Folder(KEPT, tmp_path, Mode.DEMO).open()
    [(last,)] = await rows(embedded, "SELECT max(number) FROM kept")
    many = (
        "INSERT INTO kept (message_id, type, key, headers, value)"
        " SELECT message_id, type, key, headers, value FROM kept WHERE number <= ?"
    )
    for _ in range(24 * BATCH // last):
        await embedded.parts[VIEW].store.write(lambda tx: tx.execute(many, (last,)))
    await fold(embedded)
    [(old, left)] = await rows(embedded, f"SELECT ({OF_BEFORE}), count(*) FROM kept")
    assert (old, left) == (0, 10_000)
    assert await differences(embedded) == []
    await embedded.stop()


@pytest.mark.parametrize("kept", [KEPT / "demo", KEPT / "secure", KEPT.parent / "0.1.0"])
async def test_the_commands_find_no_difference_before_and_after(kept: Path, tmp_path: Path) -> None:
    folder, told = put_back(kept, tmp_path), list[str]()
    assert await verify.verify_view(folder, told.append) == 0, told
    assert await verify.rebuild_view(folder, {}) > 10
    store = open_store(f"sqlite:///{folder.store_path(VIEW)}", VIEW, SystemClock(), SystemIds())
    assert await store.read(lambda read: read.one(OF_BEFORE)) != (0,)
    folding = Folding(store)
    while await folding.step():
        pass
    assert await store.read(lambda read: read.one(OF_BEFORE)) == (0,)
    await store.close()
    assert await verify.verify_view(folder, told.append) == 0, told
    assert await verify.rebuild_view(folder, {}) > 0
    assert await verify.verify_view(folder, told.append) == 0, told
