"""Reading in threads, each over a connection of its own; and reading as the one process that leads."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import psycopg
from psycopg import errors

from gbike.kit.auth.principal import Acting, acting
from gbike.kit.storage.postgres.connection import Dialer, PostgresReading, Session
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
        self._idle = deque[Session]()
        self._waiting = 0

    async def run(self, fn: Callable[[Reading, *Args], T], *args: *Args) -> T:
        """What `fn` answers. Raises what it raises, or StoreUnavailable."""
        if self._waiting >= WAITING:
            raise StoreUnavailable("too many reads are waiting")
        self._waiting += 1
        on_behalf = acting.get()
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._threads, lambda: self._run(on_behalf, fn, *args)
            )
        finally:
            self._waiting -= 1

    def _run(self, on_behalf: Acting, fn: Callable[[Reading, *Args], T], *args: *Args) -> T:
        try:
            session = self._idle.pop()
        except IndexError:
            return self._over(Session(self._dial(self._statement_ms)), on_behalf, fn, *args)
        try:
            return self._over(session, on_behalf, fn, *args)
        except _Lost:  # maybe hours ago, and nobody noticed
            return self._over(Session(self._dial(self._statement_ms)), on_behalf, fn, *args)

    def _over(self, session: Session, on_behalf: Acting, fn: Callable[[Reading, *Args], T], *args: *Args) -> T:
        try:
            with _borrowed(session):
                return fn(PostgresReading(session, on_behalf), *args)
        finally:
            if not session.connection.closed:
                self._idle.append(session)

    def close(self) -> None:
        """Let go of threads and connections."""
        self._threads.shutdown()
        while self._idle:
            self._idle.pop().connection.close()


class _Lost(StoreUnavailable):
    """The connection broke."""


@contextmanager
def _borrowed(session: Session) -> Iterator[None]:
    """While somebody reads over it: an error of the engine is StoreUnavailable, and _Lost when the connection broke."""
    try:
        yield
    except psycopg.Error as broken:
        if isinstance(broken, errors.FeatureNotSupported):
            session.connection.close()  # a plan that a migration made stale: the connection has others like it
        if session.connection.closed:
            raise _Lost(str(broken)) from None
        if isinstance(broken, psycopg.OperationalError):
            raise StoreUnavailable(str(broken)) from None
        raise


class Leader:
    """Reads over the connection that holds the lead, so that who has lost the one can't have the other."""

    def __init__(self, dial: Dialer, statement_ms: int) -> None:
        self._dial, self._statement_ms = dial, statement_ms
        self._thread = ThreadPoolExecutor(1, "lead")
        self._session: Session | None = None
        self._leads = False

    async def run(self, fn: Callable[[Reading, *Args], T], *args: *Args) -> T | None:
        """What `fn` answers, or None where another process leads. Raises what it raises, or StoreUnavailable."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: self._run(fn, *args))

    def _run(self, fn: Callable[[Reading, *Args], T], *args: *Args) -> T | None:
        if self._session is None or self._session.connection.closed:
            self._leads = False
            self._session = Session(self._dial(self._statement_ms))
        with _borrowed(self._session):
            read = PostgresReading(self._session)
            if not self._leads:
                row = read.one(LEAD)
                self._leads = row is not None and row[0]
            return fn(read, *args) if self._leads else None

    def close(self) -> None:
        self._thread.shutdown()
        if self._session is not None:
            self._session.connection.close()
