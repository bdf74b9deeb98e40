"""Copies of a data folder that belong together: every store at the same moment.

All writers are held between two batches while each store's snapshot is taken (well under 100 ms); copying then goes on
beside them. A stopped folder is locked meanwhile, so that nobody starts to write.
"""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import apsw

from gbike.app.cluster.plan import FILE, read_plan
from gbike.app.control import Done, ask
from gbike.app.data_folder import DataFolder
from gbike.app.embedded import Embedded
from gbike.app.seed import SmallFleet
from gbike.kit.clock import SystemClock
from gbike.kit.files import about, name_file
from gbike.kit.sqlite.store import open_file

FILES_ONLY = "only the backup of a cluster goes there, into an empty folder"


class NoData(Exception):
    """There is nothing to copy, or the place to copy to is not empty."""


def copy(folder: DataFolder, target: Path) -> Done:
    """Copy the stores of a folder, by whoever runs on it when somebody does. Raises NoData, FolderInUse."""
    if folder.holder() is not None:
        return ask(folder, "backup", str(target))
    copy_stopped(folder, target)
    return Done(True, f"copied to {target}")


async def copy_running(embedded: Embedded, target: Path) -> float:
    """Copy the stores of a running instance; answers for how many ms its writers were held. Raises NoData."""
    clock = embedded.clock
    with _whole_or_nothing(target):
        async with embedded.hold():
            began = clock.monotonic_ms()
            snapshots = _snapshots([store.path for store in embedded.stores().values() if store.path])
            held_ms = clock.monotonic_ms() - began
        await asyncio.get_running_loop().run_in_executor(None, _copy, snapshots, target)
    if embedded.folder is not None:
        embedded.folder.backed_up(clock.now_ms())
    return held_ms


def copy_stopped(folder: DataFolder, target: Path) -> None:
    """Copy the stores of a folder that nobody writes to. Raises NoData, FolderInUse."""
    if not folder.exists:
        raise NoData(f"there is no gbike data in {folder.path}")
    with locked(folder, "gbike backup"), _whole_or_nothing(target):
        _copy(_snapshots(sorted(folder.path.glob("*.sqlite"))), target)
        folder.backed_up(SystemClock().now_ms())


def restore(source: Path, folder: DataFolder) -> None:
    """Put a copy back into an empty data folder. Raises NoData, FolderInUse."""
    embedded_only(folder, FILES_ONLY)
    files = sorted(source.glob("*.sqlite"))
    if not any(file.name == "bus.sqlite" for file in files):
        raise NoData(f"{source} is no backup of gbike: it has no bus.sqlite")
    if any(folder.path.glob("*.sqlite")):
        raise NoData(f"{folder.path} is not empty; restore only into a folder without data")
    with locked(folder, "gbike restore"), _nothing_half(folder.path):
        SmallFleet(folder.path).forget()
        _copy(_snapshots(files), folder.path)


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


@contextmanager
def _whole_or_nothing(target: Path) -> Iterator[None]:
    """While an empty folder, made where it is not, is filled. Raises NoData when there is something in it."""
    was_there = target.exists()
    target.mkdir(parents=True, exist_ok=True)
    if any(target.iterdir()):
        raise NoData(f"{target} is not empty; a copy goes into an empty folder")
    try:
        with _nothing_half(target):
            yield
    except BaseException:
        if not was_there:
            with suppress(OSError):
                target.rmdir()
        raise


@contextmanager
def _nothing_half(target: Path) -> Iterator[None]:
    """While files come into a folder that has no such file: when not all of them could, none stays."""
    try:
        yield
    except BaseException:
        for file in target.glob("*.sqlite*"):
            with suppress(OSError):
                file.unlink()
        raise


def _snapshots(paths: Iterable[Path]) -> list[apsw.Connection]:
    """Connections that see each store as it is now, whatever is written later."""
    with ExitStack() as opened:
        found = []
        for path in paths:
            found.append(opened.enter_context(closing(open_file(path))))
            with about(path):
                found[-1].execute("BEGIN")
                found[-1].execute("SELECT count(*) FROM sqlite_master").fetchone()
        opened.pop_all()
    return found


def _copy(snapshots: list[apsw.Connection], target: Path) -> None:
    with ExitStack() as opened:
        for source in snapshots:
            opened.callback(source.close)
        for source in snapshots:
            _copy_one(source, target / Path(source.filename).name)


def _copy_one(source: apsw.Connection, into: Path) -> None:
    try:
        with closing(open_file(into)) as copy, copy.backup("main", source, "main") as pages:
            pages.step()
    except apsw.Error as wrong:
        damaged = isinstance(wrong, apsw.CorruptError | apsw.NotADBError)
        name_file(wrong, source.filename if damaged else into)
        raise
