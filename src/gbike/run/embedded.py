"""Everything in one process: a store per service, the log between them, and one door (`gbike demo`).

Outbox, inbox, envelope and serialisation are those of the distributed form; only the wire is short.
"""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.types import ASGIApp

from gbike.gateway.http import APP, Gateway, open_to, open_to_all, route_table
from gbike.gateway.settings import GatewaySettings, map_tiles, origins
from gbike.kit.auth.rules import PUBLIC
from gbike.kit.calls.in_process import InProcessCaller
from gbike.kit.clock import Clock, Ids, SystemClock, SystemIds
from gbike.kit.files import closed_folder
from gbike.kit.http.app import HttpApp, Operation
from gbike.kit.http.problems import STOPPED
from gbike.kit.http.request import HAL_JSON, Request, Response
from gbike.kit.http.standard import standard_operations
from gbike.kit.messaging.bus import KEEP_MS
from gbike.kit.messaging.inbox import Consumer
from gbike.kit.messaging.local.log import LogSubscription, SqliteLog
from gbike.kit.messaging.local.tail import OutboxTail
from gbike.kit.service import Dependencies, Running, ServiceSpec, Subscribe, Worker
from gbike.kit.settings import load
from gbike.kit.storage.batching import probe
from gbike.kit.storage.migrations.migrate import LOG_VERSIONS, in_memory, migrate, newest
from gbike.kit.storage.retention import BATCH
from gbike.kit.storage.sqlite.store import SqliteStore
from gbike.kit.store import Reading, StoreUnavailable, must_write
from gbike.kit.telemetry import Metrics
from gbike.run.auth_mode import AuthMode, TokenMode
from gbike.run.defaults import with_defaults
from gbike.run.faults import Delay, Late
from gbike.run.folder.data_folder import DataFolder
from gbike.run.folder.generations import Generations
from gbike.run.folder.manifest import NOT_THE_LAST
from gbike.run.hearing import SPEAKER, Hearing
from gbike.run.registry import spec as find_spec
from gbike.run.registry import specs
from gbike.run.single import Drivers, assemble_one
from gbike.run.tiles import with_tiles
from gbike.run.web import wants_a_page, web_operations

if TYPE_CHECKING:
    from gbike.kit.telemetry.otel import Exporter

FOLLOW_S = 5
"""So long after a store counted a generation the manifest knows it, at most."""
ERASED_AFTER_MS = 30_000
"""So long after somebody was erased everything from before goes: what was on its way then has come."""
LOG_LOOK_S = 15
"""Between two looks at what is to go from the log: with the time above it is gone within a minute."""


class EmbeddedService:
    """One service of the embedded form. `app`: what answers for it, itself or a fault in its place."""

    def __init__(self, spec: ServiceSpec, store: SqliteStore, running: Running, chance: Callable[[], float]) -> None:
        self.spec, self.store = spec, store
        self.running = running
        self._chance = chance
        self.app: ASGIApp = running.app
        self.delay: Delay | None = None
        self.stopped = False
        self.drivers = Drivers(spec.name, running.workers)

    def answer(self, *, late: Delay | None = None, stopped: bool = False) -> None:
        """From now on answer so late, or that we are stopped; without either as always."""
        self.delay, self.stopped = late, stopped
        self.app = self.running.app.refusing(STOPPED, {"service": self.spec.name}) if stopped else self.running.app
        if late is not None:
            self.app = Late(self.app, late, self._chance)

    async def stop(self) -> None:
        """As if the service's process were gone: no answers, no workers."""
        self.answer(late=self.delay, stopped=True)
        await self.drivers.stop()

    def start(self) -> None:
        self.answer(late=self.delay)
        self.drivers.start()


