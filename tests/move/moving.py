"""A past to move, a server to move it to, and `gbike move` over them."""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from typer.testing import CliRunner, Result

from dev.bench.fill import fill
from gbike.cli import app
from gbike.kit.audit.rows import GENESIS
from gbike.kit.storage.sqlite.store import open_file
from gbike.run.embedded import Embedded
from gbike.run.folder.data_folder import DataFolder
from gbike.run.folder.data_mode import Mode, claim
from gbike.run.registry import specs
from gbike.services import NAMES
from tests.cluster.running import GBIKE, until
from tests.postgres import Server
from tests.security.people import PATIENT
from tests.support import Client

RIDES, OPEN = 300, 8
WEEK_OLD = 4
"""Messages of a service that were published more than 7 days ago."""
RIDER, FIRST_BIKE = 3, 2_001


async def a_demo(path: Path) -> DataFolder:
    """A stopped folder: rides of long ago, some of today, some under way; whatever was said was heard."""
    folder = DataFolder(path)
    folder.acquire("a test")
    claim(folder, Mode.DEMO)
    folder.release()
    fill(path, bikes=50, rides=RIDES)
    embedded = Embedded(folder, PATIENT)
    client = Client(embedded.app)
    for bikeid in range(FIRST_BIKE, FIRST_BIKE + 2 * OPEN):
        assert (await client.post("/bikes", {"bikeid": bikeid, "location": "정자역 \t\\N 1"})).status == 201
        rent = await client.post("/rents", {"bikeid": bikeid, "userid": RIDER}, **{"idempotency-key": f"ride-{bikeid}"})
        assert rent.status == 201, rent
        if bikeid < FIRST_BIKE + OPEN:
            rentid = rent.json["_links"]["self"]["href"].rpartition("/")[2]
            assert (await client.patch(f"/rents/{rentid}", {"endlocation": "there"})).status == 200
    assert (await client.post("/bikeManageApps", {"managerid": 1, "bikeid": 1, "batterylevel": 9})).status == 201
    assert (
        await client.post("/bikeManageApps", {"managerid": 1, "bikeid": 2, "usableyn": False, "batterylevel": 50})
    ).status == 201
    await embedded.settle()
    await embedded.stop()
    change(folder, "bike", "UPDATE outbox SET published_ms = 1 WHERE id <= ?", (WEEK_OLD,))
    return folder


def change(folder: DataFolder, service: str, statement: str, params: tuple[Any, ...] = ()) -> None:
    """Write to a store behind everybody's back."""
    store = open_file(folder.store_path(service))
    store.execute(statement, params)
    store.close()


def read(folder: DataFolder, service: str, query: str) -> list[tuple[Any, ...]]:
    """What a store has."""
    store = open_file(folder.store_path(service))
    try:
        return store.execute(query).fetchall()
    finally:
        store.close()


def content(folder: DataFolder) -> dict[str, dict[str, list[tuple[Any, ...]]]]:
    """Every row of the tables of a folder's stores, sorted."""
    tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    return {
        name: {
            table: sorted(read(folder, name, f"SELECT * FROM {table}"), key=repr)
            for (table,) in read(folder, name, tables)
        }
        for name in NAMES
    }


class Databases:
    """One for each service, on a server that tests share; as new, or none yet, when a test begins."""

    def __init__(self, server: Server) -> None:
        self.server, self.url = server, server.url("")
        with server.connection() as connection:
            there = {name for (name,) in connection.execute("SELECT datname FROM pg_database")}
            for name in there.intersection(NAMES):
                if not self._emptied(name):
                    connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _emptied(self, name: str) -> bool:
        """Make it as its schema was made, which is quicker than making it; False: it is none of ours."""
        with self.server.connection(self.server.url(name)) as connection:
            connection.execute("DROP TABLE IF EXISTS moving")
            tables = {
                row[0] for row in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            }
            if "alembic_version" not in tables:
                return False
            emptied = sorted(tables - {"alembic_version", "floor_version"})
            statements = [
                *(f"ALTER TABLE {table} DISABLE TRIGGER USER" for table in emptied),
                f"TRUNCATE {', '.join(emptied)} RESTART IDENTITY",
                *(f"ALTER TABLE {table} ENABLE TRIGGER USER" for table in emptied),
                f"INSERT INTO audit_head (number, hash) VALUES (0, '{GENESIS}')",
            ]
            connection.execute("; ".join(statements).encode())
        return True

    def make(self, service: str, *, anew: bool = False) -> None:
        """Have one, before anything is moved. `anew`: with nothing in it."""
        with self.server.connection() as connection:
            there = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (service,)).fetchone()
            if there and anew:
                connection.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(service)))
            if not there or anew:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(service)))

    def ask(self, service: str, query: str) -> list[tuple[Any, ...]]:
        """What a database answers."""
        with self.server.connection(self.server.url(service)) as connection:
            cursor = connection.execute(query.encode())
            return cursor.fetchall() if cursor.description else []

    def content(self, like: Mapping[str, Mapping[str, list[tuple[Any, ...]]]]) -> dict[str, Any]:
        """The same tables here, with values as SQLite has them."""
        return {
            name: {
                table: sorted((tuple(map(_plain, row)) for row in self.ask(name, f"SELECT * FROM {table}")), key=repr)
                for table in tables
            }
            for name, tables in like.items()
        }


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, bool) else value


def move(folder: DataFolder, to: str | Path) -> Result:
    """`gbike move`, here."""
    return CliRunner().invoke(app, ["move", "--from", str(folder.path), "--to", str(to)])


def moved(folder: DataFolder, to: str | Path) -> str:
    """What it printed, done."""
    result = move(folder, to)
    assert result.exit_code == 0, result.output
    return result.output


def digest(printed: str) -> str:
    """How many rows of how many tables were moved, and their digest."""
    [line] = [line for line in printed.splitlines() if "digest" in line]
    return line


def killed_at(folder: DataFolder, to: str, words: str) -> None:
    """`gbike move` in a process that is killed when it has printed the words; no session of it is left."""
    command = [*GBIKE, "move", "--from", str(folder.path), "--to", to]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "")
        assert any(words in line for line in lines), "it ended before"
        process.kill()
    if to.startswith("postgresql:"):
        until(lambda: not _sessions(to))


def _sessions(url: str) -> int:
    with psycopg.connect(url + "postgres") as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = ANY(%s)", ([spec.name for spec in specs()],)
        ).fetchone()
    return int(row[0]) if row else 0
