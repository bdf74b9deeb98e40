"""`gbike trace ID`: the path of a ride or request, from the stores alone.

Outboxes know who said what, when, and because of which message; inboxes who has handled it; the rest is waiting or was
set aside. Nothing else is asked, so it works beside a running gbike, and after one that died.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from gbike.kit.clock import from_rfc3339
from gbike.kit.envelope import Headers
from gbike.kit.store import Reading, Row
from gbike.kit.telemetry import parts_of

NEWEST = 100_000
"""Messages of each service that are looked at, the newest: some seconds when there are so many."""
MOST = 500
"""Messages of one path that are shown; somebody may call everything by one id."""


class Handling(msgspec.Struct, frozen=True):
    """What became of a message at one of its listeners: handled or set aside (`why`) at a time, or still waiting."""

    service: str
    at_ms: int | None
    why: str | None = None


class Said(msgspec.Struct, frozen=True):
    """One message of a path."""

    service: str
    id: str
    type: str
    key: str
    headers: Headers
    published_ms: int | None
    handled: Sequence[Handling]

    @property
    def at_ms(self) -> int:
        """When it was said."""
        return from_rfc3339(self.headers.ce_time)

    @property
    def cause(self) -> str:
        """The message it was said because of; empty when a request (or a sweeper) was the cause."""
        return self.headers.causationid or ""

    @property
    def trace_id(self) -> str:
        """The trace it belongs to; empty for what no request asked for."""
        parts = parts_of(self.headers.traceparent)
        return parts[0] if parts else ""


class Path(msgspec.Struct, frozen=True):
    """What was asked for, its messages in order of time, and whether there are more than are here."""

    name: str
    said: Sequence[Said]
    more: bool = False


def find(stores: Mapping[str, Reading], listeners: Mapping[str, Iterable[str]], name: str) -> Path:
    """The path of a rent (`rent:7`, `7`), another aggregate (`bike:3`), a message, a request or a trace: everything
    that was said in the traces it took part in. `listeners`: the types each service hears. Empty: nothing is known."""
    name = f"rent:{name}" if re.fullmatch("[0-9]{1,16}", name) else name
    found: dict[str, Said] = {}
    for service, read in stores.items():
        called = f"{_ROW} WHERE id > ? AND (key = ? OR message_id = ?) ORDER BY id DESC LIMIT ?"
        found |= _said(service, read.all(called, (_before(read), name, name, MOST)))
    if not found:
        found = _with(stores, {name})
    looked: set[str] = set()
    while (family := {_family(said) for said in found.values()} - looked) and len(found) < MOST:
        looked |= family
        found |= _with(stores, family)
    path = sorted(found.values(), key=lambda said: (said.at_ms, said.id))
    return Path(name, _with_handlings(stores, listeners, path[:MOST]), len(path) > MOST)


def _family(said: Said) -> str:
    """What the others of the path carry too: the trace, or, outside of any, the message as their cause."""
    return said.trace_id or said.id


class _Marks(msgspec.Struct, gc=False):
    """Those headers by which a message belongs to others; reading no more than these makes a search quick."""

    traceparent: str
    correlationid: str
    causationid: str = ""

    def has(self, names: set[str]) -> bool:
        """Whether the trace, the request or the cause is one of `names`."""
        return self.traceparent[3:35] in names or self.correlationid in names or self.causationid in names


def _with(stores: Mapping[str, Reading], names: set[str]) -> dict[str, Said]:
    """The messages of the traces, requests and causes `names`. No index knows them: each message is looked at."""
    marks = msgspec.json.Decoder(_Marks)
    found: dict[str, Said] = {}
    for service, read in stores.items():
        rows = read.each("SELECT id, headers FROM outbox WHERE id > ?", (_before(read),))
        numbers = [number for number, headers in rows if marks.decode(headers).has(names)][: MOST + 1]
        if numbers:
            found |= _said(service, read.all(f"{_ROW} WHERE id IN ({_places(numbers)})", numbers))
    return found


def _before(read: Reading) -> int:
    """The number of the message before the newest ones."""
    row = read.one("SELECT coalesce(max(id), 0) FROM outbox")
    assert row is not None
    return int(row[0]) - NEWEST


_ROW = "SELECT message_id, type, key, headers, published_ms FROM outbox"


def _said(service: str, rows: Iterable[Row]) -> dict[str, Said]:
    return {
        id: Said(service, id, kind, key, msgspec.json.decode(headers, type=Headers), published_ms, ())
        for id, kind, key, headers, published_ms in rows
    }


def _places(values: Sequence[object]) -> str:
    return ", ".join("?" for _ in values)


def _with_handlings(
    stores: Mapping[str, Reading], listeners: Mapping[str, Iterable[str]], path: Sequence[Said]
) -> list[Said]:
    handled: dict[str, list[Handling]] = {said.id: [] for said in path}
    for service, kinds in listeners.items():
        heard = [said.id for said in path if said.type in kinds]
        if service in stores and heard:
            for id, handling in _handlings(service, stores[service], heard):
                handled[id].append(handling)
    return [msgspec.structs.replace(said, handled=handled[said.id]) for said in path]


def _handlings(service: str, read: Reading, ids: Sequence[str]) -> Iterator[tuple[str, Handling]]:
    of_these = f"WHERE message_id IN ({_places(ids)})"
    inbox = read.all(f"SELECT message_id, at_ms FROM inbox {of_these}", ids)
    dead = read.all(f"SELECT message_id, at_ms, reason FROM dead_letters {of_these}", ids)
    handlings = {id: Handling(service, at_ms, why) for id, at_ms, why in dead}
    handlings |= {id: Handling(service, at_ms) for id, at_ms in inbox}
    for id in ids:
        yield id, handlings.get(id, Handling(service, None))
