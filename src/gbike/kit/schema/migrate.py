"""Bring a store's schema to the newest version. When it is there already, that costs one SELECT and no import.

Everything that an upgrade does, the version's row too, is one transaction on both engines: whoever is killed in it
leaves the store as it was.
"""

from contextlib import closing
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import apsw

from gbike.kit.files import about
from gbike.kit.sqlite.store import open_file

if TYPE_CHECKING:
    import sqlalchemy
    from alembic.config import Config

LOG_VERSIONS = Path(__file__).parent / "log"


def newest(versions: Path) -> str:
    """The newest revision in a folder of migrations (files are named by it: 0001_first.py)."""
    return max(file.name.split("_")[0] for file in versions.glob("[0-9]*_*.py"))


def version_of(path: Path) -> str | None:
    """The schema's version in an SQLite file; None when it has none yet."""
    if not path.exists():
        return None
    with about(path), closing(open_file(path)) as connection:
        try:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        except apsw.SQLError:
            return None
    return str(row[0]) if row else None


def migrate(path: Path, versions: Path) -> bool:
    """Upgrade the SQLite file to the newest schema; answers whether there was anything to do. Raises NoVersion.

    A schema that is newer than ours is left as it is: its release only expanded it, and this one may run on it.
    """
    version = version_of(path)
    if version is not None and version >= newest(versions):
        return False
    from gbike.kit.schema.file import engine_of

    with about(path):
        _upgrade(engine_of(path), versions)
    return True


def migrate_url(url: str, versions: Path) -> bool:
    """Upgrade the PostgreSQL database at `url` to the newest schema; answers whether there was anything to do.

    A schema that is newer than ours is left as it is: its release only expanded it, and may run beside this one.
    """
    import psycopg

    with psycopg.connect(url, connect_timeout=10) as connection:
        table = connection.execute("SELECT to_regclass('alembic_version')").fetchone()
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone() if table and table[0] else None
    if row is not None and row[0] >= newest(versions):
        return False
    import sqlalchemy

    own = url.replace("postgresql://", "postgresql+psycopg://", 1)
    _upgrade(sqlalchemy.create_engine(own, poolclass=sqlalchemy.pool.NullPool), versions)
    return True


def config_for(versions: Path) -> "Config":
    """What Alembic must know of a folder of migrations."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("version_locations", str(versions).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _upgrade(engine: "sqlalchemy.Engine", versions: Path) -> None:
    """One at a time: who comes second finds it done."""
    from alembic import command

    config = config_for(versions)
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(1, 2)")
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
