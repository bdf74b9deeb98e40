"""Every service's store, opened to be read beside whoever writes to it: the files of a data folder, or the databases
that a cluster's folder names."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import apsw
import msgspec

from gbike.kit.clock import SystemClock
from gbike.kit.files import about
from gbike.kit.storage.postgres.login import without_password
from gbike.kit.storage.sqlite.store import SqliteReading, connect
from gbike.kit.store import Reading, StoreUnavailable
from gbike.run.cluster.plan import read_plan
from gbike.run.file_trouble import told
from gbike.run.folder.backup import NoData
from gbike.run.folder.data_folder import DataFolder
from gbike.run.folder.manifest import check
from gbike.run.registry import spec as find_spec
from gbike.run.single import SQLITE, given
from gbike.services import NAMES

STATEMENT_MS = 60_000
"""How long a question may take: it goes through many rows, and nobody's request waits for it."""


class StoreLocation(msgspec.Struct, frozen=True):
    """Where to look: a data folder (of `gbike demo` or of a cluster), or one service's store by its URL; and whether
    only at one service."""

    data: Path
    url: str = ""
    service: str = ""

    def stores(self) -> Mapping[str, str]:
        """The services' stores by URL, where they have one: not in the folder of the embedded form. Raises NoData."""
        if self.url:
            if not self.service:
                raise NoData(f"--service must say whose store {without_password(self.url)} is")
            return {find_spec(self.service).name: given(self.url)}
        plan = read_plan(self.data)
        return plan.stores if plan else {}

    @contextmanager
    def readings(self) -> Iterator[dict[str, Reading]]:
        """The stores to look at, opened. Raises NoData, NoSuchService."""
        only = find_spec(self.service).name if self.service else ""
        opening = (
            open_urls(self.stores(), without_password(self.url)) if self.url else open_readings(DataFolder(self.data))
        )
        with opening as stores:
            yield {name: read for name, read in stores.items() if only in ("", name)}


@contextmanager
def open_readings(folder: DataFolder) -> Iterator[Mapping[str, Reading]]:
    """The stores by service, until the context ends, each as it is when it is first asked: whatever is written later
    is not seen. Raises NoData when there are none, or one can't be read, and NotWhole."""
    plan = read_plan(folder.path)
    if plan is None:
        check(folder)
    urls = plan.reading if plan else files_of(folder)
    if not urls:
        raise NoData(f"there is no gbike data in {folder.path}")
    with open_urls(urls, str(folder.path)) as readings:
        yield readings


@contextmanager
def open_urls(urls: Mapping[str, str], owner: str) -> Iterator[Mapping[str, Reading]]:
    """The same for stores whose URLs are known. Raises NoData when one can't be read."""
    with ExitStack() as opened:
        try:
            yield {service: _open(url, opened) for service, url in urls.items()}
        except (apsw.Error, StoreUnavailable) as away:
            raise NoData(told(away) or f"a store of {owner} can't be read: {away}") from None


def files_of(folder: DataFolder) -> dict[str, str]:
    return {name: f"{SQLITE}{folder.store_path(name)}" for name in NAMES if folder.store_path(name).exists()}


def _open(url: str, opened: ExitStack) -> Reading:
    if url.startswith(SQLITE):
        file = connect(Path(url.removeprefix(SQLITE)), read_only=True)
        opened.callback(file.close)
        with about(file.filename):
            file.execute("BEGIN")
        return SqliteReading(file)
    from gbike.kit.storage.postgres.connection import Dialer, PostgresReading, Session

    connection = Dialer(url, SystemClock(), "gbike reads")(STATEMENT_MS)
    opened.callback(connection.close)
    connection.execute("SET idle_in_transaction_session_timeout = 0")  # other stores are read meanwhile
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    return PostgresReading(Session(connection))
