"""The nodes: each service on its own, and the log. A crash keeps the database and nothing else."""

from collections.abc import Callable, Mapping
from functools import partial
from random import Random

import apsw

from dev.simulation.bus import MangledSubscription, SimBus
from dev.simulation.invariants import watch, wrong_now
from dev.simulation.loop import Life, SimLoop
from dev.simulation.network import Network, SimCaller
from dev.simulation.swarm import Swarm
from gbike.kit.calls.in_process import Asgi
from gbike.kit.clock import Moment
from gbike.kit.http.app import NO_AUTH
from gbike.kit.messaging.inbox import Consumer
from gbike.kit.messaging.local.log import SqliteLog
from gbike.kit.service import Dependencies, Running, ServiceSpec
from gbike.kit.storage.batching import Left, Write
from gbike.kit.storage.migrations.migrate import LOG_VERSIONS, in_memory
from gbike.kit.storage.sqlite.store import SqliteReading, SqliteStore
from gbike.kit.telemetry import Metrics
from gbike.run.registry import specs
from gbike.run.single import assemble_one, drive

LOG = "bus"
NOON_MS = 1_790_000_000_000
"""Wall time at which every run begins."""
METRICS = Metrics()
"""Of all runs of this process: they count which recoveries were seen."""
MONEY = ("billing", "user_deposit")
"""Services whose † invariants are checked after each single commit."""
NOT_DRIVEN = ("lag", "changes", "hours")
"""Workers that only measure, serve readers of a stream, which nobody is here, or fold what is older than any run."""


class SimClock:
    """A node's clock: wall time is skewed and may be set, the monotonic one begins anywhere."""

    def __init__(self, loop: SimLoop, skew_ms: int, began_ms: float) -> None:
        self._loop = loop
        self._skew_ms = skew_ms
        self._began_ms = began_ms
        self.step_ms = 0
        """How far the wall clock was set back or forward."""

    def now_ms(self) -> int:
        """See Clock.now_ms."""
        return NOON_MS + int(self._loop.time() * 1000) + self._skew_ms + self.step_ms

    def monotonic_ms(self) -> float:
        """See Clock.monotonic_ms."""
        return self._began_ms + self._loop.time() * 1000

    def moment(self) -> Moment:
        """See Clock.moment. A crash is one of the process, so the machine runs on; nobody sets its boot clock."""
        return Moment(self.now_ms(), "machine", int(self._began_ms + self._loop.time() * 1000))


class SimIds:
    """Ids that nobody else has, in the order they were made."""

    def __init__(self) -> None:
        self._made = 0

    def new(self) -> str:
        """See Ids.new."""
        self._made += 1
        return f"00000000-0000-7000-8000-{self._made:012x}"


class SimStore(SqliteStore):
    """The product's store, whose commits fail when the disk does."""

    network: Network
    rng: Random
    committed: Callable[[], None]
    """Called after each commit."""

    async def _commit(self, left: Left) -> None:
        if self.rng.random() < self.network.swarm.disk:
            self.network.struck["commits failed"] += 1
            raise apsw.FullError("database or disk is full")
        await super()._commit(left)
        self.committed()

    async def _transact(self, batch: list[Write]) -> bool:
        self.network.struck["writes that shared a commit"] += len(batch) if len(batch) > 1 else 0
        return await super()._transact(batch)


