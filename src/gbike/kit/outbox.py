"""The relay: what a transaction said goes to the bus, at least once, in the order it was said.

It reads `WHERE published_ms IS NULL` and never "ids greater than the last": on an engine with several writers a row
with a smaller id may commit later, and would be skipped for ever. A row is marked only after the bus has it.
"""

from collections.abc import Sequence

from gbike.kit.bus import Bus
from gbike.kit.clock import Clock
from gbike.kit.envelope import Message
from gbike.kit.store import Reading, Store, Tx
from gbike.kit.telemetry import Metrics

BATCH = 256
"""Messages the relay takes in one step."""


class Relay:
    """Moves one service's outbox to the bus. One relay per service leads at a time."""

    def __init__(self, store: Store, bus: Bus, clock: Clock, metrics: Metrics, service: str) -> None:
        self._store, self._bus, self._clock = store, bus, clock
        self._counted = metrics.events_said.labels(service)

    async def step(self) -> int:
        """Publish up to BATCH waiting messages; answers how many. Raises BusUnavailable, StoreUnavailable."""
        waiting = await self._store.read(_unpublished)
        if waiting:
            await self._bus.append([message for _, message in waiting])
            await self._store.write(_mark_published, [number for number, _ in waiting], self._clock.now_ms())
            self._counted.inc(len(waiting))
        return len(waiting)


def _unpublished(read: Reading) -> list[tuple[int, Message]]:
    rows = read.all(
        "SELECT id, message_id, type, key, headers, value FROM outbox WHERE published_ms IS NULL ORDER BY id LIMIT ?",
        (BATCH,),
    )
    return [(row[0], Message(*row[1:])) for row in rows]


def _mark_published(tx: Tx, numbers: Sequence[int], now_ms: int) -> None:
    tx.execute_many("UPDATE outbox SET published_ms = ? WHERE id = ?", [(now_ms, number) for number in numbers])
