"""The embedded bus: an append-only log in `bus.sqlite`, with the same bytes that would be on the wire.

A stopped consumer blocks nobody and loses nothing: each keeps its place in its own database, in the transaction of its
effects, and with it the epoch of the log that it is a place in (kit/messaging/local/epoch.py). What was appended
lately is kept in memory for all consumers together, so that those who keep up share one query.
"""

import asyncio
from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Sequence

from gbike.kit.clock import news
from gbike.kit.envelope import Message
from gbike.kit.messaging.bus import Batch, BusUnavailable
from gbike.kit.messaging.local.epoch import epoch_of, last, meet
from gbike.kit.storage.sqlite.store import SqliteStore
from gbike.kit.store import Reading, Store, StoreUnavailable, Tx

TAIL = 4096
"""Messages kept in memory for the consumers that keep up."""
SKIPPED = 4096
"""Messages a consumer passes over before its place is written down all the same: what a start reads again, at most."""


class SqliteLog:
    """The Bus over a store of its own, and the place where subscriptions read."""

    def __init__(self, store: SqliteStore) -> None:
        self.store = store
        self._tail: deque[tuple[int, Message]] = deque()
        self._tail_after: int | None = None
        self._missed = True
        """Whether there may be entries in the file that are not in the tail."""
        self._waiting: list[asyncio.Event] = []
        self._stores: dict[str, Store] = {}
        self._lost, self._epoch = "", ""
        self._meeting = asyncio.Lock()
        self.begun_anew = ""
        """Why the log began anew when this process met it; empty: it goes on."""

    def serve(self, name: str, store: Store) -> None:
        """Say who publishes to this log or reads it: its store tells whether it knows the log."""
        self._stores[name] = store

    def begin_anew(self, why: str) -> None:
        """Somebody else knows that the log was lost or set back: nobody's place in it counts, and what the outboxes
        have is published again. Call it before anybody uses the log."""
        if self._epoch:
            raise RuntimeError("the log is in use already")
        self._lost = why

    async def identity(self) -> str:
        """See Identified.identity: the log's epoch. At first it is judged whether the log is the one that every store
        knows; if not it begins anew (`begun_anew`)."""
        if not self._epoch:
            async with self._meeting:  # workers begin at once, and one of them finds out for all
                if not self._epoch:
                    try:
                        self._epoch, self.begun_anew = await meet(self.store, self._stores, self._lost)
                    except StoreUnavailable as down:
                        raise BusUnavailable(str(down)) from None
        return self._epoch

    async def begun_anew_ms(self) -> int:
        """When the log began anew, wall time; 0: it never did."""
        epoch = await self.store.read(epoch_of)
        return epoch.at_ms if epoch is not None and epoch.why else 0

    async def append(self, messages: Sequence[Message]) -> None:
        try:
            first = await self.store.write(_append, messages)
        except StoreUnavailable as down:
            raise BusUnavailable(str(down)) from None
        self._remember(first, messages)
        for event in self._waiting:
            event.set()

    async def after(self, position: int, most: int) -> list[tuple[int, Message]]:
        """Up to `most` entries that follow `position`, in the order of the log."""
        if self._missed:
            await self._refresh()
        if self._tail_after is not None and position >= self._tail_after:
            start = bisect_right(self._tail, position, key=lambda entry: entry[0])
            return [self._tail[i] for i in range(start, min(start + most, len(self._tail)))]
        return await self.store.read(_entries_after, position, most)

    async def forget(self, before_ms: int, up_to: int, most: int) -> int:
        """Remove up to `most` of the oldest entries that are older than `before_ms` and at or below the place `up_to`;
        answers how many. Raises StoreUnavailable."""
        return await self.store.write(_forget, before_ms, up_to, most)

    async def before(self) -> str:
        """See Identified.before: a log of before this epoch is lost."""
        return ""

    async def end(self) -> int:
        """The number of the newest entry, 0 for an empty log."""
        return await self.store.read(last)

    async def _refresh(self) -> None:
        """Bring the tail up to date from the file; it holds the entries above `_tail_after` without a gap."""
        if self._tail_after is None:
            self._tail_after = await self.store.read(last)
        entries = await self.store.read(_entries_after, self._newest, TAIL)
        self._missed = len(entries) == TAIL
        self._hold(entries)

    def _remember(self, first: int, messages: Sequence[Message]) -> None:
        """Single writer, so append to the cache directly; appenders may be notified out of order."""
        if self._missed:
            return
        if first == self._newest + 1:
            self._hold(enumerate(messages, first))
        else:
            self._missed = first > self._newest

    @property
    def _newest(self) -> int:
        return self._tail[-1][0] if self._tail else self._tail_after or 0

    def _hold(self, entries: Iterable[tuple[int, Message]]) -> None:
        self._tail.extend(entries)
        while len(self._tail) > TAIL:
            self._tail_after = self._tail.popleft()[0]

    def listen(self, event: asyncio.Event) -> None:
        """Set `event` at every append from now on."""
        self._waiting.append(event)


