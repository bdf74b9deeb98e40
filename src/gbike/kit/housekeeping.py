"""What is kept only for a while: published outbox rows, inbox rows, idempotency keys. Everything has a bound.

The times are longer than anything that could still refer to a row: a redelivered message, a client's late retry.
"""

from gbike.kit.clock import Clock
from gbike.kit.store import Store, Tx

DAY_MS = 24 * 3_600_000
KEEP_MS = {"outbox": 7 * DAY_MS, "inbox": 30 * DAY_MS, "idempotency": 2 * DAY_MS}
"""How long rows are kept, ms. The inbox outlives the log, so a redelivery always meets its row."""
BITE = 1_000
"""Rows removed in one step from one table."""

_PURGE = {
    # Both keys grow with time (message ids are UUIDv7), so the oldest rows are found without an index of their own.
    "outbox": "DELETE FROM outbox WHERE published_ms < ? AND id IN (SELECT id FROM outbox ORDER BY id LIMIT ?)",
    "inbox": "DELETE FROM inbox WHERE at_ms < ?"
    " AND message_id IN (SELECT message_id FROM inbox ORDER BY message_id LIMIT ?)",
    "idempotency": "DELETE FROM idempotency WHERE key IN (SELECT key FROM idempotency WHERE at_ms < ?"
    " AND status IS NOT NULL LIMIT ?)",
}


class Housekeeper:
    """Removes what is old enough, a bounded bite at a time."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    async def step(self) -> int:
        """Remove up to BITE rows of each kind; answers how many. Raises StoreUnavailable."""
        return await self._store.write(_purge, self._clock.now_ms())


def _purge(tx: Tx, now_ms: int) -> int:
    return sum(tx.execute(_PURGE[table], (now_ms - keep_ms, BITE)) for table, keep_ms in KEEP_MS.items())
