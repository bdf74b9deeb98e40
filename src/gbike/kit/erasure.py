"""What messages and kept answers tell of a person, and how it is taken out of them: numbers stay, places and names go.

A store remembers who was erased, so that what was said before and comes later loses its places before anybody sees it.
Messages are kept for days and found by their bytes: to look at a week of them once is cheaper than an index for ever.
"""

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from gbike.kit.envelope import Message
from gbike.kit.store import Reading, Tx

PERSONAL = ("endlocation", "location", "lat", "lon", "name", "contact")
"""Fields that tell where somebody was, or who it is."""
_SAYS = re.compile(b'"(?:%b)":(?!null)' % "|".join(PERSONAL).encode())
"""Where an object may say something personal: most messages don't, and need not be decoded to know it."""
AT_ONCE = 50
"""Numbers that are looked for in one statement."""
_KEPT = {"outbox": ("id", "value"), "dead_letters": ("message_id", "value"), "idempotency": ("key", "content")}
"""Where messages and answers are kept: key and bytes."""


class _Whose(msgspec.Struct, frozen=True):
    userid: int | None = None


_LOCK = "erasure"
"""Whoever may keep something personal shares it until the commit; whoever erases has it alone. So an erasure sees all
that was kept before it, and what is kept after it sees the erasure: `erased` read without it tells nothing of an
erasure that is about to be committed."""
ERASES = "AccountErased"
"""The event on which the services forget."""


def share(tx: Tx) -> None:
    """Before anything personal is kept, or read to be kept: no erasure commits until this does."""
    tx.share(_LOCK)


def alone(tx: Tx) -> None:
    """Before an erasure takes any other lock: whoever keeps something personal has shared this one first."""
    tx.lock(_LOCK)


def guard(tx: Tx, messages: Sequence[Message]) -> None:
    """The same before messages take effect. Where one of them erases, the lock is taken alone at once: two consumers
    that shared it first would wait for each other."""
    if any(message.type == ERASES for message in messages):
        tx.lock(_LOCK)
    else:
        share(tx)


def remember(tx: Tx, userid: int) -> None:
    """This one was erased: from here until the commit nobody keeps anything personal."""
    tx.lock(_LOCK)
    tx.execute("INSERT INTO erased (userid, at_ms) VALUES (?, ?) ON CONFLICT (userid) DO NOTHING", (userid, tx.now_ms))


def take_out(tx: Tx, field: str, numbers: Sequence[int]) -> None:
    """Take what is personal out of everything that is kept with one of `numbers` in `field`, said already or not."""
    for table in _KEPT:
        for start in range(0, len(numbers), AT_ONCE):
            _take_out(tx, table, field, numbers[start : start + AT_ONCE])


def scrubbed(read: Reading, messages: list[Message]) -> list[Message]:
    """The messages, without what is personal where somebody who was erased is concerned. Call `guard` or `share` first
    in a transaction that keeps them."""
    if not messages or read.one("SELECT 1 FROM erased LIMIT 1") is None:
        return messages
    whose = [_userid(message) for message in messages]
    among = sorted({userid for userid in whose if userid is not None})
    marks = ", ".join("?" * len(among))
    gone = {row[0] for row in read.all(f"SELECT userid FROM erased WHERE userid IN ({marks})", among)} if among else ()
    return [
        msgspec.structs.replace(message, value=impersonal(message.value)) if userid in gone else message
        for message, userid in zip(messages, whose, strict=True)
    ]


def impersonal(content: bytes) -> bytes:
    """A JSON object without what is personal: its fields are null."""
    if not _SAYS.search(content):
        return content
    fields: dict[str, Any] = msgspec.json.decode(content)
    if all(fields.get(name) is None for name in PERSONAL):
        return content
    return msgspec.json.encode({name: None if name in PERSONAL else value for name, value in fields.items()})


def _take_out(tx: Tx, table: str, field: str, numbers: Sequence[int]) -> None:
    key, content = _KEPT[table]
    there = " OR ".join([f"instr({content}, ?) > 0"] * len(numbers))
    needles = [f'"{field}":{number}'.encode() for number in numbers]
    for of, found in tx.all(f"SELECT {key}, {content} FROM {table} WHERE {there}", needles):
        if msgspec.json.decode(found).get(field) in numbers:  # the bytes of 7 are in those of 71
            tx.execute(f"UPDATE {table} SET {content} = ? WHERE {key} = ?", (impersonal(bytes(found)), of))


def _userid(message: Message) -> int | None:
    try:
        return msgspec.json.decode(message.value, type=_Whose).userid
    except (msgspec.ValidationError, msgspec.DecodeError):
        return None
