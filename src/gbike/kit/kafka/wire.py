"""A Message as a Kafka record and back, the same bytes at both ends: one header per attribute (binary mode)."""

from typing import Any

import msgspec

from gbike.kit.envelope import Message

TYPE = "ce_type"
"""The header that says what a message is; a consumer looks at it before anything else."""

_headers = msgspec.json.Decoder(dict[str, str])


def to_headers(message: Message) -> list[tuple[str, bytes]]:
    """The record's headers, in the order of the message's."""
    return [(name, value.encode()) for name, value in _headers.decode(message.headers).items()]


def type_of(record: Any) -> str:
    """What `record` says it is; empty for a record that is not of this house (the original's have no such header)."""
    for name, value in record.headers:
        if name == TYPE:
            return _text(value)
    return ""


def to_message(record: Any) -> Message:
    """The message in a record that has a type. One without an identity is called by its place, so that it is known when
    it comes again; what else is wrong with it the consumer will find, and set it aside."""
    headers = {name: _text(value) for name, value in record.headers}
    place = f"{record.topic}/{record.partition}/{record.offset}"
    return Message(
        headers.get("ce_id") or place,
        headers[TYPE],
        _text(record.key),
        msgspec.json.encode(headers),
        record.value or b"",
    )


def _text(raw: bytes | None) -> str:
    return (raw or b"").decode("utf-8", "replace")
