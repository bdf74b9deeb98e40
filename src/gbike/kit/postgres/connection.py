"""Connections as every adapter here wants them, and what is read over one.

Transactions are begun by hand, statements are prepared at their first use, and a server that is gone is noticed in
seconds, by us and by it: an unanswered connection must not keep a lock or the lead.
"""

from collections.abc import Generator, Iterable, Sequence
from functools import cache
from typing import Any

import psycopg
from psycopg.adapt import AdaptersMap, Buffer, Dumper, Loader
from psycopg.types.numeric import Int8BinaryDumper

from gbike.kit.clock import Clock
from gbike.kit.store import Row, StoreUnavailable
from gbike.kit.telemetry import log

CONNECT_S = 2
"""How long making a connection may take; the least that libpq allows."""
PAUSE_MS = 100
"""After a failed attempt everybody is refused for this long without another: a server that starts is not hammered."""
LOCK_MS = 2_000
"""How long a statement may wait for a lock: no transaction of ours holds one for longer than a batch takes."""
IDLE_IN_TRANSACTION_MS = 10_000
"""When the server gives up a transaction whose client says nothing, and with it the locks."""
STATEMENTS = 512
"""Prepared statements that a connection keeps."""
FETCH = 1_000
"""Rows that `each` takes from the server at a time."""

Connection = psycopg.Connection[Row]


class _BoolDumper(Dumper):
    """`1` and `0` without a type, which a column of numbers takes as well as one of truth values, as on SQLite."""

    def dump(self, obj: bool) -> Buffer:
        return b"1" if obj else b"0"


class _NumericLoader(Loader):
    """Only sums of whole numbers and averages come as numeric."""

    def load(self, data: Buffer) -> int | float:
        text = bytes(data)
        return float(text) if b"." in text else int(text)


@cache
def _adapters() -> AdaptersMap:
    adapters = AdaptersMap(psycopg.adapters)
    adapters.register_dumper(int, Int8BinaryDumper)  # one type whatever the size, so that a statement is one statement
    adapters.register_dumper(bool, _BoolDumper)
    adapters.register_loader("numeric", _NumericLoader)
    return adapters


class _Context:
    """What psycopg.connect takes the adapters from."""

    connection = None

    @property
    def adapters(self) -> AdaptersMap:
        return _adapters()


class Dialer:
    """Makes connections to one database, and knows when there is no point in trying."""

    def __init__(self, url: str, clock: Clock, source: str) -> None:
        self._url, self._clock, self._source = url, clock, source
        self._not_before_ms = 0.0
        self._why = ""

    def __call__(self, statement_ms: int) -> Connection:
        """A new connection, whose statements take `statement_ms` at most. Raises StoreUnavailable."""
        if self._clock.monotonic_ms() < self._not_before_ms:
            raise StoreUnavailable(self._why)
        options = {
            "statement_timeout": statement_ms,
            "lock_timeout": LOCK_MS,
            "idle_in_transaction_session_timeout": IDLE_IN_TRANSACTION_MS,
            "client_connection_check_interval": 1_000,
            "tcp_keepalives_idle": 5,
            "tcp_keepalives_interval": 2,
            "tcp_keepalives_count": 3,
        }
        try:
            connection: Connection = psycopg.connect(
                self._url,
                autocommit=True,
                prepare_threshold=0,
                cursor_factory=psycopg.RawCursor,
                context=_Context(),
                connect_timeout=CONNECT_S,
                application_name=self._source,
                options=" ".join(f"-c {name}={value}" for name, value in options.items()),
                keepalives_idle=5,
                keepalives_interval=2,
                keepalives_count=3,
                tcp_user_timeout=10_000,
            )
        except psycopg.Error as refused:
            self._pause(str(refused))
            raise StoreUnavailable(str(refused)) from None
        connection.prepared_max = STATEMENTS
        if self._why:
            log.info("the database answers again", store=self._source)
            self._why = ""
        return connection

    def _pause(self, why: str) -> None:
        self._not_before_ms = self._clock.monotonic_ms() + PAUSE_MS
        if not self._why:
            log.error("the database does not answer", store=self._source, why=why)
        self._why = why or "no connection"


@cache
def translated(sql: str) -> bytes:
    """Our SQL, whose parameters are `?`, as PostgreSQL wants it: `$1`, `$2` … ."""
    quoted = sql.split("'")
    number = 0
    for i in range(0, len(quoted), 2):  # every other piece stands between quotes
        head, *rest = quoted[i].split("?")
        for piece in rest:
            number += 1
            head += f"${number}{piece}"
        quoted[i] = head
    return "'".join(quoted).encode()


class PostgresReading:
    """Reads over one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._cursor = connection.cursor()

    def one(self, sql: str, params: Sequence[Any] = ()) -> Row | None:
        """The first row, or None."""
        return self._run(sql, params).fetchone()

    def all(self, sql: str, params: Sequence[Any] = ()) -> list[Row]:
        """Every row."""
        return self._run(sql, params).fetchall()

    def each(self, sql: str, params: Sequence[Any] = ()) -> Iterable[Row]:
        """Rows one by one."""
        return self._each(sql, params)

    def _each(self, sql: str, params: Sequence[Any]) -> Generator[Row]:
        with self._connection.transaction(), psycopg.RawServerCursor(self._connection, "each") as cursor:
            cursor.itersize = FETCH
            cursor.execute(translated(sql), params)
            yield from cursor

    def _run(self, sql: str, params: Sequence[Any]) -> psycopg.Cursor[Row]:
        return self._cursor.execute(translated(sql), params)
