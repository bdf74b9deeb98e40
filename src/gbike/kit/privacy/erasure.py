"""What messages and kept answers tell of a person, and how it is taken out of them: numbers stay, places and names go.

A store remembers who was erased, so that what was said before and comes later loses its places before anybody sees it.
Messages are kept for days and found by their bytes: to look at a week of them once is cheaper than an index for ever.
"""

from collections.abc import Mapping, Sequence, Set
from contextlib import suppress
from functools import cache
from typing import Annotated, Any

import msgspec
from msgspec import inspect

from gbike.kit.envelope import Message
from gbike.kit.numbers import MAX_ID
from gbike.kit.store import Reading, Row, Store, Tx

Kinds = Mapping[str, type]
"""The events that are known, by name: their fields say what is personal, by a mark (contracts.Personal)."""
AT_ONCE = 50
"""Numbers that are looked for in one statement."""
_ENVELOPE = ("eventType", "timestamp")
"""What every event has beside its fields."""
UNREADABLE = b"{}"
"""What is kept of content that can't be read but may be about somebody who was erased."""
_KEPT = {
    "outbox": ("id", "type", "value"),
    "dead_letters": ("message_id", "type", "value"),
    "idempotency": ("key", "NULL", "content"),
}
"""Where messages and answers are kept: key, type of event, and bytes."""


class _Whose(msgspec.Struct, frozen=True):
    userid: Annotated[int, msgspec.Meta(ge=1, le=MAX_ID)] | None = None


_WHOSE = msgspec.json.Decoder(_Whose)

WIPE_S = 10
"""Between two looks whether somebody was erased, whose traces in the engine's own files are then wiped."""
WIPE_AGAIN_MS = 1_000
"""Before another try, where somebody read."""
_LOCK = "erasure:{}"
ERASES = "AccountErased"
"""The event on which the services forget."""


