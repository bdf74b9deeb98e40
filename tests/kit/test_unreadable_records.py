"""Records that the client library can't read stop no consumer: what can be read takes effect, the rest is set aside."""

import asyncio
from collections.abc import Callable

import confluent_kafka
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.consumer.fetcher import READ_UNCOMMITTED, PartitionRecords
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.util import calc_crc32c
from aiokafka.structs import TopicPartition

from gbike.kit.messaging.dead_letters import letters
from gbike.kit.messaging.inbox import Consumer
from gbike.kit.messaging.kafka.records import Records
from gbike.kit.messaging.kafka.wire import to_headers, to_message, type_of
from gbike.kit.telemetry import Metrics
from tests.kit.floor import Rang, a_store, words
from tests.kit.kafkas import KafkaWire, RealKafka
from tests.kit.test_bus import a_message, rings
from tests.kit.test_kafka import numbers, receive

PATIENCE_S = 60
CRC, ATTRIBUTES = 17, 21
GZIP = 1
SNAPPY = 2
NO_CODEC = 7


def batch(base: int, count: int) -> bytearray:
    """Bells from `base` on, as a broker gives them."""
    made = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, base_sequence=-1, batch_size=1 << 20)
    for n in range(count):
        message = a_message(base + n)
        made.append(n, 1, message.key.encode(), message.value, to_headers(message))
    raw = bytearray(made.build())
    raw[:8] = base.to_bytes(8, "big")
    return raw


def summed(raw: bytearray) -> bytearray:
    """With the sum that its content has now."""
    raw[CRC:ATTRIBUTES] = calc_crc32c(raw[ATTRIBUTES:]).to_bytes(4, "big")
    return raw


def in_codec(codec: int) -> Callable[[bytearray], bytearray]:
    """What is in it is nothing of that codec."""

    def changed(raw: bytearray) -> bytearray:
        raw[ATTRIBUTES + 1] = codec
        return summed(raw)

    return changed


def a_bit_wrong(raw: bytearray) -> bytearray:
    raw[-9] ^= 1
    return raw


def a_name_that_is_no_text(raw: bytearray) -> bytearray:
    return summed(bytearray(raw.replace(b"ce_time", b"ce_\xff\xfe\xfdz", 1)))


def a_second_record_that_ends_too_early(raw: bytearray) -> bytearray:
    _, second, _ = (at for at in range(len(raw)) if raw[at : at + 6] == b"\x0ace_id")
    raw[second] = 1  # the length of a header's name: -1
    return summed(raw)


def only_its_head(raw: bytearray) -> bytearray:
    """Less than a head, and two places that are not there any more."""
    del raw[40:]
    raw[8:12] = (28).to_bytes(4, "big")
    return raw


def another_count(raw: bytearray) -> bytearray:
    """It says that it ends where it does not."""
    raw[57:61] = (1).to_bytes(4, "big")
    return raw


def nothing(raw: bytearray) -> bytearray:
    return raw


def read(raw: bytes) -> list[tuple[int, str]]:
    """What a consumer gets of it: offsets and types."""
    place = TopicPartition("gbike", 0)
    found = PartitionRecords(
        place, Records(raw), [], 10, None, value_deserializer=None, check_crcs=True, isolation_level=READ_UNCOMMITTED
    )
    records = list(found)
    assert found.next_fetch_offset == 20
    for record in records:
        to_message(record)
    return [(record.offset, type_of(record)) for record in records]


BEFORE, AFTER = [(n, "Rang") for n in range(10, 14)], [(n, "Rang") for n in range(17, 20)]
READABLE = [(n, "Rang") for n in range(14, 17)]


@pytest.mark.parametrize(
    ("spoil", "between"),
    [
        (nothing, READABLE),
        (a_name_that_is_no_text, READABLE),
        (a_bit_wrong, [(16, "unreadable")]),
        (only_its_head, [(16, "unreadable")]),
        (another_count, [(16, "unreadable")]),
        (in_codec(GZIP), [(16, "unreadable")]),
        (in_codec(SNAPPY), [(16, "unreadable")]),
        (in_codec(NO_CODEC), [(16, "unreadable")]),
        (a_second_record_that_ends_too_early, [(14, "Rang"), (16, "unreadable")]),
    ],
)
def test_what_is_before_and_after_is_read(
    spoil: Callable[[bytearray], bytearray], between: list[tuple[int, str]]
) -> None:
    raw = bytes(batch(10, 4) + spoil(batch(14, 3)) + batch(17, 3))
    assert read(raw + bytes(batch(20, 3)[:-1])) == BEFORE + between + AFTER  # the last one is cut off


async def test_a_batch_in_a_codec_that_nobody_has_is_set_aside_and_counted_and_the_next_is_heard(
    broker: RealKafka,
) -> None:
    wire = KafkaWire(broker)
    hearer = a_store()
    metrics = Metrics()
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(wire.topic, 1, 1, topic_configs={"compression.type": "producer"})])
    await admin.close()
    stranger = confluent_kafka.Producer({"bootstrap.servers": broker.bootstrap, "compression.type": "snappy"})
    await wire.append([a_message(1)])
    message = a_message(2)
    stranger.produce(wire.topic, message.value * 50, headers=to_headers(message))
    assert stranger.flush(PATIENCE_S) == 0
    await wire.append([a_message(3)])
    consumer = Consumer(hearer, wire.reader(hearer, "ears"), {Rang: rings}, metrics, "ears")
    async with asyncio.timeout(PATIENCE_S):
        await receive(consumer)
    assert numbers(await words(hearer)) == [1, 3]
    [letter] = await hearer.read(letters, 10)
    assert (letter.message.id, letter.message.type) == (f"{wire.topic}/0/1", "unreadable")
    assert "snappy" in letter.reason
    assert metrics.dead_letters.labels("ears")._value.get() == 1
    await wire.close()
