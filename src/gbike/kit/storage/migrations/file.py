"""An SQLite file as SQLAlchemy sees it while the schema is made or changed.

The driver would leave each statement that makes something on its own; here it begins nothing by itself. Up to c943df6
it did: what such a gbike left, killed before it had written a version, is finished.
"""

import re
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import event

from gbike.kit.storage.migrations import NoVersion

_MAKES = re.compile(
    r'\s*(?:CREATE (?:UNIQUE )?(?:TABLE|INDEX|TRIGGER) "?(\w+)"?|ALTER TABLE "?(\w+)"? ADD COLUMN "?(\w+)"?)'
)
_NOTHING = "SELECT 1"
_VERSION = "alembic_version"


def engine_of(path: Path) -> sqlalchemy.Engine:
    """The file, whatever its name is, each of whose transactions is begun for writing, and which passes over what is
    there already. Raises NoVersion when a transaction is begun."""
    url = sqlalchemy.URL.create("sqlite", database=str(path))
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.pool.NullPool)

    @event.listens_for(engine, "connect")
    def leave_transactions_to_us(connection: Any, _record: Any) -> None:
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def begin(connection: sqlalchemy.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        _make_room(connection, path)

    event.listen(engine, "before_cursor_execute", _unless_there, retval=True)
    return engine


def _make_room(connection: sqlalchemy.Connection, path: Path) -> None:
    """A first step that was left half-way is begun anew: nothing was served before it was done, so nothing is lost."""
    if sqlalchemy.inspect(connection).has_table(_VERSION) and _has_rows(connection, sqlalchemy.table(_VERSION)):
        return
    left = sqlalchemy.MetaData()
    left.reflect(connection)
    for name, table in left.tables.items():
        if _has_rows(connection, table):
            raise NoVersion(
                f"{path} has rows in {name} and no version of its schema, which no gbike leaves:"
                " put a backup of the whole folder back (gbike restore)"
                " · 스키마 버전이 없는 파일이에요. 폴더 전체를 백업에서 복원해 주세요"
            )
    left.drop_all(connection, checkfirst=False)


def _has_rows(connection: sqlalchemy.Connection, table: sqlalchemy.FromClause) -> bool:
    return connection.execute(sqlalchemy.select(sqlalchemy.literal(1)).select_from(table).limit(1)).first() is not None


def _unless_there(
    _connection: Any, cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool
) -> tuple[str, Any]:
    """A later step that was left half-way: what it had made stays, the rest follows."""
    makes = _MAKES.match(statement)
    if makes is None:
        return statement, parameters
    made, table, column = makes.groups()
    if made:
        cursor.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (made,))
    else:
        cursor.execute("SELECT 1 FROM pragma_table_info(?) WHERE name = ?", (table, column))
    return (_NOTHING if cursor.fetchone() else statement), parameters
