"""Each service has a topic of its own, and is believed only there; the one of before is heard to its end first."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import msgspec
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from gbike.kit.envelope import Message
from gbike.kit.messaging.bus import BusUnavailable
from gbike.kit.messaging.dead_letters import letters
from gbike.kit.messaging.inbox import Consumer
from gbike.kit.messaging.kafka import subscription
from gbike.kit.messaging.kafka.broker import Broker
from gbike.kit.messaging.kafka.bus import KafkaBus
from gbike.kit.messaging.kafka.subscription import KafkaSubscription, group_of
from gbike.kit.messaging.kafka.topic import ensure_topics, topic_of
from gbike.kit.messaging.kafka.wire import to_headers
from gbike.kit.messaging.outbox import Relay, how_many_wait
from gbike.kit.messaging.republish import meet
from gbike.kit.storage.sqlite.store import SqliteStore
from gbike.kit.store import Tx
from gbike.kit.telemetry import Metrics
from tests.kit.floor import Hummed, Rang, SetClock, a_store, note, words
from tests.kit.kafkas import KafkaWire, RealKafka, _topics
from tests.kit.test_bus import a_message, rings, take_all
from tests.kit.test_kafka import numbers, receive
from tests.kit.test_republish import publish, publish_one

SPEAKERS = {"Rang": "bell", "Hummed": "horn"}
MANY = 40


def hums(tx: Tx, published: Hummed) -> None:
    note(tx, f"hummed {published.number}")


@pytest.fixture
def house() -> str:
    return f"house{next(_topics)}"


def a_hearer(bus: KafkaBus, store: SqliteStore) -> Consumer:
    """Hears the bell and the horn."""
    subscription = KafkaSubscription(bus, f"{bus.house}-ears", SPEAKERS)
    return Consumer(store, subscription, {Rang: rings, Hummed: hums}, Metrics(), "ears")


async def write(broker: RealKafka, topic: str, messages: Sequence[Message]) -> None:
    """As whoever reaches the broker can do it."""
    producer = AIOKafkaProducer(bootstrap_servers=broker.bootstrap)
    await producer.start()
    for message in messages:
        await producer.send_and_wait(topic, message.value, message.key.encode(), headers=to_headers(message))
    await producer.stop()


def said_by(message: Message, source: str) -> Message:
    """The same, as another's."""
    return msgspec.structs.replace(
        message, headers=message.headers.replace(b"/gbike/bell", f"/gbike/{source}".encode())
    )


async def test_what_a_speaker_did_not_say_is_set_aside_and_has_no_effect(broker: RealKafka, house: str) -> None:
    bus, store = KafkaBus(Broker(broker.bootstrap), "bell", house=house), a_store()
    consumer = a_hearer(bus, store)
    await bus.append([a_message(1)])
    await ensure_topics(Broker(broker.bootstrap), [topic_of("horn", house)])
    bell, horn = topic_of("bell", house), topic_of("horn", house)
    await write(broker, bell, [said_by(a_message(2), "horn"), said_by(a_message(7, hum=True), "horn")])
    await write(broker, horn, [a_message(3), said_by(a_message(4), "horn"), a_message(5, hum=True)])
    unsigned = a_message(6)
    await write(
        broker, bell, [msgspec.structs.replace(unsigned, headers=unsigned.headers.replace(b"ce_source", b"ce_souRce"))]
    )
    await bus.append([a_message(2)])  # the true one, whose identity was used already
    await receive(consumer)
    assert numbers(await words(store)) == [1, 2]
    aside = await store.read(lambda read: letters(read, 100))
    assert len(aside) == 6
    assert {letter.message.type for letter in aside} == {"foreign"}
    assert any(f"Rang of /gbike/bell on {horn}" in letter.reason for letter in aside)
    assert any(f"Hummed of /gbike/horn on {bell}" in letter.reason for letter in aside)
    for letter in aside:
        assert "foreign" in (await consumer.replay(letter.message.id) or "")
    assert numbers(await words(store)) == [1, 2]
    await bus.close()


