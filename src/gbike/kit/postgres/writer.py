"""One connection that writes: a batch is one transaction, run in a thread, with one wake-up of the event loop.

Each transaction leaves its number in the connection's row of `commits`. When the answer to COMMIT is lost, that row
tells what happened. (`pg_xact_status` does not: after a crash the server may give the same transaction id to another.)
"""

import asyncio
from collections.abc import Container, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from typing import Any

import psycopg
from psycopg import errors
from psycopg.pq import TransactionStatus

from gbike.kit.batching import BatchWriter, OpenTx, Request, Said
from gbike.kit.clock import Clock
from gbike.kit.ids import Ids
from gbike.kit.postgres.connection import Connection, Dialer, PostgresReading, translated
from gbike.kit.postgres.readers import Readers
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

_SAY = (
    "INSERT INTO outbox (message_id, type, key, headers, value)"
    " SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bytea[], $5::bytea[])"
)
_COUNT = (
    "INSERT INTO counters (name, n) SELECT * FROM unnest($1::text[], $2::bigint[])"
    " ON CONFLICT (name) DO UPDATE SET n = counters.n + excluded.n"
)
_HEAR = (
    "INSERT INTO inbox (message_id, at_ms) SELECT unnest($1::text[]), $2"
    " ON CONFLICT (message_id) DO NOTHING RETURNING message_id"
)
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"
_CLASHES = (errors.DeadlockDetected, errors.SerializationFailure)


