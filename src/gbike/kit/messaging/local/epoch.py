"""Which log this is, and whether it is the one that every store knows.

A place never lies beyond the log's end while nothing is lost: what was read or published is in the log's file before
the place is written. So a place beyond the end, or one in another log, tells that the log was lost, put back from a
copy, or cut. It begins anew then: it gets another epoch, every consumer reads it from its beginning, and every relay
publishes what its outbox has again (kit/messaging/republish.py). What is heard twice is known to the inboxes.
"""

from collections.abc import Iterable, Mapping

import msgspec

from gbike.kit.messaging.republish import LOG
from gbike.kit.storage.sqlite.store import SqliteStore
from gbike.kit.store import Reading, Store, Tx
from gbike.kit.telemetry import log

UNKNOWN = LOG + "of before"
"""That a store published to a log whose epoch it never knew."""


class Epoch(msgspec.Struct, frozen=True):
    """What tells a log from every other, since when it is the log's, and why it is not the first (empty: it is)."""

    id: str
    at_ms: int
    why: str


class LogPosition(msgspec.Struct, frozen=True):
    """Up to where a consumer has read, or a relay published; `log` is None where nobody wrote down in which log."""

    consumer: str
    position: int
    log: str | None

    @property
    def of_relay(self) -> bool:
        return self.consumer.startswith(LOG)

    def astray(self, epoch: str | None, end: int, *, first: bool = False) -> str:
        """What is wrong with it in this log; empty: nothing. A relay that knew another one before takes care of it by
        itself, as long as this one has an epoch to tell it by. `first`: it is the log's first epoch, so that a place of
        before there were epochs is in this log."""
        known = self.consumer.removeprefix(LOG) if self.of_relay else self.log
        if known == epoch or (first and known is None):
            return f"is at {self.position} and the log ends at {end}" if self.position > end else ""
        if self.of_relay:
            return "published to another log" if epoch is None else ""
        return f"is at {self.position} of another log" if self.position > 0 else ""


async def meet(bus: SqliteStore, stores: Mapping[str, Store], lost: str) -> tuple[str, str]:
    """The epoch of the log in `bus`, and why it begins anew now; empty: it is the one that every store knows. `lost`:
    why it begins anew whatever they know. Killed half-way, it is done at the next start. Raises StoreUnavailable."""
    known, end = await bus.read(epoch_of), await bus.read(last)
    places = {name: await store.read(places_of) for name, store in stores.items()}
    why = why_anew(known, end, places) or lost
    if known is not None and not why:
        for name, kept in places.items():
            if any(
                position.log is None and not position.of_relay for position in kept
            ):  # killed while they were adopted
                await stores[name].write(_adopt, known.id)
        return known.id, ""
    epoch = bus.ids.new()
    if why:
        log.warning("the log begins anew: what the outboxes have is published again", why=why, log=epoch)
    await bus.write(_begin, epoch, why)
    # Those whose places tell that this is not done yet come last.
    for name in sorted(stores, key=lambda name: any(position.astray(epoch, end) for position in places[name])):
        if why or places[name]:
            await stores[name].write(_leave if why else _adopt, epoch)
    return epoch, why


def why_anew(epoch: Epoch | None, end: int, places: Mapping[str, Iterable[LogPosition]]) -> str:
    """What tells that the log is not the one that the stores know; empty: nothing does."""
    now, first = (epoch.id, not epoch.why) if epoch is not None else (None, False)
    for name, kept in places.items():
        for position in kept:
            if wrong := position.astray(now, end, first=first):
                return f"{name} {wrong}"
    return ""


def epoch_of(read: Reading) -> Epoch | None:
    """The epoch that a log has; None: nobody used it since there are epochs."""
    if read.one("SELECT 1 FROM sqlite_master WHERE name = 'epoch'") is None:
        return None  # who only looks meets files of before
    row = read.one("SELECT id, at_ms, why FROM epoch")
    return Epoch(*row) if row else None


def places_of(read: Reading) -> list[LogPosition]:
    # Not by name: the column for the log is not there in files of before, which somebody may only look at.
    return [LogPosition(*row[:3], *[None] * (3 - len(row))) for row in read.all("SELECT * FROM positions")]


def last(read: Reading) -> int:
    """The number of the newest entry of a log, 0 for an empty one."""
    # Not max(number): the entries that are forgotten count, or an idle week would put everybody ahead of the end.
    row = read.one("SELECT seq FROM sqlite_sequence WHERE name = 'log'")
    return int(row[0]) if row else 0


def _begin(tx: Tx, epoch: str, why: str) -> None:
    tx.execute("DELETE FROM epoch")
    tx.execute("INSERT INTO epoch (id, at_ms, why) VALUES (?, ?, ?)", (epoch, tx.now_ms, why))


def _adopt(tx: Tx, epoch: str) -> None:
    tx.execute("UPDATE positions SET log = ? WHERE log IS NULL AND consumer NOT LIKE ?", (epoch, f"{LOG}%"))


def _leave(tx: Tx, epoch: str) -> None:
    """Read from the beginning; and the relay has known another log, be it that it did not know which."""
    tx.execute("UPDATE positions SET position = 0, log = ? WHERE consumer NOT LIKE ?", (epoch, f"{LOG}%"))
    if tx.one("SELECT 1 FROM positions WHERE consumer LIKE ?", (f"{LOG}%",)) is None:
        tx.execute("INSERT INTO positions (consumer, position) VALUES (?, 0)", (UNKNOWN,))
