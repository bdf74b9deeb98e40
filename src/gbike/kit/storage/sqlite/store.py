"""The store on SQLite: one writer, many requests per commit (kit/storage/batching.py).

Statements and quick commits run on the event loop, where no other thread competes for the interpreter; while the disk
is slow, COMMIT runs in a thread (docs/decisions/0003). With synchronous=FULL an answered write survives a power cut;
with NORMAL it would not. SQLite comes with apsw, one version wherever we run (docs/decisions/0029).
"""

import asyncio
from collections.abc import Callable, Container, Iterable, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import apsw
from msgspec.json import encode

from gbike.kit.auth.principal import NOBODY_ASKED, Acting, acting
from gbike.kit.clock import Clock, Ids, news
from gbike.kit.envelope import Message
from gbike.kit.files import about, file_of, name_file
from gbike.kit.storage.batching import BatchWriter, Left, OpenTx, Write
from gbike.kit.storage.sqlite.seal import GENERATION_MS, Seal, alone, next_generation, read_seal, write_seal
from gbike.kit.store import Args, Reading, Row, StoreUnavailable
from gbike.kit.telemetry import LogThrottle, log

SLOW_COMMIT_MS = 8
"""A commit that took longer than this would hold up the event loop noticeably …"""
COMMITS_IN_THREAD = 20
"""… so the next ones are done in a thread, before one is tried in place again."""

STATEMENTS = 64
"""Prepared statements that a connection keeps: those of the last so many executions. apsw looks through them one by
one, so more of them cost every statement more than it costs to prepare a rare one again."""
SCANNING = 2
"""Connections that scans leave open, each with its own pages in memory."""
BUSY_MS = 5_000
"""How long a connection waits for another process that has the file."""

TROUBLES = (
    *(apsw.FullError, apsw.IOError, apsw.ReadOnlyError, apsw.CantOpenError),
    *(apsw.CorruptError, apsw.NotADBError),
)
"""Errors of a file or its disk, whatever was asked for."""

T = TypeVar("T")
_SAY = "INSERT INTO outbox (message_id, type, key, headers, value) VALUES (?, ?, ?, ?, ?)"
_COUNT = "INSERT INTO counters (name, n) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET n = counters.n + excluded.n"
_HEAR = (
    "INSERT INTO inbox (message_id, type, key, at_ms) SELECT value ->> 0, value ->> 1, value ->> 2, ?"
    " FROM json_each(?) WHERE true"
    " ON CONFLICT (message_id) DO NOTHING RETURNING message_id"
)


class SqliteReading:
    """Reads over one connection."""

    def __init__(self, connection: apsw.Connection, on_behalf: Acting = NOBODY_ASKED) -> None:
        self._connection = connection
        self.owner, self.key = on_behalf.owner, on_behalf.key

    def one(self, sql: str, params: Sequence[Any] = ()) -> Row | None:
        """The first row, or None."""
        try:
            row: Row | None = self._connection.execute(sql, params).fetchone()
        except apsw.Error as wrong:
            name_file(wrong, self._connection.filename)
            raise
        return row

    def all(self, sql: str, params: Sequence[Any] = ()) -> list[Row]:
        try:
            return self._connection.execute(sql, params).fetchall()
        except apsw.Error as wrong:
            name_file(wrong, self._connection.filename)
            raise

    def each(self, sql: str, params: Sequence[Any] = ()) -> Iterable[Row]:
        with about(self._connection.filename):
            yield from self._connection.execute(sql, params)


