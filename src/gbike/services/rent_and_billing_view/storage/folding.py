"""The events that an older gbike kept for ever become facts, a bite at a time, while the service runs; and what is no
news any more is removed. A process that ends half-way goes on where it was: a bite is one transaction."""

from gbike.contracts.events import EVENTS
from gbike.kit.dead_letters import set_aside
from gbike.kit.envelope import Message, Undecodable
from gbike.kit.store import Store, Tx
from gbike.kit.telemetry import log
from gbike.services.rent_and_billing_view.policies import fact_of
from gbike.services.rent_and_billing_view.storage.facts import Fact, note
from gbike.services.rent_and_billing_view.storage.kept import BITE, WINDOW, let_go, newest, unfolded

REST_S = 10
"""Between two looks when there was nothing to do."""
NAP_MS = 20
"""After a bite, for those who hear."""


class Folding:
    """The worker of one process; several may share a database."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._place, self._folded = 0, 0

    async def step(self) -> int:
        """One bite; answers how many rows it had when there may be more. Raises StoreUnavailable."""
        self._place, folded, gone = await self._store.write(fold_kept, self._place, WINDOW)
        self._folded += folded
        if self._folded and not folded:
            log.info("events that an older gbike kept are facts now", events=self._folded)
            self._folded = 0
        return folded + (gone if gone >= BITE else 0)  # a few that went out of the window can wait for the next look


def fold_kept(tx: Tx, after: int, window: int) -> tuple[int, int, int]:
    """The next bite after number `after`: the number up to which all is folded, how many events were, and how many
    rows went: what is older than the last `window`. What can't be read any more is set aside."""
    tx.lock("folding")  # one process after the other
    last, facts, unreadable = newest(tx), list[Fact](), list[tuple[Message, str]]()
    found = unfolded(tx, after, BITE)
    for _, message in found:
        try:
            if (fact := fact_of(message)) is not None:
                facts.append(fact)
        except Undecodable as wrong:
            unreadable.append((message, repr(wrong)))
    for message, why in unreadable:
        set_aside(tx, message, why, EVENTS)
    tx.lock("kept")  # as last of the locks, as who hears does
    note(tx, facts)
    place = found[-1][0] if len(found) == BITE else max(after, last)
    return place, len(found), let_go(tx, place, last - window)
