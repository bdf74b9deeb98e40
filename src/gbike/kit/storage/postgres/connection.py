"""Connections as every adapter here wants them, and what is read over one.

Transactions are begun by hand, statements are prepared at their first use, and a server that is gone is noticed in
seconds, by us and by it: an unanswered connection must not keep a lock or the lead.
"""

import select
from collections.abc import Iterable, Sequence
from functools import cache
from struct import pack
from typing import Any

import psycopg
from psycopg import errors
from psycopg import postgres as server
from psycopg.adapt import AdaptersMap, Buffer, Dumper, PyFormat, Transformer
from psycopg.pq import ConnStatus, ExecStatus, Format, TransactionStatus
from psycopg.pq.abc import PGresult
from psycopg.types.numeric import Int8BinaryDumper, NumericBinaryLoader

from gbike.kit.auth.principal import NOBODY_ASKED, Acting
from gbike.kit.clock import Clock
from gbike.kit.settings import BadSetting
from gbike.kit.storage.postgres.login import with_password
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

BINARY = Format.BINARY
Connection = psycopg.Connection[Row]


class _BoolDumper(Dumper):
    """`1` and `0` without a type, which a column of numbers takes as well as one of truth values, as on SQLite."""

    def dump(self, obj: bool) -> Buffer:
        return b"1" if obj else b"0"


class Texts(list[str]):
    """A column of texts, as one parameter."""


class Blobs(list[bytes]):
    """A column of bytes, as one parameter."""


class Numbers(list[int]):
    """A column of whole numbers, as one parameter."""


class _ColumnDumper(Dumper):
    """An array without NULLs in the server's own form: psycopg's dumpers look at every element from all sides, and
    take longer than the statement."""

    format = Format.BINARY
    element = 0

    def dump(self, obj: Sequence[Any]) -> Buffer:
        raw = self.raw(obj)
        if not raw:
            return pack(">3i", 0, 0, self.element)
        head = pack(">3i", 1, 0, self.element) + pack(">2i", len(raw), 1)
        return head + b"".join([len(one).to_bytes(4, "big") + one for one in raw])

    def raw(self, obj: Sequence[Any]) -> Sequence[bytes]:
        return obj


class _BlobsDumper(_ColumnDumper):
    oid, element = server.types["bytea"].array_oid, server.types["bytea"].oid


class _TextsDumper(_ColumnDumper):
    oid, element = server.types["text"].array_oid, server.types["text"].oid

    def raw(self, obj: Sequence[str]) -> Sequence[bytes]:
        return [one.encode() for one in obj]


class _NumbersDumper(_ColumnDumper):
    oid, element = server.types["int8"].array_oid, server.types["int8"].oid

    def raw(self, obj: Sequence[int]) -> Sequence[bytes]:
        return [one.to_bytes(8, "big", signed=True) for one in obj]


class _NumericLoader(NumericBinaryLoader):
    """Only sums of whole numbers and averages come as numeric."""

    def load(self, data: Buffer) -> int | float:  # type: ignore[override]
        number = super().load(data)
        return int(number) if number == number.to_integral_value() else float(number)


@cache
def _adapters() -> AdaptersMap:
    adapters = AdaptersMap(psycopg.adapters)
    adapters.register_dumper(int, Int8BinaryDumper)  # one type whatever the size, so that a statement is one statement
    adapters.register_dumper(bool, _BoolDumper)
    for column, dumper in ((Texts, _TextsDumper), (Blobs, _BlobsDumper), (Numbers, _NumbersDumper)):
        adapters.register_dumper(column, dumper)
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

    def __init__(self, url: str, clock: Clock, source: str, password_file: str = "") -> None:
        """`password_file`: read for each connection, so that a new password needs no restart."""
        self._url, self._password_file = url, password_file
        self._clock, self._source = clock, source
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
                with_password(self._url, self._password_file),
                autocommit=True,
                prepare_threshold=None,
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
        except (psycopg.Error, BadSetting) as refused:
            self._pause(str(refused))
            raise StoreUnavailable(str(refused)) from None
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


