"""A cluster of 0.2.0 whose Kafka has everything in one open topic, with each group somewhere in it: today's secure
cluster hears it to its end, and what waited in outboxes goes to the new topics, once."""

import asyncio
import os
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.structs import OffsetAndMetadata

from gbike.kit.envelope import Message
from gbike.kit.messaging.kafka.broker import Broker
from gbike.kit.messaging.kafka.subscription import group_of
from gbike.kit.messaging.kafka.topic import HOUSE, PARTITIONS, ensure_topics
from gbike.kit.messaging.kafka.wire import to_headers
from gbike.run.cluster import secrets
from gbike.run.cluster.engine import alone
from gbike.run.cluster.kafka_rights import topics
from gbike.run.cluster.wait_idle import unfinished
from gbike.run.engines import kafka, postgres
from gbike.run.event_map import build_all
from gbike.run.folder.data_folder import DataFolder
from gbike.run.open_stores import open_readings
from tests.cluster.running import Cluster, begin, end, new_folder, until, why_no_cluster
from tests.upgrade.kept import VERSIONS, restored_in_a_cluster

pytestmark = [
    pytest.mark.skipif(not os.environ.get("GBIKE_FULL"), reason="a cluster of its own: GBIKE_FULL=1"),
    pytest.mark.timeout(600),
]
PLACES = [TopicPartition(HOUSE, number) for number in range(PARTITIONS)]


class Before:
    """The stores and the broker of 0.2.0: what was published, and what waits."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self.waiting = Counter[str]()
        self.published = list[str]()

    def fill(self) -> None:
        """Put into the one topic what somebody has heard, and half of the rest."""
        restored_in_a_cluster(VERSIONS[-1] / "postgres", self._data)
        folder, port = self._data / "kafka", kafka.free_port()
        kafka.prepare(folder, port)
        with (
            alone(self._data / "postgres", self._data.parent / "before.log") as server,
            (self._data.parent / "kafka.log").open("wb") as log,
        ):
            broker = subprocess.Popen(kafka.program(folder, port).command, stdout=log, stderr=log)
            try:
                until(lambda: asyncio.run(kafka.ready(port)), 60)
                asyncio.run(self._publish(server.port, f"127.0.0.1:{port}"))
            finally:
                broker.terminate()
                broker.wait(30)

    async def _publish(self, port: int, bootstrap: str) -> None:
        identity = (await ensure_topics(Broker(bootstrap), [HOUSE]))[HOUSE]
        built = build_all()
        heard = {one.spec.name: set(self._ask(port, one.spec.name, "SELECT message_id FROM inbox")) for one in built}
        producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
        await producer.start()
        log: dict[int, list[Message]] = {place.partition: [] for place in PLACES}
        for one in built:
            with psycopg.connect(postgres.url(port, one.spec.name)) as store:
                rows = store.execute("SELECT message_id, type, key, headers, value FROM outbox ORDER BY id").fetchall()
                sent = [row for n, row in enumerate(rows) if n % 2 or any((row[0],) in ids for ids in heard.values())]
                for row in sent:
                    message = Message(row[0], row[1], row[2], bytes(row[3]), bytes(row[4]))
                    to = (HOUSE, message.value, message.key.encode())
                    at = await producer.send_and_wait(*to, headers=to_headers(message))
                    log[at.partition].append(message)
                ids = [row[0] for row in sent]
                now = time.time_ns() // 1_000_000
                store.execute("UPDATE outbox SET published_ms = %s WHERE message_id = ANY(%s)", (now, ids))
                store.execute("DELETE FROM positions WHERE consumer LIKE 'log %'")
                store.execute("INSERT INTO positions (consumer, position) VALUES (%s, 0)", (f"log {identity}",))
            self.published += ids
            self.waiting[f"{HOUSE}.{one.spec.name}"] = len(rows) - len(sent)
        await producer.stop()
        for one in built:
            if one.service.policies:
                types = {kind.__name__ for kind in one.service.policies}
                await self._stand(bootstrap, one.spec.name, types, heard[one.spec.name], log, identity=identity)

    async def _stand(
        self,
        bootstrap: str,
        name: str,
        types: set[str],
        heard: set[Any],
        log: dict[int, list[Message]],
        *,
        identity: str,
    ) -> None:
        """The group stands before the first message that it has not heard."""
        consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=group_of(name), enable_auto_commit=False)
        await consumer.start()
        consumer.assign(PLACES)
        places = {}
        for place in PLACES:
            known = [m.type not in types or (m.id,) in heard for m in log[place.partition]]
            places[place] = OffsetAndMetadata([*known, False].index(False), identity)
        await consumer.commit(places)
        await consumer.stop()

    def _ask(self, port: int, name: str, sql: str) -> list[Any]:
        with psycopg.connect(postgres.url(port, name)) as store:
            return store.execute(sql.encode()).fetchall()


@pytest.fixture
def before() -> Iterator[tuple[Path, Before]]:
    if (missing := why_no_cluster() or kafka.why_not()) is not None:
        pytest.skip(missing)
    data = new_folder()
    try:
        made = Before(data)
        made.fill()
        yield data, made
        if DataFolder(data).holder() is not None:
            end(data)
    finally:
        shutil.rmtree(data.parent)


async def _records(broker: Broker) -> Counter[str]:
    """How many there are in each topic."""
    consumer = AIOKafkaConsumer(**broker.client())
    await consumer.start()
    places = [TopicPartition(topic, number) for topic in (HOUSE, *topics()) for number in range(PARTITIONS)]
    ends = await consumer.end_offsets(places)
    await consumer.stop()
    return Counter(dict.fromkeys((HOUSE, *topics()), 0)) + Counter(
        [place.topic for place, at in ends.items() for _ in range(at)]
    )


def test_the_one_topic_of_0_2_0_is_heard_to_its_end_and_nothing_is_published_again(
    before: tuple[Path, Before],
) -> None:
    data, was = before
    assert was.published
    assert sum(was.waiting.values())
    begin(data, "--empty", secure={"GBIKE_PASSWORD_MEMORY_KIB": "8192"})
    cluster = Cluster(data)

    def rests() -> bool:
        with open_readings(DataFolder(data)) as stores:
            return next(unfinished(stores), None) is None

    until(rests, 120, "something was not heard")
    assert cluster.gbike("verify").splitlines()[-1] == "0 violations"
    there = asyncio.run(_records(Broker(cluster.plan.kafka, **secrets.kafka_login(data, "reader"))))
    assert there[HOUSE] == len(was.published)
    with open_readings(DataFolder(data)) as stores:
        printed = {
            f"{HOUSE}.{name}": (reading.one("SELECT count(*) FROM outbox") or (0,))[0]
            for name, reading in stores.items()
        }
        assert not any(reading.one("SELECT 1 FROM dead_letters") for reading in stores.values())
    new = {topic: there[topic] for topic in topics()}
    assert sum(new.values()) == sum(printed.values()) - len(was.published)
    assert all(new[topic] >= was.waiting[topic] for topic in topics())
