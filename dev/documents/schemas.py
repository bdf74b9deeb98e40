"""`make schemas`: everything that is published about gbike's interfaces, generated from the code that serves them.

A test compares the committed files with what this module would write. Golden examples are the exception: they are
written once and never edited, for they stand for messages that are on somebody's disk already.
"""

import asyncio
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import yaml

from dev.documents import kafka_rights, write_changed
from dev.documents.event_storm import watch
from dev.documents.golden import EXAMPLES, packed
from dev.documents.reference import events_page, settings_page, status_codes_page, with_picture
from dev.documents.who_may import SECURITY, with_table
from gbike.kit.http.openapi import document, schemas_of
from gbike.kit.messaging.bus import KEEP_MS
from gbike.kit.messaging.kafka.subscription import group_of
from gbike.kit.messaging.kafka.topic import PARTITIONS, topic_of
from gbike.run.event_map import Built, MappedEvent, build_all, events
from gbike.run.registry import speakers

ROOT = Path(__file__).parents[2]
DIALECT = "https://json-schema.org/draft/2020-12/schema"
MILLISECONDS = "milliseconds since 1970 UTC"
HEADERS: dict[str, Any] = {
    "type": "object",
    "description": "CloudEvents 1.0 attributes in binary mode, and the trace",
    "required": ["ce_id", "ce_type", "ce_source", "ce_time", "ce_subject", "ce_specversion", "traceparent"],
    "properties": {
        "ce_id": {"type": "string", "description": "UUIDv7; the same id again is the same message again"},
        "ce_type": {"type": "string", "description": "the event's name; consumers filter on it before they decode"},
        "ce_source": {"type": "string", "description": "/gbike/ and the service that says it"},
        "ce_time": {"type": "string", "format": "date-time"},
        "ce_subject": {"type": "string", "description": "the key again"},
        "ce_specversion": {"const": "1.0"},
        "content-type": {"const": "application/json"},
        "traceparent": {"type": "string", "description": "W3C trace context of the request that caused it"},
        "correlationid": {"type": "string", "description": "the X-Request-Id of the request that caused it"},
        "causationid": {
            "type": "string",
            "description": "ce_id of the message whose handler said it; left out when it was said to answer a request",
        },
    },
}

KAFKA_BINDING = "0.5.0"
SERVERS: dict[str, Any] = {
    "kafka": {
        "host": "{bootstrap}",
        "protocol": "kafka",
        "description": "The distributed form: GBIKE_KAFKA. A record's key, headers and value are the message's.",
        "variables": {"bootstrap": {"default": "127.0.0.1:9092", "description": "bootstrap servers"}},
    },
    "embedded": {
        "host": "localhost",
        "pathname": "/bus.sqlite",
        "protocol": "sqlite",
        "description": "The embedded form: the table `log` of this file in the data folder, with the same key and"
        " value, and the headers as one JSON object.",
    },
}


def files() -> Iterator[tuple[str, str]]:
    """Path and text of every file that is generated anew each time."""
    built = build_all()
    found = events(built)
    yield "schemas/openapi/gbike.json", _json(document("gbike", [o for one in built for o in one.public]))
    for event in found:
        yield f"schemas/events/{stem(event.kind)}.json", _json(event_schema(event))
    yield "schemas/asyncapi.yaml", yaml.safe_dump(asyncapi(built), sort_keys=False, allow_unicode=True, width=120)
    yield "docs/reference/events.md", events_page(built, asyncio.run(watch()))
    yield "docs/reference/status-codes.md", status_codes_page(built)
    yield "docs/reference/settings.md", settings_page(built)
    yield "docs/reference/kafka-rights.md", kafka_rights.page(built)
    yield "README.md", with_picture((ROOT / "README.md").read_text("utf-8"))
    yield SECURITY, with_table((ROOT / SECURITY).read_text("utf-8"), built)


def examples() -> Iterator[tuple[str, str]]:
    """Path and text of every golden example, as the code writes it today."""
    for name in EXAMPLES:
        message = packed(name)
        shown = {
            "key": message.key,
            "headers": msgspec.json.decode(message.headers),
            "value": msgspec.json.decode(message.value),
        }
        yield f"schemas/examples/{name}.json", _json(shown)


def stem(kind: type) -> str:
    """The name of an event's files: Rented.v1."""
    shape: int = kind.SHAPE  # type: ignore[attr-defined]
    return f"{kind.__name__}.v{shape}"