async def hear_half(broker: RealKafka, house: str, store: SqliteStore) -> None:
    """As a hearer of the one topic does, until it stands in its middle."""
    bus = KafkaBus(Broker(broker.bootstrap), house=house)
    old = KafkaSubscription(bus, f"{house}-ears", {"Rang": "bell"})
    old.topics = [house]
    batch = await old.take(MANY // 2)
    while not batch.messages:
        await old.changed(500)
        batch = await old.take(MANY // 2)
    await Consumer(store, old, {Rang: rings}, Metrics(), "ears")._handle(batch)
    await old.acknowledge(batch)
    await bus.close()
    assert 0 < len(batch.messages) < MANY


async def test_a_hearer_of_before_goes_on_in_the_middle_of_the_old_topic_and_hears_the_new_ones_after_it(
    broker: RealKafka, house: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscription, "READ", 5)  # as it is with a long topic: not all comes at once
    before = [msgspec.structs.replace(a_message(n), key=f"b:{n}") for n in range(MANY)]
    store, clock = a_store(), SetClock()
    identity = (await ensure_topics(Broker(broker.bootstrap), [house]))[house]
    await write(broker, house, before)
    await hear_half(broker, house, store)
    speaker = a_store()
    await publish_one(speaker, *range(50, 55))
    await publish(speaker, clock)
    await meet(speaker, identity)
    await publish_one(speaker, *range(60, 65))

    new = KafkaBus(Broker(broker.bootstrap), "bell", house=house)
    assert await Relay(speaker, new, clock, Metrics(), "bell").step() == 5  # not what the old topic has
    await speaker.flush()
    assert await speaker.read(how_many_wait) == 0
    order = KafkaSubscription(new, f"{house}-ears", SPEAKERS)
    consumer = Consumer(store, order, {Rang: rings, Hummed: hums}, Metrics(), "ears")
    waited = 0
    while await consumer.lag():
        assert order._consumer is not None
        if order._before:
            waited += 1
            assert {place.topic for place in order._consumer.paused()} == set(order.topics)
        if not await consumer.step():
            await consumer.changed(500)
    assert waited
    assert order._consumer is not None
    assert not order._consumer.paused()
    told = [int(word.split()[1]) for word in await words(store)]
    assert sorted(told) == [*range(MANY), *range(60, 65)]
    assert sorted(told[-5:]) == list(range(60, 65))
    await write(broker, house, [a_message(70), said_by(a_message(71), "horn")])  # one of before still speaks
    await receive(consumer)
    assert 70 in numbers(await words(store))
    assert 71 not in numbers(await words(store))
    await new.close()


async def test_two_members_share_the_old_topic_and_nothing_is_lost_or_heard_twice(
    broker: RealKafka, house: str
) -> None:
    store = a_store()
    await ensure_topics(Broker(broker.bootstrap), [house])
    await write(broker, house, [msgspec.structs.replace(a_message(n), key=f"b:{n}") for n in range(MANY)])
    buses = [KafkaBus(Broker(broker.bootstrap), "bell", house=house) for _ in range(2)]
    await buses[0].append([msgspec.structs.replace(a_message(n), key=f"b:{n}") for n in range(MANY, 2 * MANY)])
    await asyncio.gather(*(receive(a_hearer(bus, store)) for bus in buses))
    consumer = a_hearer(buses[0], store)
    while len(await words(store)) < 2 * MANY:
        await receive(consumer)
    assert numbers(await words(store)) == list(range(2 * MANY))
    assert await store.read(lambda read: letters(read, 1)) == []
    for bus in buses:
        await bus.close()


async def test_beside_a_member_of_before_that_knows_the_old_topic_only_everything_is_heard(
    broker: RealKafka, house: str
) -> None:
    """As while a new version is rolled out; what the older one took is not given again by this test."""
    store, took = a_store(), list[str]()
    await ensure_topics(Broker(broker.bootstrap), [house, topic_of("bell", house)])
    older = AIOKafkaConsumer(
        house, bootstrap_servers=broker.bootstrap, group_id=group_of(f"{house}-ears"), auto_offset_reset="earliest"
    )
    await older.start()
    bus = KafkaBus(Broker(broker.bootstrap), "bell", house=house)
    consumer = a_hearer(bus, store)

    async def both_take(until: int) -> None:
        async with asyncio.timeout(60):
            while len(took) + len(await words(store)) < until:
                for records in (await older.getmany(timeout_ms=50)).values():
                    took.extend(str(record.offset) for record in records)
                with suppress(BusUnavailable):
                    await consumer.step()

    await both_take(0)
    while not (consumer._subscription._consumer and consumer._subscription._consumer.assignment()):  # type: ignore[attr-defined]
        await older.getmany(timeout_ms=50)
        with suppress(BusUnavailable):
            await consumer.step()
    await write(broker, house, [msgspec.structs.replace(a_message(n), key=f"b:{n}") for n in range(MANY)])
    await bus.append([msgspec.structs.replace(a_message(n), key=f"b:{n}") for n in range(MANY, 2 * MANY)])
    await both_take(2 * MANY)
    assert took, "both had a share of the old topic"
    assert set(numbers(await words(store))) >= set(range(MANY, 2 * MANY)), "the new ones are today's alone"
    await older.stop()
    await bus.close()


async def test_who_is_back_under_its_name_and_hears_more_than_before_gets_all_of_it(
    broker: RealKafka, house: str
) -> None:
    """As after an upgrade: the broker takes it for the one that it was, and gives it what that one had."""
    store = a_store()
    await ensure_topics(Broker(broker.bootstrap), [house, *(topic_of(name, house) for name in SPEAKERS.values())])
    older = AIOKafkaConsumer(
        house,
        bootstrap_servers=broker.bootstrap,
        group_id=group_of(f"{house}-ears"),
        group_instance_id=f"{house}-ears-1",
    )
    await older.start()
    assert {place.topic for place in older.assignment()} == {house}
    await older.stop()
    bus = KafkaBus(Broker(broker.bootstrap), "bell", "1", house)
    consumer = a_hearer(bus, store)
    await bus.append([a_message(n) for n in range(5)])
    async with asyncio.timeout(60):
        while len(await words(store)) < 5:
            with suppress(BusUnavailable):
                await consumer.step()
    assert numbers(await words(store)) == list(range(5))
    await bus.close()


async def test_when_the_old_topic_is_removed_the_hearers_go_on(broker: RealKafka) -> None:
    from aiokafka.admin import AIOKafkaAdminClient

    wire = KafkaWire(broker)
    await ensure_topics(Broker(broker.bootstrap), [wire.house])
    reader, store = wire.reader(a_store()), a_store()
    await wire.append([a_message(0)])
    assert await take_all(reader, store) == ["m0"]
    assert await wire.bus.before()
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
    await admin.start()
    await admin.delete_topics([wire.house])
    await admin.close()
    async with asyncio.timeout(30):
        while await wire.bus.before():
            wire.bus.doubt()
            await wire.bus.identity()
    await wire.append([a_message(2)])
    taken: list[str] = []
    async with asyncio.timeout(30):  # a reader that looks for its topics anew knows of no lag yet
        while "m2" not in taken:
            await reader.changed(1_000)
            taken += await take_all(reader, store)
    assert taken[-1] == "m2"
    await wire.close()
