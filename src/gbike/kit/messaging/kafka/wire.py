"""A Message as a Kafka record and back, the same bytes at both ends: one header per attribute (binary mode)."""

from typing import Any

import msgspec

from gbike.kit.envelope import Message

TYPE = "ce_type"
"""The header that says what a message is; a consumer looks at it before anything else."""

LONGEST = 255
"""Letters of an identity or a key; ours have 40. An index of PostgreSQL takes 2,700 bytes."""
NO_TEXT = "\ufffd"
"""Stands for what is no text."""
UNREADABLE, WHY = "unreadable", "why"
"""The type of what stands for records that can't be read (records.py), and the header that says why."""
FOREIGN = "foreign"
"""The type of what stands for a record of a speaker that did not say it: no policy takes it, now or when replayed."""
SOURCE = "ce_source"

_headers = msgspec.json.Decoder(dict[str, str])


def to_headers(message: Message) -> list[tuple[str, bytes]]:
    return [(name, value.encode()) for name, value in _headers.decode(message.headers).items()]


def type_of(record: Any) -> str:
    """What `record` says it is; empty for a record that is not of this house (the original's have no such header)."""
    for name, value in record.headers:
        if name == TYPE:
            return _text(value)
    return ""


def to_message(record: Any) -> Message:
    """The message in a record that has a type, such that every store can keep it. One without an identity, or with one
    that no store could keep, is called by its place: it is known when it comes again, and the consumer sets it aside,
    as its headers call it otherwise (`trace_of`)."""
    headers = {name: _text(value) for name, value in record.headers}
    id = headers.get("ce_id", "")
    storable = 0 < len(id) <= LONGEST and id.isprintable() and NO_TEXT not in id
    return Message(
        id if storable else f"{record.topic}/{record.partition}/{record.offset}",
        type_of(record),  # the first of several, by which it was wanted
        _text(record.key)[:LONGEST].replace("\0", NO_TEXT),  # PostgreSQL keeps no NUL in a text
        msgspec.json.encode(headers),
        record.value or b"",
    )


def publisher_of(record: Any, speaker: str) -> bool:
    """Whether every source that a record names is this service."""
    sources = {value for name, value in record.headers if name == SOURCE}
    return sources == {f"/gbike/{speaker}".encode()}


def to_foreign(record: Any) -> Message:
    """What is set aside of a record that its speaker did not say. It is called by its place, as its own identity may
    be that of a message to come."""
    kept = to_message(record)
    headers = _headers.decode(kept.headers)
    why = f"{kept.type} of {headers.get(SOURCE, 'nobody')} on {record.topic}"
    place = f"{record.topic}/{record.partition}/{record.offset}"
    return Message(place, FOREIGN, kept.key, msgspec.json.encode({**headers, WHY: why}), kept.value)


def _text(raw: bytes | None) -> str:
    return (raw or b"").decode("utf-8", "replace")
