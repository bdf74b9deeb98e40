"""Copies of a data folder that belong together: every store at the same moment.

All writers are held between two batches while each store's snapshot is taken (well under 100 ms); copying then goes on
beside them. A stopped folder is locked meanwhile, so that nobody starts to write.

A copy has a manifest, with the checksum of each file. It is written last: what has none is not whole.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from hashlib import file_digest
from pathlib import Path

import apsw

from gbike.kit.clock import SystemClock, SystemIds
from gbike.kit.files import about, closed_folder, name_file, private
from gbike.kit.storage.sqlite.seal import DEMO, Seal, alone, write_seal
from gbike.kit.storage.sqlite.store import open_file
from gbike.run import CannotDo
from gbike.run.cluster.plan import FILE, read_plan
from gbike.run.control import Done, ask
from gbike.run.embedded import Embedded
from gbike.run.folder import manifest
from gbike.run.folder.data_folder import MANIFEST, DataFolder
from gbike.run.seed import SmallFleet

FILES_ONLY = "only the backup of a cluster goes there, into an empty folder"
OTHERWISE = (
    "use another backup, or look and take what is there with `gbike restore --adopt`",
    "다른 백업을 쓰거나, 확인한 뒤 gbike restore --adopt로 있는 것만 복원해 주세요",
)

DAMAGED = ("is not the file that was copied", "백업할 때의 파일이 아니에요")


class NoData(CannotDo):
    """There is nothing to copy, or the place to copy to is not empty."""


def _silent(_line: str) -> None:
    pass


def copy(folder: DataFolder, target: Path, *, backup: bool = True) -> Done:
    """Copy the stores of a folder, by whoever runs on it when somebody does. Not `backup`: to look at, whatever became
    of the log. Raises NoData, FolderInUse, NotWhole."""
    if folder.holder() is not None:
        return ask(folder, "backup" if backup else "copy", str(target))
    copy_stopped(folder, target, backup=backup)
    return Done(True, f"copied to {target}")


async def copy_running(embedded: Embedded, target: Path, *, backup: bool = True) -> float:
    """Copy a running instance's stores, as `copy`; answers how long writers were held, ms. Raises NoData, NotWhole."""
    if embedded.folder is not None:
        manifest.check(embedded.folder, log_too=True)
    clock = embedded.clock
    with _whole_or_nothing(target):
        async with embedded.hold():
            began = clock.monotonic_ms()
            snapshots = _snapshots([store.path for store in embedded.stores().values() if store.path])
            held_ms = clock.monotonic_ms() - began
        copying = asyncio.get_running_loop().run_in_executor(None, _copy, snapshots, target)
        try:
            await asyncio.shield(copying)
        except asyncio.CancelledError:
            await asyncio.wait([copying])  # or it would go on with what is taken away now
            raise
    if backup and embedded.folder is not None:
        embedded.folder.backed_up(clock.now_ms())
    return held_ms


def copy_stopped(folder: DataFolder, target: Path, *, backup: bool = True) -> None:
    """Copy the stores of a folder that nobody writes to, as `copy`. Raises NoData, FolderInUse, NotWhole."""
    if not folder.exists:
        raise NoData(f"there is no gbike data in {folder.path}")
    with locked(folder, "gbike backup"), _whole_or_nothing(target):
        log = lost_log(manifest.check(folder, log_too=backup))
        _copy(_snapshots(sorted(folder.path.glob("*.sqlite"))), target, lambda path: of_a_copy(path, log))
        if backup:
            folder.backed_up(SystemClock().now_ms())


def restore(source: Path, folder: DataFolder, tell: Callable[[str], None] = _silent, *, adopt: bool = False) -> None:
    """Put a copy back into an empty data folder, as a folder of its own. `adopt`: also when files are missing, damaged
    or of another copy; tells which. Raises NoData, FolderInUse, NotWhole."""
    embedded_only(folder, FILES_ONLY)
    seen = manifest.look(source)
    if not seen.there and (why := next((file.error for file in seen.files.values() if file.error), None)):
        raise why
    if not seen.there:
        raise NoData(f"{source} is no backup of gbike: it has no stores")
    known = list(seen.problems())
    wrong = known + [problem for problem in damaged(seen) if problem.file not in {one.file for one in known}]
    if wrong and not adopt:
        raise manifest.NotWhole(source, wrong, OTHERWISE)
    if folder.exists:
        raise NoData(f"{folder.path} is not empty; restore only into a folder without data")
    with locked(folder, "gbike restore"), _nothing_half(folder.path):
        SmallFleet(folder.path).forget()
        # A log that is not the stores' own is left behind; the start makes a new one.
        names = [name for name in seen.there if name != manifest.BUS or not seen.log_lost]
        files = _snapshots(source / f"{name}.sqlite" for name in names)
        _copy(files, folder.path, lambda path: as_its_own(manifest.look(path), seen.mode or DEMO))
    for problem in wrong:
        tell(f"{manifest.TAKEN}: {problem}")


