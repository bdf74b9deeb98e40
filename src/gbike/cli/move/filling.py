"""One store's tables by COPY into one database: all of them in one transaction, or none.

Which tables and columns there are is read from both sides, so that a new one comes along by itself and one that a side
lacks is an error. A digest does not depend on the order of rows: it is the sum of the rows' hashes.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any

import apsw
import msgspec
import psycopg
from psycopg import sql

from gbike.cli.move import CannotMove
from gbike.kit.storage.migrations.migrate import FLOOR, OWN, in_memory, migrate_url
from gbike.kit.storage.sqlite.store import open_file

MARK = "moving"
"""The table that says from where a database is filled; dropped when all are whole."""
ITS_OWN = frozenset({OWN, FLOOR, MARK})
"""A database's own, whatever is filled into it."""
STAYS = ITS_OWN | {"commits", "positions", "seal"}
"""What is not carried: the writers' of one engine, places in a log that is left behind, whose file it was."""
FETCH = 5_000
"""Rows read from a server at once."""
_BITS = 128
_THEIR_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"

Moved = Callable[[str, int, bool], None]
"""Told a service's table, how many more of its rows are there, and whether these are the last."""
Columns = Mapping[str, str]
"""The columns of a table and their types, as PostgreSQL calls them."""
Connection = psycopg.Connection[tuple[Any, ...]]


class Filled(msgspec.Struct, frozen=True):
    """What was read and written."""

    tables: int
    rows: int
    digest: int

    def __add__(self, other: "Filled") -> "Filled":
        return Filled(self.tables + other.tables, self.rows + other.rows, (self.digest + other.digest) % (1 << _BITS))


NOTHING = Filled(0, 0, 0)


class Database(msgspec.Struct, frozen=True):
    """A service's database with the newest schema, whose emptiness is that of a new store of `versions`."""

    service: str
    url: str
    versions: Path
    source: str
    """What its mark says, when we fill it."""


@contextmanager
def opened(database: Database) -> Iterator[Connection]:
    """A transaction over it. Raises CannotMove where the server refuses."""
    try:
        with psycopg.connect(database.url, connect_timeout=10) as connection:
            yield connection
    except psycopg.Error as refused:
        why = str(refused).strip().splitlines()
        raise CannotMove(f"the database {database.service} can't be written: {why[0] if why else refused!r}") from None


def must_be_free(database: Database) -> None:
    """It has no rows but those of a move of ours that did not end. Raises CannotMove, which names a table."""
    with opened(database) as connection:
        _must_be_free(connection, database)


def prepare(database: Database) -> None:
    """Give it the newest schema. Raises CannotMove."""
    from sqlalchemy.exc import SQLAlchemyError

    try:
        migrate_url(database.url, database.versions)
    except (psycopg.Error, SQLAlchemyError) as refused:
        why = str(refused).strip().splitlines()[0]
        raise CannotMove(f"the database {database.service} does not take the schema: {why}") from None


def filled(database: Database) -> bool:
    """Whether the mark says that every database of the move is whole."""
    with opened(database) as connection:
        return _mark(connection) == (database.source, True)


def fill(database: Database, file: Path, moved: Moved) -> Filled:
    """Copy every table of the SQLite file, in one transaction. Raises CannotMove."""
    done = NOTHING
    with opened(database) as connection, closing(open_file(file, apsw.SQLITE_OPEN_READONLY)) as store:
        tables = _same_tables(database.service, connection, store)
        every = sql.SQL(", ").join(map(sql.Identifier, _tables(connection)))
        connection.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(every))
        _must_be_free(connection, database)
        connection.execute(f"CREATE TABLE IF NOT EXISTS {MARK} (source text NOT NULL, filled boolean NOT NULL)")
        connection.execute(f"DELETE FROM {MARK}")
        connection.execute(f"INSERT INTO {MARK} VALUES (%s, false)", (database.source,))
        for table, columns in tables.items():
            _empty(connection, table)
            done += _copy(database.service, connection, store, (table, columns), moved)
            _go_on_counting(connection, store, table, columns)
    return done


def rows_in(file: Path) -> int:
    with closing(open_file(file, apsw.SQLITE_OPEN_READONLY)) as store:
        names = [row[0] for row in store.execute(_THEIR_TABLES) if row[0] not in STAYS]
        counts = [store.execute(f'SELECT count(*) FROM "{name}"').fetchone() for name in names]
    return sum(count[0] for count in counts if count)


def look(database: Database) -> Filled:
    """What is there now, as `fill` counts it."""
    done = NOTHING
    with opened(database) as connection:
        for table, columns in _tables(connection).items():
            if table not in STAYS:
                query = sql.SQL("SELECT {} FROM {}").format(_names(columns), sql.Identifier(table))
                with connection.cursor("look") as cursor:
                    cursor.itersize = FETCH
                    cursor.execute(query, binary=True)
                    done += _counted(database.service, table, cursor)
    return done


def publish_since(database: Database, since_ms: int) -> int:
    """Let the service publish again what was published since; answers how many messages."""
    with opened(database) as connection:
        return connection.execute(
            "UPDATE outbox SET published_ms = NULL WHERE published_ms >= %s", (since_ms,)
        ).rowcount


def mark_filled(database: Database) -> None:
    """From now on nothing of the move is undone."""
    with opened(database) as connection:
        connection.execute(f"UPDATE {MARK} SET filled = true")


def unmark(database: Database) -> None:
    with opened(database) as connection:
        connection.execute(f"DROP TABLE IF EXISTS {MARK}")


