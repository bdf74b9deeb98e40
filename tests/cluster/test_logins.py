"""The PostgreSQL of a secure cluster lets nobody in without a password, and each login does what is its own only."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest

from gbike.kit.clock import SystemClock
from gbike.kit.storage.postgres.connection import Dialer
from gbike.kit.store import StoreUnavailable
from gbike.run.cluster import engine, secrets
from gbike.run.cluster.logins import READER, Logins
from gbike.run.engines import postgres
from gbike.run.folder.data_folder import DataFolder
from gbike.run.open_stores import open_urls
from gbike.run.registry import specs
from gbike.run.single import migrate_store
from gbike.services import NAMES
from tests.cluster.running import new_folder, until, why_no_cluster
from tests.security.strangers import as_nobody, readable

INSIDE = "INSERT INTO outbox (message_id, type, key, headers, value) VALUES ('m', 't', 'k', '', '')"


class Town(NamedTuple):
    """A data folder whose databases are there, and the port of their server."""

    data: Path
    port: int
    logins: Logins

    def own(self, service: str) -> str:
        return self.logins.urls(self.port)[service]

    def reading(self, service: str) -> str:
        return self.logins.readers(self.port)[service]


@pytest.fixture(scope="module")
def of_before() -> Iterator[Path]:
    """The folder of a cluster that knew no logins: one superuser owns everything, and needs no password."""
    if (missing := why_no_cluster()) is not None:
        pytest.skip(missing)
    data = new_folder()
    folder = DataFolder(data)
    folder.acquire("the test")
    folder.release()
    postgres.prepare(data / engine.FOLDER)
    with engine.alone(data / engine.FOLDER, data / "logs" / "postgres.log") as server:
        with psycopg.connect(postgres.url(server.port), autocommit=True) as everything:
            everything.execute("CREATE ROLE bike LOGIN SUPERUSER")
            everything.execute("GRANT pg_execute_server_program TO bike")
            everything.execute("ALTER SYSTEM SET hba_file = '/tmp/gbike-of-a-stranger.conf'")
            everything.execute("ALTER SYSTEM SET unix_socket_directories = '/tmp'")
            everything.execute("CREATE ROLE left_behind LOGIN SUPERUSER PASSWORD 'known'")
        for spec in specs():
            with psycopg.connect(postgres.url(server.port), autocommit=True) as everything:
                everything.execute(f"CREATE DATABASE {spec.name}".encode())
            migrate_store(postgres.url(server.port, spec.name), spec.versions)
        with psycopg.connect(postgres.url(server.port, "rent")) as rent:
            rent.execute(INSIDE)
    yield data
    shutil.rmtree(data.parent)


@pytest.fixture(scope="module")
def town(of_before: Path) -> Iterator[Town]:
    """The same once it was carried over, with its server running."""
    logins = Logins(of_before, NAMES)
    with engine.alone(of_before / engine.FOLDER, of_before / "logs" / "postgres.log", logins) as server:
        yield Town(of_before, server.port, logins)


def refused(url: str, statement: str = "SELECT 1") -> str:
    """Why a statement is refused; fails when it is not."""
    with pytest.raises(psycopg.Error) as why, psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
        connection.execute(statement.encode())
    return str(why.value)


@pytest.mark.parametrize("user", [postgres.OWNER, READER, "rent", "postgres", "nobody", "left_behind"])
def test_nobody_enters_without_a_password(town: Town, user: str) -> None:
    nobody = f"postgresql://{user}@127.0.0.1:{town.port}"
    for database in ("postgres", "rent", "template1"):
        why = refused(f"{nobody}/{database}?passfile=/none")
        assert "no password supplied" in why or "no pg_hba.conf entry" in why


def test_another_user_of_the_machine_gets_into_no_store_and_reads_no_password(town: Town) -> None:
    for user in (postgres.OWNER, READER, "account"):
        for host in ("127.0.0.1", "/tmp"):
            login = ("-w", "-h", host, "-p", str(town.port), "-U", user, "-d", "account")
            done = as_nobody(postgres.tool("pg_dump"), *login)
            assert done.returncode != 0
            assert "no password supplied" in done.stderr or "No such file or directory" in done.stderr, done.stderr
    assert readable(town.data) == []


def test_who_was_left_behind_by_a_stranger_enters_no_more(town: Town) -> None:
    assert "no pg_hba.conf entry" in refused(f"postgresql://left_behind:known@127.0.0.1:{town.port}/account")


def test_there_is_no_socket_to_enter_by(town: Town) -> None:
    for folder in ("/tmp", "/var/run/postgresql", town.data / engine.FOLDER):
        assert "No such file or directory" in refused(
            f"postgresql://{postgres.OWNER}@/postgres?host={folder}&port={town.port}"
        )


def test_each_service_owns_all_of_its_database_and_is_no_superuser(town: Town) -> None:
    for name in NAMES:
        with psycopg.connect(town.own(name)) as own:
            owners = own.execute(
                "SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
                " UNION SELECT pg_get_userbyid(proowner) FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
                " UNION SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()"
            ).fetchall()
            assert owners == [(name,)]
            powers = own.execute(
                "SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls FROM pg_roles"
                " WHERE rolname = current_user"
            ).fetchone()
            assert powers == (False,)
            own.execute("CREATE TABLE more (it int)")
            own.execute("ALTER TABLE outbox DISABLE TRIGGER USER")
            own.rollback()


def test_no_service_enters_another_ones_database(town: Town) -> None:
    for name in NAMES:
        file = secrets.passfile(town.data, name)
        for other in {*NAMES, "postgres", "template1"} - {name}:
            url = f"postgresql://{name}@127.0.0.1:{town.port}/{other}?passfile={file}"
            assert "no pg_hba.conf entry" in refused(url)
    with psycopg.connect(town.own("rent")) as rent:  # nor where the rules of entry were lost
        rows = rent.execute("SELECT datname, has_database_privilege(datname, 'CONNECT') FROM pg_database").fetchall()
    assert [name for name, may in rows if may] == ["rent"]


@pytest.mark.parametrize(
    "attack",
    [
        "ALTER SYSTEM SET log_statement = 'all'",
        "SELECT pg_read_file('pg_hba.conf')",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "COPY (SELECT 1) TO '/tmp/gbike-never'",
        "CREATE ROLE me SUPERUSER",
        "CREATE DATABASE mine",
        "SET ROLE gbike",
        "GRANT pg_execute_server_program TO bike",
        "SELECT rolpassword FROM pg_authid",
        "SELECT lo_import('/etc/passwd')",
        "CREATE EXTENSION file_fdw",
    ],
)
def test_a_services_login_is_master_of_its_database_only(town: Town, attack: str) -> None:
    for url in (town.own("bike"), town.reading("bike")):
        why = refused(url, attack)
        assert "permission denied" in why or "must be" in why or "not available" in why or "read-only" in why, why


def test_who_reads_reads_everything_and_writes_nothing(town: Town) -> None:
    with open_urls({name: town.reading(name) for name in NAMES}, "the test") as readings:
        assert readings["rent"].all("SELECT message_id FROM outbox") == [("m",)]
        assert all(reading.one("SELECT version_num FROM alembic_version") for reading in readings.values())
    assert "read-only" in refused(town.reading("rent"), INSIDE)
    writing = f"SET transaction_read_only = off; {INSIDE}"
    assert "permission denied for table outbox" in refused(town.reading("rent"), writing)
    making = "SET transaction_read_only = off; CREATE TABLE mine ()"
    assert "permission denied for schema public" in refused(town.reading("rent"), making)
    temporary = "SET transaction_read_only = off; CREATE TEMP TABLE mine ()"
    assert "permission denied" in refused(town.reading("rent"), temporary)


def test_who_reads_reads_what_comes_later_too(town: Town) -> None:
    with psycopg.connect(town.own("rent"), autocommit=True) as rent:
        rent.execute("CREATE TABLE later (id bigserial)")
        with psycopg.connect(town.reading("rent")) as reader:
            assert reader.execute("SELECT count(*) FROM later").fetchone() == (0,)
            assert reader.execute("SELECT last_value FROM later_id_seq").fetchone() == (1,)
        rent.execute("DROP TABLE later")


def test_what_a_service_writes_under_a_name_of_the_systems_is_not_run_by_the_supervisor(town: Town) -> None:
    body = "LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''trapped''; END'"
    trap = f"CREATE FUNCTION format(text, regclass, name) RETURNS text {body}"
    with psycopg.connect(town.own("rent"), autocommit=True) as rent:
        rent.execute(trap.encode())
        town.logins.arrange(town.port)
        rent.execute("DROP FUNCTION format(text, regclass, name)")


def test_a_password_that_is_changed_counts_from_the_next_connection_on(town: Town, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("not it")
    dial = Dialer(f"postgresql://rent@127.0.0.1:{town.port}/rent", Ages(), "test", str(file))
    with pytest.raises(StoreUnavailable, match="password authentication failed"):
        dial(1_000)
    file.write_text(secrets.make_passwords(town.data, ["rent"])["rent"] + "\n")
    with closing(dial(1_000)) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("rent",)
    file.unlink()
    with pytest.raises(StoreUnavailable, match="GBIKE_STORE_PASSWORD_FILE"):
        dial(1_000)


class Ages(SystemClock):
    """A clock by which every pause is over."""

    def __init__(self) -> None:
        self._now = 0

    def monotonic_ms(self) -> float:
        self._now += 1_000
        return self._now


def test_passwords_are_their_users_alone_and_in_no_list_of_processes(town: Town) -> None:
    folder = town.data / secrets.FOLDER / secrets.DATABASE
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o077 == 0
    known = secrets.make_passwords(town.data, [postgres.OWNER, READER, *NAMES])
    assert len(set(known.values())) == len(NAMES) + 2
    lists = subprocess.run(["ps", "axewwo", "args"], capture_output=True, text=True, check=True).stdout
    log = (town.data / "logs" / "postgres.log").read_text("utf-8")
    urls = " ".join([*town.logins.urls(1).values(), *town.logins.readers(1).values()])
    assert [word for word in known.values() if word in lists + log + urls] == []


KILLED = """
import os, sys
from pathlib import Path
from gbike.services import NAMES
from gbike.run.cluster import engine
from gbike.run.cluster import rights
from gbike.run.cluster.logins import Logins
from gbike.run.engines import postgres

