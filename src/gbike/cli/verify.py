"""`gbike verify` and `gbike view rebuild`: on a copy that is stepped to quiet, or on the stores of a cluster that came
to rest by itself, or rides on; the original is not touched."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from gbike.cli import DATA, Data, group, settings_given
from gbike.kit.clock import SystemClock, SystemIds
from gbike.kit.files import name_file
from gbike.kit.storage.migrations.migrate import migrate
from gbike.kit.storage.sqlite.store import SqliteReading, SqliteStore, connect
from gbike.kit.store import Args, Reading
from gbike.run.cluster import wait_idle
from gbike.run.cluster.plan import read_plan
from gbike.run.cluster.wait_idle import NotQuiet, at_rest
from gbike.run.embedded import Embedded
from gbike.run.file_trouble import damaged
from gbike.run.folder.backup import NoData, copy, embedded_only, locked
from gbike.run.folder.data_folder import DataFolder
from gbike.run.folder.data_mode import settings_of
from gbike.run.folder.manifest import adopt_old
from gbike.run.invariants import differing_lines, notes, violations
from gbike.run.open_stores import open_readings
from gbike.services.rent_and_billing_view.storage import VERSIONS, lines
from gbike.services.rent_and_billing_view.wiring import rebuild

VIEW = "rent_and_billing_view"
IN_MOTION = (
    "so every check is made in motion: told is what two looks, {:g} s apart, both find"
    " · 운행 중에 확인해요. 두 번 모두 발견된 것만 알려 드려요"
)
FOLD = "`gbike view rebuild --verify` compares its view with one folded anew"

MIB = 1024 * 1024
RESERVE_MIB = 64
"""What stays free beside a copy, for whoever else writes there."""

T = TypeVar("T")

view_verb = group("The view of rides and bills.")


def verify_verb(data: Data = DATA) -> None:
    """Check every invariant over all stores, running or stopped."""
    found = asyncio.run(verify(DataFolder(data), settings_given(), typer.echo))
    typer.echo(f"{found} violations")
    raise typer.Exit(1 if found else 0)


@view_verb.command("rebuild")
def view_rebuild(
    data: Data = DATA,
    only_compare: Annotated[bool, typer.Option("--verify", help="only compare, change nothing")] = False,
) -> None:
    """Fold the view anew from the facts it keeps of what it heard."""
    if only_compare:
        found = asyncio.run(verify_view(DataFolder(data), typer.echo))
        typer.echo(f"{found} differences between the view and its facts")
        raise typer.Exit(1 if found else 0)
    typer.echo(f"folded anew from {asyncio.run(rebuild_view(DataFolder(data), settings_given()))} facts")


@view_verb.callback()
def _view() -> None:
    """With it `view rebuild` keeps its second word."""


class AMinuteAhead(SystemClock):
    """The copy's clock: what was pending when it was taken is past its deadline there, and is swept."""

    def now_ms(self) -> int:
        """Wall time and a minute, ms."""
        return super().now_ms() + 60_000


async def verify(folder: DataFolder, env: Mapping[str, str], tell: Callable[[str], None]) -> int:
    """Check every invariant over the folder's stores; tells each violation, answers how many, and tells what is none
    and worth a look. Raises NoData."""
    async with judged(folder, env, tell) as (readings, found):
        for note in notes(readings):
            tell(note)
        for violation in found:
            tell(violation)
        return len(found) + await view_differs(readings[VIEW], tell)


@asynccontextmanager
async def judged(
    folder: DataFolder, env: Mapping[str, str], tell: Callable[[str], None]
) -> AsyncIterator[tuple[Mapping[str, Reading], list[str]]]:
    """The stores and what is violated once everything has had its effect: in a copy that is stepped until nothing
    moves, or in a cluster at rest. One that does not come to rest is judged by two looks. Raises NoData."""
    if read_plan(folder.path) is None:
        async with _settled(folder, env) as readings:
            yield readings, list(violations(readings))
        return
    try:
        with at_rest(folder, tell, lost_too=True) as readings:
            yield readings, list(violations(readings))
            return
    except NotQuiet as moving:
        tell(f"{moving}; {IN_MOTION.format(wait_idle.APART_S)}")
    with wait_idle.in_motion(folder) as (readings, found):
        yield readings, found


