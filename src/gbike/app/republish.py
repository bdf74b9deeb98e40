"""`gbike events republish --since`: what the outboxes still know goes to the log again, on either engine."""

import asyncio
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from gbike.app import control
from gbike.app.catalogue import card as find_card
from gbike.app.control import Verb
from gbike.app.copies import NoData, locked
from gbike.app.data_folder import DataFolder
from gbike.app.dead import Place
from gbike.app.embedded import Embedded
from gbike.app.modes import settings_of
from gbike.app.single import open_store
from gbike.app.trouble import told
from gbike.kit.acting import Acting, acting
from gbike.kit.audit.rows import LOCAL
from gbike.kit.clock import SystemClock, rfc3339
from gbike.kit.ids import SystemIds
from gbike.kit.republish import publish_since
from gbike.kit.store import Store, StoreUnavailable, Tx


def since_ms(text: str) -> int:
    """A moment as people write it: 2026-11-29T12:00, UTC unless it says otherwise. Raises NoData."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise NoData(f"--since {text}: write a moment like 2026-11-29T12:00 (UTC) or 2026-11-29T21:00+09:00") from None
    return max(0, int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000))


def republish(place: Place, since: str, env: Mapping[str, str]) -> Iterator[str]:
    """A line for each service. Raises NoData, FolderInUse, NoSuchService."""
    moment = since_ms(since)
    stores = place.stores()
    if stores:
        only = find_card(place.service).name if place.service else ""
        found = asyncio.run(_in_stores({name: url for name, url in stores.items() if only in ("", name)}, moment))
    else:
        folder = DataFolder(place.data)
        if folder.holder() is not None:
            done = control.ask(folder, "republish", place.service, str(moment))
            if not done.ok:
                raise NoData(done.said)
            yield from done.said.splitlines()
            return
        if not folder.exists:
            raise NoData(f"there is no gbike data in {place.data}")
        with locked(folder, "gbike events republish"):
            found = asyncio.run(_in_folder(folder, place.service, moment, env))
    yield from _told(found)


def verbs(embedded: Embedded) -> dict[str, Verb]:
    """What can be asked of whoever runs on the folder."""

    async def again(service: str, moment: str) -> str:
        return "\n".join(_told(await _embedded(embedded, service, int(moment))))

    return {"republish": again}


async def _in_folder(folder: DataFolder, service: str, moment: int, env: Mapping[str, str]) -> dict[str, int]:
    embedded = Embedded(folder, settings_of(folder, env))
    try:
        return await _embedded(embedded, service, moment)
    finally:
        await embedded.stop()


async def _embedded(embedded: Embedded, service: str, moment: int) -> dict[str, int]:
    parts = [embedded.part(service)] if service else list(embedded.parts.values())
    return {part.card.name: await _again(part.store, moment) for part in parts}


async def _in_stores(urls: Mapping[str, str], moment: int) -> dict[str, int]:
    """The services' own relays publish."""
    found = {}
    for name, url in urls.items():
        store = open_store(url, name, SystemClock(), SystemIds())
        try:
            found[name] = await _again(store, moment)
        except StoreUnavailable as away:
            raise NoData(told(away) or f"the store of {name} can't be written: {away}") from None
        finally:
            await store.close()
    return found


async def _again(store: Store, moment: int) -> int:
    acting.set(Acting(LOCAL))
    again = await publish_since(store, moment)
    await store.write(_on_record, moment, again)
    return again


def _on_record(tx: Tx, moment: int, again: int) -> None:
    tx.audit("messages published again", "outbox", after={"since": rfc3339(moment), "messages": again})


def _told(found: Mapping[str, int]) -> Iterator[str]:
    for service, again in found.items():
        yield f"{service}: {again} messages go to the log again · 메시지 {again}건을 다시 발행합니다"
