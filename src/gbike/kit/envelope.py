"""An event on its way: the original's JSON as the value, CloudEvents 1.0 attributes and the trace in the headers.

The value starts with `eventType` and `timestamp` as the original's did and then has the event's fields. Everything
else (id, time, source, trace) is in the headers, so an old consumer of the topic reads what it always read.
"""

from typing import ClassVar, Protocol, TypeVar

import msgspec

from gbike.kit.clock import second
from gbike.kit.telemetry import Trace


class Event(Protocol):
    """What `publish` takes: a frozen msgspec Struct that names the kind of aggregate it speaks of."""

    __struct_fields__: ClassVar[tuple[str, ...]]
    ABOUT: ClassVar[str]
    """As `user`: of the one whose number is its `userid`."""


class Message(msgspec.Struct, frozen=True, gc=False):
    """One event as bytes: what the outbox keeps, the bus carries and the inbox receives."""

    id: str
    type: str
    key: str
    headers: bytes
    value: bytes


class Headers(msgspec.Struct, frozen=True):
    """CloudEvents attributes in binary mode, and the trace. What a request caused has no `causationid`."""

    ce_id: str
    ce_type: str
    ce_source: str
    ce_time: str
    ce_subject: str
    traceparent: str
    correlationid: str
    causationid: str | msgspec.UnsetType = msgspec.UNSET
    ce_specversion: str = "1.0"
    content_type: str = msgspec.field(name="content-type", default="application/json")


class _Cause(msgspec.Struct, frozen=True, gc=False):
    """What of the headers goes on into what is said next, and whose headers they are."""

    ce_id: str
    traceparent: str
    correlationid: str


_CAUSE = msgspec.json.Decoder(_Cause)


class Undecodable(Exception):
    """The value of a message does not fit its type."""


E = TypeVar("E")


def pack(event: Event, *, id: str, source: str, now_ms: int, trace: Trace) -> Message:
    """The message that carries `event`, said by `source` at `now_ms` because of `trace`."""
    name = type(event).__name__
    encoded = msgspec.json.encode(event)
    tag = b'{"eventType":"%b"' % name.encode()
    if not encoded.startswith(tag):
        raise TypeError(f"{name} is no event: it must be a Struct tagged by eventType")
    time, compact = second(now_ms // 1000)
    value = tag + b',"timestamp":"%b"' % compact.encode() + encoded[len(tag) :]
    key = key_of(event)
    headers = Headers(
        ce_id=id,
        ce_type=name,
        ce_source=f"/gbike/{source}",
        ce_time=f"{time}.{now_ms % 1000:03d}Z",
        ce_subject=key,
        traceparent=trace.traceparent,
        correlationid=trace.request_id,
        causationid=trace.cause or msgspec.UNSET,
    )
    return Message(id, name, key, msgspec.json.encode(headers), value)


def key_of(event: Event) -> str:
    """The aggregate that it speaks of, as the key of its message: `KIND:NUMBER`, as `user:3`."""
    return f"{event.ABOUT}:{getattr(event, event.ABOUT + 'id')}"


def unpack(message: Message, kind: type[E]) -> E:
    """The event in `message`; fields it does not know are ignored. Raises Undecodable."""
    try:
        if not message.value.isascii():
            message.value.decode()  # msgspec does not look into what it skips, and a later reader would stumble
        return msgspec.json.decode(message.value, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
        raise Undecodable(f"{message.type} {message.id}: {wrong}") from None


def trace_of(message: Message) -> Trace:
    """The trace of whatever is said because of `message`. Raises Undecodable when its headers are not its own."""
    try:
        told = _CAUSE.decode(message.headers)
    except msgspec.DecodeError as wrong:
        raise Undecodable(f"headers of {message.id}: {wrong}") from None
    if told.ce_id != message.id:
        raise Undecodable(f"headers of {message.id}: ce_id is {told.ce_id[:80]!r}")
    return Trace(told.traceparent, told.correlationid, message.id)
