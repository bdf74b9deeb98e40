"""Retention: published outbox rows, inbox rows and idempotency keys are deleted after a while.

The times are longer than anything that could still refer to a row: a redelivered message, a client's late retry.
"""

from collections.abc import Sequence

import msgspec

from gbike.kit.clock import Clock
from gbike.kit.store import Store, Tx

DAY_MS = 24 * 3_600_000
BATCH = 1_000
"""Rows removed in one step from one table."""
TURN_MS = 20
"""Between two full bites, for others: 50,000 rows a second and table, a hundred times what a busy day leaves."""
ROUND_S = 60
"""Between two rounds."""


class RetentionRule(msgspec.Struct, frozen=True):
    """How long a table's rows are kept, ms, and the statement that removes older ones: its parameters are the moment
    and how many to remove at most. `counter`: the total that they are part of."""

    keep_ms: int
    forget: str
    counter: str = ""


FLOOR = (
    # These keys grow with time (message ids are UUIDv7), so the oldest rows are found without an index of their own.
    # What its hours do not tell of yet (kit/messaging/hours.py) stays.
    RetentionRule(
        7 * DAY_MS,
        "DELETE FROM outbox WHERE published_ms < ? AND id IN (SELECT id FROM outbox ORDER BY id LIMIT ?)"
        " AND id <= (SELECT CAST(nullif(place, '') AS BIGINT) FROM folds WHERE direction = 'said')"
        # Nor does any of an hour that is not closed: of it the rows are compared, and one that is gone was never said.
        " AND published_ms < (SELECT until_ms FROM folds WHERE direction = 'said')",
    ),
    # The inbox outlives the log, so that a redelivery always meets its row.
    RetentionRule(
        30 * DAY_MS,
        "DELETE FROM inbox WHERE at_ms < ?"
        " AND message_id IN (SELECT message_id FROM inbox ORDER BY message_id LIMIT ?)"
        " AND at_ms < (SELECT until_ms FROM folds WHERE direction = 'heard')",
    ),
    RetentionRule(
        2 * DAY_MS,
        "DELETE FROM idempotency WHERE key IN (SELECT key FROM idempotency WHERE at_ms < ?"
        " AND status IS NOT NULL LIMIT ?)",
    ),
)


class Housekeeper:
    """Removes what is old enough, a bounded bite at a time."""

    def __init__(self, store: Store, clock: Clock, retention: Sequence[RetentionRule] = FLOOR) -> None:
        self._store, self._clock = store, clock
        self._retention = tuple(retention)

    async def step(self) -> int:
        """Remove up to BATCH rows of each kind; answers how many. Raises StoreUnavailable."""
        return sum(await self._bites())

    async def tidy(self) -> int:
        """The same for a worker: 1 while there may be more of what is old, after a pause in which others write, and 0
        when the rest can wait for the next round: else a steady flow would make a transaction of every few rows."""
        return int(max(await self._bites()) > BATCH // 2)  # among the oldest are some that must stay

    async def _bites(self) -> list[int]:
        return await self._store.write(_forget, self._retention, self._clock.now_ms())


def _forget(tx: Tx, retention: Sequence[RetentionRule], now_ms: int) -> list[int]:
    bites = [tx.execute(keeping.forget, (now_ms - keeping.keep_ms, BATCH)) for keeping in retention]
    for keeping, gone in zip(retention, bites, strict=True):
        if keeping.counter and gone:
            tx.count(keeping.counter, -gone)
    return bites
