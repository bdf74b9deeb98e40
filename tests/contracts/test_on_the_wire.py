"""`schemas/asyncapi.yaml` is true of both wires: a record of Kafka, and a row of the embedded log."""

from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
import yaml
from aiokafka.structs import ConsumerRecord

from dev.documents.golden import EXAMPLES, packed
from gbike.kit.envelope import Message
from gbike.kit.messaging.kafka.subscription import group_of
from gbike.kit.messaging.kafka.topic import CONFIGS, topic_of
from gbike.kit.messaging.kafka.wire import to_headers, to_message, type_of
from gbike.kit.messaging.local.log import SqliteLog
from gbike.run.event_map import build_all
from gbike.run.registry import speakers, specs
from tests.kit.floor import a_log_store

SPOKEN: dict[str, Any] = yaml.safe_load((Path(__file__).parents[2] / "schemas" / "asyncapi.yaml").read_text("utf-8"))
CHANNELS = SPOKEN["channels"]


def record(message: Message) -> Any:
    """What a consumer of Kafka would be given."""
    headers, key = to_headers(message), message.key.encode()
    return ConsumerRecord(
        "gbike.rent",
        3,
        17,
        0,
        0,
        key=key,
        value=message.value,
        checksum=None,
        serialized_key_size=len(key),
        serialized_value_size=len(message.value),
        headers=tuple(headers),
    )


def check(message: Message) -> None:
    """Headers and key are as the document says."""
    headers = msgspec.json.decode(message.headers)
    jsonschema.validate(headers, SPOKEN["components"]["schemas"]["Headers"])
    printed = SPOKEN["components"]["messages"][headers["ce_type"]]
    (example,) = printed["bindings"]["kafka"]["key"]["examples"]
    assert message.key.partition(":")[0] == example.partition(":")[0]


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_a_record_of_kafka_is_the_message_and_as_described(name: str) -> None:
    message = packed(name)
    assert type_of(record(message)) == message.type
    assert to_message(record(message)) == message
    check(to_message(record(message)))


async def test_a_row_of_the_log_is_the_message_and_as_described() -> None:
    log, sent = SqliteLog(a_log_store()), [packed(name) for name in sorted(EXAMPLES)]
    await log.append(sent)
    kept = [message for _, message in await log.after(0, len(sent))]
    assert kept == sent
    for message in kept:
        check(message)


def test_the_topics_and_the_groups_have_the_names_of_the_document() -> None:
    assert set(CHANNELS) == {one.name for one in specs() if one.publishes} == set(speakers().values())
    for name, channel in CHANNELS.items():
        assert channel["address"] == channel["bindings"]["kafka"]["topic"] == topic_of(name) == f"gbike.{name}"
        assert CONFIGS["retention.ms"] == str(channel["bindings"]["kafka"]["topicConfiguration"]["retention.ms"])
        assert set(channel["messages"]) == {kind for kind, speaker in speakers().items() if speaker == name}
    groups = {
        name: operation["bindings"]["kafka"]["groupId"]["const"]
        for name, operation in SPOKEN["operations"].items()
        if operation["action"] == "receive"
    }
    assert groups == {
        f"{one.spec.name}_hears_{speaker}": group_of(one.service.name)
        for one in build_all()
        for speaker in {speakers()[kind.__name__] for kind in one.service.policies}
    }
