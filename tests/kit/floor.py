"""What the tests of the floor share: a clock, events, and stores with only the floor's tables and one of their own."""

import itertools
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from gbike.contracts import Event
from gbike.kit.clock import Moment, SystemIds
from gbike.kit.messaging.hours import Hours
from gbike.kit.storage.migrations.migrate import LOG_VERSIONS, in_memory, migrate
from gbike.kit.storage.sqlite.store import SqliteStore
from gbike.kit.store import Store, Tx
from gbike.services.bike.storage import VERSIONS


class SetClock:
    """A clock that a test sets; waiting is measured by it too."""

    def __init__(self, now_ms: int = 1_790_000_000_000) -> None:
        self.at_ms, self.waited_ms = now_ms, 0.0

    def now_ms(self) -> int:
        return self.at_ms

    def monotonic_ms(self) -> float:
        return self.waited_ms

    def moment(self) -> Moment:
        return Moment(self.now_ms(), "boot", self.at_ms)


class Rang(Event, frozen=True):
    """An event of these tests: a bell rang."""

    ABOUT = "bell"
    number: int

    @property
    def bellid(self) -> int:
        """The bell."""
        return self.number % 2


class Hummed(Event, frozen=True):
    """Another one that most do not listen to."""

    ABOUT = "hum"
    number: int

    @property
    def humid(self) -> int:
        """What hummed."""
        return 0


def a_store(path: Path | None = None, *, run_twice: bool = False, clock: SetClock | None = None) -> SqliteStore:
    """A store with the floor's tables and `notes`."""
    if path is not None:
        migrate(path, VERSIONS)
    store = SqliteStore(
        path,
        clock=clock or SetClock(),
        ids=SystemIds(),
        source="bell",
        run_twice=run_twice,
        memory=in_memory(VERSIONS) if path is None else None,
    )
    store._writer.execute(
        "CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY AUTOINCREMENT, word TEXT NOT NULL UNIQUE)"
    )
    return store


def a_log_store(path: Path | None = None) -> SqliteStore:
    """The store of a log."""
    if path is not None:
        migrate(path, LOG_VERSIONS)
    memory = in_memory(LOG_VERSIONS) if path is None else None
    return SqliteStore(path, clock=SetClock(), ids=SystemIds(), source="bus", memory=memory)


def note(tx: Tx, word: str) -> int:
    """Keep a word; its number."""
    row = tx.one("INSERT INTO notes (word) VALUES (?) RETURNING id", (word,))
    assert row is not None
    return int(row[0])


_made = itertools.count(1)


def id_at(at_ms: int) -> str:
    """A message id that was made at that moment."""
    digits = f"{at_ms:012x}"
    return f"{digits[:8]}-{digits[8:]}-7000-8000-{next(_made):012x}"


class ClockIds:
    """Ids of the test's clock."""

    def __init__(self, clock: SetClock) -> None:
        self._clock = clock

    def new(self) -> str:
        """See Ids.new."""
        return id_at(self._clock.at_ms)


async def fold(store: Store, clock: SetClock) -> None:
    """Fold what is folded by now of what the store published and heard."""
    hours = Hours(store, clock, "bell", {"Rang": "door"})
    while await hours.step():
        pass


@asynccontextmanager
async def held(store: Store) -> AsyncIterator[None]:
    """While this lasts, the store begins no batch."""
    async with AsyncExitStack() as all_held:
        for writer in getattr(store, "writers", [store]):
            await all_held.enter_async_context(writer.hold)
        yield


async def words(store: Store) -> list[str]:
    """What is kept."""
    return [row[0] for row in await store.read(lambda read: read.all("SELECT word FROM notes ORDER BY id"))]
