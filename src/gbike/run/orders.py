"""An order that changes stores, done where they are open: by whoever runs on the folder when somebody does, else in the
files of the stopped folder, or in the databases of a cluster, whose own relays publish what is said."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager

from gbike.kit.audit.rows import LOCAL
from gbike.kit.auth.principal import Acting, acting
from gbike.kit.clock import SystemClock, SystemIds
from gbike.kit.messaging.inbox import Consumer
from gbike.kit.service import assemble
from gbike.kit.store import Store
from gbike.run.control import Done, Verb, ask, outcome
from gbike.run.embedded import Embedded
from gbike.run.event_map import inert_dependencies
from gbike.run.folder.backup import NoData, locked
from gbike.run.folder.data_folder import DataFolder
from gbike.run.folder.data_mode import settings_of
from gbike.run.open_stores import StoreLocation
from gbike.run.registry import spec as find_spec
from gbike.run.single import open_store


class Databases:
    """Services by the URLs of their stores, each opened when it is asked for."""

    def __init__(self, urls: Mapping[str, str], env: Mapping[str, str]) -> None:
        self.services, self._env = tuple(urls), env
        self._urls = urls
        self._open: dict[str, Store] = {}

    def store(self, service: str) -> Store:
        if service not in self._open:
            self._open[service] = open_store(self._urls[service], service, SystemClock(), SystemIds())
        return self._open[service]

    def consumer(self, service: str) -> Consumer:
        """What gives messages to a service's policies."""
        deps = inert_dependencies(self.store(service), self._env)
        consumer = assemble(deps, find_spec(service).build(deps)).consumer
        if consumer is None:
            raise LookupError(f"{service} hears no events")
        return consumer

    async def stop(self) -> None:
        for store in self._open.values():
            await store.close()


OpenServices = Embedded | Databases
Verbs = Callable[[OpenServices], Mapping[str, Verb]]
Order = tuple[str, ...]
"""A verb and its arguments."""


@asynccontextmanager
async def opened(where: StoreLocation, env: Mapping[str, str]) -> AsyncIterator[OpenServices]:
    """The services of a place where nobody runs, or of a cluster, by an operator of this machine. Raises NoData."""
    acting.set(Acting(LOCAL))
    folder, stores = DataFolder(where.data), where.stores()
    env = settings_of(folder, env)
    services = Databases(stores, env) if stores else Embedded(folder, env)
    try:
        yield services
    finally:
        await services.stop()


def is_running(where: StoreLocation) -> bool:
    """Whether somebody runs on the folder and has its stores open. Raises NoData where there is no data."""
    if where.stores():
        return False
    if DataFolder(where.data).holder() is not None:
        return True
    if not DataFolder(where.data).exists:
        raise NoData(f"there is no gbike data in {where.data}")
    return False


def give(
    where: StoreLocation, env: Mapping[str, str], verbs: Verbs, orders: Sequence[Order], *, command: str
) -> Iterable[Done]:
    """How each of the orders went. `verbs`: what is done in open stores; `command`: as which the stopped folder is held
    meanwhile. Raises NoData, FolderInUse, NotRunning."""
    if is_running(where):
        return (ask(DataFolder(where.data), *order) for order in orders)

    async def do() -> list[Done]:
        async with opened(where, env) as services:
            return [await outcome(verbs(services), *order) for order in orders]

    if where.stores():
        return asyncio.run(do())
    with locked(DataFolder(where.data), command):
        return asyncio.run(do())
