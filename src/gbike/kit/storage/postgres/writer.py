"""One connection that writes: a batch is one transaction, run in a thread, with one wake-up of the event loop.

Each transaction leaves its number in the connection's row of `commits`. When the answer to COMMIT is lost, that row
is renamed and tells what happened; a COMMIT that comes late does not find it, and fails. (`pg_xact_status` would not
do: after a crash the server may give the same transaction id to another.)
"""

import asyncio
from collections.abc import Container, Iterable, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from typing import Any

import psycopg
from psycopg import errors
from psycopg.pq.abc import PGresult

from gbike.kit.clock import Clock, Ids
from gbike.kit.envelope import Message
from gbike.kit.storage.batching import BatchWriter, Left, OpenTx, Write
from gbike.kit.storage.postgres.connection import Blobs, Dialer, Numbers, PostgresReading, Session, Texts
from gbike.kit.storage.postgres.readers import Readers
from gbike.kit.store import Reading, Row, StoreUnavailable
from gbike.kit.telemetry import log

STATEMENT_MS = 5_000
"""How long a statement of a write may take."""
TRIES = 5
"""How often a write that was alone in its transaction is begun anew after a deadlock or a serialization failure."""
DOUBT_MS = 60_000
"""How long we try to find out whether a commit happened whose answer was lost; its callers wait that long."""
DOUBT_POLL_S = 0.2
"""The pause between two questions."""
FORGOTTEN_MS = 24 * 3_600_000
"""When the row of a connection that has written nothing may be removed by another."""

_BEGIN = ("BEGIN", ())
_COMMIT = ("COMMIT", ())
_LEAVE = (
    "WITH mark AS (UPDATE commits SET number = ?, at_ms = ? WHERE writer = ? RETURNING 1), counted AS ("
    "INSERT INTO counters (name, n) SELECT * FROM unnest(?::text[], ?::bigint[])"
    " ON CONFLICT (name) DO UPDATE SET n = counters.n + excluded.n), said AS ("
    "INSERT INTO outbox (message_id, type, key, headers, value)"
    " SELECT * FROM unnest(?::text[], ?::text[], ?::text[], ?::bytea[], ?::bytea[])) "
    "SELECT 1 / count(*) FROM mark"
)
"""All that a batch leaves beside its changes, in one statement, which fails when the connection's row is gone."""
_HEAR = (
    "INSERT INTO inbox (message_id, type, key, at_ms)"
    " SELECT unnest(?::text[]), unnest(?::text[]), unnest(?::text[]), ?"
    " ON CONFLICT (message_id) DO NOTHING RETURNING message_id"
)
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(?, 0))"
_SHARE = "SELECT pg_advisory_xact_lock_shared(hashtextextended(name, 0)) FROM unnest(?::text[]) AS name"
_CLASHES = (errors.DeadlockDetected, errors.SerializationFailure)
_STALE = (errors.FeatureNotSupported, errors.DivisionByZero)
"""What a new connection mends: a plan that a migration made stale, a row that was taken for forgotten."""