class Node:
    """One service, or the log. `start` gives it a life, `crash` takes it."""

    def __init__(self, cluster: "Cluster", name: str, spec: ServiceSpec | None) -> None:
        self._cluster = cluster
        self.name = name
        self._card = spec
        self.connection = in_memory(spec.versions if spec else LOG_VERSIONS)
        if spec:
            watch(self.connection, name)
        skew = cluster.swarm.skew_ms
        self.clock = SimClock(cluster.loop, cluster.rng.randint(-skew, skew), cluster.rng.random() * 1e6)
        self.life = Life(name, 0)
        self.life.alive = False
        self.running: Running | None = None
        self.store: SimStore | None = None
        self.crashes = self.commits = 0

    @property
    def reading(self) -> SqliteReading:
        """What the node's database holds now."""
        return SqliteReading(self.connection)

    def target(self) -> tuple[Life, Asgi | None]:
        """Who answers here now."""
        return self.life, self.running.app if self.running and self.life.alive else None

    def start(self) -> None:
        """Begin a life over what the database holds."""
        if self.life.alive:
            return
        self.life = Life(self.name, self.life.epoch + 1)
        self.life.context().run(self._build)

    def crash(self) -> None:
        """End this life: what was committed stays, all else is gone."""
        if not self.life.alive:
            return
        self.crashes += 1
        self._cluster.loop.bury(self.life)
        if self.connection.in_transaction:
            self.connection.execute("ROLLBACK")
        self._cluster.network.hang_up(self.life)

    def _committed(self) -> None:
        self.commits += 1
        if self.name in MONEY:
            self._cluster.wrong += wrong_now(self.name, self.reading, 0)

    def _build(self) -> None:
        cluster = self._cluster
        store = SimStore(None, clock=self.clock, ids=cluster.ids, source=self.name, memory=self.connection)
        store.network, store.rng = cluster.network, cluster.rng
        store.committed = self._committed
        self.store = store
        if self._card is None:
            cluster.bus.log, cluster.bus.life = SqliteLog(store), self.life
            return
        deps = Dependencies(
            clock=self.clock,
            ids=cluster.ids,
            chance=cluster.rng.random,
            store=store,
            bus=cluster.bus,
            subscribe=partial(
                MangledSubscription, bus=cluster.bus, network=cluster.network, rng=cluster.rng, store=store
            ),
            caller=cluster.caller,
            env=cluster.env,
            metrics=METRICS,
            guard=NO_AUTH,
        )
        self.running = assemble_one(self._card, deps)
        for worker in self.running.workers:
            if worker.name not in NOT_DRIVEN:
                cluster.loop.create_task(drive(self.name, worker))


class Cluster:
    """Every node, and what connects them."""

    def __init__(self, loop: SimLoop, rng: Random, swarm: Swarm, env: Mapping[str, str]) -> None:
        self.loop = loop
        self.rng = rng
        self.swarm = swarm
        self.env = env
        self.ids = SimIds()
        self.network = Network(loop, rng, swarm)
        self.bus = SimBus(self.network, rng)
        self.log = Node(self, LOG, None)
        self.wrong: list[str] = []
        """What was wrong with the money after a commit."""
        self.nodes = {spec.name: Node(self, spec.name, spec) for spec in specs()}

    def start(self) -> None:
        """Bring up the log, then every service that is down."""
        self.log.start()
        for node in self.nodes.values():
            node.start()

    def caller(self, name: str) -> SimCaller:
        """A way to a peer."""
        return SimCaller(self.network, self.nodes[name].target)

    def everyone(self) -> list[Node]:
        """The services and the log."""
        return [*self.nodes.values(), self.log]

    def heal(self) -> None:
        """From now on nothing goes wrong; whatever is down comes up."""
        self.network.swarm = self.swarm = self.swarm.healed()
        for node in self.everyone():
            node.life.resumes_at = 0.0
        self.start()

    def quiet(self) -> bool:
        """No message waits in an outbox or before a consumer, nothing is pending, and no block is past its end."""
        newest = self.log.reading.one("SELECT coalesce(max(number), 0) FROM log")
        assert newest is not None
        for name, node in self.nodes.items():
            if node.reading.one("SELECT 1 FROM outbox WHERE published_ms IS NULL LIMIT 1"):
                return False
            passed = "SELECT 1 FROM blocks WHERE until_ms <= ? LIMIT 1"
            if name == "user_deposit" and node.reading.one(passed, (node.clock.now_ms(),)):
                return False
            pending = {"rent": "rents", "bike_manage_app": "reports"}.get(name)
            if pending and node.reading.one(f"SELECT 1 FROM {pending} WHERE status = 'pending' LIMIT 1"):
                return False
            if node.running and node.running.consumer and self._unread(node.running.consumer, newest[0]):
                return False
        return True

    def _unread(self, consumer: Consumer, newest: int) -> bool:
        """Asks the subscription for its place: the place in the store stays behind while nothing new takes effect."""
        subscription = consumer._subscription
        assert isinstance(subscription, MangledSubscription)
        types = sorted(consumer._policies)
        marks = ", ".join("?" * len(types))
        sql = f"SELECT 1 FROM log WHERE number > ? AND number <= ? AND type IN ({marks}) LIMIT 1"
        return self.log.reading.one(sql, (subscription.place, newest, *types)) is not None
