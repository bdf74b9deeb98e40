"""Schemas on PostgreSQL: replicas that start together migrate once, and what is final is final there too."""

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from dev.bench.engines import engines_folder
from gbike.kit.storage.migrations.migrate import migrate_url
from gbike.run.engines import CannotRun, postgres
from gbike.run.registry import specs
from gbike.services.bike.storage import VERSIONS
from gbike.services.rent.storage import VERSIONS as RENT
from gbike.services.user_deposit.storage import VERSIONS as LEDGER
from tests.kit.left import KILL, with_a_step
from tests.postgres import Server

START = """
import sys
from pathlib import Path
from gbike.kit.storage.migrations.migrate import migrate_url
migrate_url(sys.argv[1], Path(sys.argv[2]))
"""
SECOND_START = """
import sys
from pathlib import Path
from gbike.kit.storage.migrations.migrate import migrate_url
assert not migrate_url(sys.argv[1], Path(sys.argv[2]))
assert "alembic" not in sys.modules and "sqlalchemy" not in sys.modules
"""


def test_replicas_that_start_together_migrate_once(server: Server) -> None:
    url = server.url(server.database())
    with ThreadPoolExecutor(4) as replicas:
        list(replicas.map(lambda _: migrate_url(url, VERSIONS), range(4)))
    assert not migrate_url(url, VERSIONS)


def test_a_start_at_the_newest_schema_imports_nothing_for_it(server: Server) -> None:
    url = server.url(server.database())
    assert migrate_url(url, VERSIONS)
    subprocess.run([sys.executable, "-c", SECOND_START, url, str(VERSIONS)], check=True, timeout=20)


def test_a_schema_of_a_newer_release_is_left_alone(server: Server) -> None:
    url = server.url(server.database())
    migrate_url(url, VERSIONS)
    with server.connection(url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    assert not migrate_url(url, VERSIONS)


def state(server: Server, url: str) -> tuple[object, ...]:
    """The version, the tables, the columns of bikes and what is in it."""
    queries = (
        "SELECT version_num FROM alembic_version",
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1",
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'rents' ORDER BY 1",
        "SELECT rentid, status FROM rents",
    )
    with server.connection(url) as connection:
        return tuple(connection.execute(query).fetchall() for query in queries)


@pytest.mark.parametrize(("end", "code"), [(KILL, -signal.SIGKILL), ("1 / 0", 1)])
def test_a_step_that_is_killed_or_fails_leaves_nothing(server: Server, end: str, code: int, tmp_path: Path) -> None:
    url = server.url(server.database())
    migrate_url(url, RENT)
    with server.connection(url) as connection:
        connection.execute("INSERT INTO rents (userid, bikeid, status, deadline_ms) VALUES (1, 1, 'rented', 5)")
    before = state(server, url)
    versions = with_a_step(RENT, tmp_path / "versions", end)
    done = subprocess.run([sys.executable, "-c", START, url, str(versions)], capture_output=True, timeout=60)
    assert done.returncode == code
    assert state(server, url) == before
    with_a_step(RENT, versions, "")
    assert migrate_url(url, versions)


def test_every_service_has_a_schema_for_it(server: Server) -> None:
    for spec in specs():
        url = server.url(server.database())
        assert migrate_url(url, spec.versions)
        with server.connection(url) as connection:
            assert connection.execute("SELECT count(*) FROM outbox").fetchone() == (0,)


@pytest.mark.parametrize("sql", ["UPDATE entries SET amount = 0", "DELETE FROM entries", "TRUNCATE entries"])
def test_ledger_entries_are_final(server: Server, sql: str) -> None:
    url = server.url(server.database())
    migrate_url(url, LEDGER)
    with server.connection(url) as connection:
        connection.execute("INSERT INTO entries (cause, account, amount, at_ms) VALUES ('c', 'a', 1, 1)")
        with pytest.raises(psycopg.errors.RaiseException, match="final"):
            connection.execute(sql)  # type: ignore[arg-type]


async def test_databases_are_made_once(server: Server) -> None:
    for _ in range(2):
        await postgres.create_database(server.port, "rent-and more")
    assert await postgres.ready(server.port)


def test_a_server_is_made_in_a_folder_that_is_named_from_where_we_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """As `data-cluster`, which is the default, is."""
    with engines_folder() as folder:
        monkeypatch.chdir(folder)
        postgres.prepare(Path("data-cluster/postgres"))
        assert (folder / "data-cluster/postgres/PG_VERSION").exists()


def test_a_folder_that_the_server_can_not_enter_is_said_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "_user", lambda: "nobody")  # as when we are root
    monkeypatch.setattr(postgres, "binaries", lambda: Path("/usr/bin"))
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(CannotRun, match="choose a folder elsewhere"):
        postgres.prepare(closed / "data")
    assert list(closed.iterdir()) == []