class PostgresTx(OpenTx, PostgresReading):
    """The open transaction of one request."""

    _writer: "PostgresWriter"
    _connection: Session

    def execute(self, sql: str, params: Sequence[Any] = ()) -> int:
        """Run one statement; answers the number of rows it changed."""
        return self._run(sql, params).command_tuples or 0

    def execute_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run one statement for each of `rows`."""
        self._writer.begun()
        done = self._connection.together((sql, row) for row in rows)
        self._writer.changed += sum(one.command_tuples or 0 for one in done)

    def each(self, sql: str, params: Sequence[Any] = ()) -> Iterable[Row]:
        self._writer.begun()
        return super().each(sql, params)

    def first_time(self, messages: Sequence[Message]) -> Container[str]:
        """Those that were never heard before; in one order, as another process may hear the same."""
        told = sorted({message.id: message for message in messages}.values(), key=lambda message: message.id)
        ids, types, keys = (Texts(column) for column in zip(*((m.id, m.type, m.key) for m in told), strict=True))
        return {row[0] for row in self.all(_HEAR, (ids, types, keys, self.now_ms))}

    def lock(self, name: str) -> None:
        """Nobody else is past a lock of the same name, as of the next statement: it goes with that one."""
        self._writer.ahead.append((_LOCK, (name,)))

    def share(self, names: Sequence[str]) -> None:
        """The same, beside others who share; in one order, so that nobody waits crosswise."""
        if names:
            self._writer.ahead.append((_SHARE, (Texts(sorted(set(names))),)))

    def _run(self, sql: str, params: Sequence[Any]) -> PGresult:
        result = self._writer.run(sql, params)
        if not sql.startswith("SELECT"):
            self._writer.changed += result.command_tuples or 0
        return result


class _InDoubt(Exception):
    """COMMIT was sent, and no answer came."""

    def __init__(self, published: bool) -> None:
        super().__init__()
        self.published = published


class PostgresWriter(BatchWriter[PostgresTx]):
    """See BatchWriter."""

    TX = PostgresTx
    CONFLICTS = (psycopg.IntegrityError,)
    BROKEN = (psycopg.OperationalError, errors.FeatureNotSupported)
    NO_ROOM = (errors.DiskFull, errors.IoError)

    def __init__(
        self,
        dial: Dialer,
        threads: Executor,
        readers: Readers,
        *,
        clock: Clock,
        ids: Ids,
        source: str,
        published: asyncio.Event,
        run_twice: bool,
    ) -> None:
        super().__init__(clock, ids, source, published, run_twice=run_twice)
        self._dial, self._threads = dial, threads
        self._readers = readers
        self._session: Session | None = None
        self.changed = 0
        """Rows that the open transaction changed."""
        self._begun = False
        self.ahead: list[tuple[str, Sequence[Any]]] = []
        """Locks that are sent with the next statement, which sees what was committed before they were had."""
        self.changes = self._changes
        self._name, self._number = "", 0
        self._doubts = set[asyncio.Task[None]]()

    async def close(self) -> None:
        """Finish what has begun, and find out what is in doubt."""
        await self.finish()
        if self._doubts:
            await asyncio.wait(self._doubts)
        await asyncio.get_running_loop().run_in_executor(self._threads, self._hang_up)

    async def _transact(self, batch: list[Write]) -> bool | None:
        batch.sort(key=lambda request: request.key)  # as in every other process, so that locks don't cross
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._transact_there, batch)
        except _InDoubt as doubt:
            finding_out = asyncio.create_task(self._find_out(batch, self._name, self._number, doubt.published))
            self._doubts.add(finding_out)
            finding_out.add_done_callback(self._doubts.discard)
            return None

    def _transact_there(self, batch: list[Write]) -> bool:
        for tries in reversed(range(TRIES)):
            try:
                self._begin()
                left = self._execute(batch, self._live())
                self._commit(left)
                return bool(left.events)
            except (psycopg.Error, StoreUnavailable) as broken:
                clash = isinstance(broken, _CLASHES) and len(batch) == 1
                if not tries or not (clash or self._is_lost(broken)):
                    raise
            finally:
                self._clean_up()
        raise AssertionError

    def _commit(self, left: Left) -> None:
        session = self._live()
        begin = () if self._begun else (_BEGIN,)
        leave = list[tuple[str, Sequence[Any]]]()
        if left.events or left.counts or self.changed:
            leave = [(_LEAVE, self._marked(left))]
        elif begin:
            return  # nobody ran a statement, and there is nothing to be in doubt about
        try:
            *_, done = session.together([*begin, *leave, _COMMIT])
        except psycopg.OperationalError as broken:
            if session.connection.closed:
                raise _InDoubt(bool(left.events)) from broken
            raise
        if done.command_status != b"COMMIT":
            raise errors.InFailedSqlTransaction(f"COMMIT was answered with {done.command_status!r}")

    def _is_lost(self, broken: Exception) -> bool:
        """Whether the connection broke before COMMIT was sent: then nothing happened, and another one may be tried."""
        if isinstance(broken, _STALE) and self._session is not None:
            self._session.connection.close()
        return isinstance(broken, psycopg.Error) and self._session is not None and self._session.connection.closed

    def _clean_up(self) -> None:
        """Leave no transaction open."""
        session, self._begun = self._session, False
        if session is not None and not session.idle:
            try:
                session.control("ROLLBACK")
            except psycopg.Error:
                session.connection.close()

    async def _find_out(self, batch: list[Write], name: str, number: int, published: bool) -> None:
        """Ask until it is known whether transaction `number` of a connection was committed, and tell its callers."""
        until = self.clock.monotonic_ms() + DOUBT_MS
        happened: bool | None = None
        while happened is None and self.clock.monotonic_ms() < until:
            try:
                happened = await self._readers.run(_committed, name, number)
            except (StoreUnavailable, psycopg.Error):
                await asyncio.sleep(DOUBT_POLL_S)
        log.warning("the answer to a commit was lost", store=self.source, writes=len(batch), happened=happened)
        if happened and published:
            self._published.set()
        for request in batch:
            if not happened:
                request.failed = StoreUnavailable(f"{self.source}: the database went away during the commit")
            request.tell()

    def _connect(self) -> None:
        session = Session(self._dial(STATEMENT_MS))
        name, now_ms = self.ids.new(), self.clock.now_ms()
        session.run("DELETE FROM commits WHERE at_ms < ?", (now_ms - FORGOTTEN_MS,))
        session.run("INSERT INTO commits (writer, number, at_ms) VALUES (?, 0, ?)", (name, now_ms))
        self._session, self._name = session, name

    def _live(self) -> Session:
        """The connection of the open transaction, which is never continued on another."""
        if self._session is None or self._session.connection.closed:
            raise psycopg.OperationalError("the connection is lost")
        return self._session

    def _hang_up(self) -> None:
        if self._session is not None and not self._session.connection.closed:
            with suppress(psycopg.Error):  # or somebody removes it tomorrow
                self._session.run("DELETE FROM commits WHERE writer = ?", (self._name,))
            self._session.connection.close()

    def run(self, sql: str, params: Sequence[Any]) -> PGresult:
        """A statement of the open transaction; BEGIN goes with the first, locks with the next."""
        session = self._live()
        if self._begun and not self.ahead:
            return session.run(sql, params)
        return session.together([*self._before(), (sql, params)])[-1]

    def begun(self) -> None:
        """Begin, if no statement has, and take what locks were asked for."""
        if not self._begun or self.ahead:
            self._live().together(self._before())

    def _before(self) -> list[tuple[str, Sequence[Any]]]:
        begin, ahead = [] if self._begun else [_BEGIN], self.ahead
        self._begun, self.ahead = True, []
        return [*begin, *ahead]

    def _begin(self) -> None:
        self._begun, self.ahead = False, []
        self.changed = 0
        self._number += 1
        if self._session is None or self._session.connection.closed:
            self._connect()

    def _control(self, sql: str) -> None:
        if sql == "ROLLBACK" or not self._begun:
            self._begun = sql != "ROLLBACK"
            sql = sql if sql == "ROLLBACK" else f"BEGIN; {sql}"
        self._live().control(sql)

    def _changes(self) -> int:
        return -1 if self._live().in_error else self.changed

    def _marked(self, left: Left) -> Sequence[Any]:
        """What `_LEAVE` is given; counters in one order, as everybody wants these rows."""
        counts = sorted(left.counts.items())
        names, numbers = Texts(name for name, _ in counts), Numbers(by for _, by in counts)
        ids, types, keys, headers, values = zip(*left.events, strict=True) if left.events else [()] * 5
        rows = Texts(ids), Texts(types), Texts(keys), Blobs(headers), Blobs(values)
        return (self._number, self.clock.now_ms(), self._name, names, numbers, *rows)


def _committed(read: Reading, name: str, number: int) -> bool:
    """Waits for the end of the transaction, if it is still open: it holds the row."""
    closed = f"{name} closed"
    read.all("UPDATE commits SET writer = ? WHERE writer = ? RETURNING 1", (closed, name))
    row = read.one("SELECT number FROM commits WHERE writer = ?", (closed,))
    return row is not None and row[0] == number
