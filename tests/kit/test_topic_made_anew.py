"""A topic that was removed and made anew on the same Kafka is another log: nothing of the old one holds in it."""

import asyncio
import itertools

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from gbike.kit.messaging.bus import BusUnavailable
from gbike.kit.messaging.kafka import bus as kafka_bus
from gbike.kit.messaging.kafka import subscription
from gbike.kit.messaging.kafka import topic as topics
from gbike.kit.messaging.kafka.broker import Broker
from gbike.kit.messaging.kafka.topic import ensure_topics, topic_of
from gbike.kit.messaging.outbox import Relay, how_many_wait
from gbike.kit.messaging.republish import meet
from gbike.kit.telemetry import Metrics
from tests.kit.floor import SetClock, words
from tests.kit.floor import a_store as sqlite
from tests.kit.kafkas import KafkaWire, RealKafka
from tests.kit.test_bus import a_message, take_all
from tests.kit.test_kafka import a_consumer, numbers, receive
from tests.kit.test_republish import publish, publish_one
from tests.waiting import a_while

PATIENCE_S = 120
_names = itertools.count(1)


@pytest.fixture
def name() -> str:
    return f"anew{next(_names)}"


async def ensured(broker: RealKafka, house: str) -> str:
    """What the topic of the house's bell is."""
    topic = topic_of("bell", house)
    return (await ensure_topics(Broker(broker.bootstrap), [topic]))[topic]


async def make_anew(broker: RealKafka, house: str) -> str:
    """Remove the topic and make it again; answers what it is now."""
    was = await ensured(broker, house)
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
    await admin.start()
    await admin.delete_topics([topic_of("bell", house)])
    await admin.close()
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                if (now := await ensured(broker, house)) != was:
                    return now
            except BusUnavailable:
                pass  # it is being removed
            await a_while()


async def test_a_topic_made_anew_is_told_from_the_one_before(broker: RealKafka, name: str) -> None:
    was = await ensured(broker, name)
    assert await ensured(broker, name) == was
    now = await make_anew(broker, name)
    assert now != was
    assert now.partition("/")[0] == was.partition("/")[0]


async def test_it_is_filled_from_the_outboxes_and_heard_by_who_runs_on(
    broker: RealKafka, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_bus, "ASK_AGAIN_S", 0)
    wire = KafkaWire(broker, name)
    speaker = sqlite()
    hearer = sqlite()
    relay, consumer = Relay(speaker, wire.bus, SetClock(), Metrics(), "bell"), a_consumer(wire, hearer)
    await publish_one(speaker, 0, 1)
    assert await relay.step() == 2
    await receive(consumer)
    await publish_one(speaker, 2, 3)
    assert await relay.step() == 2  # nobody has heard these, and nobody will
    await speaker.flush()
    await make_anew(broker, name)
    async with asyncio.timeout(PATIENCE_S):
        while numbers(await words(hearer)) != [0, 1, 2, 3]:
            try:
                await relay.step()
                if not await consumer.step():
                    await consumer.changed(200)
            except BusUnavailable:
                await a_while()
    await wire.close()


async def test_a_place_in_the_old_topic_is_none_in_the_new_one(
    broker: RealKafka, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscription, "COMMIT_PAUSE_S", 3_600)
    first = KafkaWire(broker, name)
    await first.append([a_message(n) for n in range(40)])
    slow = first.reader(sqlite())
    assert len(await take_all(slow, sqlite())) == 40
    await make_anew(broker, name)
    other = first.another()
    await other.append([a_message(n) for n in range(100, 140)])  # at the very places that were passed
    await slow.close()  # it commits now: its places are of the topic before
    heard = await take_all(other.reader(sqlite()), sqlite())
    assert len(heard) == 40
    await first.close()
    await other.close()


async def test_what_was_published_before_topics_were_told_apart_is_not_published_again() -> None:
    store = sqlite()
    await publish_one(store, 1)
    assert await meet(store, "a-kafka") is None
    await publish(store, SetClock())
    assert await meet(store, "a-kafka/a-topic") is None
    assert await store.read(how_many_wait) == 0
    assert await meet(store, "a-kafka/another-topic") == 1


class _Starting:
    """A broker that starts: it answers, and nobody is in the cluster yet."""

    def __init__(self, **_settings: object) -> None:
        pass

    async def start(self) -> None:
        pass

    async def describe_cluster(self) -> dict[str, object]:
        return {"cluster_id": "the-cluster", "controller_id": -1, "brokers": []}

    async def close(self) -> None:
        pass


async def test_a_kafka_that_starts_is_not_taken_for_another_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topics, "AIOKafkaAdminClient", _Starting)
    with pytest.raises(BusUnavailable, match="no broker yet"):
        await ensure_topics(Broker("127.0.0.1:9"), [topic_of("bell")])