class LogSubscription:
    """One consumer's place in the log, kept in the consumer's own store."""

    def __init__(self, bus: SqliteLog, store: Store, name: str, types: frozenset[str]) -> None:
        self._bus, self._store = bus, store
        self._name, self._types = name, types
        self._position: int | None = None
        self._written, self._epoch = 0, ""
        self._changed = asyncio.Event()
        bus.listen(self._changed)

    async def take(self, most: int) -> Batch:
        self._changed.clear()
        try:
            position = await self.place()
            entries = await self._bus.after(position, most * 4)
        except StoreUnavailable as down:
            raise BusUnavailable(str(down)) from None
        wanted: list[Message] = []
        for number, message in entries:
            if message.type in self._types:
                if len(wanted) == most:
                    break
                wanted.append(message)
            position = number
        if not wanted:
            await self._pass_over(position)
        return Batch(wanted, position)

    def save_position(self, tx: Tx, batch: Batch) -> None:
        tx.execute(
            "INSERT INTO positions (consumer, position, log) VALUES (?, ?, ?)"
            " ON CONFLICT (consumer) DO UPDATE SET position = excluded.position, log = excluded.log",
            (self._name, batch.position, self._epoch),
        )

    async def acknowledge(self, batch: Batch) -> None:
        self._position = self._written = batch.position

    async def _pass_over(self, position: int) -> None:
        """Nothing up to `position` is for this consumer."""
        if position - self._written >= SKIPPED:
            await self._store.write(self.save_position, Batch([], position))
            self._written = position
        self._position = position

    async def changed(self, timeout_ms: int) -> None:
        await news(self._changed, timeout_ms)

    async def lag(self) -> int:
        return max(0, await self._bus.end() - await self.place())

    async def place(self) -> int:
        """The number of the last entry that is settled; 0 before the first: a place in another log is none in this one.
        Raises BusUnavailable, StoreUnavailable."""
        if self._position is None:
            self._epoch = await self._bus.identity()
            self._position = self._written = await self._store.read(_position, self._name, self._epoch)
        return self._position


def _append(tx: Tx, messages: Sequence[Message]) -> int:
    """Answers the number of the first."""
    first = last(tx) + 1
    tx.execute_many(
        "INSERT INTO log (number, message_id, type, key, headers, value, at_ms) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(number, m.id, m.type, m.key, m.headers, m.value, tx.now_ms) for number, m in enumerate(messages, first)],
    )
    return first


def _forget(tx: Tx, before_ms: int, up_to: int, most: int) -> int:
    return tx.execute(
        "DELETE FROM log WHERE at_ms < ? AND number <= ?"
        " AND number IN (SELECT number FROM log ORDER BY number LIMIT ?)",
        (before_ms, up_to, most),
    )


def _entries_after(read: Reading, position: int, most: int) -> list[tuple[int, Message]]:
    rows = read.all(
        "SELECT number, message_id, type, key, headers, value FROM log WHERE number > ? ORDER BY number LIMIT ?",
        (position, most),
    )
    return [(row[0], Message(*row[1:])) for row in rows]


def _position(read: Reading, consumer: str, epoch: str) -> int:
    row = read.one("SELECT position FROM positions WHERE consumer = ? AND log = ?", (consumer, epoch))
    return int(row[0]) if row else 0
