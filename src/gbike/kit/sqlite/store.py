"""The store on SQLite: one writer, many requests per commit.

Writes queue up while a commit is being made durable; the next batch takes all of them (up to BATCH) and pays for one
fsync together. Most writes succeed or refuse before they change anything; when one fails half-way, the batch is run
again with a savepoint for each. Statements and quick commits run on the event loop, where no other thread competes for
the interpreter; while the disk is slow, COMMIT runs in a thread (docs/decisions/0003). With synchronous=FULL an
answered write survives a power cut; with NORMAL it would not.
"""

import asyncio
import contextvars
import sqlite3
from collections import deque
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any, TypeVar

from msgspec.json import encode

from gbike.kit.clock import Clock
from gbike.kit.envelope import Event, pack
from gbike.kit.ids import Ids
from gbike.kit.store import Args, Conflict, Reading, Row, StoreUnavailable, Tx
from gbike.kit.telemetry import NO_TRACE, Trace, log, trace_now

BATCH = 512
"""Writes that share one commit, at most."""
QUEUE = 4096
"""Writes that may wait; one more is refused with StoreUnavailable."""

LATER_MS = 25
"""How long a write that nobody waits for may wait for company."""
SLOW_COMMIT_MS = 8
"""A commit that took longer than this would hold up the event loop noticeably …"""
COMMITS_IN_THREAD = 20
"""… so the next ones are done in a thread, before one is tried in place again."""

T = TypeVar("T")
_SAY = "INSERT INTO outbox (message_id, type, key, headers, value) VALUES (?, ?, ?, ?, ?)"
_COUNT = "INSERT INTO counters (name, n) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET n = counters.n + excluded.n"
_HEAR = (
    "INSERT INTO inbox (message_id, at_ms) SELECT value, ? FROM json_each(?) WHERE true"
    " ON CONFLICT (message_id) DO NOTHING RETURNING message_id"
)


class SqliteReading:
    """Reads over one connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def one(self, sql: str, params: Sequence[Any] = ()) -> Row | None:
        """The first row, or None."""
        row: Row | None = self._connection.execute(sql, params).fetchone()
        return row

    def all(self, sql: str, params: Sequence[Any] = ()) -> list[Row]:
        """Every row."""
        return self._connection.execute(sql, params).fetchall()

    def each(self, sql: str, params: Sequence[Any] = ()) -> Iterable[Row]:
        """Rows one by one."""
        return self._connection.execute(sql, params)


class SqliteTx(SqliteReading):
    """The open transaction of one request."""

    def __init__(self, connection: sqlite3.Connection, clock: Clock, ids: Ids, source: str) -> None:
        super().__init__(connection)
        self._ids, self._source = ids, source
        self.trace: Trace = NO_TRACE
        self.said: list[tuple[str, str, str, bytes, bytes]] = []
        self.counts: dict[str, int] = {}
        self.now_ms = clock.now_ms()
        """Wall time, ms: one moment for all that the transaction does."""

    def execute(self, sql: str, params: Sequence[Any] = ()) -> int:
        """Run one statement; answers the number of rows it changed."""
        return self._connection.execute(sql, params).rowcount

    def execute_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run one statement for each of `rows`."""
        self._connection.executemany(sql, rows)

    def say(self, event: Event) -> None:
        """Put `event` into the outbox (with all others of this request, when it is done)."""
        message = pack(event, id=self._ids.new(), source=self._source, now_ms=self.now_ms, trace=self.trace)
        self.said.append((message.id, message.type, message.key, message.headers, message.value))

    def count(self, name: str, by: int = 1) -> None:
        """Add `by` to a counter (with all others of this batch, when it commits)."""
        self.counts[name] = self.counts.get(name, 0) + by

    def first_time(self, message_ids: Sequence[str]) -> Container[str]:
        """Those that were never heard before."""
        rows = self._connection.execute(_HEAR, (self.now_ms, encode(message_ids).decode()))
        return {row[0] for row in rows}

    def lock(self, name: str) -> None:
        """Nothing: there is one writer."""


class _HalfDone(Exception):
    """A request failed after it had changed something, and there is no savepoint to go back to."""


