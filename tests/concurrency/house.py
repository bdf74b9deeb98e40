"""What the harness knows of a service: rows to begin with, a case for every command, and what must hold afterwards.

To add a command: one line in the table of its service (`tests/concurrency/houses/`): `write(name, fn, *arguments)` for
what is handed to `store.write`, `HEARS.case(name, event)` for a policy. It meets every other line of that table, and
itself.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial, wraps
from typing import Any

import msgspec

from gbike.contracts.events import EVENTS
from gbike.contracts.rent import Rented, Returned
from gbike.kit.audit.chain import COLUMNS, Walk, head
from gbike.kit.auth.principal import IdempotencyKey
from gbike.kit.envelope import Event, Message, pack
from gbike.kit.messaging.dead_letters import set_aside
from gbike.kit.messaging.hours import first_id, fold, take_note
from gbike.kit.messaging.inbox import Consumer, Policies
from gbike.kit.messaging.outbox import _mark_published
from gbike.kit.storage.retention import DAY_MS, RetentionRule, _forget
from gbike.kit.store import Reading, Tx
from gbike.kit.telemetry import NO_TRACE, Metrics
from tests.concurrency.stepping import NOW, Write

USER = 3
"""The rider whom every table knows."""
LATER = NOW + 100 * 24 * 3_600_000
"""When everything that was kept for a while may go."""


_LATE = f"{first_id(NOW - DAY_MS)}-7000-8000-000000000001"
"""A message of an hour that may be folded by now."""


@dataclass(frozen=True)
class Case:
    """One command with its arguments: what one process does, and the other where it meets itself."""

    name: str
    write: Write
    covers: tuple[str, ...]
    again: Write

    def planted(self, fn: Callable[..., Any]) -> "Case":
        """The same with a faulty command in its place."""
        return replace(self, write=_replaced(self.write, fn), again=_replaced(self.again, fn))


@dataclass(frozen=True)
class House:
    """One service."""

    name: str
    setup: Sequence[Write]
    cases: Sequence[Case]
    looks: Sequence[tuple[str, str]] = ()
    """What must hold, and the query that finds no row when it does."""
    unordered: Mapping[frozenset[str], str] = field(default_factory=dict)
    """Pairs whose outcome is not that of one after the other, and why that is right."""
    not_compared: Sequence[str] = ()
    """Columns that tell of order or chance only (`table.column`)."""

    def case(self, name: str) -> Case:
        """One of them."""
        return next(case for case in self.cases if case.name == name)

    def wrong(self, read: Reading) -> Iterator[str]:
        """What does not hold."""
        if self.looks:
            every = " UNION ALL ".join(f"SELECT ?, found::text FROM ({sql}) AS found" for _, sql in self.looks)
            rules = [rule for rule, _ in self.looks]
            yield from (f"{rule}: {row}" for rule, row in read.all(every, rules))
        rows = read.all(f"SELECT {COLUMNS} FROM audit ORDER BY number")
        walk = Walk()
        yield from (f"audit: {what}" for what in (*walk.along(rows), *walk.ends(head(read))))


def qualified(fn: Any) -> str:
    """A function's name in the code."""
    while isinstance(fn, partial):
        fn = fn.func
    fn = getattr(fn, "__func__", fn)
    return f"{fn.__module__}.{fn.__qualname__}"


def write(
    name: str, fn: Callable[..., Any], *args: Any, again: tuple[Any, ...] | None = None, key: str = "", id: str = ""
) -> Case:
    """A command as it is handed to `store.write`. `again`: the arguments of the other process, when both run it. `id`:
    in a request with this Idempotency-Key."""
    fn = under(id, fn)
    return Case(name, (fn, args, key), (qualified(fn),), (fn, args if again is None else again, key))


def key_of(id: str) -> IdempotencyKey:
    """An Idempotency-Key of a request."""
    return IdempotencyKey(id, "hash", _rendered)


def under(id: str, fn: Callable[..., Any]) -> Callable[..., Any]:
    """A command in a request with this Idempotency-Key; empty: with none."""

    def keyed(tx: Tx, *args: Any) -> Any:
        tx.key = key_of(id)
        return fn(tx, *args)

    return wraps(fn)(keyed) if id else fn


