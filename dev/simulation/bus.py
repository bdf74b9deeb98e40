"""The bus in the simulator: the product's own log, behind a wire that fails, doubles, holds back and repeats."""

import asyncio
from collections.abc import Sequence
from random import Random

from dev.simulation.loop import Life
from dev.simulation.network import Network
from gbike.kit.clock import news
from gbike.kit.envelope import Message
from gbike.kit.messaging.bus import Batch, BusUnavailable
from gbike.kit.messaging.local.log import SqliteLog
from gbike.kit.store import Reading, Store, Tx

LATEST_S = 8.0
"""How long a message may be held back."""
WINDOW = 64
"""How far behind the newest a message may be held back."""


class SimBus:
    """The way into the log (kit.bus.Bus). The log lives on a node of its own, which crashes like the others."""

    def __init__(self, network: Network, rng: Random) -> None:
        self._network, self._rng = network, rng
        self.life: Life | None = None
        self.log: SqliteLog | None = None

    def up(self) -> SqliteLog:
        """The log. Raises BusUnavailable while its node is down or a read fails."""
        if self.log is None or self.life is None or not self.life.alive:
            raise BusUnavailable("the log's node is down")
        return self.log

    async def append(self, messages: Sequence[Message]) -> None:
        """See Bus.append. The log goes on with what it has begun, whatever becomes of the caller."""
        await asyncio.sleep(self._network.delay() / 4)
        log, life = self.up(), self.life
        assert life is not None
        fails = self._rng.random() < self._network.swarm.bus_down
        if fails and self._rng.random() < 0.5:
            raise BusUnavailable("the append was lost")
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        life.owes.append(done)
        asyncio.get_running_loop().create_task(self._append(log, life, messages, done), context=life.context())
        try:
            await done
        except Exception as why:
            raise BusUnavailable(str(why)) from None
        if fails:
            self._network.struck["appends whose answer was lost"] += 1
            raise BusUnavailable("the answer to an append was lost")

    async def _append(
        self, log: SqliteLog, life: Life, messages: Sequence[Message], done: asyncio.Future[None]
    ) -> None:
        try:
            await log.append(messages)
        except BusUnavailable as why:
            self._network.later(self._network.delay() / 4, _settle, done, why)
        else:
            self._network.later(self._network.delay() / 4, _settle, done, None)
        life.owes.remove(done)


def _settle(done: asyncio.Future[None], why: Exception | None) -> None:
    if done.done():
        return
    if why is None:
        done.set_result(None)
    else:
        done.set_exception(why)
        done.exception()


class MangledSubscription:
    """A consumer's way through the log on which messages come late, twice and out of order, but none is lost.

    The place that is kept is that of the last message before the first one not given yet, so a crash gives again
    everything behind it (kit.bus.Subscription; the place is kept where the product's own subscription keeps it).
    """

    def __init__(
        self, name: str, types: frozenset[str], *, bus: SimBus, network: Network, rng: Random, store: Store
    ) -> None:
        self._sim_bus = bus
        self._network = network
        self._rng = rng
        self._store = store
        self._name = name
        self._types = types
        self._bus: SqliteLog | None = None
        self._position: int | None = None
        self._changed = asyncio.Event()
        self._given: set[int] = set()
        self._giving: list[int] = []
        self._held_until: dict[int, float] = {}

    @property
    def place(self) -> int:
        """Up to where every message was given, as far as this life has looked."""
        return self._position or 0

    async def take(self, most: int) -> Batch:
        """See Subscription.take."""
        swarm, rng = self._network.swarm, self._rng
        bus = self._sim_bus.up()
        if self._bus is not bus:
            self._bus = bus
            bus.listen(self._changed)
        if rng.random() < swarm.bus_down / 2:
            raise BusUnavailable("a read failed")
        self._changed.clear()
        place = await self._place()
        again = rng.random() < swarm.redelivered
        entries = await bus.after(max(0, place - 20) if again else place, WINDOW)
        chosen = []
        had = []
        position = place
        gap = False
        for number, message in entries:
            if message.type in self._types:
                if number <= place or number in self._given:
                    had.append((number, message))
                elif self._is_held_back(number):
                    gap = True
                else:
                    chosen.append((number, message))
            if not gap:
                position = max(position, number)
        if not chosen:
            self._position = position
        elif again:
            had += chosen[:1]
            repeats = rng.sample(had, rng.randint(1, min(len(had), 4)))
            self._network.struck["events given again"] += len(repeats)
            chosen += repeats
        if swarm.held_back:
            rng.shuffle(chosen)
        self._giving = [number for number, _ in chosen]
        return Batch([message for _, message in chosen[:most]], position)

    def _is_held_back(self, number: int) -> bool:
        """Drawn once for each message: whether, and until when, those behind it go first."""
        swarm, now = self._network.swarm, asyncio.get_running_loop().time()
        if number not in self._held_until:
            held = self._rng.random() < swarm.held_back
            self._network.struck["events held back"] += held
            self._held_until[number] = now + LATEST_S * self._rng.random() ** 3 if held else 0.0
        return bool(swarm.held_back) and self._held_until[number] > now

    def save_position(self, tx: Tx, batch: Batch) -> None:
        """See Subscription.save_position."""
        sql = "INSERT INTO positions (consumer, position) VALUES (?, ?) ON CONFLICT (consumer) DO UPDATE"
        tx.execute(f"{sql} SET position = excluded.position", (self._name, batch.position))

    async def acknowledge(self, batch: Batch) -> None:
        """See Subscription.acknowledge."""
        self._position = batch.position
        self._given = {number for number in (*self._given, *self._giving) if number > batch.position}

    async def changed(self, timeout_ms: int) -> None:
        """See Subscription.changed."""
        await news(self._changed, timeout_ms)

    async def lag(self) -> int:
        """See Subscription.lag."""
        return await self._sim_bus.up().end() - await self._place()

    async def _place(self) -> int:
        if self._position is None:
            self._position = await self._store.read(_kept_place, self._name)
        return self._position


def _kept_place(read: Reading, consumer: str) -> int:
    row = read.one("SELECT position FROM positions WHERE consumer = ?", (consumer,))
    return int(row[0]) if row else 0
