"""`gbike trace ID`: the path of a ride or request, from the stores alone.

Outboxes know who said what, when, and because of which message; inboxes who has handled it; the rest is waiting or was
set aside. Nothing else is asked, so it works beside a running gbike, and after one that died.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

import msgspec

from gbike.kit.envelope import Headers
from gbike.kit.store import Reading, Row
from gbike.kit.telemetry import parts_of

NEWEST = 100_000
"""Messages of each service that are looked at, the newest: some seconds; a path is short and mostly recent."""
MOST = 500
"""Messages of one path: whoever calls everything by one id gets the beginning."""


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
        return int(datetime.fromisoformat(self.headers.ce_time).timestamp() * 1000 + 0.5)

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
        found = _mentioning(stores, {name}, lambda said: name in (said.headers.correlationid, said.trace_id))
    looked: set[str] = set()
    while (family := {_family(said) for said in found.values()} - looked) and len(found) < MOST:
        looked |= family
        found |= _mentioning(stores, family, lambda said: bool({said.trace_id, said.cause} & family))
    path = sorted(found.values(), key=lambda said: (said.at_ms, said.id))
    return Path(name, _with_handlings(stores, listeners, path[:MOST]), len(path) > MOST)


def _family(said: Said) -> str:
    """What the others of the path carry too: the trace, or, outside of any, the message as their cause."""
    return said.trace_id or said.id


def _mentioning(stores: Mapping[str, Reading], words: Iterable[str], wanted: Callable[[Said], bool]) -> dict[str, Said]:
    """The messages with one of `words` in their headers that are `wanted`. No index knows them: each is looked at."""
    needles = [word.encode() for word in sorted(words)]
    found: dict[str, Said] = {}
    for service, read in stores.items():
        numbers = [
            number
            for number, headers in read.each("SELECT id, headers FROM outbox WHERE id > ?", (_before(read),))
            if any(needle in headers for needle in needles)
        ]
        for some in (numbers[i : i + MOST] for i in range(0, len(numbers), MOST)):
            rows = read.all(f"{_ROW} WHERE id IN ({_marks(some)})", some)
            found |= {id: said for id, said in _said(service, rows).items() if wanted(said)}
            if len(found) > MOST:
                return found
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


def _marks(values: Sequence[object]) -> str:
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
    of_these = f"WHERE message_id IN ({_marks(ids)})"
    inbox = read.all(f"SELECT message_id, at_ms FROM inbox {of_these}", ids)
    dead = read.all(f"SELECT message_id, at_ms, reason FROM dead_letters {of_these}", ids)
    handlings = {id: Handling(service, at_ms, why) for id, at_ms, why in dead}
    handlings |= {id: Handling(service, at_ms) for id, at_ms in inbox}
    for id in ids:
        yield id, handlings.get(id, Handling(service, None))
