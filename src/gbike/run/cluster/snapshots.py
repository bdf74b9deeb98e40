"""The stores of a cluster at one moment, and their way back: by pg_dump and pg_restore, or as files of SQLite.

A message that was heard was in its speaker's outbox before. So every outbox is shut for some milliseconds while all
stores are looked at, callees before callers: no look has an effect whose cause another look has not.
"""

import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import apsw

from gbike.kit.files import private
from gbike.kit.storage.sqlite.store import open_file
from gbike.run.cluster.plan import Plan
from gbike.run.engines import CannotRun, postgres
from gbike.run.folder.backup import NoData
from gbike.run.registry import specs
from gbike.run.single import SQLITE

if TYPE_CHECKING:
    import psycopg

SHUT_MS = 500
"""How long a store is waited for until it is shut: no batch of writes takes so long, and others are shut meanwhile."""
TRIES, PAUSE_S = 20, 0.5
"""How often all are shut, when one was not to be had, and how long everybody writes in between."""
VERSION = "SELECT version_num FROM alembic_version"
AS_OURS = ("--no-owner", "--no-privileges")
AT_ONCE = ("--exit-on-error", "--single-transaction")


class _Database:
    """A database of PostgreSQL. What shuts it: a transaction that holds the outbox in SHARE mode, which only its own
    login may; all else is for who only reads."""

    def __init__(self, service: str, own: str, reading: str, opened: ExitStack) -> None:
        import psycopg

        self.file, self._exported = f"{service}.dump", ""
        self._reading = reading
        options = f"-c lock_timeout={SHUT_MS} -c idle_in_transaction_session_timeout=0 -c statement_timeout=0"

        def connected(url: str) -> "psycopg.Connection[tuple[object, ...]]":
            made = psycopg.connect(url, autocommit=True, connect_timeout=5, options=options)
            opened.callback(made.close)
            return made

        self._gate, self._look = connected(own), connected(reading)

    def shut(self) -> None:
        self._gate.execute("BEGIN")
        self._gate.execute("LOCK TABLE outbox IN SHARE MODE")

    def take(self) -> None:
        self._look.execute("ROLLBACK")
        self._look.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        self._exported = str((self._look.execute("SELECT pg_export_snapshot()").fetchone() or [""])[0])

    def open(self) -> None:
        self._gate.execute("ROLLBACK")

    def schema(self) -> str:
        return str((self._look.execute(VERSION).fetchone() or [""])[0])

    def write(self, file: Path) -> None:
        how = ("--format=custom", f"--snapshot={self._exported}")
        private(file)
        _run("pg_dump", self._reading, *how, f"--file={file}", *AS_OURS)


class _File:
    """A file of SQLite. What shuts it: a transaction that may write."""

    def __init__(self, service: str, url: str, opened: ExitStack) -> None:
        self.file, path = f"{service}.sqlite", Path(url.removeprefix(SQLITE))

        def connected() -> apsw.Connection:
            made = open_file(path, apsw.SQLITE_OPEN_READWRITE)
            opened.callback(made.close)
            return made

        self._gate, self._look = connected(), connected()
        self._gate.set_busy_timeout(SHUT_MS)

    def shut(self) -> None:
        self._gate.execute("BEGIN IMMEDIATE")

    def take(self) -> None:
        if self._look.in_transaction:
            self._look.execute("ROLLBACK")
        self._look.execute("BEGIN")
        self.schema()  # the first statement is what makes the snapshot

    def open(self) -> None:
        if self._gate.in_transaction:
            self._gate.execute("ROLLBACK")

    def schema(self) -> str:
        return str(self._look.execute(VERSION).get)

    def write(self, file: Path) -> None:
        _copy(self._look, file)


Snapshot = _Database | _File
"""A store as it was at one moment, and what its copy is called. `shut`: from now on nobody publishes, whoever is about
to is waited for; `take`: this is the moment; `open`: whoever waits goes on."""


@contextmanager
def snapshots(plan: Plan) -> Iterator[Mapping[str, Snapshot]]:
    """Every store of a cluster as it was at one and the same moment, until the context ends. Raises NoData, naming the
    store that can't be read or is too busy."""
    with ExitStack() as opened:
        taken: dict[str, Snapshot] = {}
        # Who asks others comes after them.
        for service in sorted(plan.stores, key={spec.name: len(spec.calls) for spec in specs()}.__getitem__):
            with _named(service):
                own, reading = plan.stores[service], plan.reading[service]
                on_file = own.startswith(SQLITE)
                taken[service] = _File(service, own, opened) if on_file else _Database(service, own, reading, opened)
        for left in reversed(range(TRIES)):
            try:
                _take(taken)
                break
            except NoData:
                if not left:
                    raise
                time.sleep(PAUSE_S)
        yield taken


def _take(stores: Mapping[str, Snapshot]) -> None:
    """The one moment. Raises NoData."""
    try:
        for service, one in stores.items():
            with _named(service):
                one.shut()
        for service, one in stores.items():
            with _named(service):
                one.take()
    finally:
        for one in stores.values():
            one.open()


def put_back(url: str, file: Path) -> None:
    """Fill an empty database, or make a file of SQLite, from its copy. Raises NoData."""
    if url.startswith(SQLITE):
        with closing(open_file(file, apsw.SQLITE_OPEN_READONLY)) as source:
            _copy(source, Path(url.removeprefix(SQLITE)))
    else:
        _run("pg_restore", url, *AT_ONCE, *AS_OURS, str(file))


@contextmanager
def _named(service: str) -> Iterator[None]:
    import psycopg

    try:
        yield
    except (apsw.Error, psycopg.Error) as wrong:
        why = str(wrong).strip().splitlines()[0]
        raise NoData(f"the store of {service} can't be read, or is too busy to be copied now: {why}") from None


def _copy(source: apsw.Connection, into: Path) -> None:
    try:
        private(into)
        with closing(open_file(into)) as copy, copy.backup("main", source, "main") as pages:
            pages.step()
    except apsw.Error as wrong:
        why = "there is no room" if isinstance(wrong, apsw.FullError) else str(wrong)
        raise NoData(f"{into} can't be written: {why}") from None


def _run(name: str, url: str, *args: str) -> None:
    """Run a tool of PostgreSQL on a database; nobody sees its password among the processes. Raises NoData."""
    from psycopg.conninfo import conninfo_to_dict, make_conninfo

    known = conninfo_to_dict(url)
    password = known.pop("password", None)
    env = {**os.environ, **({"PGPASSWORD": str(password)} if password else {})}
    try:
        command = [
            str(postgres.tool(name)),
            "-d",
            make_conninfo(**{name: str(value) for name, value in known.items()}),
            *args,
        ]
    except CannotRun as missing:
        raise NoData(str(missing)) from None
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise NoData(f"{name}: {(done.stderr.strip().splitlines() or ['it failed'])[-1]}")
