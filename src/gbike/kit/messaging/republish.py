"""What a log that was lost may not have given to everybody is published again, from the outbox; every inbox knows what
it heard before. A store remembers the logs that it has published to: another one means that the last was lost."""

from typing import Protocol, runtime_checkable

from gbike.kit.store import Reading, Store, Tx

BATCH = 5_000
"""Outbox numbers looked at in one transaction."""
LOG = "log "
"""Before a log's identity, among the places that a store keeps."""
RESTORED = "of before a restore"
"""The identity of no log."""


@runtime_checkable
class Identified(Protocol):
    """A bus whose log can be lost and made anew, in another place than the stores."""

    async def identity(self) -> str:
        """What tells this log from every other; the same for ever. Raises BusUnavailable."""

    async def before(self) -> str:
        """The identity of a log that is still there and that this one goes on from; empty: there is none."""

    async def end(self) -> int:
        """The number of the newest entry; 0 where there are no numbers that count all entries."""


async def meet(store: Store, identity: str, before: str = "") -> int | None:
    """A store is about to publish to this log. When it published to another one before, all that its outbox has is
    published again, unless that is the one `before` this, which is heard to its end: answers how many messages, or
    None. Killed half-way, it begins again. Raises StoreUnavailable."""
    known = await store.read(_logs)
    if any(one == identity or one.startswith(f"{identity}/") for one in known):
        return None  # or the same Kafka, which can't say just now which topic it is
    # Of before topics of one Kafka were told apart; or of before each speaker had one.
    upgraded = any(identity.startswith(f"{one}/") or before == one for one in known)
    again = await publish_since(store, 0) if known and not upgraded else None
    await store.write(_remember, identity)
    return again


async def publish_since(store: Store, since_ms: int) -> int:
    """Let what was published since then be published again; answers how many messages. Raises StoreUnavailable."""
    first, last = await store.read(_ends)
    again = 0
    for number in range(first, last + 1, BATCH):
        again += await store.write(_wait_again, number, min(number + BATCH - 1, last), since_ms)
    return again


async def put_back_in_time(store: Store) -> None:
    """The store was restored from a copy: it has no place in any log, whichever it meets next is another one, and what
    it heard is remembered from now on for as long as what was heard just now. Raises StoreUnavailable."""
    await store.write(_forget_places)
    after: str | None = ""
    while after is not None:
        after = await store.write(_heard_now, after)


def _forget_places(tx: Tx) -> None:
    tx.execute("DELETE FROM positions")
    _remember(tx, RESTORED)


def _heard_now(tx: Tx, after: str) -> str | None:
    """A bite of the inbox after that id; answers the last, None at the end."""
    row = tx.one(
        "SELECT max(message_id) FROM (SELECT message_id FROM inbox WHERE message_id > ? ORDER BY message_id LIMIT ?)"
        " AS bite",
        (after, BATCH),
    )
    last: str | None = row[0] if row else None
    if last is not None:
        tx.execute("UPDATE inbox SET at_ms = ? WHERE message_id > ? AND message_id <= ?", (tx.now_ms, after, last))
    return last


def published_up_to(tx: Tx, identity: str, end: int) -> None:
    """The log that a store knows had so many entries when it had published to it: one that has fewer was set back."""
    tx.execute("UPDATE positions SET position = ? WHERE consumer = ?", (end, LOG + identity))


def _logs(read: Reading) -> list[str]:
    rows = read.all(f"SELECT consumer FROM positions WHERE consumer LIKE '{LOG}%'")
    return [row[0].removeprefix(LOG) for row in rows]


def _ends(read: Reading) -> tuple[int, int]:
    row = read.one("SELECT coalesce(min(id), 1), coalesce(max(id), 0) FROM outbox")
    assert row is not None
    return int(row[0]), int(row[1])


def _wait_again(tx: Tx, first: int, last: int, since_ms: int) -> int:
    sql = "UPDATE outbox SET published_ms = NULL WHERE id BETWEEN ? AND ? AND published_ms >= ?"
    return tx.execute(sql, (first, last, since_ms))


def _remember(tx: Tx, identity: str) -> None:
    """Only the newest: a log that was put back later has not heard what was said meanwhile."""
    tx.lock("log")
    tx.execute(f"DELETE FROM positions WHERE consumer LIKE '{LOG}%'")
    tx.execute("INSERT INTO positions (consumer, position) VALUES (?, 0)", (LOG + identity,))