class Embedded:
    """The services, the log and the door."""

    def __init__(
        self,
        folder: DataFolder | None,
        env: Mapping[str, str],
        *,
        clock: Clock | None = None,
        ids: Ids | None = None,
        chance: Callable[[], float] | None = None,
        run_twice: bool = False,
        secure: bool = False,
        tracing: "Exporter | None" = None,
        log_lost: str = "",
    ) -> None:
        """`folder` None: in memory, for tests. `run_twice`: run every write twice, for tests.
        `log_lost`: how somebody knows that the log was lost or set back, where its own file does not tell.
        `secure`: tokens are required, with the secure defaults; else everybody may do everything.
        Raises BadSetting, NotWhole."""
        self.folder, self._tracing = folder, tracing
        self._run_twice = run_twice
        self.generations = Generations(folder, secure=secure) if folder is not None else None
        self._env = with_defaults(env, secure=secure)
        self.clock, self._ids = clock or SystemClock(), ids or SystemIds()
        self._chance = chance or random.Random().random  # noqa: S311 - for jitter only
        self.metrics = Metrics()
        self.auth_mode: AuthMode = self._lock() if secure else AuthMode()
        self._threads = None if folder is None else ThreadPoolExecutor(8, "commit")
        self.bus = SqliteLog(self._open(folder.bus_path if folder else None, LOG_VERSIONS, "bus"))
        self.metrics.store_failing.labels("bus").set_function(lambda: self.bus.store.failing)
        if log_lost or (self.generations is not None and self.generations.log_lost):
            self.bus.begin_anew(log_lost or NOT_THE_LAST)
        self._subscriptions: list[LogSubscription] = []
        self._unwiped: dict[str, SqliteStore] = {}
        tidy = Worker("log", self.forget_old_messages, lambda: asyncio.sleep(LOG_LOOK_S), drains=False)
        age = Worker("backup", self._look_at_backup, lambda: asyncio.sleep(60), drains=False)
        anew = Worker("epoch", self._look_at_log, lambda: asyncio.sleep(60), drains=False)
        follow = Worker("manifest", self._follow_generations, lambda: asyncio.sleep(FOLLOW_S), drains=False)
        self.parts = {spec.name: self._part(spec) for spec in specs()}
        self.hearing = self._hear()
        heard = [self.hearing.worker] if self.hearing else []
        self._tidying = Drivers("bus", [tidy, age, anew, follow, *heard])
        if self.generations is not None:
            schemas = {name: newest(part.spec.versions) for name, part in self.parts.items()}
            self.generations.seal(self.stores(), {**schemas, "bus": newest(LOG_VERSIONS)})
        self.app = self._door()

    def part(self, name: str) -> EmbeddedService:
        """A service by its name as people write it. Raises NoSuchService."""
        return self.parts[find_spec(name).name]

    @property
    def services(self) -> Sequence[str]:
        return tuple(self.parts)

    def store(self, service: str) -> SqliteStore:
        """A service's store. Raises NoSuchService."""
        return self.part(service).store

    def consumer(self, service: str) -> Consumer:
        """What gives messages to a service's policies. Raises NoSuchService."""
        consumer = self.part(service).running.consumer
        if consumer is None:
            raise LookupError(f"{service} hears no events")
        return consumer

    def start(self, without: Sequence[str] = ()) -> None:
        """Drive every service, except those in `without`. Raises NoSuchService."""
        out = {self.part(name).spec.name for name in without}
        for part in self.parts.values():
            part.answer(late=part.delay, stopped=part.spec.name in out)
            if not part.stopped:
                part.start()
        self._tidying.start()

    async def stop(self) -> None:
        """Stop the workers and close the stores; everything acknowledged is kept."""
        for drivers in (self._tidying, *(part.drivers for part in self.parts.values())):
            await drivers.stop()
        for store in self.stores().values():
            await store.close()
        if self.generations is not None:
            await self.generations.stop()
        await self.auth_mode.close()
        if self._threads is not None:
            self._threads.shutdown()

    async def hear_all(self) -> None:
        """Let the doors hear whose tokens are refused, before anybody asks; what can't be read now is heard later."""
        with suppress(StoreUnavailable):
            if self.hearing is not None:
                await self.hearing.catch_up()

    def stores(self) -> dict[str, SqliteStore]:
        """Every store by its name, the log's among them."""
        return {**{name: part.store for name, part in self.parts.items()}, "bus": self.bus.store}

    async def must_write(self) -> None:
        """See to it that every store can be written. Raises StoreUnavailable, from an error that names the file."""
        for store in self.stores().values():
            await store.write(probe)

    def hold(self) -> AsyncExitStack:
        """A context in which no store begins a batch of writes; enter it with `async with`."""
        return _Held(list(self.stores().values()))

    async def settle(self, most: int = 10_000) -> None:
        """Step every relay, consumer and sweeper of the services that are not stopped until nothing moves any more."""
        for _ in range(most):
            moved = 0
            for part in self.parts.values():
                if not part.stopped:
                    for worker in part.running.workers:
                        moved += await worker.step() if worker.drains else 0
            moved += await self.hearing.step() if self.hearing else 0
            if not moved:
                break
        else:
            raise RuntimeError(f"still moving after {most} rounds")
        for store in self.stores().values():
            await store.flush()

    def _part(self, spec: ServiceSpec) -> EmbeddedService:
        path = self.folder.store_path(spec.name) if self.folder else None
        store = self._open(path, spec.versions, spec.name)
        self.bus.serve(spec.name, store)
        deps = Dependencies(
            clock=self.clock,
            ids=self._ids,
            chance=self._chance,
            store=store,
            bus=self.bus,
            subscribe=self._subscribe(store),
            caller=lambda name: self.auth_mode.caller(spec.name, name, self._way_to(name)),
            env=self._env,
            metrics=self.metrics,
            guard=self.auth_mode.guard(spec.name),
            spans=self._tracing.spans(spec.name) if self._tracing else None,
        )
        return EmbeddedService(spec, store, assemble_one(spec, deps), self._chance)

    def _lock(self) -> TokenMode:
        return TokenMode(self._env, self.clock, self._ids, self._way_to("account"), specs())

    def _hear(self) -> Hearing | None:
        """How the doors hear whose tokens they refuse; None where they ask for none."""
        if not isinstance(self.auth_mode, TokenMode):
            return None
        revoked, account = self.auth_mode.revoked, self.parts[SPEAKER].store
        return Hearing(OutboxTail(account, self.bus, self.clock, revoked.reach_ms), revoked)

    def _way_to(self, name: str) -> InProcessCaller:
        return InProcessCaller(lambda: None if self.parts[name].stopped else self.parts[name].app)

    def _subscribe(self, store: SqliteStore) -> Subscribe:
        def subscribe(consumer: str, types: frozenset[str]) -> LogSubscription:
            self._subscriptions.append(LogSubscription(self.bus, store, consumer, types))
            return self._subscriptions[-1]

        return subscribe

    async def _look_at_backup(self) -> int:
        if self.folder is not None:
            self.metrics.backup.labels("gbike").set(self.folder.backup_ms() / 1000)
        return 0

    async def _look_at_log(self) -> int:
        self.metrics.log_begun_anew.labels("gbike").set(await self.bus.begun_anew_ms() / 1000)
        return 0

    async def _follow_generations(self) -> int:
        return await self.generations.follow(self._threads) if self.generations is not None else 0

    async def forget_old_messages(self) -> int:
        """Remove messages that every consumer has handled, also the stopped ones, when they are old, or tell where
        somebody was who is erased; answers how many."""
        now_ms = self.clock.now_ms()
        await self._wipe()
        erased_ms = await self.parts["account"].store.read(_last_erased, now_ms - ERASED_AFTER_MS) + ERASED_AFTER_MS
        if now_ms - erased_ms < KEEP_MS:
            return await self.forget_messages(erased_ms)
        return await self._forget(now_ms - KEEP_MS)

    async def forget_messages(self, before_ms: int) -> int:
        """Remove all messages from before that moment that every consumer has handled, from the disk too."""
        gone = forgotten = await self._forget(before_ms)
        while forgotten == BATCH:
            forgotten = await self._forget(before_ms)
            gone += forgotten
        if gone:
            self._unwiped = self.stores()
            await self._wipe()
        return gone

    async def _wipe(self) -> None:
        """Wipe the stores that are to be wiped; where somebody reads, the next time."""
        self._unwiped = {name: store for name, store in self._unwiped.items() if not await store.wipe()}

    async def _forget(self, before_ms: int) -> int:
        everybody_at = min([await subscription.place() for subscription in self._subscriptions])
        return await self.bus.forget(before_ms, everybody_at, BATCH)

    def _open(self, path: Path | None, versions: Path, source: str) -> SqliteStore:
        if path is not None:
            closed_folder(path.parent)
            migrate(path, versions)
        return SqliteStore(
            path,
            clock=self.clock,
            ids=self._ids,
            source=source,
            committer=self._threads,
            run_twice=self._run_twice,
            memory=in_memory(versions) if path is None else None,
        )

    def _door(self) -> ASGIApp:
        shown = [operation for part in self.parts.values() for operation in part.running.app.operations]
        public = [operation for operation in shown if not operation.hidden]
        standard = standard_operations("gbike", public, None, self.metrics)
        ready = Operation("GET", "/health/ready", self._ready, "Every service can do its work", PUBLIC, hidden=True)
        home = Operation("GET", "/", self._home, "Where to begin", PUBLIC, hidden=True)
        old = Operation("GET", "/actuator/health", self._ready, "As the original named it", PUBLIC, hidden=True)
        others = [operation for operation in standard if operation.path not in (home.path, ready.path, old.path)]
        settings = load(GatewaySettings, self._env)
        pages = web_operations(settings)
        asked = [home, ready, old, *others, *pages]
        own: ASGIApp = HttpApp("gateway", asked, {}, self.metrics, self.auth_mode.guard(*self.parts))
        if (file := map_tiles(settings).file) is not None:
            own = with_tiles(file, own, demo=self.auth_mode.open)
        table = route_table(part.spec for part in self.parts.values())
        self.inside = Gateway(table, {name: part.running for name, part in self.parts.items()}, own)
        door = Gateway(table, self.parts, own)
        return open_to_all(door) if self.auth_mode.open else open_to(origins(settings), door)

    async def _ready(self, _ask: Request) -> Response:
        for name, store in self.stores().items():
            await store.read(_look)
            must_write(name, store)
        return Response(200, {"status": "UP"}, media="application/json")

    async def _home(self, request: Request) -> Response:
        if wants_a_page(request):
            return Response(302, None, {"Location": APP, "Vary": "Accept"}, media=HAL_JSON)
        paths = [path for part in self.parts.values() for path in part.spec.routed]
        mode = {"mode": "demo"} if self.auth_mode.open else {}
        links = {path[1:]: {"href": request.base + path} for path in [*paths, "/docs", "/health/ready", "/metrics"]}
        return Response(200, {"name": "gbike", **mode, "_links": links})


def begun_anew(bus: SqliteLog) -> str:
    """What is told at a start that found the log lost or set back: a line in each language; empty: nothing."""
    if not bus.begun_anew:
        return ""
    return (
        f"The log was lost or set back ({bus.begun_anew}): what was not surely heard is published again.\n"
        "로그가 없어졌거나 이전 것으로 바뀌어서, 전달되지 않았을 수 있는 메시지를 다시 발행해요.\n"
    )


class _Held(AsyncExitStack):
    def __init__(self, stores: Sequence[SqliteStore]) -> None:
        super().__init__()
        self._stores = stores

    async def __aenter__(self) -> "_Held":
        for store in self._stores:
            await self.enter_async_context(store.hold)
        return self


def _last_erased(read: Reading, until_ms: int) -> int:
    """When account last said, until then, that somebody was erased; 0: never. Who is erased later postpones nothing."""
    printed = "SELECT coalesce(max(published_ms), 0) FROM outbox WHERE type = 'AccountErased' AND published_ms <= ?"
    row = read.one(printed, (until_ms,))
    return int(row[0]) if row else 0


def _look(read: Reading) -> None:
    read.one("SELECT 1")
