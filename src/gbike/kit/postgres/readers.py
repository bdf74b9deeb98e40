"""Reading in threads, each over a connection of its own; and reading as the one process that leads."""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import psycopg
from psycopg import errors

from gbike.kit.postgres.connection import Connection, Dialer, PostgresReading
from gbike.kit.store import Args, Reading, StoreUnavailable

WAITING = 1_024
"""Reads that may wait for a thread; one more is refused."""
LEAD = "SELECT pg_try_advisory_lock(1, 1)"
"""The relay's lock, in the database of its service. Locks by name (`Tx.lock`) are numbers of another kind."""

T = TypeVar("T")


class Readers:
    """A few threads that read."""

    def __init__(self, dial: Dialer, threads: int, statement_ms: int) -> None:
        self._dial, self._statement_ms = dial, statement_ms
        self._threads = ThreadPoolExecutor(threads, "read")
        self._idle = deque[Connection]()
        self._waiting = 0

    async def run(self, fn: Callable[[Reading, *Args], T], *args: *Args) -> T:
        """What `fn` answers. Raises what it raises, or StoreUnavailable."""
        if self._waiting >= WAITING:
            raise StoreUnavailable("too many reads are waiting")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, lambda: self._run(fn, *args))
        finally:
            self._waiting -= 1

    def _run(self, fn: Callable[[Reading, *Args], T], *args: *Args) -> T:
        try:
            connection = self._idle.pop()
        except IndexError:
            return self._over(self._dial(self._statement_ms), fn, *args)
        try:
            return self._over(connection, fn, *args)
        except _Lost:  # maybe hours ago, and nobody noticed
            return self._over(self._dial(self._statement_ms), fn, *args)

    def _over(self, connection: Connection, fn: Callable[[Reading, *Args], T], *args: *Args) -> T:
        with Borrowed(connection):
            try:
                return fn(PostgresReading(connection), *args)
            finally:
                if not connection.closed:
                    self._idle.append(connection)

    def close(self) -> None:
        """Let go of threads and connections."""
        self._threads.shutdown()
        while self._idle:
            self._idle.pop().close()


class _Lost(StoreUnavailable):
    """The connection broke."""


class Borrowed:
    """While a connection is read from: an error of the engine is StoreUnavailable, and one that broke it closes it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        # A plan that a migration made stale: its connection has others like it.
        if isinstance(error, errors.FeatureNotSupported):
            self._connection.close()
        if self._connection.closed and isinstance(error, psycopg.Error):
            raise _Lost(str(error)) from None
        if isinstance(error, psycopg.OperationalError):
            raise StoreUnavailable(str(error)) from None


class Leader:
    """Reads over the connection that holds the lead, so that who has lost the one can't have the other."""

    def __init__(self, dial: Dialer, statement_ms: int) -> None:
        self._dial, self._statement_ms = dial, statement_ms
        self._thread = ThreadPoolExecutor(1, "lead")
        self._connection: Connection | None = None
        self._leads = False

    async def run(self, fn: Callable[[Reading, *Args], T], *args: *Args) -> T | None:
        """What `fn` answers, or None where another process leads. Raises what it raises, or StoreUnavailable."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: self._run(fn, *args))

    def _run(self, fn: Callable[[Reading, *Args], T], *args: *Args) -> T | None:
        if self._connection is None or self._connection.closed:
            self._leads = False
            self._connection = self._dial(self._statement_ms)
        with Borrowed(self._connection):
            read = PostgresReading(self._connection)
            if not self._leads:
                row = read.one(LEAD)
                self._leads = row is not None and row[0]
            return fn(read, *args) if self._leads else None

    def close(self) -> None:
        """Give up the lead."""
        self._thread.shutdown()
        if self._connection is not None:
            self._connection.close()
