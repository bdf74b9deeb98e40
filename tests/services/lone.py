"""A service alone in its world: its own store, a log, and peers that answer what a test says."""

import json
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from hypothesis import settings

from gbike.kit.calls.in_process import call_asgi
from gbike.kit.calls.peers import PeerAnswer, PeerUnreachable
from gbike.kit.clock import Moment, SystemIds
from gbike.kit.envelope import Event, Message, pack
from gbike.kit.http.app import NO_AUTH
from gbike.kit.messaging.local.log import LogSubscription, SqliteLog
from gbike.kit.service import Dependencies, ServiceSpec, Worker
from gbike.kit.storage.migrations.migrate import LOG_VERSIONS, in_memory, migrate
from gbike.kit.storage.sqlite.store import SqliteStore
from gbike.kit.telemetry import NO_TRACE, Metrics
from gbike.run.single import assemble_one

NOON = 1_790_000_000_000


def examples(many: int) -> settings:
    """How many examples hypothesis tries: all of them at full size, a quarter else."""
    return settings(max_examples=many if os.environ.get("GBIKE_FULL") else many // 4, deadline=None)


class SetClock:
    """A clock that a test sets: `at_ms` passes for every clock, `wall_step_ms` is how wrong the wall is set."""

    def __init__(self) -> None:
        self.at_ms = NOON
        self.wall_step_ms = 0
        self.waited_ms = 0.0

    def now_ms(self) -> int:
        return self.at_ms + self.wall_step_ms

    def monotonic_ms(self) -> float:
        return self.waited_ms

    def moment(self) -> Moment:
        return Moment(self.now_ms(), "boot", self.at_ms)


async def _nothing() -> None:
    pass


class FakePeer:
    """A Caller: answers `answer`, or can't be reached when that is None; before it, `meanwhile` happens. Remembers what
    it was asked."""

    def __init__(self) -> None:
        self.answer: PeerAnswer | None = PeerAnswer(200, b"{}")
        self.meanwhile: Callable[[], Awaitable[None]] = _nothing
        self.asked: list[tuple[str, str, bytes]] = []

    async def call(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> PeerAnswer:
        """See Caller.call."""
        self.asked.append((method, path, body))
        await self.meanwhile()
        if self.answer is None:
            raise PeerUnreachable("down")
        return self.answer


class Reply(NamedTuple):
    """What the service answered."""

    status: int
    json: Any


class LoneClient:
    """Asks the service over its own HTTP application."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def send(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        """`idempotency_key="a"` becomes the header; `at` is the address that it comes from."""
        peer = {"client": (headers.pop("at"), 1)} if "at" in headers else {}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        raw = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        path, _, query = path.partition("?")

        async def asked(scope: Any, receive: Any, send: Any) -> None:
            await self._app({**scope, **peer, "query_string": query.encode()}, receive, send)

        answer = await call_asgi(asked, method, path, raw, named)
        return Reply(answer.status, json.loads(answer.body) if answer.body else None)

    async def get(self, path: str) -> Reply:
        return await self.send("GET", path)

    async def post(self, path: str, body: Any = None, **headers: str) -> Reply:
        return await self.send("POST", path, {} if body is None else body, **headers)

    async def put(self, path: str, body: Any = None, **headers: str) -> Reply:
        return await self.send("PUT", path, {} if body is None else body, **headers)

    async def patch(self, path: str, body: Any, **headers: str) -> Reply:
        return await self.send("PATCH", path, body, **headers)


class Lone:
    """One service, driven by hand."""

    def __init__(
        self,
        spec: ServiceSpec,
        env: Mapping[str, str] | None = None,
        path: Path | None = None,
        store: Callable[[SetClock], Any] | None = None,
    ) -> None:
        """`path`: a file to keep its store in, None for memory (then every write is rehearsed: run twice). `store`:
        another engine's."""
        self.clock = SetClock()
        self.peer = FakePeer()
        self.spec = spec
        ids = SystemIds()
        if path is not None:
            migrate(path, spec.versions)
        memory = in_memory(spec.versions) if path is None else None
        run_twice = path is None
        self.store: Any = (
            SqliteStore(path, clock=self.clock, ids=ids, source=spec.name, memory=memory, run_twice=run_twice)
            if store is None
            else store(self.clock)
        )
        log = SqliteStore(None, clock=self.clock, ids=ids, source="bus", memory=in_memory(LOG_VERSIONS))
        self.bus = SqliteLog(log)
        deps = Dependencies(
            clock=self.clock,
            ids=ids,
            chance=lambda: 0.5,
            store=self.store,
            bus=self.bus,
            subscribe=lambda consumer, types: LogSubscription(self.bus, self.store, consumer, types),
            caller=lambda name: self.peer,
            env=env or {},
            metrics=Metrics(),
            guard=NO_AUTH,
        )
        self.running = assemble_one(spec, deps)
        self.client = LoneClient(self.running.app)
        self._told = 0

    async def stop(self) -> None:
        """Close its store and the log."""
        await self.store.close()
        await self.bus.store.close()

    async def tell(self, *events: Event) -> None:
        """Let it hear events in this order, each as a message nobody has seen; what it says is published."""
        await self.bus.append([self.message(event) for event in events])
        await self.settle()

    def message(self, event: Event) -> Message:
        """An event as a new message."""
        self._told += 1
        return pack(event, id=f"told-{self._told}", source="test", now_ms=self.clock.at_ms, trace=NO_TRACE)

    def worker(self, name: str) -> Worker:
        """One of its workers."""
        return next(worker for worker in self.running.workers if worker.name == name)

    async def settle(self) -> None:
        """Step what moves until it is quiet."""
        moving = [worker for worker in self.running.workers if worker.drains]
        while sum([await worker.step() for worker in moving]):
            pass

    async def published(self) -> list[dict[str, Any]]:
        """What the service has said, in order, without the time of saying."""
        waiting = await self.store.read(lambda read: read.all("SELECT value FROM outbox ORDER BY id"))
        return [{k: v for k, v in msgspec.json.decode(row[0]).items() if k != "timestamp"} for row in waiting]

    async def rows(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """What a query over its store answers."""
        return await self.store.read(lambda read: read.all(sql, params))
