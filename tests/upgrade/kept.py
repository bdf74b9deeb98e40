"""What a version left behind, put back: see keep.py."""

import gzip
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from gbike.app.data_folder import DataFolder
from gbike.kit.sqlite.store import open_file
from tests.postgres import Server

HERE = Path(__file__).parent
OF_PSQL = re.compile(r"^(\\|SET |SELECT pg_catalog\.set_config)")
"""Lines of a dump for psql, or for a PostgreSQL as new as the one that was dumped."""


def read(folder: Path) -> Iterator[tuple[str, str]]:
    """Each store's name and SQL."""
    for file in sorted(folder.iterdir()):
        name, _, packed = file.name.partition(".sql")
        yield name, gzip.decompress(file.read_bytes()).decode() if packed else file.read_text("utf-8")


def put_back(folder: Path, target: Path) -> DataFolder:
    """A data folder with the stores."""
    for name, sql in read(folder):
        with closing(open_file(target / f"{name}.sqlite")) as store:
            store.execute(sql)
    return DataFolder(target)


def restored(folder: Path, server: Server) -> dict[str, str]:
    """Databases with the stores; their URLs by service."""
    urls = {}
    for name, sql in read(folder):
        urls[name] = server.url(server.database())
        with server.connection(urls[name]) as connection:
            lines = [line for line in sql.splitlines() if not OF_PSQL.match(line)]
            connection.execute("\n".join(lines).encode())
    return urls
