"""A PostgreSQL server for tests, with a database for each that asks."""

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Hashable
from contextlib import suppress
from pathlib import Path

import psycopg

from dev.tcp_ports import free_port
from gbike.kit.storage.migrations.migrate import migrate_url
from gbike.run.engines import postgres

MEMORY, ROOM = Path("/dev/shm"), 4 * 1024**3
"""Where files are in memory, and how much must be free there to be used: some hundred small databases at most."""


def memory() -> Path:
    """Where files are in memory if there is room, else the usual place."""
    return MEMORY if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM else Path("/tmp")


class Server:
    """A server that is started, stopped and killed; `durable=False` for tests in which nobody pulls the plug."""

    def __init__(self, *, durable: bool) -> None:
        self.port = free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="gbike-pg-", dir="/tmp" if durable else memory()))
        self._folder.chmod(0o755)
        self._more = () if durable else ("-c", "fsync=off", "-c", "full_page_writes=off")
        self._process: subprocess.Popen[bytes] | None = None
        self._made = 0
        self._templates = dict[Hashable, str]()
        postgres.prepare(self._folder / "data")
        self.start()

    def start(self) -> None:
        """Start, and wait until it answers."""
        program = postgres.program(self._folder / "data", self.port)
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*program.command, *self._more], user=program.user, cwd="/", stdout=log, stderr=log
            )
        for _ in range(300):
            if asyncio.run(postgres.ready(self.port)):
                return
            self._process.poll()
            assert self._process.returncode is None, (self._folder / "log").read_text()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(0.05)
        raise AssertionError((self._folder / "log").read_text())

    def stop(self, how: int = signal.SIGQUIT) -> None:
        """End it: by default as when the plug is pulled."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(30)
            self._process = None

    def remove(self) -> None:
        """End it, and leave nothing."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def database(self, like: str = "template1") -> str:
        """A new database's name: a copy of another."""
        self._made += 1
        name = f"d{os.getpid()}_{self._made}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE {name} TEMPLATE "{like}" STRATEGY FILE_COPY')  # type: ignore[arg-type]
        return name

    def migrated(self, versions: Path) -> str:
        """The URL of a new database with the newest schema of a service."""
        return self.made(versions, lambda url: migrate_url(url, versions))

    def made(self, what: Hashable, make: Callable[[str], object]) -> str:
        """The URL of a new database with what `make` puts into one: it does so once, and each is a copy."""
        if what not in self._templates:
            name = self.database()
            make(self.url(name))
            self._templates[what] = name
        return self.url(self.database(like=self._templates[what]))

    def drop(self, url: str) -> None:
        """Remove a database, whoever still holds it."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {url.rpartition('/')[2]} WITH (FORCE)")  # type: ignore[arg-type]

    def url(self, database: str) -> str:
        """Where a database is."""
        return postgres.url(self.port, database)

    def connection(self, url: str | None = None) -> psycopg.Connection:
        """A plain connection beside the product's."""
        return psycopg.connect(url or self.url("postgres"), autocommit=True)