class Session:
    """Statements over one connection, prepared at their first use. Driven through libpq by hand: that costs a third
    of what a cursor does, and lets statements go together that need not wait for each other's answer."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._pg = connection.pgconn
        self._news = select.poll()
        self._news.register(self._pg.socket, select.POLLIN)
        self._values = Transformer(connection)
        self._names = dict[tuple[str, tuple[int, ...]], bytes]()

    def run(self, sql: str, params: Sequence[Any]) -> PGresult:
        """The result of one statement. Raises psycopg.Error."""
        return self._checked(self._pg.exec_prepared(*self._prepared(sql, params), BINARY))

    def together(self, statements: Iterable[tuple[str, Sequence[Any]]]) -> list[PGresult]:
        """The results of some statements, all sent at once. Raises psycopg.Error for the first that failed; then
        none of those after it was run."""
        prepared = [self._prepared(sql, params) for sql, params in statements]
        self._pg.enter_pipeline_mode()
        try:
            for one in prepared:
                self._pg.send_query_prepared(*one, BINARY)
            self._pg.pipeline_sync()
            results = [result for _ in prepared for result in self._next_results()]
            self._next_results()
        except psycopg.OperationalError as lost:
            raise self._lost(str(lost)) from None
        if self._pg.status == ConnStatus.BAD:
            raise self._lost(results[-1].get_error_message() if results else "")
        self._pg.exit_pipeline_mode()
        return [self._checked(result) for result in results]

    def control(self, sql: str) -> None:
        """Run statements without parameters that answer nothing."""
        self._checked(self._pg.exec_(sql.encode()))

    def rows(self, result: PGresult) -> list[Row]:
        self._values.set_pgresult(result)
        return self._values.load_rows(0, result.ntuples, tuple)

    @property
    def idle(self) -> bool:
        """Whether no transaction is open: it ended, or the connection did."""
        return self.connection.closed or self._pg.transaction_status == TransactionStatus.IDLE

    @property
    def in_error(self) -> bool:
        """Whether the open transaction can't go on."""
        return self._pg.transaction_status == TransactionStatus.INERROR

    def _prepared(self, sql: str, params: Sequence[Any]) -> tuple[bytes, Sequence[Any], Sequence[int] | None]:
        values = self._values.dump_sequence(params, [PyFormat.AUTO] * len(params))
        formats, types = self._values.formats, self._values.types or ()
        name = self._names.get((sql, types))
        if name is None:
            if len(self._names) >= STATEMENTS:
                self.control("DEALLOCATE ALL")
                self._names.clear()
            name = self._names[sql, types] = b"s%d" % len(self._names)
            try:
                self._checked(self._pg.prepare(name, translated(sql), types))
            except psycopg.Error:
                del self._names[sql, types]
                raise
        return name, values, formats

    def _next_results(self) -> list[PGresult]:
        """The results of the next statement in the pipeline; none for one that was not run."""
        found = list[PGresult]()
        while (result := self._next_result()) is not None:
            found.append(result)
            if result.status == ExecStatus.PIPELINE_SYNC or self._pg.status == ConnStatus.BAD:
                break
        return found

    def _next_result(self) -> PGresult | None:
        while self._pg.is_busy():  # get_result would wait with the interpreter locked
            # What is larger than the socket's buffer is sent piece by piece: the server answers when it has all of it.
            unsent = self._pg.flush()
            self._news.modify(self._pg.socket, select.POLLIN | select.POLLOUT if unsent else select.POLLIN)
            self._news.poll()
            self._pg.consume_input()
        return self._pg.get_result()

    def _checked(self, result: PGresult) -> PGresult:
        if result.status in _FINE:
            return result
        if self._pg.status == ConnStatus.BAD:
            raise self._lost(result.get_error_message())
        raise errors.error_from_result(result)

    def _lost(self, why: str) -> psycopg.OperationalError:
        self.connection.close()
        return psycopg.OperationalError(why or "the connection is lost")


_FINE = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)


class PostgresReading:
    """Reads over one connection."""

    def __init__(self, session: Session, on_behalf: Acting = NOBODY_ASKED) -> None:
        self._connection = session
        self.owner, self.key = on_behalf.owner, on_behalf.key

    def one(self, sql: str, params: Sequence[Any] = ()) -> Row | None:
        """The first row, or None."""
        rows = self._connection.rows(self._run(sql, params))
        return rows[0] if rows else None

    def all(self, sql: str, params: Sequence[Any] = ()) -> list[Row]:
        return self._connection.rows(self._run(sql, params))

    def each(self, sql: str, params: Sequence[Any] = ()) -> Iterable[Row]:
        connection = self._connection.connection
        with connection.transaction(), psycopg.RawServerCursor(connection, "each") as cursor:
            cursor.itersize = FETCH
            cursor.execute(translated(sql), params)
            yield from cursor

    def _run(self, sql: str, params: Sequence[Any]) -> PGresult:
        return self._connection.run(sql, params)