def _must_be_free(connection: Connection, database: Database) -> None:
    """Writers leave a row in `commits` with whatever they do, so what is marked is ours alone while that is empty."""
    mark, tables = _mark(connection), _tables(connection)
    if tables and "alembic_version" not in tables:
        raise CannotMove(
            f"the database {database.service} is not gbike's: it has a table {min(tables)} · 다른 데이터베이스예요"
        )
    if mark is not None and mark[0] != database.source:
        raise CannotMove(
            f"the database {database.service} is being filled from {mark[0]} · 다른 폴더에서 옮기던 중이에요"
        )
    with closing(in_memory(database.versions)) as new:
        known = {name for (name,) in new.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        for table in tables:
            if table in ITS_OWN or (mark is not None and table != "commits"):
                continue
            count = new.execute(f'SELECT count(*) FROM "{table}"').fetchone() if table in known else (0,)
            usual = int(count[0]) if count else 0
            query = sql.SQL("SELECT count(*) FROM (SELECT 1 FROM {} LIMIT {}) AS found")
            row = connection.execute(query.format(sql.Identifier(table), usual + 1)).fetchone()
            if row and row[0] > usual:
                raise CannotMove(
                    f"the database {database.service} has rows in {table}: move into an empty one · 비어 있지 않아요"
                )


def _mark(connection: Connection) -> tuple[str, bool] | None:
    if MARK not in _tables(connection):
        return None
    row = connection.execute(f"SELECT source, filled FROM {MARK}").fetchone()
    return (row[0], row[1]) if row else None


def _tables(connection: Connection) -> dict[str, dict[str, str]]:
    found = dict[str, dict[str, str]]()
    rows = connection.execute(
        "SELECT table_name, column_name, data_type FROM information_schema.columns JOIN information_schema.tables"
        " USING (table_schema, table_name) WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'"
        " ORDER BY table_name, ordinal_position"
    )
    for table, column, kind in rows:
        found.setdefault(table, {})[column] = kind
    return found


def _same_tables(service: str, connection: Connection, store: apsw.Connection) -> dict[str, dict[str, str]]:
    """The tables to copy, which are the same on both sides. Raises CannotMove."""
    there = {name: columns for name, columns in _tables(connection).items() if name not in STAYS}
    here = {
        name: {column for (column,) in store.execute("SELECT name FROM pragma_table_info(?)", (name,))}
        for name in [row[0] for row in store.execute(_THEIR_TABLES)]
        if name not in STAYS
    }
    for name in sorted(there.keys() ^ here.keys()):
        side = "the folder" if name in there else "the database"
        raise CannotMove(f"{service}: {side} has no table {name} · 테이블이 없어요")
    for name, columns in there.items():
        for column in sorted(columns.keys() ^ here[name]):
            side = "the folder" if column in columns else "the database"
            raise CannotMove(f"{service}: {side} has no column {column} in {name} · 열이 없어요")
    return there


def _empty(connection: Connection, table: str) -> None:
    """What a new schema has of itself, or a move that did not end has left. What is final is so for services."""
    for command in (
        "ALTER TABLE {} DISABLE TRIGGER USER",
        "TRUNCATE {} RESTART IDENTITY",
        "ALTER TABLE {} ENABLE TRIGGER USER",
    ):
        connection.execute(sql.SQL(command).format(sql.Identifier(table)))  # fmt: skip


def _copy(
    service: str, connection: Connection, store: apsw.Connection, which: tuple[str, Columns], moved: Moved
) -> Filled:
    table, columns = which
    quoted = ", ".join(f'"{name}"' for name in columns)
    into = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), _names(columns))
    kinds, row = list(columns.values()), (None,)
    number = total = 0
    try:
        with connection.cursor() as cursor, cursor.copy(into) as copy:
            for row in store.execute(f'SELECT {quoted} FROM "{table}"'):
                values = tuple(map(_as, row, kinds))
                copy.write_row(values)
                total += _hash(service, table, values)
                number += 1
                if number % FETCH == 0:
                    moved(f"{service} {table}", FETCH, False)
    except (psycopg.DataError, UnicodeError, ValueError, TypeError, OverflowError) as wrong:
        published = wrong.diag.context if isinstance(wrong, psycopg.Error) else None
        where = published or f"the row {row[0]!r} or the one after it"
        raise CannotMove(f"{service}: {table} does not fit, at {where}: {str(wrong).splitlines()[0]}") from None
    moved(f"{service} {table}", number % FETCH, True)
    return Filled(1, number, total % (1 << _BITS))


def _as(value: Any, kind: str) -> Any:
    """A value of SQLite as PostgreSQL's column wants it."""
    if value is None:
        return None
    if kind == "boolean":
        return bool(value)
    if kind == "bytea" and isinstance(value, str):
        return value.encode()
    return float(value) if kind == "double precision" else value


def _hash(service: str, table: str, row: Sequence[Any]) -> int:
    raw = msgspec.msgpack.encode((service, table, *row))
    return int.from_bytes(blake2b(raw, digest_size=_BITS // 8).digest())


def _counted(service: str, table: str, rows: Iterable[Sequence[Any]]) -> Filled:
    number = total = 0
    for row in rows:
        total += _hash(service, table, row)
        number += 1
    return Filled(1, number, total % (1 << _BITS))


def _go_on_counting(connection: Connection, store: apsw.Connection, table: str, columns: Columns) -> None:
    """Numbers never come back, not even those of rows that are gone."""
    for column in columns:
        row = connection.execute("SELECT pg_get_serial_sequence(%s, %s)", (table, column)).fetchone()
        if row and row[0]:
            last = store.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
            highest = store.execute(f'SELECT coalesce(max("{column}"), 0) FROM "{table}"').fetchone()
            number = max(last[0] if last else 0, highest[0] if highest else 0)
            if number:
                connection.execute("SELECT setval(%s, %s)", (row[0], number))


def _names(columns: Columns) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))
