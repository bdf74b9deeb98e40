"""`gbike events dead list|show|replay|drop`: what consumers set aside, why; given to them again, or dropped."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from gbike.app import control
from gbike.app.catalogue import card as find_card
from gbike.app.cluster.plan import read_plan
from gbike.app.copies import NoData, locked
from gbike.app.data_folder import DataFolder
from gbike.app.embedded import Embedded
from gbike.app.event_map import still_world
from gbike.app.modes import settings_of
from gbike.app.readings import open_readings, open_urls
from gbike.app.single import given, open_store
from gbike.kit.acting import Acting, acting
from gbike.kit.audit.rows import LOCAL
from gbike.kit.clock import SystemClock, rfc3339
from gbike.kit.dead_letters import DeadLetter, NoSuchLetter, letter, letters
from gbike.kit.ids import SystemIds
from gbike.kit.postgres.login import without_password
from gbike.kit.runtime import Card, Running, assemble
from gbike.kit.store import Reading

MOST = 1_000
"""Letters of one service that are listed."""
SUMMARY_LETTERS = 80
LONGEST_REASON = 200
NONE = "no message is set aside · 처리하지 못한 메시지가 없습니다"


class Place(msgspec.Struct, frozen=True):
    """Where to look: a data folder (of `gbike demo` or of a cluster), or one service's store by its URL; and whether
    only at one service."""

    data: Path
    url: str = ""
    service: str = ""

    def stores(self) -> Mapping[str, str]:
        """The services' stores by URL, where they have one: not in the folder of the embedded form. Raises NoData."""
        if self.url:
            if not self.service:
                raise NoData(f"--service must say whose store {without_password(self.url)} is")
            return {find_card(self.service).name: given(self.url)}
        plan = read_plan(self.data)
        return plan.stores if plan else {}

    @contextmanager
    def readings(self) -> Iterator[dict[str, Reading]]:
        """The stores to look at, opened. Raises NoData, NoSuchService."""
        only = find_card(self.service).name if self.service else ""
        opening = (
            open_urls(self.stores(), without_password(self.url)) if self.url else open_readings(DataFolder(self.data))
        )
        with opening as stores:
            yield {name: read for name, read in stores.items() if only in ("", name)}


def listed(place: Place) -> Iterator[str]:
    """A line for each letter. Raises NoData, NoSuchService."""
    with place.readings() as stores:
        found = [(service, dead) for service, read in stores.items() for dead in letters(read, MOST)]
    for service, dead in sorted(found, key=lambda one: one[1].at_ms):
        message = dead.message
        yield f"{rfc3339(dead.at_ms)}  {service}  {message.type} {message.key}  {message.id}"
        yield f"    {dead.reason[:SUMMARY_LETTERS]}"
    yield f"{len(found)} set aside · 보류된 메시지 {len(found)}건" if found else NONE


def shown(place: Place, message_id: str) -> Iterator[str]:
    """Everything about one letter, for each service that set it aside. Raises NoData, NoSuchLetter."""
    holders = _holders(place, message_id)
    for service, dead in holders.items():
        yield f"service · 서비스   {service}"
        yield f"event · 이벤트     {dead.message.type} {dead.message.key}  {dead.message.id}"
        yield f"set aside · 보류   {rfc3339(dead.at_ms)}"
        yield f"reason · 이유      {dead.reason}"
        yield f"headers · 헤더     {dead.message.headers.decode('utf-8', 'replace')}"
        yield f"value · 내용       {dead.message.value.decode('utf-8', 'replace')}"


def replay(place: Place, message_id: str, env: Mapping[str, str]) -> tuple[bool, list[str]]:
    """Give a message again to each service that set it aside; answers whether it took effect everywhere, and a line
    for each. Raises NoData, NoSuchLetter, FolderInUse."""
    reasons = _each(place, env, "replay", (message_id,))
    return not any(reasons.values()), [_told(service, why) for service, why in reasons.items()]


def drop(place: Place, message_id: str, reason: str, env: Mapping[str, str]) -> tuple[bool, list[str]]:
    """Let each service that set a message aside let go of it, for a reason that its audit log keeps; as `replay`.
    Raises NoData, NoSuchLetter, FolderInUse."""
    reason = reason.strip()
    if not 0 < len(reason) <= LONGEST_REASON or not reason.isprintable():
        raise NoData(f"--reason takes 1 to {LONGEST_REASON} letters in one line: why it will never be handled")
    failed = _each(place, env, "drop", (message_id, reason))
    return not any(failed.values()), [
        f"{service}: {why or 'dropped, and on record · 폐기하고 감사 기록에 남겼습니다'}"
        for service, why in failed.items()
    ]


def _each(place: Place, env: Mapping[str, str], verb: str, args: tuple[str, ...]) -> dict[str, str | None]:
    """Have each service that holds a letter do something with it; why it could not, by service."""
    services, stores, folder = list(_holders(place, args[0])), place.stores(), DataFolder(place.data)
    env = settings_of(folder, env)
    if stores:
        return {name: asyncio.run(_in_store(find_card(name), stores[name], env, verb, args)) for name in services}
    if folder.holder() is not None:
        asked = {service: control.ask(folder, verb, service, *args) for service in services}
        return {service: (done.said or None) for service, done in asked.items()}
    with locked(folder, f"gbike events dead {verb}"):
        return asyncio.run(_in_folder(folder, services, env, verb, args))


async def _do(running: Running, verb: str, args: tuple[str, ...]) -> str | None:
    assert running.consumer is not None
    acting.set(Acting(LOCAL))
    if verb == "drop":
        await running.consumer.drop(*args)
        return None
    return await running.consumer.replay(*args)


async def _in_folder(
    folder: DataFolder, services: list[str], env: Mapping[str, str], verb: str, args: tuple[str, ...]
) -> dict[str, str | None]:
    embedded = Embedded(folder, env)
    try:
        return {service: await _do(embedded.part(service).running, verb, args) for service in services}
    finally:
        await embedded.stop()


async def _in_store(card: Card, url: str, env: Mapping[str, str], verb: str, args: tuple[str, ...]) -> str | None:
    store = open_store(url, card.name, SystemClock(), SystemIds())
    world = still_world(store, env)  # what the policy says goes into its outbox; the service's own relay publishes it
    try:
        return await _do(assemble(world, card.build(world)), verb, args)
    finally:
        await store.close()


def _holders(place: Place, message_id: str) -> dict[str, DeadLetter]:
    found = {}
    with place.readings() as stores:
        for service, read in stores.items():
            with suppress(NoSuchLetter):
                found[service] = letter(read, message_id)
    if not found:
        raise NoData(f"no message {message_id} is set aside; `gbike events dead list` shows those that are")
    return found


def _told(service: str, why: str | None) -> str:
    if why is None:
        return f"{service}: it took effect · 다시 처리되었습니다"
    return f"{service}: it stays set aside · 다시 실패하여 보류합니다: {why}"
