"""Bring a store's schema to the newest version. When it is there already, that costs a SELECT a line and no import.

Everything that an upgrade does, the version's row too, is one transaction on both engines: whoever is killed in it
leaves the store as it was.
"""

from collections.abc import Callable, Mapping
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import apsw

from gbike.kit.files import about
from gbike.kit.storage.sqlite.store import open_file

if TYPE_CHECKING:
    import psycopg
    import sqlalchemy
    from alembic.config import Config

LOG_VERSIONS = Path(__file__).parent / "log"
FLOOR_VERSIONS = Path(__file__).parent / "versions"
"""What every service has beside its own tables changes by these steps, which follow the service's own."""
OWN, FLOOR = "alembic_version", "floor_version"
"""The tables that keep how far a store is."""
AT = {OWN: "SELECT version_num FROM alembic_version", FLOOR: "SELECT version_num FROM floor_version"}


def newest(versions: Path) -> str:
    """The newest revision in a folder of migrations (files are named by it: 0001_first.py)."""
    return max(file.name.split("_")[0] for file in versions.glob("[0-9]*_*.py"))


def lines_of(versions: Path) -> dict[str, Path]:
    """The lines of versions that a store has: where it keeps how far it is, and the steps."""
    return {OWN: versions} if versions == LOG_VERSIONS else {OWN: versions, FLOOR: FLOOR_VERSIONS}


def version_of(path: Path, line: str = OWN) -> str | None:
    """The schema's version in an SQLite file; None when it has none yet."""
    if not path.exists():
        return None
    with about(path), closing(open_file(path)) as connection:
        try:
            row = connection.execute(AT[line]).fetchone()
        except apsw.SQLError:
            return None
    return str(row[0]) if row else None


def migrate(path: Path, versions: Path) -> bool:
    """Upgrade the SQLite file to the newest schema; answers whether there was anything to do. Raises NoVersion.

    A schema that is newer than ours is left as it is: its release only expanded it, and this one may run on it.
    """
    behind = _behind(versions, lambda line: version_of(path, line))
    if not behind:
        return False
    from gbike.kit.storage.migrations.file import engine_of

    with about(path):
        _upgrade(engine_of(path), behind)
    return True


def migrate_url(url: str, versions: Path) -> bool:
    """Upgrade the PostgreSQL database at `url` to the newest schema; answers whether there was anything to do.

    A schema that is newer than ours is left as it is: its release only expanded it, and may run beside this one.
    """
    import psycopg

    with psycopg.connect(url, connect_timeout=10) as connection:
        behind = _behind(versions, lambda line: _version_at(connection, line))
    if not behind:
        return False
    import sqlalchemy

    own = url.replace("postgresql://", "postgresql+psycopg://", 1)
    _upgrade(sqlalchemy.create_engine(own, poolclass=sqlalchemy.pool.NullPool), behind)
    return True


def _version_at(connection: "psycopg.Connection", line: str) -> str | None:
    table = connection.execute("SELECT to_regclass(%s)", (line,)).fetchone()
    row = connection.execute(AT[line]).fetchone() if table and table[0] else None
    return str(row[0]) if row else None


def _behind(versions: Path, at: Callable[[str], str | None]) -> dict[str, Path]:
    """The lines whose version, told by `at`, is not the newest."""
    return {line: steps for line, steps in lines_of(versions).items() if (at(line) or "") < newest(steps)}


def config_for(versions: Path, line: str = OWN) -> "Config":
    """What Alembic must know of a folder of migrations."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("version_locations", str(versions).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["version_table"] = line
    return config


def _upgrade(engine: "sqlalchemy.Engine", behind: Mapping[str, Path]) -> None:
    """One at a time: who comes second finds it done."""
    from alembic import command

    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(1, 2)")
        for line, steps in behind.items():
            config = config_for(steps, line)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    engine.dispose()


@cache
def _template(versions: Path) -> bytes:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "template.sqlite"
        migrate(path, versions)
        with closing(open_file(path)) as connection:
            return connection.serialize("main")


def in_memory(versions: Path) -> apsw.Connection:
    """A new empty store in memory with the newest schema, in well under a millisecond."""
    connection = open_file(None)
    connection.deserialize("main", _template(versions))
    return connection
