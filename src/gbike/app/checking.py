"""`gbike verify` and `gbike view rebuild`: on a copy that is stepped to quiet; the original is not touched."""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from gbike.app import control
from gbike.app.copies import NoData, copy_stopped, locked
from gbike.app.data_folder import DataFolder
from gbike.app.embedded import Embedded
from gbike.app.verify import differing_lines, violations
from gbike.kit.clock import SystemClock
from gbike.kit.ids import SystemIds
from gbike.kit.schema.migrate import migrate
from gbike.kit.sqlite.store import SqliteReading, SqliteStore, connect
from gbike.services.rent_and_billing_view.storage import VERSIONS, lines
from gbike.services.rent_and_billing_view.wiring import rebuild

VIEW = "rent_and_billing_view"


class AMinuteAhead(SystemClock):
    """The copy's clock: what was pending when it was taken is past its deadline there, and is swept."""

    def now_ms(self) -> int:
        """Wall time and a minute, ms."""
        return super().now_ms() + 60_000


async def verify(folder: DataFolder, env: Mapping[str, str], tell: Callable[[str], None]) -> int:
    """Check every invariant over the folder's stores; tells each violation, answers how many. Raises NoData."""
    with _copied(folder) as copy:
        embedded = Embedded(copy, env, clock=AMinuteAhead())
        try:
            await embedded.settle()
            readings = {name: SqliteReading(connect(part.store.path)) for name, part in embedded.parts.items()}
            found = 0
            for violation in violations(readings):
                tell(violation)
                found += 1
            return found + await _compare_view(embedded.parts[VIEW].store, copy.path, tell)
        finally:
            await embedded.stop()


async def rebuild_view(folder: DataFolder, env: Mapping[str, str]) -> int:
    """Fold the view anew in its place; answers how many events it was folded from. Raises NoData, FolderInUse."""
    if not folder.exists:
        raise NoData(f"there is no gbike data in {folder.path}")
    with locked(folder, "gbike view rebuild"):
        store = _view_store(folder.store_path(VIEW))
        try:
            return await rebuild(store, store)
        finally:
            await store.close()


async def verify_view(folder: DataFolder, tell: Callable[[str], None]) -> int:
    """Compare the view with one folded anew from the events it kept; tells each difference. Raises NoData."""
    with _copied(folder) as copy:
        store = _view_store(copy.store_path(VIEW))
        try:
            return await _compare_view(store, copy.path, tell)
        finally:
            await store.close()


async def _compare_view(view: SqliteStore, scratch: Path, tell: Callable[[str], None]) -> int:
    path = scratch / "folded-anew.sqlite"
    anew = _view_store(path)
    try:
        await rebuild(view, anew)
        different = 0
        shown, folded = SqliteReading(connect(view.path)), SqliteReading(connect(path))
        for difference in differing_lines(lines(shown), lines(folded)):
            tell(difference)
            different += 1
        return different
    finally:
        await anew.close()


def _view_store(path: Path) -> SqliteStore:
    migrate(path, VERSIONS)
    return SqliteStore(path, clock=SystemClock(), ids=SystemIds(), source=VIEW)


@contextmanager
def _copied(folder: DataFolder) -> Iterator[DataFolder]:
    scratch = Path(tempfile.mkdtemp(prefix="gbike-check-"))
    target = scratch / "copy"
    try:
        if folder.holder() is not None:
            done = control.ask(folder, "backup", str(target))
            if not done.ok:
                raise NoData(done.said)
        else:
            copy_stopped(folder, target)
        yield DataFolder(target)
    finally:
        shutil.rmtree(scratch)
