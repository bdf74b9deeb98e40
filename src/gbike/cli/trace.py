"""`gbike trace ID`: the path of a ride or request, from the stores alone, as a person reads it.

Outboxes know who said what, when, and because of which message; inboxes who has handled it; the rest is waiting or was
set aside. Nothing else is asked, so it works beside a running gbike, and after one that died.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated

import msgspec
import typer
from rich.cells import cell_len

from gbike.cli import DATA, Data
from gbike.kit.clock import from_rfc3339
from gbike.kit.envelope import Headers
from gbike.kit.store import Reading, Row
from gbike.kit.telemetry import parts_of
from gbike.run.event_map import display_name, handled_types
from gbike.run.folder.data_folder import DataFolder
from gbike.run.open_stores import open_readings

NEWEST = 100_000
"""Messages of each service that are looked at, the newest: some seconds when there are so many."""
MOST = 500
"""Messages of one path that are shown; somebody may call everything by one id."""
WHEN, SINCE = 23, 12
"""Widths of the first two columns: a moment, and the time since the beginning."""
NOBODY = "nobody listens · 듣는 곳 없음"


class Handling(msgspec.Struct, frozen=True):
    """What became of a message at one of its listeners: handled or set aside (`why`) at a time, or still waiting."""

    service: str
    at_ms: int | None
    why: str | None = None


class PublishedEvent(msgspec.Struct, frozen=True):
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
    events: Sequence[PublishedEvent]
    more: bool = False


def trace_verb(name: Annotated[str, typer.Argument(metavar="ID")], data: Data = DATA) -> None:
    """Follow a rent (7), a request, a trace or a message: who said what, when, because of what."""
    with open_readings(DataFolder(data)) as stores:
        path = find(stores, handled_types(), name)
    for line in page(path) if path.events else [nothing(path)]:
        typer.echo(line, err=not path.events)
    raise typer.Exit(0 if path.events else 1)


def find(stores: Mapping[str, Reading], listeners: Mapping[str, Iterable[str]], name: str) -> Path:
    """The path of a rent (`rent:7`, `7`), another aggregate (`bike:3`), a message, a request or a trace: everything
    that was said in the traces it took part in. `listeners`: the types each service hears. Empty: nothing is known."""
    name = f"rent:{name}" if re.fullmatch("[0-9]{1,16}", name) else name
    found: dict[str, PublishedEvent] = {}
    for service, read in stores.items():
        called = f"{_ROW} WHERE id > ? AND (key = ? OR message_id = ?) ORDER BY id DESC LIMIT ?"
        found |= _published(service, read.all(called, (_before(read), name, name, MOST)))
    if not found:
        found = _with(stores, {name})
    looked: set[str] = set()
    while (family := {event.trace_id or event.id for event in found.values()} - looked) and len(found) < MOST:
        looked |= family
        found |= _with(stores, family)
    path = sorted(found.values(), key=lambda events: (events.at_ms, events.id))
    return Path(name, _with_handlings(stores, listeners, path[:MOST]), len(path) > MOST)


class _Marks(msgspec.Struct, gc=False):
    """Those headers by which a message belongs to others; reading no more than these makes a search quick."""

    traceparent: str
    correlationid: str
    causationid: str = ""

    def has(self, names: set[str]) -> bool:
        """Whether the trace, the request or the cause is one of `names`."""
        return self.traceparent[3:35] in names or self.correlationid in names or self.causationid in names


def _with(stores: Mapping[str, Reading], names: set[str]) -> dict[str, PublishedEvent]:
    """The messages of the traces, requests and causes `names`. No index knows them: each message is looked at."""
    marks = msgspec.json.Decoder(_Marks)
    found: dict[str, PublishedEvent] = {}
    for service, read in stores.items():
        rows = read.each("SELECT id, headers FROM outbox WHERE id > ?", (_before(read),))
        numbers = [number for number, headers in rows if marks.decode(headers).has(names)][: MOST + 1]
        if numbers:
            found |= _published(service, read.all(f"{_ROW} WHERE id IN ({_places(numbers)})", numbers))
    return found


def _before(read: Reading) -> int:
    """The number of the message before the newest ones."""
    row = read.one("SELECT coalesce(max(id), 0) FROM outbox")
    assert row is not None
    return int(row[0]) - NEWEST


_ROW = "SELECT message_id, type, key, headers, published_ms FROM outbox"


def _published(service: str, rows: Iterable[Row]) -> dict[str, PublishedEvent]:
    return {
        id: PublishedEvent(
            service=service,
            id=id,
            type=kind,
            key=key,
            headers=msgspec.json.decode(headers, type=Headers),
            published_ms=published_ms,
            handled=(),
        )
        for id, kind, key, headers, published_ms in rows
    }


def _places(values: Sequence[object]) -> str:
    return ", ".join("?" for _ in values)


def _with_handlings(
    stores: Mapping[str, Reading], listeners: Mapping[str, Iterable[str]], path: Sequence[PublishedEvent]
) -> list[PublishedEvent]:
    handled: dict[str, list[Handling]] = {event.id: [] for event in path}
    for service, kinds in listeners.items():
        heard = [event.id for event in path if event.type in kinds]
        if service in stores and heard:
            for id, handling in _handlings(service, stores[service], heard):
                handled[id].append(handling)
    return [msgspec.structs.replace(event, handled=handled[event.id]) for event in path]


def _handlings(service: str, read: Reading, ids: Sequence[str]) -> Iterator[tuple[str, Handling]]:
    of_these = f"WHERE message_id IN ({_places(ids)})"
    inbox = read.all(f"SELECT message_id, at_ms FROM inbox {of_these}", ids)
    dead = read.all(f"SELECT message_id, at_ms, reason FROM dead_letters {of_these}", ids)
    handlings = {id: Handling(service, at_ms, why) for id, at_ms, why in dead}
    handlings |= {id: Handling(service, at_ms) for id, at_ms in inbox}
    for id in ids:
        yield id, handlings.get(id, Handling(service, None))


def page(path: Path) -> Iterator[str]:
    began_ms = path.events[0].at_ms
    roots = _roots(path.events)
    yield f"{path.name}: requests · 요청 {len(roots)}, events · 이벤트 {len(path.events)}, {_counts(path.events)}"
    if path.more:
        yield f"there are more events than the {len(path.events)} shown · {len(path.events)}개만 표시"
    yield ""
    yield _columns("when · 시각", "+ms · 경과", "said by, event, about → handled · 말한 곳, 이벤트, 대상 → 처리")
    for head, events in roots:
        yield _columns(_moment(events[0].at_ms), _since(events[0].at_ms, began_ms), head)
        for one, branch in _tree(events, path.events):
            told = f"{branch}{display_name(one.service)} {one.type} {one.key} → {_handled(one)}"
            yield _columns(_moment(one.at_ms), _since(one.at_ms, began_ms), told)


def nothing(path: Path) -> str:
    return (
        f"nothing is known of {path.name}: no rent, request, trace or message of that name is among the newest"
        f" {NEWEST:,} messages of each service (they are kept for 7 days) · {path.name}에 대한 기록이 없어요"
    )


def _counts(events: Sequence[PublishedEvent]) -> str:
    all_of_them = [handling for one in events for handling in one.handled]
    dead = sum(handling.why is not None for handling in all_of_them)
    waiting = sum(handling.at_ms is None for handling in all_of_them)
    handled = len(all_of_them) - dead - waiting
    return f"handled · 처리 {handled}, waiting · 대기 {waiting}, set aside · 실패 {dead}"


def _roots(events: Sequence[PublishedEvent]) -> list[tuple[str, list[PublishedEvent]]]:
    """What begins a tree, under a line for the request, or for the message that is not kept any more."""
    known = {one.id for one in events}
    groups: dict[str, list[PublishedEvent]] = {}
    for one in events:
        if one.cause not in known:
            groups.setdefault(_head(one), []).append(one)
    return list(groups.items())


def _head(event: PublishedEvent) -> str:
    if event.cause:
        return f"message · 메시지 {event.cause} (no longer kept · 보관 기간 지남)"
    if not event.trace_id:
        return "no request: a sweeper or timer · 요청 없음"
    return f"request · 요청 {event.headers.correlationid} (trace {event.trace_id})"


def _tree(
    roots: Sequence[PublishedEvent], events: Sequence[PublishedEvent], before: str = ""
) -> Iterator[tuple[PublishedEvent, str]]:
    """Each message below `roots`, a cause before what it caused, with the branch it hangs on."""
    for number, one in enumerate(roots):
        last = number == len(roots) - 1
        yield one, before + ("└─ " if last else "├─ ")
        caused = [other for other in events if other.cause == one.id]
        yield from _tree(caused, events, before + ("   " if last else "│  "))


def _handled(event: PublishedEvent) -> str:
    if not event.handled:
        return NOBODY
    told = ", ".join(_one(handling, event) for handling in event.handled)
    return told if event.published_ms is not None else f"{told} (not on the bus yet · 발행 전)"


def _one(handling: Handling, event: PublishedEvent) -> str:
    service = display_name(handling.service)
    if handling.why is not None:
        return f"{service} SET ASIDE · 실패 [{event.id}]: {handling.why}"
    if handling.at_ms is None:
        return f"{service} WAITING · 대기"
    return f"{service} {_since(handling.at_ms, event.at_ms).strip()}"


def _moment(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).astimezone().isoformat(" ", "milliseconds")[:WHEN]


def _since(ms: int, began_ms: int) -> str:
    return f"{ms - began_ms:+,} ms"


def _columns(when: str, since: str, told: str) -> str:
    return f"{when}{' ' * (WHEN - cell_len(when))} {' ' * (SINCE - cell_len(since))}{since}  {told}"
