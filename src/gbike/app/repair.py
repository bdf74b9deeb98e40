"""`gbike repair`: what `gbike verify` finds, what of it can be mended with certainty, and its mending.

The list is made as verify makes it, on a copy or on a cluster at rest or in motion. What is mended is the original: by
whoever runs on the folder when somebody does, else in its stores, or in the databases that a cluster's folder names.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import msgspec

from gbike.app import control
from gbike.app.catalogue import card as find_card
from gbike.app.checking import judged
from gbike.app.cluster.plan import read_plan
from gbike.app.control import Verb
from gbike.app.copies import NoData, locked
from gbike.app.data_folder import DataFolder
from gbike.app.embedded import Embedded
from gbike.app.event_map import still_world
from gbike.app.mends import Mend, Mendable, OpenServices, TakeNote
from gbike.app.modes import settings_of
from gbike.app.single import open_store
from gbike.kit.acting import Acting, acting
from gbike.kit.audit.rows import LOCAL
from gbike.kit.clock import SystemClock
from gbike.kit.ids import SystemIds
from gbike.kit.inbox import Consumer
from gbike.kit.runtime import assemble
from gbike.kit.store import Store

NOT_BY_REPAIR = (
    "gbike repair can't mend this: look again once the others are mended"
    " · gbike repair로 고칠 수 없어요. 다른 것을 고친 뒤 다시 확인해 주세요"
)
DONE, NOTHING = "mended · 고쳤어요", "nothing to mend any more · 이미 고쳐져 있어요"


class Finding(msgspec.Struct, frozen=True):
    """A violation. `number`: of its mend in the list, 0 where there is none; what one mend mends has one number."""

    violation: str
    number: int = 0
    mend: Mend | None = None


def findings(folder: DataFolder, env: Mapping[str, str], tell: Callable[[str], None]) -> list[Finding]:
    """Every violation, numbered where it can be mended. Raises NoData."""

    async def look() -> list[str]:
        async with judged(folder, env, tell) as (_, found):
            return found

    numbers: dict[Mend, int] = {}
    found = []
    for violation in asyncio.run(look()):
        if isinstance(violation, Mendable):
            number = numbers.setdefault(violation.mend, len(numbers) + 1)
            found.append(Finding(violation, number, violation.mend))
        else:
            found.append(Finding(violation))
    return found


def chosen(found: Sequence[Finding], number: int | None) -> list[Mend]:
    """The mends of a list: the one of this number, or all but those that somebody has to look at. Raises NoData."""
    mends = {one.number: one.mend for one in found if one.mend is not None}
    if number is None:
        return [mend for mend in mends.values() if not isinstance(mend, TakeNote)]
    if number not in mends:
        raise NoData(f"there is no mend {number}; `gbike repair` lists them")
    return [mends[number]]


def listed(found: Sequence[Finding]) -> Iterator[str]:
    """Two lines for each violation, and how to go on."""
    for one in found:
        yield f"{one.number or '-':>3}  {one.violation}"
        yield f"     {one.mend or NOT_BY_REPAIR}"
    mends = {one.mend for one in found if one.mend}
    yield f"{len(found)} violations, {len(mends)} mends · 위반 {len(found)}건, 고칠 수 있는 것 {len(mends)}건"
    if mends:
        yield "`gbike repair N --yes` mends one, `gbike repair --yes` all · N번만, 또는 모두 고쳐요"


def mend(folder: DataFolder, env: Mapping[str, str], mends: Sequence[Mend]) -> Iterator[tuple[bool, str]]:
    """Do each of `mends`; tells of each whether that went well, and how. Raises NoData, FolderInUse, NotRunning."""
    plan = read_plan(folder.path)
    if plan is None and folder.holder() is not None:
        for one in mends:
            done = control.ask(folder, "mend", msgspec.json.encode(one).decode())
            yield done.ok, f"{one}: {done.said}"
    elif plan is not None:
        yield from asyncio.run(_mend_all(_in_databases(plan.stores, settings_of(folder, env)), mends))
    else:
        with locked(folder, "gbike repair"):
            yield from asyncio.run(_mend_all(_in_files(folder, env), mends))


def verbs(embedded: Embedded) -> dict[str, Verb]:
    """What can be asked of whoever runs on the folder."""

    async def mend_one(text: str) -> str:
        return await _done(msgspec.json.decode(text, type=Mend), _InProcess(embedded))

    return {"mend": mend_one}


async def _mend_all(
    opening: AbstractAsyncContextManager[OpenServices], mends: Sequence[Mend]
) -> list[tuple[bool, str]]:
    told = []
    acting.set(Acting(LOCAL))
    async with opening as services:
        for one in mends:
            try:
                told.append((True, f"{one}: {await _done(one, services)}"))
            except Exception as refused:
                told.append((False, f"{one}: {refused!r}"))
    return told


async def _done(one: Mend, services: OpenServices) -> str:
    return DONE if await one.do(services) else NOTHING


class _InProcess:
    """The services of one process."""

    def __init__(self, embedded: Embedded) -> None:
        self._embedded = embedded

    def store(self, service: str) -> Store:
        """See OpenServices.store."""
        return self._embedded.part(service).store

    def consumer(self, service: str) -> Consumer:
        """See OpenServices.consumer."""
        consumer = self._embedded.part(service).running.consumer
        assert consumer is not None
        return consumer


@asynccontextmanager
async def _in_files(folder: DataFolder, env: Mapping[str, str]) -> AsyncIterator[OpenServices]:
    if not folder.exists:
        raise NoData(f"there is no gbike data in {folder.path}")
    embedded = Embedded(folder, settings_of(folder, env))
    try:
        yield _InProcess(embedded)
    finally:
        await embedded.stop()


class _Databases:
    """The services of a cluster, each opened when it is asked for; what they say is published by their own relays."""

    def __init__(self, urls: Mapping[str, str], env: Mapping[str, str]) -> None:
        self._urls, self._env = urls, env
        self.open: dict[str, Store] = {}

    def store(self, service: str) -> Store:
        """See OpenServices.store."""
        if service not in self.open:
            self.open[service] = open_store(self._urls[service], service, SystemClock(), SystemIds())
        return self.open[service]

    def consumer(self, service: str) -> Consumer:
        """See OpenServices.consumer."""
        world = still_world(self.store(service), self._env)
        consumer = assemble(world, find_card(service).build(world)).consumer
        assert consumer is not None
        return consumer


@asynccontextmanager
async def _in_databases(urls: Mapping[str, str], env: Mapping[str, str]) -> AsyncIterator[OpenServices]:
    services = _Databases(urls, env)
    try:
        yield services
    finally:
        for store in services.open.values():
            await store.close()
