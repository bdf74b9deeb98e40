"""A store's seal: of which data folder it is, in which mode, and how many generations it has had."""

from collections.abc import Iterator
from contextlib import contextmanager

import apsw
import msgspec

GENERATION_MS = 60_000
"""While a store is written to, a generation lasts this long."""
DEMO, SECURE = "demo", "secure"
"""The two modes of a data folder, as a seal and a manifest write them."""
_NEXT = "UPDATE seal SET generation = generation + 1, at_ms = ? RETURNING generation"


class Seal(msgspec.Struct, frozen=True):
    """One row of the store."""

    store: str
    folder: str
    mode: str
    generation: int
    at_ms: int = 0


@contextmanager
def alone(connection: apsw.Connection) -> Iterator[None]:
    """One transaction; a full disk has taken it back before anybody could."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def read_seal(connection: apsw.Connection) -> Seal | None:
    """The store's seal; None when it has none, or is from before there were seals."""
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'seal'").fetchone() is None:
        return None
    row = connection.execute("SELECT store, folder, mode, generation, at_ms FROM seal").fetchone()
    return Seal(*row) if row else None


def write_seal(connection: apsw.Connection, seal: Seal) -> None:
    """Make `seal` the store's only one; within a transaction."""
    connection.execute("DELETE FROM seal")
    connection.execute(
        "INSERT INTO seal (store, folder, mode, generation, at_ms) VALUES (?, ?, ?, ?, ?)",
        (seal.store, seal.folder, seal.mode, seal.generation, seal.at_ms),
    )


def next_generation(connection: apsw.Connection, now_ms: int) -> int:
    """Count one generation more, within a transaction; answers its number."""
    row = connection.execute(_NEXT, (now_ms,)).fetchone()
    return int(row[0]) if row else 0