def event_schema(event: MappedEvent) -> dict[str, Any]:
    """The JSON Schema of an event's value. What is not named is allowed: consumers ignore what they don't know."""
    schema = schemas_of([event.kind], "#/$defs/{name}")[event.kind.__name__]
    for name, field in schema["properties"].items():
        if name in ("starttime", "endtime"):
            field["description"] = MILLISECONDS
    written = {"type": "string", "pattern": "^[0-9]{14}$", "description": "when it was said: yyyyMMddHHmmss, UTC"}
    schema["properties"] = {
        "eventType": {"const": event.name},
        "timestamp": written,
        **{name: field for name, field in schema["properties"].items() if name != "eventType"},
    }
    return {"$schema": DIALECT, "$id": f"{stem(event.kind)}.json", **schema}


def asyncapi(built: Sequence[Built]) -> dict[str, Any]:
    """The AsyncAPI document: a channel per speaker, a message per event, and who sends and receives which."""
    found = events(built)
    operations: dict[str, Any] = {}
    for one in built:
        published = [event for event in found if event.kind in one.spec.publishes]
        heard = [event for event in found if event.kind in one.service.policies]
        for action, verb, events_of in (("send", "says", published), ("receive", "hears", heard)):
            if events_of:
                operations |= _operations(one, action, verb, events_of)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "gbike events",
            "version": "1",
            "description": "Each event is delivered at least once and may come in any order.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": SERVERS,
        "channels": {one.spec.name: _channel(one, found) for one in built if one.spec.publishes},
        "operations": operations,
        "components": {"messages": {event.name: _message(event) for event in found}, "schemas": {"Headers": HEADERS}},
    }


def _message(event: MappedEvent) -> dict[str, Any]:
    hearers = ", ".join(heard.service for heard in event.handled_by) or "nobody yet"
    shown = stem(event.kind)
    key = {"examples": [packed(shown).key]} if shown in EXAMPLES else {}
    return {
        "name": event.name,
        "summary": event.meaning,
        "description": f"Said by {event.published_by}, heard by {hearers}.",
        "contentType": "application/json",
        "headers": {"$ref": "#/components/schemas/Headers"},
        "payload": {
            "schemaFormat": f"application/schema+json;version={DIALECT}",
            "schema": {"$ref": f"./events/{stem(event.kind)}.json"},
        },
        "bindings": {"kafka": {"key": {"type": "string", **key}, "bindingVersion": KAFKA_BINDING}},
    }


def _operations(one: Built, action: str, verb: str, found: Sequence[MappedEvent]) -> Iterator[tuple[str, Any]]:
    """What a service does on the channels of its own, or of those that it hears."""
    says = speakers()
    for speaker in sorted({says[event.name] for event in found}):
        operation: dict[str, Any] = {
            "action": action,
            "title": one.spec.title,
            "channel": {"$ref": f"#/channels/{speaker}"},
            "messages": [
                {"$ref": f"#/channels/{speaker}/messages/{event.name}"}
                for event in found
                if says[event.name] == speaker
            ],
        }
        if action == "receive":
            group = {"type": "string", "const": group_of(one.spec.name)}
            operation["bindings"] = {"kafka": {"groupId": group, "bindingVersion": KAFKA_BINDING}}
        yield (f"{one.spec.name}_{verb}" if action == "send" else f"{one.spec.name}_{verb}_{speaker}"), operation


def _channel(one: Built, found: Sequence[MappedEvent]) -> dict[str, Any]:
    published = [event for event in found if event.kind in one.spec.publishes]
    return {
        "address": topic_of(one.spec.name),
        "description": "What one service says; it alone writes here, and what names another source is set aside. Those"
        " of one key keep their order. The embedded form has one log for all.",
        "bindings": {"kafka": _topic(topic_of(one.spec.name))},
        "messages": {event.name: {"$ref": f"#/components/messages/{event.name}"} for event in published},
    }


def _topic(name: str) -> dict[str, Any]:
    return {
        "topic": name,
        "partitions": PARTITIONS,
        "topicConfiguration": {"retention.ms": KEEP_MS, "cleanup.policy": ["delete"]},
        "bindingVersion": KAFKA_BINDING,
    }


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def write(root: Path) -> list[str]:
    """Write what differs under `root`, and golden examples that are new; answers the paths that changed."""
    new = ((path, text) for path, text in examples() if not (root / path).exists())
    return write_changed(root, [*files(), *new])


if __name__ == "__main__":
    print("\n".join(write(ROOT)) or "nothing changed")
