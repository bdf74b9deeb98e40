"""The outbox relay: publishes what transactions put into the outbox, at least once, in order.

It reads `WHERE published_ms IS NULL` and never "ids greater than the last": on an engine with several writers a row
with a smaller id may commit later, and would be skipped for ever. A row is marked only after the bus has it.
"""

from collections import Counter
from collections.abc import Sequence
from functools import partial

import msgspec

from gbike.kit.clock import Clock
from gbike.kit.envelope import Message
from gbike.kit.messaging.bus import Bus
from gbike.kit.messaging.republish import Identified, meet, published_up_to
from gbike.kit.store import Reading, Store, Tx, must_write
from gbike.kit.telemetry import Metrics, log

BATCH = 512
"""Messages the relay takes in one step: twice as many are no faster (`gbike bench --distributed`)."""


class Relay:
    """Moves one service's outbox to the bus. One relay per service leads at a time."""

    def __init__(self, store: Store, bus: Bus, clock: Clock, metrics: Metrics, service: str) -> None:
        self._store, self._bus = store, bus
        self._identified = bus if isinstance(bus, Identified) else None
        self._clock = clock
        self._published = partial(metrics.events_published.labels, service)
        self._service, self._log = service, ""
        self._unmarked: set[int] = set()
        """On the bus, and about to be marked: the mark is nobody's hurry and shares another write's commit."""

    async def step(self) -> int:
        """Publish up to BATCH waiting messages; answers how many. Raises BusUnavailable, StoreUnavailable."""
        must_write(self._service, self._store)  # what can't be marked would be published again and again
        await self._know_the_log()
        unmarked = self._unmarked.copy()  # as of this look: what is marked while we read may still look unmarked
        rows = await self._store.read_as_leader(_unpublished, BATCH + len(unmarked))
        waiting = [row for row in rows or () if row[0] not in unmarked]
        if waiting:
            await self._bus.append([message for _, message in waiting])
            numbers = [number for number, _ in waiting]
            end = await self._identified.end() if self._identified else 0
            marked = self._store.write_later(_mark_published, numbers, self._clock.now_ms(), self._log, end)
            if marked.done():
                marked.result()  # too many writes wait: the rows come again, after a worker's pause
            self._unmarked.update(numbers)
            # kept, or not: then the rows are sent again, and every inbox knows them
            marked.add_done_callback(lambda _: self._unmarked.difference_update(numbers))
            for kind, how_many in Counter(message.type for _, message in waiting).items():
                self._published(kind).inc(how_many)
        return len(waiting)

    async def _know_the_log(self) -> None:
        """Notice that the log is another one than before, be it that nothing waits now."""
        if self._identified is None:
            return
        identity = await self._identified.identity()
        if identity == self._log or await self._store.read_as_leader(how_many_wait) is None:
            return
        if again := await meet(self._store, identity, await self._identified.before()):
            log.warning(
                "the log is another one: what the outbox has is published again",
                service=self._service,
                messages=again,
                log=identity,
            )
        self._log = identity


def how_many_wait(read: Reading) -> int:
    """What a service said and the bus does not have yet, as far as is known."""
    row = read.one("SELECT count(*) FROM outbox WHERE published_ms IS NULL")
    return int(row[0]) if row else 0


def first_waiting(read: Reading) -> Message | None:
    """The first message that the bus does not have yet."""
    waiting = _unpublished(read, 1)
    return waiting[0][1] if waiting else None


def message_said(read: Reading, message_id: str) -> Message | None:
    """One message of a service, published or not; None when it is not kept any more."""
    row = read.one("SELECT message_id, type, key, headers, value FROM outbox WHERE message_id = ?", (message_id,))
    return Message(row[0], row[1], row[2], bytes(row[3]), bytes(row[4])) if row else None


def known(read: Reading, message_ids: Sequence[str]) -> set[str]:
    """Those of these messages that a service still has, published or not."""
    found: set[str] = set()
    for start in range(0, len(message_ids), BATCH):
        some = message_ids[start : start + BATCH]
        found.update(row[0] for row in read.all(_KNOWN.format(", ".join("?" * len(some))), some))
    return found


_KNOWN = "SELECT message_id FROM outbox WHERE message_id IN ({})"


def message_about(read: Reading, kind: str, field: str, wanted: int | str) -> str | None:
    """The number of the message of a type with this in this field, if it is kept; looks at all of the type."""
    begin = b'"%b":%b' % (field.encode(), msgspec.json.encode(wanted))
    sql = "SELECT message_id FROM outbox WHERE type = ? AND (instr(value, ?) > 0 OR instr(value, ?) > 0) LIMIT 1"
    row = read.one(sql, (kind, begin + b",", begin + b"}"))
    return str(row[0]) if row else None


def publish_again(tx: Tx, message_id: str) -> bool:
    """Let the relay publish a message once more: whoever heard it knows it. False: it is unpublished anyway."""
    row = tx.one(
        "UPDATE outbox SET published_ms = NULL WHERE message_id = ? AND published_ms IS NOT NULL RETURNING type, key",
        (message_id,),
    )
    if row is not None:
        tx.audit("message published again", row[1], after={"type": row[0], "message": message_id})
    return row is not None


def _unpublished(read: Reading, most: int = BATCH) -> list[tuple[int, Message]]:
    rows = read.all(
        "SELECT id, message_id, type, key, headers, value FROM outbox WHERE published_ms IS NULL ORDER BY id LIMIT ?",
        (most,),
    )
    return [(row[0], Message(*row[1:])) for row in rows]


def _mark_published(tx: Tx, numbers: Sequence[int], now_ms: int, identity: str, end: int) -> None:
    if end:
        published_up_to(tx, identity, end)
    # One statement for all, padded to a power of two: so there are few statements, and the engine knows them.
    room = 1 << (len(numbers) - 1).bit_length()
    places = ", ".join("?" * room)
    padding = [numbers[-1]] * (room - len(numbers))
    tx.execute(f"UPDATE outbox SET published_ms = ? WHERE id IN ({places})", (now_ms, *numbers, *padding))
