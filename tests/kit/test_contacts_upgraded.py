"""Contacts of before get their normal form in the upgrade, on both engines, and everybody gets in as they did."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

import psycopg
import pytest
from alembic import command

from gbike.kit.clock import SystemClock, SystemIds
from gbike.kit.contacts import known_as
from gbike.kit.storage.migrations.file import engine_of
from gbike.kit.storage.migrations.migrate import config_for, migrate, migrate_url
from gbike.kit.storage.sqlite.store import open_file
from gbike.run.single import open_store
from gbike.services.account.storage import VERSIONS
from gbike.services.account.storage.contacts import candidates
from tests.postgres import Server

BEFORE = "0004"
CONTACTS = ["kim@example.com", "010-1234-5678", "01012345678", "the boss", "+82 2-1234-5678", "kim\u200b@example.com"]


class Before(Protocol):
    """A store of before."""

    url: str

    def run(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """One statement."""

    def upgrade(self) -> None:
        """To the schema of today."""


class OnSqlite:
    def __init__(self, path: Path) -> None:
        self.path, self.url = path, f"sqlite:///{path}"
        with engine_of(path).begin() as connection:
            _to_before(connection)

    def run(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with closing(open_file(self.path)) as file:
            return list(file.execute(sql, tuple(params)))

    def upgrade(self) -> None:
        migrate(self.path, VERSIONS)


class OnPostgres:
    def __init__(self, url: str) -> None:
        import sqlalchemy

        self.url = url
        with sqlalchemy.create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1)).begin() as connection:
            _to_before(connection)

    def run(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(sql.replace("?", "%s"), tuple(params))
            return cursor.fetchall() if cursor.description else []

    def upgrade(self) -> None:
        migrate_url(self.url, VERSIONS)


def _to_before(connection: Any) -> None:
    config = config_for(VERSIONS)
    config.attributes["connection"] = connection
    command.upgrade(config, BEFORE)


@pytest.fixture(params=["sqlite", "postgres"])
def before(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Before]:
    if request.param == "sqlite":
        yield OnSqlite(tmp_path / "account.sqlite")
        return
    server = request.getfixturevalue("server")
    assert isinstance(server, Server)
    yield OnPostgres(server.url(server.database()))


async def test_everybody_is_found_by_what_they_typed_and_nobody_claims_what_two_have(before: Before) -> None:
    for contact in CONTACTS:
        before.run(
            "INSERT INTO accounts (name, contact, password_hash, roles, created_ms) VALUES ('a', ?, 'h', 'rider', 1)",
            (contact,),
        )
    before.upgrade()
    rows = before.run("SELECT contact, normal, shared FROM accounts ORDER BY userid")
    assert rows == [
        ("kim@example.com", "kim@example.com", 0),
        ("010-1234-5678", "+821012345678", 1),
        ("01012345678", "+821012345678", 1),
        ("the boss", "the boss", 0),
        ("+82 2-1234-5678", "+82212345678", 0),
        ("kim\u200b@example.com", "kim\u200b@example.com", 0),
    ]
    store = open_store(before.url, "account", SystemClock(), SystemIds())
    try:
        for userid, contact in enumerate(CONTACTS, 1):
            [known] = await store.read(candidates, known_as(contact))
            assert (known.account.userid, known.account.proved) == (userid, True)
        both = await store.read(candidates, known_as("+82 10 1234 5678"))
        assert [known.account.userid for known in both] == [3, 2], "by the password"
        [office] = await store.read(candidates, known_as("02-1234-5678"))
        assert office.account.userid == 5
    finally:
        await store.close()


def test_many_accounts_are_filled_a_batch_at_a_time(before: Before) -> None:
    before.run(
        "INSERT INTO accounts (contact, roles, created_ms) WITH RECURSIVE n(i) AS"
        " (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500) SELECT 'k' || i || '@example.com', '', 1 FROM n"
    )
    before.run("UPDATE accounts SET contact = NULL, erased_ms = 1 WHERE userid = 7")
    before.upgrade()
    assert before.run("SELECT count(*), count(normal) FROM accounts WHERE shared = 0") == [(2500, 2499)]
    assert before.run("SELECT count(*) FROM accounts WHERE normal <> contact") == [(0,)]