class Wiper:
    """Wipes a store soon after each erasure: how many follow one another postpones none."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._wiped: Row | None = (0, None)

    async def step(self) -> int:
        """Wipe what was erased since the last time; answers 1 when that could not be done yet, else 0.
        Raises StoreUnavailable."""
        erased = await self._store.read(lambda read: read.one("SELECT count(*), max(at_ms) FROM erased"))
        if erased == self._wiped:
            return 0
        if not await self._store.wipe():
            return 1
        self._wiped = erased
        return 0


def share(tx: Tx, userids: Sequence[int]) -> None:
    """Before anything personal of these is kept, or read to be kept: until this commits none of them is erased. So an
    erasure sees all that was kept before it, and what is kept after it sees the erasure; `erased`, read without this,
    tells nothing of an erasure that is about to be committed."""
    tx.share([_LOCK.format(userid) for userid in userids])


def alone(tx: Tx, userid: int) -> None:
    """Before an erasure takes any other lock: whoever keeps something personal has shared this one first."""
    tx.lock(_LOCK.format(userid))


def guard(tx: Tx, messages: Sequence[Message]) -> None:
    """The same before messages take effect. Who is erased by one of them is locked alone at once: two consumers that
    shared first would wait for each other."""
    person = [(userid, message.type == ERASES) for message in messages if (userid := _userid(message)) is not None]
    erased = {userid for userid, erases in person if erases}
    for userid in sorted(erased):
        tx.lock(_LOCK.format(userid))
    share(tx, [userid for userid, _ in person if userid not in erased])


def remember(tx: Tx, userid: int) -> None:
    """This one was erased: from here until the commit nobody keeps anything personal of theirs."""
    tx.lock(_LOCK.format(userid))
    tx.execute(
        "INSERT INTO erased (userid, at_ms) VALUES (?, ?) ON CONFLICT (userid) DO UPDATE SET at_ms = excluded.at_ms",
        (userid, tx.now_ms),
    )


def take_out(tx: Tx, fields: Sequence[str], numbers: Sequence[int], known: Kinds, *, also: Sequence[str] = ()) -> None:
    """Take what is personal out of everything that is kept with one of `numbers` in one of `fields`, said already or
    not. Of an answer, whose kind is not kept, it is what any event marks, and the fields `also`."""
    for table in _KEPT:
        for start in range(0, len(numbers), AT_ONCE):
            _take_out(tx, table, fields, numbers[start : start + AT_ONCE], known=known, also=also)


def take_out_of_answers(tx: Tx, about: str, known: Kinds) -> None:
    """The same for every kept answer with the field `about` that does not tell of whom it is: nobody knows then."""
    there = "SELECT key, content FROM idempotency WHERE instr(content, ?) > 0 ORDER BY key"  # two erasures never cross
    for key, content in tx.all(there, (f'"{about}":'.encode(),)):
        fields = readable(bytes(content))
        if fields is not None and about in fields and "userid" not in fields:
            left = _without(_marked(known), fields, bytes(content))
            tx.execute("UPDATE idempotency SET content = ? WHERE key = ?", (left, key))


def scrubbed(read: Reading, messages: list[Message], known: Kinds) -> list[Message]:
    """The messages, without what is personal where somebody is concerned who was erased, or is by one of them: what is
    kept after that would stay. Call `guard` first in a transaction that keeps them."""
    erasing = any(message.type == ERASES for message in messages)
    if not messages or not (erasing or read.one("SELECT 1 FROM erased LIMIT 1")):
        return messages
    person = [_userid(message) for message in messages]
    among = sorted({userid for userid in person if userid is not None})
    marks = ", ".join("?" * len(among))
    rows = read.all(f"SELECT userid FROM erased WHERE userid IN ({marks})", among) if among else []
    now = {userid for userid, message in zip(person, messages, strict=True) if message.type == ERASES}
    gone = {row[0] for row in rows} | now - {None}
    return [
        msgspec.structs.replace(message, value=impersonal(message.value, known.get(message.type)))
        if userid in gone
        else message
        for message, userid in zip(messages, person, strict=True)
    ]


def impersonal(content: bytes, kind: type | None) -> bytes:
    """An event's JSON without what is personal: fields that its kind marks, or does not know, are null. Of an unknown
    kind only name and time stay."""
    with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        _only_impersonal(kind).decode(content)  # most events, of which every one that the view keeps is looked at
        return content
    fields = readable(content)
    if fields is None:
        return UNREADABLE
    known = personal_fields(kind) if kind is not None else {}
    return _without({name for name in fields if known.get(name, name not in _ENVELOPE)}, fields, content)


def readable(content: bytes) -> dict[str, Any] | None:
    """The fields of a JSON object; None where it is none: what others wrote to the topic may be anything."""
    try:
        return msgspec.json.decode(content, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _take_out(
    tx: Tx, table: str, of_whom: Sequence[str], numbers: Sequence[int], *, known: Kinds, also: Sequence[str]
) -> None:
    key, type, content = _KEPT[table]
    needles = [f'"{field}":{number}'.encode() for field in of_whom for number in numbers]
    there = " OR ".join([f"instr({content}, ?) > 0"] * len(needles))
    for of, name, found in tx.all(f"SELECT {key}, {type}, {content} FROM {table} WHERE {there}", needles):
        fields = readable(bytes(found))
        if fields is not None and all(fields.get(field) not in numbers for field in of_whom):  # 7's bytes are in 71's
            continue
        if name is not None or fields is None:
            left = impersonal(bytes(found), known.get(name))
        else:
            left = _without(_marked(known) | {*also}, fields, bytes(found))
        tx.execute(f"UPDATE {table} SET {content} = ? WHERE {key} = ?", (left, of))


def _marked(known: Kinds) -> set[str]:
    """What any event marks."""
    return {name for kind in known.values() for name, is_so in personal_fields(kind).items() if is_so}


def _without(names: Set[str], fields: dict[str, Any], content: bytes) -> bytes:
    """The JSON with null for each of these names, and for an object that has one of them."""
    goes = {
        name
        for name, value in fields.items()
        if value is not None and (name in names or (isinstance(value, dict) and not names.isdisjoint(value)))
    }
    if not goes:
        return content
    return msgspec.json.encode({name: None if name in goes else value for name, value in fields.items()})


@cache
def personal_fields(kind: type) -> Mapping[str, bool]:
    found = inspect.type_info(kind)
    fields = found.fields if isinstance(found, inspect.StructType) else ()
    extras = {one.encode_name: one.type.extra if isinstance(one.type, inspect.Metadata) else None for one in fields}
    return {name: bool(extra and extra.get("personal")) for name, extra in extras.items()}


@cache
def _only_impersonal(kind: type | None) -> msgspec.json.Decoder[Any]:
    """Decodes what has only fields that `impersonal` leaves as they are."""
    marks = personal_fields(kind) if kind is not None else {}
    names = dict.fromkeys([*_ENVELOPE, *(name for name, is_so in marks.items() if not is_so)])
    fields = [(name, Any, None) for name in names if not marks.get(name)]
    return msgspec.json.Decoder(msgspec.defstruct("OnlyImpersonal", fields, forbid_unknown_fields=True))


def _userid(message: Message) -> int | None:
    try:
        return _WHOSE.decode(message.value).userid
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