@asynccontextmanager
async def _settled(folder: DataFolder, env: Mapping[str, str]) -> AsyncIterator[Mapping[str, Reading]]:
    with _copied(folder) as copied:
        embedded = Embedded(copied, settings_of(copied, env), clock=AMinuteAhead())
        try:
            await embedded.settle()
            stores = {name: part.store.path for name, part in embedded.parts.items()}
            yield {name: SqliteReading(connect(path)) for name, path in stores.items()}
        finally:
            await embedded.stop()


async def rebuild_view(folder: DataFolder, env: Mapping[str, str]) -> int:
    """Fold the view anew in its place; answers from how many facts. Raises NoData, FolderInUse."""
    embedded_only(folder, FOLD)
    if not folder.exists:
        raise NoData(f"there is no gbike data in {folder.path}")
    with locked(folder, "gbike view rebuild"):
        adopt_old(folder)
        store = _view_store(folder.store_path(VIEW))
        try:
            return await rebuild(store, store)
        finally:
            await store.close()


async def verify_view(folder: DataFolder, tell: Callable[[str], None]) -> int:
    """Compare the view with one folded anew from the facts it keeps; tells each difference. Raises NoData."""
    if read_plan(folder.path) is not None:
        with open_readings(folder) as stores:
            return await view_differs(stores[VIEW], tell)
    with _copied(folder) as copied:
        path = copied.store_path(VIEW)
        migrate(path, VERSIONS)
        return await view_differs(SqliteReading(connect(path, read_only=True)), tell)


async def view_differs(view: Reading, tell: Callable[[str], None]) -> int:
    """Compare a view with one folded anew from the facts it kept; tells each difference, answers how many."""
    with tempfile.TemporaryDirectory(prefix="gbike-view-") as scratch:
        anew = _view_store(Path(scratch) / "folded-anew.sqlite")
        try:
            await rebuild(_Still(view), anew)
            different = 0
            folded = SqliteReading(connect(anew.path, read_only=True))
            for difference in differing_lines(lines(view), lines(folded)):
                tell(difference)
                different += 1
            return different
        finally:
            await anew.close()


class _Still:
    """A look at a store, to be read as the store is."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    async def read(self, fn: Callable[[Reading, *Args], T], *args: *Args) -> T:
        return fn(self._reading, *args)


def _view_store(path: Path) -> SqliteStore:
    migrate(path, VERSIONS)
    return SqliteStore(path, clock=SystemClock(), ids=SystemIds(), source=VIEW)


@contextmanager
def _copied(folder: DataFolder) -> Iterator[DataFolder]:
    _have_room(folder)
    scratch = Path(tempfile.mkdtemp(prefix="gbike-check-"))
    target = scratch / "copy"
    try:
        done = copy(folder, target, backup=False)
        if not done.ok:
            raise NoData(done.said)
        yield DataFolder(target)
    except Exception as wrong:
        if found := damaged(wrong):  # what is damaged is so in the copy
            name_file(wrong, folder.path / Path(found).name)
        raise
    finally:
        shutil.rmtree(scratch)


def _have_room(folder: DataFolder) -> None:
    """A copy that fills the disk would stop whoever runs on it: better none. Raises NoData."""
    place = tempfile.gettempdir()
    stores = {file.name: file.stat().st_size for file in folder.path.glob("*.sqlite")}
    waiting = sum(_size(file) for file in folder.path.glob("*.sqlite-wal"))
    wanted = (
        sum(stores.values()) + waiting + stores.get(f"{VIEW}.sqlite", 0)
    ) // MIB + RESERVE_MIB  # the view: anew too
    free = shutil.disk_usage(place).free // MIB
    if free < wanted:
        raise NoData(
            f"no room to check a copy of {folder.path}: it needs {wanted:,} MiB in {place},"
            f" which has {free:,} MiB free; name a place with more: TMPDIR=/path gbike …"
            " · 복사본을 둘 공간이 부족해요. TMPDIR로 더 넓은 곳을 지정해 주세요"
        )


def _size(file: Path) -> int:
    """Bytes of a file that may have gone meanwhile."""
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0
