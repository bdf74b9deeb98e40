"""The bus on Kafka: what every bus promises, and what only a broker can do to it."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

import msgspec
import pytest
from aiokafka import AIOKafkaProducer

from gbike.kit.messaging.bus import BEHIND, BusUnavailable
from gbike.kit.messaging.inbox import Consumer
from gbike.kit.messaging.kafka import bus as kafka_bus
from gbike.kit.messaging.kafka import reading, subscription
from gbike.kit.messaging.outbox import Relay
from gbike.kit.storage.sqlite.store import SqliteStore
from gbike.kit.store import StoreUnavailable, Tx
from gbike.kit.telemetry import Metrics
from gbike.run.engines import kafka as engine
from tests.kit.floor import Rang, SetClock, a_store, note, words
from tests.kit.kafkas import Cluster, KafkaWire, MockCluster, RealKafka, soon
from tests.kit.test_bus import BusSuite, Wire, a_message, rings, take_all
from tests.waiting import a_while
from tests.waiting import soon as until_so

PATIENCE_S = 30
FULL = os.environ.get("GBIKE_FULL") == "1"


def a_consumer(wire: KafkaWire, store: SqliteStore, name: str = "ears") -> Consumer:
    """Hears the bells."""
    return Consumer(store, wire.reader(store, name), {Rang: rings}, Metrics(), name)


async def receive(consumer: Consumer) -> None:
    """Go on until there is nothing left."""
    while await consumer.lag():
        if not await consumer.step():
            await consumer.changed(1_000)


def numbers(heard: list[str]) -> list[int]:
    """Which bells were heard, in the order of their numbers; each effect is kept once or the store refuses it."""
    return sorted(int(word.split()[1]) for word in heard)


def keep(tx: Tx, published: Rang) -> None:
    """The effect: a note; a second one of the same bell would be refused."""
    note(tx, f"rang {published.number}")


class KafkaSuite(BusSuite):
    """On any cluster."""

    @pytest.fixture
    def cluster(self) -> Cluster:
        raise NotImplementedError

    @pytest.fixture
    async def wire(self, cluster: Cluster) -> AsyncIterator[Wire]:
        made = KafkaWire(cluster)
        yield made
        await made.close()

    async def test_a_relay_that_was_killed_before_it_could_mark_says_it_twice_and_it_takes_effect_once(
        self, wire: KafkaWire
    ) -> None:
        speaker, hearer = a_store(), a_store()
        for n in range(3):
            await speaker.write(lambda tx, n=n: tx.publish(Rang(number=n)))  # type: ignore[misc]
        speaker.write_later = lambda *_: asyncio.get_running_loop().create_future()  # type: ignore[assignment,misc]
        assert await Relay(speaker, wire.bus, SetClock(), Metrics(), "bell").step() == 3
        del speaker.write_later
        assert await Relay(speaker, wire.bus, SetClock(), Metrics(), "bell").step() == 3
        assert len(await take_all(wire.reader(a_store(), "counter"), a_store())) == 6
        await receive(a_consumer(wire, hearer))
        assert numbers(await words(hearer)) == [0, 1, 2]

    async def test_a_batch_whose_write_failed_is_given_again_and_nothing_is_set_aside(
        self, wire: KafkaWire, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store = a_store()
        consumer = a_consumer(wire, store)
        await wire.append([a_message(n) for n in range(6)])

        async def down(*_: object) -> None:
            raise StoreUnavailable("down")

        with monkeypatch.context() as patch:
            patch.setattr(store, "write", down)
            for _ in range(3):
                with pytest.raises(StoreUnavailable):
                    await receive(consumer)
        await receive(consumer)
        assert numbers(await words(store)) == list(range(6))
        assert await store.read(lambda read: read.all("SELECT 1 FROM dead_letters")) == []

    async def test_while_the_broker_is_gone_append_says_so_and_afterwards_everything_arrives(
        self, wire: KafkaWire, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(kafka_bus, "APPEND_S", 1)
        speaker, hearer = a_store(), a_store()
        relay, consumer = Relay(speaker, wire.bus, SetClock(), Metrics(), "bell"), a_consumer(wire, hearer)
        await speaker.write(lambda tx: tx.publish(Rang(number=0)))
        await relay.step()
        await receive(consumer)
        await wire.cluster.stop()
        try:
            for n in range(1, 4):
                await speaker.write(lambda tx, n=n: tx.publish(Rang(number=n)))  # type: ignore[misc]
                began = time.monotonic()
                with pytest.raises(BusUnavailable):
                    await relay.step()
                assert time.monotonic() - began < 5
        finally:
            await wire.cluster.start()
        began = time.monotonic()
        while numbers(await words(hearer)) != [0, 1, 2, 3]:
            assert time.monotonic() - began < PATIENCE_S
            for worker in (relay, consumer):
                with suppress(BusUnavailable):
                    await worker.step()
            await a_while()

    async def test_a_producer_that_is_broken_for_good_is_made_anew(self, wire: KafkaWire) -> None:
        await wire.bus.append([a_message(0)])
        await wire.bus._producer.stop()
        with pytest.raises(BusUnavailable):
            await wire.bus.append([a_message(2)])
        await wire.bus.append([a_message(2)])
        assert await take_all(wire.reader(a_store()), a_store()) == ["m0", "m2"]

    async def test_a_consumer_that_is_broken_for_good_is_made_anew(self, wire: KafkaWire) -> None:
        reader = wire.reader(a_store())
        await wire.bus.append([a_message(0)])
        assert await take_all(reader, a_store()) == ["m0"]
        await reader._consumer.stop()
        with pytest.raises(BusUnavailable):
            await reader.take(1)
        await wire.bus.append([a_message(2)])
        assert (await take_all(reader, a_store()))[-1] == "m2"

    async def test_what_comes_one_by_one_is_not_asked_for_one_by_one(
        self, wire: KafkaWire, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Seen with 40 rides a second: every message woke every consumer of the house."""
        monkeypatch.setattr(subscription, "PACE_MS", 60_000)
        store, reader = a_store(), wire.reader(a_store())
        await wire.append([a_message(0)])
        assert await take_all(reader, store) == ["m0"]
        await wire.append([a_message(2)])
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await take_all(reader, store)
        reader._next_s = 0
        assert await take_all(reader, store) == ["m2"]

    async def test_who_passes_over_what_is_for_others_keeps_its_place_at_once(
        self, wire: KafkaWire, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Or one who wants few messages of many would look thousands behind."""
        monkeypatch.setattr(subscription, "PACE_MS", 60_000)
        reader = wire.reader(a_store())
        hummed = a_message(0)
        await wire.append([msgspec.structs.replace(hummed, headers=hummed.headers.replace(b"Rang", b"Hummed"))])
        async with asyncio.timeout(PATIENCE_S):
            while await reader.lag():
                await reader.changed(1_000)
                assert not (await reader.take(1)).messages

    async def test_who_is_behind_reads_on_without_a_pause(
        self, wire: KafkaWire, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(subscription, "PACE_MS", 60_000)
        monkeypatch.setattr(subscription, "READ", BEHIND)
        behind = [msgspec.structs.replace(a_message(n), key="bell:1") for n in range(4 * BEHIND)]
        await wire.append(behind)
        async with asyncio.timeout(PATIENCE_S):
            assert await take_all(wire.reader(a_store()), a_store(), 100) == [message.id for message in behind]

    async def test_what_is_not_of_this_house_breaks_nobody(self, wire: KafkaWire) -> None:
        store = a_store()
        good, original = a_message(1), b'{"eventType":"Rang","timestamp":"20261122160510","number":2,"me":true}'
        bell = ("ce_source", b"/gbike/bell")
        producer = AIOKafkaProducer(bootstrap_servers=wire.cluster.bootstrap)
        await wire.append([good])
        await producer.start()
        for key, value, headers in [
            (None, original, [("contentType", b'"application/json"')]),
            (b"bell:1", None, []),
            (b"\xff", b"\xff", [("ce_type", b"\xff\xfe"), ("ce_id", b"\xff")]),
            (b"bell:1", original, [("ce_type", b"Hummed"), ("ce_id", b"h")]),
            (b"bell:1", original, [("ce_type", b"Rang"), bell]),
            (b"bell:1", b"{not json", [("ce_type", b"Rang"), ("ce_id", b"garbage"), ("ce_id", b"garbage"), bell]),
            (b"", None, [("ce_type", b"Rang"), ("ce_id", b"nothing"), bell]),
        ]:
            await producer.send_and_wait(wire.topic, value, key, headers=headers, partition=0)
        await producer.stop()
        await wire.append([a_message(3)])
        await receive(a_consumer(wire, store))
        assert numbers(await words(store)) == [1, 3]
        dead = await store.read(lambda read: read.all("SELECT message_id FROM dead_letters ORDER BY message_id"))
        assert [row[0] for row in dead][:2] == ["garbage", "nothing"]
        assert dead[2][0].startswith(f"{wire.topic}/0/")
        assert len(dead) == 3


@pytest.fixture(scope="module")
def mock_cluster() -> Iterator[MockCluster]:
    made = MockCluster()
    yield made
    made.destroy()


@pytest.fixture(scope="module")
def real_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealKafka]:
    if (missing := engine.why_not()) is not None:
        pytest.skip(f"no real Kafka: {missing}")
    made = RealKafka(tmp_path_factory.mktemp("kafka"))
    asyncio.run(made.ready())
    yield made
    made.destroy()


class TestMockCluster(KafkaSuite):
    """The protocol, in memory, wherever the tests run."""

    @pytest.fixture
    def cluster(self, mock_cluster: MockCluster, monkeypatch: pytest.MonkeyPatch) -> MockCluster:
        soon(monkeypatch)
        return mock_cluster


class TestRealKafka(KafkaSuite):
    """One node in KRaft mode."""

    @pytest.fixture
    def cluster(self, real_kafka: RealKafka, monkeypatch: pytest.MonkeyPatch) -> RealKafka:
        monkeypatch.setattr(reading, "WAIT_MS", 20)  # a question for the lag waits for the one before
        return real_kafka

    @pytest.mark.skipif(not FULL, reason="a broker needs its time to start; on the mock cluster always: GBIKE_FULL=1")
    async def test_while_the_broker_is_gone_append_says_so_and_afterwards_everything_arrives(
        self, wire: KafkaWire, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await super().test_while_the_broker_is_gone_append_says_so_and_afterwards_everything_arrives(wire, monkeypatch)

    async def test_members_of_a_group_share_the_work_and_each_message_takes_effect_once(self, wire: KafkaWire) -> None:
        store = a_store()
        took = [0, 0, 0]
        published = 0
        others = [wire.another(), wire.another()]

        async def work(which: int, member: KafkaWire) -> None:
            consumer = Consumer(store, member.reader(store, "ears"), {Rang: keep}, Metrics(), "ears")
            while True:
                try:
                    took[which] += (did := await consumer.step())
                    if not did:
                        await consumer.changed(100)
                except BusUnavailable:
                    await a_while()

        async def publish() -> None:
            nonlocal published
            await wire.bus.append(
                [msgspec.structs.replace(a_message(n), key=f"b:{n}") for n in range(published, published + 20)]
            )
            published += 20
            await a_while()

        members = [asyncio.create_task(work(0, wire)), asyncio.create_task(work(1, others[0]))]
        try:
            while not (took[0] and took[1]):  # they have come together
                assert published < 10_000
                await publish()
            members.append(asyncio.create_task(work(2, others[1])))  # the partitions move ...
            while not took[2]:
                assert published < 20_000
                await publish()
            members[1].cancel()
            await others[0].close()  # ... and move again
            await publish()
            await until_so(lambda: store._writer.execute("SELECT count(*) FROM notes").fetchone()[0] >= published)
            assert numbers(await words(store)) == list(range(published))
            assert await store.read(lambda read: read.all("SELECT 1 FROM dead_letters")) == []
        finally:
            for member in members:
                member.cancel()
            for other in others:
                await other.close()

    async def test_who_is_back_under_its_name_goes_on_at_once_though_it_said_no_goodbye(self, cluster: Cluster) -> None:
        one = KafkaWire(cluster, instance="1")
        await one.append([a_message(n) for n in range(3)])
        assert len(await take_all(one.reader(a_store()), a_store())) == 3
        await one.close()  # a member with a name does not leave its group
        again = KafkaWire(cluster, one.house, instance="1")
        await again.append([a_message(3)])
        began = time.monotonic()
        assert await take_all(again.reader(a_store()), a_store()) == ["m3"]
        assert time.monotonic() - began < subscription.SESSION_MS / 1000 / 2
        await again.close()