class SqliteTx(OpenTx, SqliteReading):
    """The open transaction of one request."""

    _connection: apsw.Connection

    def execute(self, sql: str, params: Sequence[Any] = ()) -> int:
        """Run one statement; answers the number of rows it changed."""
        self._connection.execute(sql, params)
        return self._connection.changes()

    def execute_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run one statement for each of `rows`."""
        self._connection.executemany(sql, rows)

    def first_time(self, messages: Sequence[Message]) -> Container[str]:
        told = encode([(message.id, message.type, message.key) for message in messages]).decode()
        rows = self._connection.execute(_HEAR, (self.now_ms, told))
        return {row[0] for row in rows}

    def lock(self, name: str) -> None:
        """Nothing: there is one writer."""

    def share(self, names: Sequence[str]) -> None:
        """Nothing: there is one writer."""


class SqliteStore(BatchWriter[SqliteTx]):
    """A Store in one SQLite file, or in memory when there is no path (then commits are instant). It has one writer, so
    the key of a write changes nothing."""

    TX = SqliteTx
    CONFLICTS = (apsw.ConstraintError,)
    BROKEN = (apsw.Error,)
    NO_ROOM = TROUBLES

    def __init__(
        self,
        path: Path | None,
        *,
        clock: Clock,
        ids: Ids,
        source: str,
        committer: Executor | None = None,
        run_twice: bool = False,
        memory: apsw.Connection | None = None,
    ) -> None:
        """`committer`: threads for slow commits and scans of a file, None: all in place. `run_twice`: tests run each
        write twice.
        `memory`: a connection to take over instead of a file (the simulator's durable state)."""
        super().__init__(clock, ids, source, asyncio.Event(), run_twice=run_twice)
        self.path, self._committer = path, committer if path is not None else None
        self._writer = memory or connect(path)
        self.changes = self._writer.total_changes
        self._reader = self._writer if path is None else connect(path, read_only=True)
        self._scanning: list[apsw.Connection] = []  # those that no thread has just now
        self._in_thread = 0
        self._unreadable = LogThrottle()
        self.generation = 0
        """The newest that is committed; 0: the store is not sealed, and counts none."""
        self._counting, self._counted_ms = 0, 0.0

    def seal(self, folder: str, mode: str, first: str = "") -> None:
        """Make the store one of this data folder's, and count a generation; before anything is written to it. `first`:
        a statement of the same transaction. Raises apsw.Error."""
        with about(self.path), alone(self._writer):
            found = read_seal(self._writer)
            known = found.generation if found is not None else 0
            if first:
                self._writer.execute(first)
            write_seal(self._writer, Seal(self.source, folder, mode, known + 1, self.clock.now_ms()))
        self._is_counted(known + 1)

    def _is_counted(self, generation: int) -> None:
        self.generation, self._counted_ms = generation, self.clock.monotonic_ms()

    async def read(self, fn: Callable[[Reading, *Args], T], *args: *Args) -> T:
        if self._closed:
            raise StoreUnavailable(f"{self.source}: closed")
        try:
            return fn(SqliteReading(self._reader, acting.get()), *args)
        except TROUBLES as wrong:
            raise self._unavailable(wrong) from wrong

    async def read_as_leader(self, fn: Callable[[Reading, *Args], T], *args: *Args) -> T | None:
        """See Store.read_as_leader; one process writes to a file, so it leads."""
        return await self.read(fn, *args)

    async def scan(self, fn: Callable[[Reading, *Args], T], *args: *Args) -> T:
        if self._committer is None:
            return await self.read(fn, *args)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._committer, self._scan, acting.get(), fn, args)
        except TROUBLES as wrong:
            raise self._unavailable(wrong) from wrong

    def _scan(self, on_behalf: Acting, fn: Callable[..., T], args: tuple[Any, ...]) -> T:
        """A connection is used again: to open one and read the schema takes longer than most scans."""
        try:
            connection = self._scanning.pop()
        except IndexError:
            connection = connect(self.path, read_only=True)
        try:
            found = fn(SqliteReading(connection, on_behalf), *args)
        except BaseException:
            connection.close()
            raise
        self._scanning.append(connection)
        if self._closed or len(self._scanning) > SCANNING:
            self._end_scans()
        return found

    def _end_scans(self) -> None:
        with suppress(IndexError):  # another thread has taken the last
            while True:
                self._scanning.pop().close()

    def _unavailable(self, wrong: apsw.Error) -> StoreUnavailable:
        if self._unreadable.is_news(str(wrong)):
            log.error("the store can't be read", store=self.source, file=file_of(wrong), why=str(wrong))
        return StoreUnavailable(f"{self.source}: {wrong}")

    async def something_published(self, timeout_ms: int) -> None:
        await news(self._published, timeout_ms)
        self._published.clear()

    async def close(self) -> None:
        """Finish what has begun, then close the file."""
        await self.finish()
        if self.generation:
            try:
                with alone(self._writer):
                    stopped = next_generation(self._writer, self.clock.now_ms())
                self._is_counted(stopped)
            except apsw.Error as broken:  # the generation before it stands
                log.warning("a store could not count its stop", store=self.source, why=str(broken))
        self._end_scans()
        if self._reader is not self._writer:
            self._reader.close()
        self._writer.close()  # last, so that it can tidy the log away

    async def wipe(self) -> bool:
        """See Store.wipe: everything comes into the file itself, whose gaps are zeroed, and the log beside it, where
        what was overwritten still is, is emptied."""
        if self.path is None:
            return True
        async with self.hold:
            if self._closed:
                return True  # who closes the file does the same
            self._writer.set_busy_timeout(0)  # not on the event loop: whoever reads now is gone at another try
            try:
                (busy, *_) = self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone() or (1,)
            except apsw.BusyError:
                busy = 1
            except TROUBLES as wrong:
                raise StoreUnavailable(f"{self.source}: {wrong}") from wrong
            finally:
                self._writer.set_busy_timeout(BUSY_MS)
        return not busy

    async def _transact(self, batch: list[Write]) -> bool:
        try:
            self._writer.execute("BEGIN IMMEDIATE")
            left = self._execute(batch, self._writer)
            await self._commit(left)
            if self._counting:
                self._is_counted(self._counting)
        except asyncio.CancelledError:
            raise  # COMMIT goes on in its thread, which has the connection
        except BaseException as wrong:
            name_file(wrong, self.path)
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
            raise
        return bool(left.events)

    def _begin(self) -> None:
        self._writer.execute("BEGIN IMMEDIATE")

    def _control(self, sql: str) -> None:
        self._writer.execute(sql)

    async def _commit(self, left: Left) -> None:
        if left.events:
            self._writer.executemany(_SAY, left.events)
        if left.counts:
            self._writer.executemany(_COUNT, left.counts.items())
        self._counting = 0
        if self.generation and self.clock.monotonic_ms() - self._counted_ms >= GENERATION_MS:
            self._counting = next_generation(self._writer, self.clock.now_ms())
        if self._committer is None:
            self._writer.execute("COMMIT")
            return
        if self._in_thread > 0:
            self._in_thread -= 1
            await asyncio.get_running_loop().run_in_executor(self._committer, self._writer.execute, "COMMIT")
            return
        began = self.clock.monotonic_ms()
        self._writer.execute("COMMIT")
        if self.clock.monotonic_ms() - began > SLOW_COMMIT_MS:
            self._in_thread = COMMITS_IN_THREAD


def connect(path: Path | None, *, read_only: bool = False) -> apsw.Connection:
    """A connection as every adapter here wants it: no implicit transactions, durable commits, bounded log."""
    if read_only:
        return open_file(path, apsw.SQLITE_OPEN_READONLY)
    connection = open_file(path)
    with about(path):
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA secure_delete=ON")  # what was erased is not to be found in the file's gaps
        connection.execute("PRAGMA journal_size_limit=67108864")
    return connection


def open_file(path: Path | None, flags: int = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE) -> apsw.Connection:
    """The file at `path` as it is, or a new one in memory."""
    with about(path):
        connection = apsw.Connection(str(path or ":memory:"), flags, statementcachesize=STATEMENTS)
    connection.set_busy_timeout(BUSY_MS)
    return connection
