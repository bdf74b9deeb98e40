"""The floors of this machine: what its disk and its SQLite do at best, with nothing of the product."""

import os
import sqlite3  # noqa: TID251 - its files are no store that this process has open
import time
from contextlib import closing
from pathlib import Path

_INSERT = "INSERT INTO outbox (message_id, type, key, headers, value, published_ms) VALUES (?, ?, ?, ?, ?, NULL)"
_ROW = ("0190-outbox", "Rented", "rent:1", b"h" * 330, b"v" * 160)


def appends_per_s(folder: Path, seconds: float) -> float:
    """Appends of 512 bytes, each made durable by fsync."""
    path = folder / "floor.log"
    block = b"x" * 512
    done = 0
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        os.write(file, block)
        os.fsync(file)
        done += 1
    took = time.perf_counter() - began
    os.close(file)
    path.unlink()
    return done / took


def writes_per_s(folder: Path, seconds: float, batch: int) -> float:
    """Outbox rows a second, `batch` of them in each durable transaction, as the store commits them."""
    path, done = folder / f"floor-{batch}.sqlite", 0
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(
            "CREATE TABLE outbox (id INTEGER PRIMARY KEY AUTOINCREMENT, message_id TEXT, type TEXT, key TEXT,"
            " headers BLOB, value BLOB, published_ms INTEGER)"
        )
        began = time.perf_counter()
        while time.perf_counter() - began < seconds:
            connection.execute("BEGIN IMMEDIATE")
            for _ in range(batch):
                connection.execute("SAVEPOINT request")
                connection.execute(_INSERT, _ROW)
                connection.execute("RELEASE request")
            connection.execute("COMMIT")
            done += batch
        took = time.perf_counter() - began
    for file in folder.glob(f"{path.name}*"):
        file.unlink()
    return done / took
