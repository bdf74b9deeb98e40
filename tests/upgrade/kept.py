"""What a version left behind, put back: see keep.py."""

import asyncio
import gzip
import re
import shutil
import signal
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import psycopg

from dev.tcp_ports import free_port
from gbike.kit.storage.sqlite.store import open_file
from gbike.run.engines import postgres
from gbike.run.folder.data_folder import DataFolder
from tests.cluster.running import until
from tests.postgres import Server

VERSIONS = [Path(__file__).parent / name for name in ("c943df6", "0.2.0")]
"""What each of them left half-way: see keep.py."""
KEPT = VERSIONS[0]
"""The one whose view kept every event whole."""
BACKUP = "backup.tar.gz"
OVER, OPEN = {1, 2, 3, 4}, {5, 6, 7}
"""Its rides: those that have ended, though not everybody has heard of it, and those under way."""
OF_PSQL = re.compile(r"^(\\|SET |SELECT pg_catalog\.set_config)")
"""Lines of a dump for psql, or for a PostgreSQL as new as the one that was dumped."""


def fee(bill: Mapping[str, Any]) -> int:
    """What a ride of it costs: EVERY_RIDE_COSTS, 100 won for each begun second."""
    start, end = (datetime.fromisoformat(bill[name]) for name in ("starttime", "endtime"))
    return 100 * max(1, -(-round((end - start).total_seconds() * 1000) // 1000))


def read(folder: Path) -> Iterator[tuple[str, str]]:
    """Each store's name and SQL."""
    for file in sorted(folder.glob("*.sql*")):
        name, _, packed = file.name.partition(".sql")
        yield name, gzip.decompress(file.read_bytes()).decode() if packed else file.read_text("utf-8")


def put_back(folder: Path, target: Path) -> DataFolder:
    """A data folder with the stores."""
    target.mkdir(exist_ok=True)
    for name, sql in read(folder):
        with closing(open_file(target / f"{name}.sqlite")) as store:
            store.execute(sql)
    for manifest in folder.glob("*.json"):
        shutil.copy(manifest, target)
    return DataFolder(target)


def packed(folder: Path) -> Path | None:
    """The backup that was kept with it; c943df6's were its files and nothing else."""
    archive = folder / BACKUP
    return archive if archive.exists() else None


def unpacked(archive: Path, target: Path) -> Path:
    """A kept backup, as it was made."""
    with tarfile.open(archive) as files:
        files.extractall(target, filter="data")
    return target


def restored(folder: Path, server: Server) -> dict[str, str]:
    """Databases with the stores; their URLs by service."""
    urls = {}
    for name, sql in read(folder):
        urls[name] = server.made((folder, name), partial(restore, sql))
    return urls


def restore(sql: str, url: str) -> None:
    """Run a dump in an empty database. Kafka's log is not in it: what was published is published once more."""
    with psycopg.connect(url, autocommit=True) as connection:
        lines = [line for line in sql.splitlines() if not OF_PSQL.match(line)]
        connection.execute("\n".join(lines).encode())
        connection.execute("UPDATE outbox SET published_ms = NULL")


def restored_in_a_cluster(folder: Path, data: Path) -> None:
    """The data folder of a cluster that is stopped, with the stores in its PostgreSQL."""
    data.mkdir()
    postgres.prepare(data / "postgres")
    port = free_port()
    program = postgres.program(data / "postgres", port)
    with (data.parent / "restoring.log").open("wb") as log:
        process = subprocess.Popen(program.command, user=program.user, cwd="/", stdout=log, stderr=log)
    try:
        until(lambda: asyncio.run(postgres.ready(port)))
        for name, sql in read(folder):
            asyncio.run(postgres.create_database(port, name))
            restore(sql, postgres.url(port, name))
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)
