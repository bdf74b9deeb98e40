"""What a gbike up to 0.1.0 and c943df6 left of a store in which it was killed while it made or changed the schema.

Its driver began no transaction before the first change of rows: each statement that makes a table, an index or a column
was there at once, and the version's row came last.
"""

import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import sqlalchemy
from alembic import command

from gbike.kit.storage.migrations.migrate import config_for, newest
from gbike.kit.storage.sqlite.store import open_file

COLUMNS = 'SELECT name, type, "notnull", dflt_value, pk FROM pragma_table_info(?)'
WRITES = ("CREATE", "ALTER", "INSERT", "UPDATE")


class Killed(BaseException):
    """The process ends here."""


def upgraded_by_the_older(path: Path, versions: Path, to: str, statements: int) -> bool:
    """Upgrade as the older did, killed after so many statements; answers whether it was: an upgrade may have fewer."""
    engine = sqlalchemy.create_engine(
        sqlalchemy.URL.create("sqlite", database=str(path)), poolclass=sqlalchemy.pool.NullPool
    )
    done = 0

    def count(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        nonlocal done
        if statement.lstrip().upper().startswith(WRITES):
            if done == statements:
                raise Killed
            done += 1

    sqlalchemy.event.listen(engine, "before_cursor_execute", count)
    config = config_for(versions)
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, to)
    except Killed:
        return True
    finally:
        engine.dispose()
    return False


def copied(path: Path, target: Path) -> Path:
    """A copy of a store that nobody has open."""
    shutil.copyfile(path, target)
    return target


def schema_of(path: Path) -> dict[str, Any]:
    """Every table with its columns, every index and trigger with its text; the order of columns does not count."""
    with closing(open_file(path)) as file:
        tables = [name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        columns = {name: sorted(file.execute(COLUMNS, (name,)).fetchall()) for name in tables}
        others = file.execute("SELECT name, sql FROM sqlite_master WHERE type <> 'table'")
        return columns | {str(name): sql for name, sql in others}


def rows_of(path: Path) -> dict[str, list[Any]]:
    """Every row of every table, but for the schema's version."""
    with closing(open_file(path)) as file:
        tables = [name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            name: file.execute(f'SELECT * FROM "{name}"').fetchall()
            for name in sorted(tables)
            if name not in ("alembic_version", "floor_version")
        }


STEP = """
import os, signal
import sqlalchemy as sa
from alembic import op
revision, down_revision = "9999", {before!r}
def upgrade() -> None:
    op.create_table("moods", sa.Column("mood", sa.Text))
    op.add_column("rents", sa.Column("mood", sa.Text))
    op.execute("UPDATE rents SET status = 'happy'")
    {end}
"""
KILL = "os.kill(os.getpid(), signal.SIGKILL)"


def with_a_step(versions: Path, folder: Path, end: str) -> Path:
    """The migrations in another folder, and one more step, which ends so."""
    folder.mkdir(exist_ok=True)
    for file in versions.glob("*.py"):
        (folder / file.name).write_text(file.read_text("utf-8"), "utf-8")
    (folder / "9999_more.py").write_text(STEP.format(before=newest(versions), end=end))
    return folder
