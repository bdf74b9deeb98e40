"""A deed on record: who did what to whom or what, and what was so before and after. Nothing here tells where somebody
was, how they are called or reached, or anything that lets in whoever reads it."""

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec

from gbike.kit.auth.principal import DEMO, ITSELF, Principal
from gbike.kit.store import Facts
from gbike.kit.telemetry import Trace

GENESIS = "0" * 64
"""What the first row follows."""
LOCAL = Principal("local")
"""Whoever has the data folder, or the database's URL, and uses gbike's command line on it."""
MODES = {DEMO.name: "open", ITSELF.name: "inside", LOCAL.name: "local"}
"""How who did it was known; everybody else showed a token."""
WITHHELD = frozenset(
    (
        "lat",
        "lon",
        "location",
        "endlocation",
        "place",
        "name",
        "contact",
        "email",
        "phone",
        "password",
        "token",
        "secret",
    )
)
"""Facts that no row holds."""


class Deed(msgspec.Struct, frozen=True):
    """What a row tells. `before` and `after` are JSON with sorted names, `roles` a list with commas."""

    at_ms: int
    who: str
    roles: str
    mode: str
    action: str
    subject: str
    before: str
    after: str
    trace_id: str


class Row(msgspec.Struct, frozen=True):
    """A deed in its chain: the number counts from 1 without a gap."""

    number: int
    at_ms: int
    who: str
    roles: str
    mode: str
    action: str
    subject: str
    before: str
    after: str
    trace_id: str
    prev_hash: str
    hash: str

    @property
    def values(self) -> tuple[str | int, ...]:
        return msgspec.structs.astuple(self)


def deed(action: str, subject: str, before: Facts, after: Facts, *, at_ms: int, by: Principal, trace: Trace) -> Deed:
    """What `by` did. Raises ValueError for a fact that no row may hold."""
    if withheld := WITHHELD & (before.keys() | after.keys()):
        raise ValueError(f"no audit row holds {', '.join(sorted(withheld))}")
    return Deed(
        at_ms=at_ms,
        who=by.name,
        roles=",".join(sorted(by.roles)),
        mode=MODES.get(by.name, "secure"),
        action=action,
        subject=subject,
        before=_json(before),
        after=_json(after),
        trace_id=trace.traceparent[3:35],
    )


def chained(deeds: Sequence[Deed], number: int, prev_hash: str) -> list[Row]:
    """The rows of `deeds` that follow row `number`, whose hash is `prev_hash`."""
    rows = []
    for one in deeds:
        number += 1
        values: tuple[Any, ...] = (number, *msgspec.structs.astuple(one), prev_hash)
        prev_hash = hash_of(values)
        rows.append(Row(*(*values, prev_hash)))
    return rows


def hash_of(values: tuple[str | int, ...]) -> str:
    """SHA-256 over the JSON array of every column but the hash itself."""
    return hashlib.sha256(msgspec.json.encode(values)).hexdigest()


def _json(facts: Facts) -> str:
    return msgspec.json.encode(facts, order="sorted").decode() if facts else "{}"
