"""A service's dependencies, its spec, and how the two are assembled into a running service.

`wiring.build(deps)` of each service answers a Service; `assemble` adds what all have alike: outbox relay, consumer,
health, metrics, API documents, and the housekeeper.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec

from gbike.kit.audit.chain import EVERY_S, Witness
from gbike.kit.calls.peers import Caller
from gbike.kit.clock import Clock, Ids
from gbike.kit.envelope import Event, Message
from gbike.kit.http.app import Guard, HttpApp, Operation, Refusals
from gbike.kit.http.deeds import DEEDS, deed_operations
from gbike.kit.http.looks import Looks
from gbike.kit.http.standard import standard_operations
from gbike.kit.messaging import hours
from gbike.kit.messaging.bus import Bus, Subscription
from gbike.kit.messaging.inbox import Consumer, Policies
from gbike.kit.messaging.outbox import Relay, how_many_wait
from gbike.kit.open_files import OpenFiles
from gbike.kit.privacy.erasure import WIPE_AGAIN_MS, WIPE_S, Wiper
from gbike.kit.privacy.personal_data import PersonalData
from gbike.kit.storage.retention import FLOOR, ROUND_S, TURN_MS, Housekeeper, RetentionRule
from gbike.kit.store import Reading, Store, Tx
from gbike.kit.telemetry import Metrics, Spans

IDLE_WAIT_MS = 1_000
"""How long a worker waits for news before it looks by itself."""
PAUSE_MS = 4
"""A worker's pause after a step that did something: what comes meanwhile shares the next transaction."""
STALE_AFTER_MS = 3_000
"""So long after a peer's last moment a saga that is still under way counts as left behind by a process that died.
Around the peer's answer come transactions of its own, which take their time on a busy machine: a sweeper in a hurry
cancels what is about to be done. With the longest deadline, 1.2 s, it is less than the gateway waits (5 s)."""
POLL_S = 5
"""Between two looks at what is only counted for /metrics: three in the 15 s after which it is usually asked for."""


class Subscribe(Protocol):
    """How a service gets its way through the log."""

    def __call__(self, consumer: str, types: frozenset[str]) -> Subscription:
        """A subscription of `consumer` to events of `types`."""


class Dependencies(msgspec.Struct, frozen=True):
    """A service's dependencies: clock, ids, chance, store, bus, peers, settings, guard."""

    clock: Clock
    ids: Ids
    chance: Callable[[], float]
    store: Store
    bus: Bus
    subscribe: Subscribe
    caller: Callable[[str], Caller]
    env: Mapping[str, str]
    metrics: Metrics
    guard: Guard
    spans: Spans | None = None
    relay_pause_ms: int = PAUSE_MS
    """The relay's pause after a step: what is said meanwhile shares the next request to the bus."""


class Worker(msgspec.Struct, frozen=True):
    """Something that takes bounded steps: `step` answers how much it did, `wait` waits when that was nothing.

    `pause_ms`: the pause after a step that did something.
    `drains`: its steps bring work to its end (relay, consumer, sweeper), so a system at rest has none left to do.
    """

    name: str
    step: Callable[[], Awaitable[int]]
    wait: Callable[[], Awaitable[None]]
    pause_ms: int = PAUSE_MS
    drains: bool = True


class Service(msgspec.Struct, frozen=True):
    """What a service consists of, as its wiring built it."""

    name: str
    operations: Sequence[Operation]
    refusals: Refusals
    policies: Policies = {}
    on_messages: Callable[[Tx, Sequence[Message]], None] | None = None
    on_handled: Callable[[Any], None] | None = None
    workers: Sequence[Worker] = ()
    retention: Sequence[RetentionRule] = ()
    consumer_pause_ms: int = PAUSE_MS


class NoSettings(msgspec.Struct, frozen=True):
    """For a service with nothing to set."""