class PostgresTx(OpenTx, PostgresReading):
    """The open transaction of one request."""

    def __init__(self, writer: "PostgresWriter", connection: Connection, cursor: psycopg.Cursor[Row]) -> None:
        OpenTx.__init__(self, writer.clock, writer.ids, writer.source)
        self._connection, self._cursor = connection, cursor
        self.changed = 0
        """Rows that this transaction changed."""

    def execute(self, sql: str, params: Sequence[Any] = ()) -> int:
        """Run one statement; answers the number of rows it changed."""
        return self._run(sql, params).rowcount

    def execute_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run one statement for each of `rows`."""
        self._cursor.executemany(translated(sql), rows)
        self.changed += self._cursor.rowcount

    def first_time(self, message_ids: Sequence[str]) -> Container[str]:
        """Those that were never heard before; in one order, as another process may hear the same."""
        return {row[0] for row in self._run(_HEAR, (sorted(set(message_ids)), self.now_ms))}

    def lock(self, name: str) -> None:
        """Wait until nobody else is past a lock of the same name."""
        self._run(_LOCK, (name,))

    def _run(self, sql: str, params: Sequence[Any]) -> psycopg.Cursor[Row]:
        cursor = self._cursor.execute(translated(sql), params)
        if not sql.startswith("SELECT"):
            self.changed += cursor.rowcount
        return cursor


class _InDoubt(Exception):
    """COMMIT was sent, and no answer came."""

    def __init__(self, said: bool) -> None:
        super().__init__()
        self.said = said


class PostgresWriter(BatchWriter[PostgresTx]):
    """See BatchWriter."""

    def __init__(
        self,
        dial: Dialer,
        threads: Executor,
        readers: Readers,
        *,
        clock: Clock,
        ids: Ids,
        source: str,
        said: asyncio.Event,
        rehearse: bool,
    ) -> None:
        super().__init__(source, said, rehearse=rehearse)
        self.clock, self.ids, self.source = clock, ids, source
        self._dial, self._threads, self._readers = dial, threads, readers
        self._connection: Connection | None = None
        self._cursor: psycopg.Cursor[Row]
        self._tx: PostgresTx
        self._name, self._number = "", 0
        self._doubts = set[asyncio.Task[None]]()

    async def close(self) -> None:
        """Finish what has begun, and find out what is in doubt."""
        await self.finish()
        if self._doubts:
            await asyncio.wait(self._doubts)
        await asyncio.get_running_loop().run_in_executor(self._threads, self._hang_up)

    def _in_order(self, batch: list[Request]) -> list[Request]:
        return sorted(batch, key=lambda request: request.key)  # as in every other process, so that locks don't cross

    async def _transact(self, batch: list[Request]) -> bool | None:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._transact_there, batch)
        except _InDoubt as doubt:
            finding_out = asyncio.create_task(self._find_out(batch, self._name, self._number, doubt.said))
            self._doubts.add(finding_out)
            finding_out.add_done_callback(self._doubts.discard)
            return None

    def _transact_there(self, batch: list[Request]) -> bool:
        for left in reversed(range(TRIES)):
            try:
                said = self._execute(batch)
                self._commit(said)
                return said
            except Exception as broken:
                self._clean_up(broken)
                if not isinstance(broken, _CLASHES) or len(batch) > 1 or not left:
                    raise
        raise AssertionError

    def _commit(self, said: bool) -> None:
        connection = self._connected()
        try:
            done = connection.execute("COMMIT", prepare=False)
        except psycopg.OperationalError as broken:
            if connection.closed:
                raise _InDoubt(said) from broken
            raise
        if done.statusmessage != "COMMIT":
            raise errors.InFailedSqlTransaction(f"COMMIT was answered with {done.statusmessage}")

    def _clean_up(self, broken: Exception) -> None:
        """After an error: leave no transaction open. Raises StoreUnavailable when the connection is lost, for then
        every request would meet the same."""
        connection = self._connection
        if connection is None or isinstance(broken, _InDoubt):
            return
        if isinstance(broken, errors.FeatureNotSupported):
            connection.close()  # a plan that a migration made stale: the connection has others like it
        elif not connection.closed:
            try:
                connection.execute("ROLLBACK", prepare=False)
            except psycopg.Error:
                connection.close()
        elif isinstance(broken, psycopg.Error):
            raise StoreUnavailable(str(broken)) from None

    async def _find_out(self, batch: list[Request], name: str, number: int, said: bool) -> None:
        """Ask until it is known whether transaction `number` of a connection was committed, and tell its callers."""
        until = self.clock.monotonic_ms() + DOUBT_MS
        happened: bool | None = None
        while happened is None and self.clock.monotonic_ms() < until:
            try:
                happened = await self._readers.run(_committed, name, number)
            except StoreUnavailable:
                await asyncio.sleep(DOUBT_POLL_S)
        log.warning("the answer to a commit was lost", store=self.source, writes=len(batch), happened=happened)
        if happened and said:
            self._said.set()
        for request in batch:
            if not happened:
                request.failed = StoreUnavailable(f"{self.source}: the database went away during the commit")
            request.tell()

    def _connected(self) -> Connection:
        if self._connection is None or self._connection.closed:
            self._connection = self._dial(STATEMENT_MS)
            self._cursor = self._connection.cursor()
            self._name = self.ids.new()
            now_ms = self.clock.now_ms()
            self._connection.execute("DELETE FROM commits WHERE at_ms < $1", (now_ms - FORGOTTEN_MS,))
            self._connection.execute(
                "INSERT INTO commits (writer, number, at_ms) VALUES ($1, 0, $2)", (self._name, now_ms)
            )
        return self._connection

    def _hang_up(self) -> None:
        if self._connection is not None and not self._connection.closed:
            with suppress(psycopg.Error):  # or somebody removes it tomorrow
                self._connection.execute("DELETE FROM commits WHERE writer = $1", (self._name,))
            self._connection.close()

    def _begin(self) -> None:
        known = self._connection
        try:
            self._begin_over(self._connected())
        except psycopg.OperationalError:
            if self._connection is not known or known is None or not known.closed:
                raise
            self._begin_over(self._connected())  # it broke while nobody used it

    def _begin_over(self, connection: Connection) -> None:
        self._number += 1
        marked = connection.execute(
            f"BEGIN; UPDATE commits SET number = {self._number}, at_ms = {self.clock.now_ms()}"
            f" WHERE writer = '{self._name}'",
            prepare=False,
        )
        marked.nextset()
        if marked.rowcount != 1:
            connection.close()
            raise errors.OperationalError("the row of this connection is gone")

    def _control(self, sql: str) -> None:
        self._connected().execute(sql.encode(), prepare=False)

    def _open(self) -> PostgresTx:
        self._tx = PostgresTx(self, self._connected(), self._cursor)
        return self._tx

    def _changes(self) -> int:
        failed = self._connected().info.transaction_status == TransactionStatus.INERROR
        return -1 if failed else self._tx.changed

    def _breaks_the_batch(self, error: Exception) -> bool:
        return isinstance(error, psycopg.OperationalError | errors.FeatureNotSupported)

    def _is_conflict(self, error: Exception) -> bool:
        return isinstance(error, psycopg.IntegrityError)

    def _write_outbox(self, said: list[Said]) -> None:
        self._cursor.execute(_SAY, [list(column) for column in zip(*said, strict=True)])

    def _write_counters(self, counts: Sequence[tuple[str, int]]) -> None:
        self._cursor.execute(_COUNT, ([name for name, _ in counts], [by for _, by in counts]))


def _committed(read: Reading, name: str, number: int) -> bool:
    """Waits for the end of the transaction, if it is still open: it holds the row."""
    row = read.one("SELECT number FROM commits WHERE writer = ? FOR UPDATE", (name,))
    return row is not None and row[0] == number