data, where = Path(sys.argv[1]), sys.argv[2]
module, name = {"password": (postgres, "write_whole"), "logins": (rights, "make_database"),
                "databases": (rights, "give_contents")}[where]
setattr(module, name, lambda *args, **named: os._exit(9))
with engine.alone(data / engine.FOLDER, data / "logs" / "killed.log", Logins(data, NAMES)):
    pass
"""


@pytest.fixture
def prepared(home: Path) -> Path:
    """A data folder with nothing but an empty PostgreSQL, that no login is known to yet."""
    if (missing := why_no_cluster()) is not None:
        pytest.skip(missing)
    data = home / "data"
    data.mkdir()
    postgres.prepare(data / engine.FOLDER)
    return data


@pytest.mark.parametrize("where", ["password", "logins", "databases"])
def test_who_is_killed_while_it_is_carried_over_begins_again(where: str, prepared: Path) -> None:
    logins = Logins(prepared, ["bike", "rent"])
    program = KILLED.replace("NAMES)", "['bike', 'rent'])")
    done = subprocess.run([sys.executable, "-c", program, str(prepared), where], check=False, timeout=60)
    assert done.returncode == 9
    until(lambda: not (prepared / engine.FOLDER / "postmaster.pid").exists())  # its server ends with it
    for _ in range(2):
        with engine.alone(prepared / engine.FOLDER, prepared / "log", logins) as server:
            for url in (*logins.urls(server.port).values(), *logins.readers(server.port).values()):
                with psycopg.connect(url) as connection:
                    assert connection.execute("SELECT 1").fetchone() == (1,)


def test_lost_passwords_are_made_anew(prepared: Path) -> None:
    """Of one who put back a backup and other keys beside it."""
    logins = Logins(prepared, ["bike"])
    for _ in range(2):
        with (
            engine.alone(prepared / engine.FOLDER, prepared / "log", logins) as server,
            psycopg.connect(logins.urls(server.port)["bike"]) as bike,
        ):
            assert bike.execute("SELECT current_user").fetchone() == ("bike",)
        shutil.rmtree(prepared / secrets.FOLDER)
