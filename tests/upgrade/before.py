"""A store at an older step of its schema, on both engines."""

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import psycopg
import pytest
from alembic import command

from gbike.kit.storage.migrations.file import engine_of
from gbike.kit.storage.migrations.migrate import config_for, migrate, migrate_url
from gbike.kit.storage.sqlite.store import open_file
from tests.postgres import Server


class Step(NamedTuple):
    """A step of a service's schema."""

    versions: Path
    revision: str

    def take(self, connection: Any) -> None:
        """An empty database becomes what it was after this step."""
        config = config_for(self.versions)
        config.attributes["connection"] = connection
        command.upgrade(config, self.revision)


class Before(Protocol):
    """A store of before."""

    url: str

    def run(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """One statement."""

    def upgrade(self) -> None:
        """To the schema of today."""


class OnSqlite:
    def __init__(self, path: Path, step: Step) -> None:
        self.path, self.url = path, f"sqlite:///{path}"
        self._step = step
        with engine_of(path).begin() as connection:
            step.take(connection)

    def run(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with closing(open_file(self.path)) as file:
            return list(file.execute(sql, tuple(params)))

    def upgrade(self) -> None:
        migrate(self.path, self._step.versions)


class OnPostgres:
    def __init__(self, url: str, step: Step) -> None:
        import sqlalchemy

        self.url, self._step = url, step
        with sqlalchemy.create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1)).begin() as connection:
            step.take(connection)

    def run(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(sql.replace("?", "%s"), tuple(params))
            return cursor.fetchall() if cursor.description else []

    def upgrade(self) -> None:
        migrate_url(self.url, self._step.versions)


def store_at(step: Step) -> Callable[[pytest.FixtureRequest, Path], Before]:
    """A fixture of a store at this step, on either engine."""

    @pytest.fixture(params=["sqlite", "postgres"])
    def before(request: pytest.FixtureRequest, tmp_path: Path) -> Before:
        if request.param == "sqlite":
            return OnSqlite(tmp_path / "store.sqlite", step)
        server = request.getfixturevalue("server")
        assert isinstance(server, Server)
        return OnPostgres(server.url(server.database()), step)

    return before