def message(event: Event, id: str = "") -> Message:
    """An event as it comes."""
    return pack(event, id=id or f"heard:{type(event).__name__}:{event}"[:80], source="test", now_ms=NOW, trace=NO_TRACE)


def rented(rentid: int) -> Rented:
    """The ride of the rider whom every table knows began."""
    return Rented(rentid=rentid, userid=USER, bikeid=7, status="rented", starttime=NOW - 5_000)


def returned(rentid: int, bikeid: int = 7, endtime: int = NOW) -> Returned:
    """It is over, at a place that an erasure must not leave anywhere."""
    return Returned(
        rentid=rentid,
        userid=USER,
        bikeid=bikeid,
        status="returned",
        endtime=endtime,
        endlocation="집",
        starttime=NOW - 5_000,
        lat=37.1234,
        lon=127.1234,
    )


class Hears:
    """The consumer of a service, as its wiring makes it, over no log."""

    def __init__(self, policies: Policies, hear: Any = None) -> None:
        self.policies = policies
        self.consumer = Consumer(None, None, policies, Metrics(), "test", on_messages=hear)  # type: ignore[arg-type]

    def case(self, name: str, event: Event, *more: Event) -> Case:
        """A policy: its event comes to one process or the other, or to both."""
        messages = [message(one) for one in (event, *more)]
        policies = [qualified(self.policies[type(one)]) for one in (event, *more)]
        what: Write = (self.consumer._apply, (messages, None), "")
        return Case(name, what, (qualified(Consumer._apply), *policies), what)

    def heard_late(self, event: Event) -> Case:
        """A message of an hour that may be folded by now."""
        messages = [message(event, _LATE)]
        what: Write = (self.consumer._apply, (messages, None), "")
        return Case("heard late", what, (qualified(Consumer._apply),), what)

    def with_policy(self, kind: type[Event], policy: Callable[..., Any]) -> "Hears":
        """The same consumer with another policy."""
        return Hears({**self.policies, kind: policy})


def floor(retention: Sequence[RetentionRule], hears: Hears | None = None, event: Event | None = None) -> list[Case]:
    """What every service writes beside its own: marks of the relay, housekeeping, what is set aside and taken back."""
    cases = [
        write("mark published", _mark_published, [1, 2, 3], NOW),
        write("fold hours", fold, "it", {}, LATER),
        *(_housekeeping(keeping) for keeping in retention),
    ]
    if hears is not None and event is not None:
        one = message(event)
        cases.append(hears.heard_late(event))
        cases.append(write("take note of a loss", take_note, "it", [_LATE], [("Rang", 0, 1, 5)]))
        cases.append(write("set aside", set_aside, one, "reason", EVENTS))
        cases.append(write("replay", hears.consumer._revive, one))
        cases.append(write("handle again", hears.consumer._again, one))
    return cases


def do(fn: Callable[..., Any], *args: Any, id: str = "") -> Write:
    """A command for the setup."""
    return under(id, fn), args, ""


def sql(statement: str, *params: Any) -> Write:
    """Rows for the setup that no command makes in one go."""
    return _execute, (statement, params), ""


def _execute(tx: Tx, statement: str, params: Sequence[Any]) -> None:
    tx.execute(statement, params)


def _housekeeping(keeping: RetentionRule) -> Case:
    kind = "housekeeping" if keeping.forget.startswith("DELETE") else "coarsening"
    case = write(f"{kind} of {_table(keeping)}", _forget, (keeping,), LATER)
    return replace(case, covers=(*case.covers, keeping.forget))


def _table(keeping: RetentionRule) -> str:
    found = re.search(r"(?:DELETE FROM|UPDATE) ([a-z_]+)", keeping.forget)
    assert found is not None
    return found[1]


def _rendered(result: Any) -> tuple[int, bytes, bytes]:
    fields = msgspec.to_builtins(result)
    if isinstance(fields, dict):
        fields |= fields.pop("place", None) or {}
        fields |= {"blocked": fields.pop("block")} if "block" in fields else {}
    return 200, msgspec.json.encode(fields), b"{}"


def _replaced(write: Write, fn: Callable[..., Any]) -> Write:
    _, args, key = write
    return fn, args, key
