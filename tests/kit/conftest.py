"""Engines for the tests of the floor: one PostgreSQL for all, with a fresh database for each test, and a Kafka."""

import asyncio
from collections.abc import Iterator

import psycopg
import pytest

from gbike.kit.storage.migrations.migrate import migrate_url
from gbike.run.engines import kafka
from gbike.services.bike.storage import VERSIONS
from tests.kit.kafkas import RealKafka
from tests.postgres import Server


def floor_database(server: Server) -> str:
    """A database with the floor's tables and `notes`."""
    name = server.database()
    migrate_url(server.url(name), VERSIONS)
    with psycopg.connect(server.url(name)) as connection:
        connection.execute(
            "CREATE TABLE notes (id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY, word text NOT NULL UNIQUE)"
        )
    return name


@pytest.fixture(scope="session")
def floor(server: Server) -> str:
    """The database that others are copied from."""
    return floor_database(server)


@pytest.fixture
def url(server: Server, floor: str) -> Iterator[str]:
    """Where a fresh database is."""
    fresh = server.url(server.database(like=floor))
    yield fresh
    server.drop(fresh)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealKafka]:
    """A real Kafka."""
    if (missing := kafka.why_not()) is not None:
        pytest.skip(missing)
    made = RealKafka(tmp_path_factory.mktemp("kafka"))
    asyncio.run(made.ready())
    yield made
    made.destroy()