def embedded_only(folder: DataFolder, instead: str) -> None:
    """What is done to files is not done to a cluster's databases; `instead`: what to do there. Raises NoData."""
    if read_plan(folder.path) is not None:
        where = folder.path / FILE
        raise NoData(f"{folder.path} is the folder of a cluster, whose stores are databases ({where}): {instead}")


@contextmanager
def locked(folder: DataFolder, command: str) -> Iterator[None]:
    """Be the folder's one writer for a while, when it is whole. Raises FolderInUse, NotWhole."""
    folder.acquire(command)
    try:
        manifest.check(folder)
        yield
    finally:
        folder.release()


@contextmanager
def _whole_or_nothing(target: Path) -> Iterator[None]:
    """While an empty folder, made where it is not, is filled. Raises NoData when there is something in it."""
    was_there = target.exists()
    closed_folder(target)
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
        for file in (*target.glob("*.sqlite*"), *target.glob(f"*{MANIFEST}")):
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


def lost_log(seen: manifest.Seen) -> manifest.Kept | None:
    """What a folder's manifest knows of its log, when the log is not that any more."""
    return seen.manifest.stores[manifest.BUS] if seen.manifest is not None and seen.log_lost else None


def of_a_copy(copy: Path, log: manifest.Kept | None = None) -> manifest.Manifest:
    """What the stores of a new copy say of themselves, and their checksums. `log`: the log that was lost before, which
    it is in the copy as well. Raises OSError."""
    seen = manifest.look(copy)
    seals = [file.seal for name, file in seen.there.items() if file.seal and name != manifest.BUS]
    stores = {
        name: manifest.Kept(file.schema, file.seal.generation if file.seal else 0) for name, file in seen.there.items()
    }
    if log is not None:
        stores[manifest.BUS] = log
    folder = seals[0].folder if seals else SystemIds().new()
    for name, file in seen.there.items():  # a folder that was adopted by half
        if name != manifest.BUS and file.seal is not None and file.seal.folder != folder:
            stores[name] = manifest.Kept(file.schema)
    return manifest.Manifest(folder, seen.mode or DEMO, stores, sha256=_checksums(copy))


def as_its_own(seen: manifest.Seen, mode: str) -> manifest.Manifest:
    """Seal the stores as those of a new folder, which takes no file of the one that they were copied from."""
    folder, now_ms = SystemIds().new(), SystemClock().now_ms()
    stores = {name: manifest.Kept(file.schema) for name, file in seen.files.items()}
    for name, file in seen.there.items():
        if file.seal is not None:
            stores[name] = manifest.Kept(file.schema, file.seal.generation + 1)
            path = seen.path / f"{name}.sqlite"
            with about(path), closing(open_file(path)) as store, alone(store):
                write_seal(store, Seal(name, folder, mode, file.seal.generation + 1, now_ms))
    if manifest.BUS not in seen.there:
        stores[manifest.BUS] = manifest.Kept(manifest.OLDEST, 1)  # it is lost, and made anew by the start
    return manifest.Manifest(folder, mode, stores)


def _checksums(folder: Path) -> dict[str, str]:
    found = {}
    for file in sorted(folder.glob("*.sqlite")):
        with file.open("rb") as content:
            found[file.name] = file_digest(content, "sha256").hexdigest()
    return found


def damaged(seen: manifest.Seen) -> list[manifest.Problem]:
    """Files of a copy that are not what was copied; none of what has no checksums: a folder, or an older copy."""
    known, found = seen.manifest.sha256 if seen.manifest else {}, _checksums(seen.path)
    return [
        manifest.Problem(name, DAMAGED if name in found else manifest.MISSING)
        for name in known
        if found.get(name) != known[name]
    ]


def _copy(
    snapshots: list[apsw.Connection], target: Path, finish: Callable[[Path], manifest.Manifest] = of_a_copy
) -> None:
    """Copy the stores and write the manifest that `finish` makes of the copies."""
    with ExitStack() as opened:
        for source in snapshots:
            opened.callback(source.close)
        for source in snapshots:
            copy_store(source, target / Path(source.filename).name)
    manifest.write(target, finish(target))


def copy_store(source: apsw.Connection, into: Path) -> None:
    """Copy a store into a new file. Raises apsw.Error, which names the file."""
    try:
        private(into)
        with closing(open_file(into)) as copy:
            with copy.backup("main", source, "main") as pages:
                pages.step()
            copy.execute("PRAGMA journal_mode=DELETE")  # or it could not be read where nothing can be written beside it
    except apsw.Error as wrong:
        of_source = isinstance(wrong, apsw.CorruptError | apsw.NotADBError)
        name_file(wrong, source.filename if of_source else into)
        raise