class ServiceSpec(msgspec.Struct, frozen=True):
    """A service's spec, known without building it: for the route table, the event map, settings and migrations."""

    name: str
    title: str
    paths: tuple[str, ...]
    publishes: tuple[type[Event], ...]
    versions: Path
    build: Callable[[Dependencies], Service]
    settings: type[msgspec.Struct] = NoSettings
    core: bool = False
    calls: tuple[str, ...] = ()
    aliases: Mapping[str, str] = {}
    streams: tuple[str, ...] = ()
    """Paths whose answers go on."""
    uploads: Mapping[str, int] = {}
    """Paths to which files are sent (POST), and how many bytes each takes."""
    personal_data: tuple[PersonalData, ...] = ()
    """What is about people in its store."""
    counted: Mapping[str, str] = {}
    """How the rows are counted that each of its counters stands for, in SQL."""
    sums: Mapping[str, str] = {}
    """Totals in SQL, by what they are called, that must be the same after a move."""
    violations: Callable[[Reading], Iterable[str]] = lambda _store: ()
    """What is wrong with its store, a line each that begins with the invariant's number: for `gbike verify`."""
    pending: str = ""
    """How what is half-way is counted, in SQL, where something may be."""

    @property
    def routed(self) -> tuple[str, ...]:
        """All paths that the gateway leads to it."""
        return (*self.paths, f"{DEEDS}/{self.name}")


class Running(msgspec.Struct, frozen=True):
    """A service ready to be driven: its HTTP application, workers, and consumer (None when it hears nothing)."""

    name: str
    app: HttpApp
    workers: Sequence[Worker]
    relay: Relay
    consumer: Consumer | None


def assemble(deps: Dependencies, service: Service) -> Running:
    """Put the shared parts beside what `service` brings."""
    store, name = deps.store, service.name
    service, metrics = with_deeds(service, store), deps.metrics
    relay = Relay(store, deps.bus, deps.clock, metrics, name)
    metrics.store_failing.labels(name).set_function(lambda: store.failing)
    workers = [*_floor(deps, service, relay), *service.workers]
    consumer = None
    if service.policies:
        types = frozenset(kind.__name__ for kind in service.policies)
        subscription = deps.subscribe(name, types)
        consumer = Consumer(
            store,
            subscription,
            service.policies,
            metrics,
            name,
            on_messages=service.on_messages,
            on_handled=service.on_handled,
        )
        workers += _listening(consumer, metrics, service)
    operations: list[Any] = [*service.operations, *standard_operations(name, service.operations, store, metrics)]
    app = HttpApp(name, operations, service.refusals, metrics, deps.guard, spans=deps.spans, looks=Looks(store))
    return Running(name, app, workers, relay, consumer)


def with_deeds(service: Service, store: Store) -> Service:
    """The same service, which also answers what is on record in its store."""
    operations = [*service.operations, *deed_operations(service.name, store)]
    return msgspec.structs.replace(service, operations=operations)


def _floor(deps: Dependencies, service: Service, relay: Relay) -> list[Worker]:
    """What drives a service's store, whatever the service does."""
    store, name = deps.store, service.name
    keeper = Housekeeper(store, deps.clock, (*FLOOR, *service.retention))
    counted = hours.Hours(store, deps.clock, name, hours.speakers(service.policies))
    unsent = deps.metrics.outbox_waiting.labels(name)

    async def outbox() -> int:
        unsent.set(await store.scan(how_many_wait))
        return 0

    return [
        Worker("relay", relay.step, lambda: store.something_published(IDLE_WAIT_MS), deps.relay_pause_ms),
        Worker("housekeeper", keeper.tidy, lambda: asyncio.sleep(ROUND_S), TURN_MS, drains=False),
        Worker("hours", counted.step, lambda: asyncio.sleep(hours.ROUND_S), hours.TURN_MS, drains=False),
        Worker("wiper", Wiper(store).step, lambda: asyncio.sleep(WIPE_S), WIPE_AGAIN_MS, drains=False),
        Worker("witness", Witness(store, name).step, lambda: asyncio.sleep(EVERY_S), drains=False),
        Worker("outbox", outbox, lambda: asyncio.sleep(POLL_S), drains=False),
        Worker("open files", OpenFiles(deps.metrics, name).step, lambda: asyncio.sleep(POLL_S), drains=False),
    ]


def _listening(consumer: Consumer, metrics: Metrics, service: Service) -> list[Worker]:
    """What drives a consumer, and what tells how far it is behind."""
    lag, waiting = metrics.lag.labels(service.name), metrics.dead_letters_waiting.labels(service.name)

    async def measure() -> int:
        waiting.set(await consumer.dead_letters())
        lag.set(await consumer.lag())
        return 0

    return [
        Worker("consumer", consumer.step, lambda: consumer.changed(IDLE_WAIT_MS), service.consumer_pause_ms),
        Worker("lag", measure, lambda: asyncio.sleep(1), drains=False),
    ]