class _Request:
    __slots__ = ("answer", "args", "failed", "fn", "future", "trace")

    def __init__(self, fn: Callable[..., Any], args: tuple[Any, ...], future: asyncio.Future[Any]) -> None:
        self.fn, self.args, self.future = fn, args, future
        self.trace = trace_now.get()
        self.answer: Any = None
        self.failed: BaseException | None = None


class SqliteStore:
    """A Store in one SQLite file, or in memory when there is no path (then commits are instant)."""

    def __init__(
        self,
        path: Path | None,
        *,
        clock: Clock,
        ids: Ids,
        source: str,
        committer: Executor | None = None,
        rehearse: bool = False,
        memory: sqlite3.Connection | None = None,
    ) -> None:
        """`committer`: threads for slow commits and scans, None: all in place. `rehearse`: tests run each write twice.
        `memory`: a connection to take over instead of a file (the simulator's durable state)."""
        self.path, self._committer, self._rehearse = path, committer, rehearse
        self._clock, self._ids, self._source = clock, ids, source
        self._writer = memory or connect(path)
        self._reader = self._writer if path is None else connect(path, read_only=True)
        self._queue: deque[_Request] = deque()
        self._drain: asyncio.Task[None] | None = None
        self._context = contextvars.copy_context()
        self._in_thread = 0
        self._closed = False
        self.hold = asyncio.Lock()
        """Held by whoever needs a moment between two batches (a backup)."""
        self._said = asyncio.Event()

    async def write(self, fn: Callable[[Tx, *Args], T], *args: *Args, key: str = "") -> T:
        """See Store.write; SQLite has one writer, so `key` changes nothing."""
        request = self._enqueue(fn, args)
        self._wake()
        answer: T = await request.future
        return answer

    def write_later(self, fn: Callable[[Tx, *Args], None], *args: *Args) -> asyncio.Future[None]:
        """See Store.write_later."""
        request = self._enqueue(fn, args)
        asyncio.get_running_loop().call_later(LATER_MS / 1000, self._wake)
        return request.future

    async def flush(self) -> None:
        """Return when all that was given to `write_later` is kept, or could not be."""
        await self.write(_nothing)

    def _enqueue(self, fn: Callable[..., Any], args: tuple[Any, ...]) -> _Request:
        if self._closed or len(self._queue) >= QUEUE:
            raise StoreUnavailable(f"{self._source}: " + ("closed" if self._closed else "too many writes are waiting"))
        request = _Request(fn, args, asyncio.get_running_loop().create_future())
        self._queue.append(request)
        return request

    def _wake(self) -> None:
        if self._queue and self._drain is None:
            self._drain = asyncio.get_running_loop().create_task(self._drain_queue(), context=self._context.copy())

    async def read(self, fn: Callable[[Reading, *Args], T], *args: *Args) -> T:
        """See Store.read."""
        if self._closed:
            raise StoreUnavailable(f"{self._source}: closed")
        return fn(SqliteReading(self._reader), *args)

    async def read_as_leader(self, fn: Callable[[Reading, *Args], T], *args: *Args) -> T | None:
        """See Store.read_as_leader; one process writes to a file, so it leads."""
        return await self.read(fn, *args)

    async def scan(self, fn: Callable[[Reading, *Args], T], *args: *Args) -> T:
        """See Store.scan."""
        if self._committer is None or self.path is None:
            return await self.read(fn, *args)
        return await asyncio.get_running_loop().run_in_executor(self._committer, self._scan, fn, args)

    def _scan(self, fn: Callable[..., T], args: tuple[Any, ...]) -> T:
        connection = connect(self.path, read_only=True)
        try:
            return fn(SqliteReading(connection), *args)
        finally:
            connection.close()

    async def said_something(self, timeout_ms: int) -> None:
        """See Store.said_something."""
        try:
            async with asyncio.timeout(timeout_ms / 1000):
                await self._said.wait()
        except TimeoutError:
            pass
        self._said.clear()

    async def close(self) -> None:
        """Finish what has begun, then close the file."""
        self._closed = True
        self._wake()
        if self._drain is not None:
            await self._drain
        if self._reader is not self._writer:
            self._reader.close()
        self._writer.close()  # last, so that it can tidy the log away

    async def _drain_queue(self) -> None:
        try:
            while self._queue:
                async with self.hold:
                    await self.step()
        finally:
            self._drain = None

    async def step(self) -> int:
        """One batch: run up to BATCH waiting writes and commit them together. Answers how many."""
        batch = [request for request in self._next_batch() if not request.future.cancelled()]
        if batch and not await self._run(batch) and len(batch) > 1:
            for request in batch:  # something broke the whole transaction: find out whom it concerns
                await self._run([request])
        for request in batch:
            if request.future.cancelled():
                continue
            if request.failed is not None:
                request.future.set_exception(request.failed)
            else:
                request.future.set_result(request.answer)
        return len(batch)

    def _next_batch(self) -> Iterator[_Request]:
        for _ in range(min(BATCH, len(self._queue))):
            yield self._queue.popleft()

    async def _run(self, batch: list[_Request]) -> bool:
        """Run a batch in one transaction; False when the transaction broke and none of it happened."""
        try:
            try:
                said = self._execute(batch, isolated=self._rehearse)
            except _HalfDone:
                self._writer.execute("ROLLBACK")
                said = self._execute(batch, isolated=True)
            await self._commit()
        except Exception as broken:  # whatever it was: nothing of the batch happened, and everybody in it is told
            log.error("a batch of writes was rolled back", store=self._source, writes=len(batch), why=str(broken))
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
            for request in batch:
                request.failed = StoreUnavailable(f"{self._source}: {broken}")
            return False
        if said:
            self._said.set()
        return True

    def _execute(self, batch: list[_Request], isolated: bool) -> bool:
        """Begin, and run each request; answers whether one of them said something."""
        self._writer.execute("BEGIN IMMEDIATE")
        said, counts = False, dict[str, int]()
        for request in batch:
            tx = self._attempt_isolated(request) if isolated else self._attempt(request)
            if tx is not None:
                said = said or bool(tx.said)
                for name, by in tx.counts.items():
                    counts[name] = counts.get(name, 0) + by
        if counts:
            self._writer.executemany(_COUNT, list(counts.items()))
        return said

    def _attempt(self, request: _Request) -> SqliteTx | None:
        """Run one request; None when it failed. Raises _HalfDone when it failed after it had changed something."""
        request.failed = None
        tx = SqliteTx(self._writer, self._clock, self._ids, self._source)
        tx.trace = request.trace
        changes = self._writer.total_changes
        try:
            request.answer = request.fn(tx, *request.args)
            if tx.said:
                self._writer.executemany(_SAY, tx.said)
        except sqlite3.OperationalError:
            raise  # the disk or the file, not the request: the whole batch is in doubt
        except Exception as refused:
            request.failed = Conflict(str(refused)) if isinstance(refused, sqlite3.IntegrityError) else refused
            if self._writer.total_changes != changes:
                raise _HalfDone from refused
            return None
        return tx

    def _attempt_isolated(self, request: _Request) -> SqliteTx | None:
        """The same in a savepoint, so that what a failed request changed is taken back and the others stand."""
        tx = None
        for rehearsal in (True, False) if self._rehearse else (False,):
            self._writer.execute("SAVEPOINT request")
            try:
                tx = self._attempt(request)
            except _HalfDone:
                tx = None
            if rehearsal or tx is None:
                self._writer.execute("ROLLBACK TO request")
            self._writer.execute("RELEASE request")
            if tx is None:
                break
        return tx

    async def _commit(self) -> None:
        if self._committer is not None and self._in_thread > 0:
            self._in_thread -= 1
            await asyncio.get_running_loop().run_in_executor(self._committer, self._writer.execute, "COMMIT")
            return
        began = self._clock.monotonic_ms()
        self._writer.execute("COMMIT")
        if self._clock.monotonic_ms() - began > SLOW_COMMIT_MS:
            self._in_thread = COMMITS_IN_THREAD


def _nothing(_tx: Tx) -> None:
    pass


def connect(path: Path | None, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection as every adapter here wants it: no implicit transactions, durable commits, bounded log."""
    where = ":memory:" if path is None else f"file:{path}" + ("?mode=ro" if read_only else "")
    connection = sqlite3.connect(
        where, uri=path is not None, isolation_level=None, check_same_thread=False, cached_statements=512
    )
    if not read_only:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA journal_size_limit=67108864")
    connection.execute("PRAGMA busy_timeout=5000")
    return connection
