"""The forms in which gbike runs, as journeys see them: all in one process in memory, and a cluster behind Envoy.

A journey that takes a `form` tells the same story to both. It uses numbers of its own, since others share the cluster.
"""

import asyncio
import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

import aiohttp
from yarl import URL

from gbike.kit.store import Reading
from gbike.run.cluster.wait_idle import unfinished
from gbike.run.control import ask
from gbike.run.embedded import Embedded
from gbike.run.folder.data_folder import DataFolder
from gbike.run.invariants import violations
from gbike.run.open_stores import open_readings
from tests.cluster.running import Cluster
from tests.support import Client, Reply, digest
from tests.waiting import soon

QUIET_WITHIN_S = 30
Stores = Mapping[str, Reading]
T = TypeVar("T")


class Form(Protocol):
    """A running gbike."""

    client: Client

    async def quiet(self) -> None:
        """Return when every event is handled."""

    async def violations(self) -> list[str]:
        """Once it is quiet: what `gbike verify` finds."""

    async def digest(self) -> dict[str, str]:
        """Once it is quiet: a hash of everything that any store keeps of what clients did."""

    async def stop(self, service: str) -> None:
        """Take one service away."""

    async def heal(self) -> None:
        """Bring back what was stopped."""


class InMemory:
    """Everything in this process."""

    def __init__(self, embedded: Embedded) -> None:
        self._embedded, self.client = embedded, Client(embedded.app)
        embedded.start()

    async def quiet(self) -> None:
        for part in self._embedded.parts.values():
            await part.drivers.stop()
        await self._embedded.settle()
        for part in self._embedded.parts.values():
            if not part.stopped:
                part.drivers.start()

    async def violations(self) -> list[str]:
        await self.quiet()
        parts = self._embedded.parts
        return list(violations({name: await part.store.read(lambda read: read) for name, part in parts.items()}))

    async def digest(self) -> dict[str, str]:
        await self.quiet()
        return await digest(self._embedded)

    async def stop(self, service: str) -> None:
        await self._embedded.part(service).stop()

    async def heal(self) -> None:
        self._embedded.start()


class OnCluster:
    """PostgreSQL, Kafka and eight services, each a process of its own, through Envoy."""

    def __init__(self, cluster: Cluster, session: aiohttp.ClientSession) -> None:
        self._folder, self.client = DataFolder(cluster.data), Wire(cluster.url, session)

    async def quiet(self) -> None:
        await soon(lambda: self._look(lambda stores: next(unfinished(stores), None)) is None, QUIET_WITHIN_S, 0.1)

    async def violations(self) -> list[str]:
        await self.quiet()
        return self._look(lambda stores: list(violations(stores)))

    async def digest(self) -> dict[str, str]:
        await self.quiet()
        return self._look(_tables)

    async def stop(self, service: str) -> None:
        await self._order("stop", service)

    async def heal(self) -> None:
        await self._order("heal")

    async def _order(self, verb: str, *args: str) -> None:
        done = await asyncio.get_running_loop().run_in_executor(None, ask, self._folder, verb, *args)
        assert done.ok, done.said

    def _look(self, at: Callable[[Stores], T]) -> T:
        with open_readings(self._folder) as stores:
            return at(stores)


class Wire(Client):
    """Sends requests over HTTP to an address."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._url, self._session = url, session

    async def send(
        self, method: str, target: str, body: Any = None, headers: Mapping[str, str | bytes] | None = None
    ) -> Reply:
        raw = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        given = {"content-type": "application/json"} if body is not None else {}
        given |= {name.lower(): _text(value) for name, value in (headers or {}).items()}
        request = self._session.request(method, URL(self._url + target, encoded=True), data=raw, headers=given)
        async with request as answer:
            content = await answer.read()
            return Reply(answer.status, {name.lower(): value for name, value in answer.headers.items()}, content)


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("utf-8", "surrogateescape")


def _tables(stores: Stores) -> dict[str, str]:
    """A hash of every table of every store on PostgreSQL."""
    listed = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
    return {
        f"{name}.{table}": hashlib.sha256(
            repr(sorted(map(repr, read.all(f'SELECT * FROM "{table}"')))).encode()
        ).hexdigest()
        for name, read in stores.items()
        for (table,) in read.all(listed)
    }
