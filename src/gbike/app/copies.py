"""Copies of a data folder that belong together: every store at the same moment.

All writers are held between two batches while each store's snapshot is taken (well under 100 ms); copying then goes on
beside them. A stopped folder is locked meanwhile, so that nobody starts to write.
"""

import asyncio
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import apsw

from gbike.app.cluster.plan import FILE, read_plan
from gbike.app.control import Done, ask
from gbike.app.data_folder import DataFolder
from gbike.app.embedded import Embedded
from gbike.kit.clock import SystemClock
from gbike.kit.sqlite.store import open_file

COPY = "copy each with pg_dump"
PUT_BACK = "put each back with pg_restore"


class NoData(Exception):
    """There is nothing to copy, or the place to copy to is not empty."""


def copy(folder: DataFolder, target: Path) -> Done:
    """Copy the stores of a folder, by whoever runs on it when somebody does. Raises NoData, FolderInUse."""
    embedded_only(folder, COPY)
    if folder.holder() is not None:
        return ask(folder, "backup", str(target))
    copy_stopped(folder, target)
    return Done(True, f"copied to {target}")


async def copy_running(embedded: Embedded, target: Path) -> float:
    """Copy the stores of a running instance; answers for how many ms its writers were held. Raises NoData."""
    _empty(target)
    clock = embedded.clock
    async with embedded.hold():
        began = clock.monotonic_ms()
        snapshots = [_snapshot(store.path) for store in embedded.stores().values() if store.path]
        held_ms = clock.monotonic_ms() - began
    await asyncio.get_running_loop().run_in_executor(None, _copy, snapshots, target)
    if embedded.folder is not None:
        embedded.folder.backed_up(clock.now_ms())
    return held_ms


def copy_stopped(folder: DataFolder, target: Path) -> None:
    """Copy the stores of a folder that nobody writes to. Raises NoData, FolderInUse."""
    if not folder.exists:
        raise NoData(f"there is no gbike data in {folder.path}")
    _empty(target)
    with locked(folder, "gbike backup"):
        _copy([_snapshot(path) for path in sorted(folder.path.glob("*.sqlite"))], target)
        folder.backed_up(SystemClock().now_ms())


def restore(source: Path, folder: DataFolder) -> None:
    """Put a copy back into an empty data folder. Raises NoData, FolderInUse."""
    embedded_only(folder, PUT_BACK)
    files = sorted(source.glob("*.sqlite"))
    if not any(file.name == "bus.sqlite" for file in files):
        raise NoData(f"{source} is no backup of gbike: it has no bus.sqlite")
    if any(folder.path.glob("*.sqlite")):
        raise NoData(f"{folder.path} is not empty; restore only into a folder without data")
    with locked(folder, "gbike restore"):
        _copy([_snapshot(file) for file in files], folder.path)


def embedded_only(folder: DataFolder, instead: str) -> None:
    """What is done to files is not done to a cluster's databases; `instead`: what to do there. Raises NoData."""
    if read_plan(folder.path) is not None:
        where = folder.path / FILE
        raise NoData(f"{folder.path} is the folder of a cluster, whose stores are databases ({where}): {instead}")


@contextmanager
def locked(folder: DataFolder, command: str) -> Iterator[None]:
    """Be the folder's one writer for a while. Raises FolderInUse."""
    folder.acquire(command)
    try:
        yield
    finally:
        folder.release()


def _empty(target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    if any(target.iterdir()):
        raise NoData(f"{target} is not empty; a copy goes into an empty folder")


def _snapshot(path: Path) -> apsw.Connection:
    """A connection that sees the store as it is now, whatever is written later."""
    connection = open_file(path)
    connection.execute("BEGIN")
    connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return connection


def _copy(snapshots: list[apsw.Connection], target: Path) -> None:
    for source in snapshots:
        into = target / Path(source.filename).name
        with closing(source), closing(open_file(into)) as copy, copy.backup("main", source, "main") as pages:
            pages.step()
