"""The newest messages of one service for the process that it runs in: what it said is in its own store, be it that the
log can't be had, or that an erasure took it out of the log."""

import asyncio
from collections.abc import Sequence

from gbike.kit.clock import Clock, news
from gbike.kit.envelope import Message
from gbike.kit.messaging.local.log import SqliteLog
from gbike.kit.store import Reading, Store


class OutboxTail:
    """The Tail of a service in this process."""

    def __init__(self, store: Store, bus: SqliteLog, clock: Clock, reach_ms: int) -> None:
        """`bus`: every message on it is news. `reach_ms`: how old a message may be at the beginning."""
        self._store, self._clock = store, clock
        self._reach_ms = reach_ms
        self._place: int | None = None
        self._changed = asyncio.Event()
        bus.listen(self._changed)

    async def take(self, most: int) -> Sequence[Message]:
        self._changed.clear()
        if self._place is None:
            self._place = await self._store.scan(_last_before, self._clock.now_ms() - self._reach_ms)
        found = await self._store.read(_said_after, self._place, most)
        if found:
            self._place = found[-1][0]
        return [message for _, message in found]

    async def changed(self, timeout_ms: int) -> None:
        await news(self._changed, timeout_ms)


def _last_before(read: Reading, at_ms: int) -> int:
    """The newest row that the log had before that moment; those after it were said later, or the log was late."""
    row = read.one("SELECT id FROM outbox WHERE published_ms < ? ORDER BY id DESC LIMIT 1", (at_ms,))
    return int(row[0]) if row else 0


def _said_after(read: Reading, place: int, most: int) -> list[tuple[int, Message]]:
    rows = read.all(
        "SELECT id, message_id, type, key, headers, value FROM outbox WHERE id > ? ORDER BY id LIMIT ?", (place, most)
    )
    return [(row[0], Message(*row[1:])) for row in rows]
