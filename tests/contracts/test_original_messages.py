"""The original's own messages, as they were recorded, decode as our events: the published language is the same."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gbike.kit.envelope import Message, unpack
from gbike.run.registry import specs

RECORDED = Path(__file__).parents[1] / "golden" / "kafka-messages.jsonl"
KINDS = {kind.__name__: kind for card in specs() for kind in card.publishes}


def values() -> list[dict[str, Any]]:
    """The value of each recorded message."""
    found = []
    for line in RECORDED.read_text("utf-8").splitlines():
        entry = json.loads(line)
        value = entry.get("value", entry)
        found.append(json.loads(value) if isinstance(value, str) else value)
    return [value for value in found if value.get("eventType") in KINDS]


def test_every_kind_of_event_that_the_original_said_was_recorded() -> None:
    seen = {value["eventType"] for value in values()}
    assert len(values()) > 50
    assert seen >= {"RegisteredBike", "Rented", "Returned", "RegisteredBill", "CalculatedFee", "ClosedBill", "Reported"}


@pytest.mark.parametrize("name", sorted(KINDS))
def test_the_originals_messages_decode_with_all_their_fields(name: str) -> None:
    for value in values():
        if value["eventType"] != name or any(value.get(field) is None for field in needed(name)):
            continue
        message = Message("m", name, "k", b"{}", json.dumps(value).encode())
        printed: Any = unpack(message, KINDS[name])
        for field in KINDS[name].__struct_fields__:
            if value.get(field) is not None:
                assert getattr(printed, field) == value[field]


def needed(name: str) -> list[str]:
    """The fields without which our event makes no sense; the original left some null (a bike without a status)."""
    return [field.name for field in msgspec.structs.fields(KINDS[name]) if field.required]
