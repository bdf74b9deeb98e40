"""The events that were heard last, for whoever listens to changes (streams.py).

A row without headers is in the facts already; one with headers was kept by an older gbike, which kept every event for
ever, or keeps them still on the same database while a new version is rolled out.
"""

from collections.abc import Sequence

from gbike.kit.envelope import Message
from gbike.kit.store import Reading, Tx

WINDOW = 10_000
"""Events that stay to be told: the last so many."""
BATCH = 500
"""Rows that are folded in one transaction, during which nothing else is heard."""


def add(tx: Tx, messages: Sequence[Message]) -> None:
    tx.execute_many(
        "INSERT INTO kept (message_id, type, key, headers, value) VALUES (?, ?, ?, ?, ?)",
        [(m.id, m.type, m.key, b"", m.value) for m in messages],
    )


def kept(read: Reading, after: int, most: int) -> list[tuple[int, Message]]:
    """Up to `most` kept events that follow number `after`."""
    sql = "SELECT number, message_id, type, key, headers, value FROM kept WHERE number > ? ORDER BY number LIMIT ?"
    return [(row[0], Message(*row[1:])) for row in read.all(sql, (after, most))]


def unfolded(read: Reading, after: int, most: int) -> list[tuple[int, Message]]:
    """The same of those that are not in the facts."""
    sql = (
        "SELECT number, message_id, type, key, headers, value FROM kept WHERE number > ? AND length(headers) > 0"
        " ORDER BY number LIMIT ?"
    )
    return [(row[0], Message(*row[1:])) for row in read.all(sql, (after, most))]


def newest(read: Reading) -> int:
    """The number of the last kept event; 0: there is none."""
    row = read.one("SELECT coalesce(max(number), 0) FROM kept")
    return int(row[0]) if row else 0


def oldest(read: Reading) -> int:
    """The number of the first that is still kept; 0: there is none."""
    row = read.one("SELECT coalesce(min(number), 0) FROM kept")
    return int(row[0]) if row else 0


def let_go(tx: Tx, until: int, edge: int) -> int:
    """Events up to number `until` are in the facts: remove those up to `edge`, twice BATCH at most, and mark the
    others. Answers how many were removed."""
    tx.execute(
        "UPDATE kept SET headers = ? WHERE number > ? AND number <= ? AND length(headers) > 0", (b"", edge, until)
    )
    return tx.execute(
        "DELETE FROM kept WHERE number IN (SELECT number FROM kept WHERE number <= ? ORDER BY number LIMIT ?)",
        (min(until, edge), 2 * BATCH),
    )
