"""The relay and the consumers on a real Kafka, beside bare aiokafka loops over the same bytes, in turn.

The floors are what anybody would write who wants the bytes over there and nothing else:

* producing: `send` after `send`, as fast as the producer takes them, and one wait at the end;
* consuming: `getmany`, then a commit of the offsets, in batches of as many as ours: what is in hand when it dies comes
  again, and what came before does not. Nothing is decoded, and nobody is called;
* reading: `getmany` after `getmany`; the client commits in the background, as often as ours does;
* keeping: as consuming, but the ids go into PostgreSQL first, in one statement and one transaction per batch.

Ours do more: the relay reads rows and marks them as published, and a consumer knows each message by its id, decodes it
and calls its policy, in one durable transaction per batch.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from statistics import median
from typing import Any

import psycopg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from dev.bench.report import Line
from dev.bench.rides import WrongEffect
from gbike.contracts.rent import Rented
from gbike.kit.clock import SystemClock, SystemIds
from gbike.kit.envelope import Message, pack
from gbike.kit.http.request import trace_from
from gbike.kit.messaging.inbox import BATCH, Consumer
from gbike.kit.messaging.kafka.broker import Broker as Way
from gbike.kit.messaging.kafka.bus import BATCH_BYTES, KafkaBus
from gbike.kit.messaging.kafka.subscription import COMMIT_PAUSE_S, KafkaSubscription
from gbike.kit.messaging.kafka.topic import ensure_topics, topic_of
from gbike.kit.messaging.kafka.wire import to_headers
from gbike.kit.messaging.outbox import Relay
from gbike.kit.storage.migrations.migrate import migrate_url
from gbike.kit.storage.postgres.store import PostgresStore
from gbike.kit.store import Tx
from gbike.kit.telemetry import Metrics
from gbike.run.engines import postgres
from gbike.run.registry import spec
from gbike.run.single import pause_ms

GOAL = 0.5
GIVE_UP_S = 120
PAUSE_MS = 4
"""As workers have."""
KEYS = 5_000
"""Rents that the messages speak of: all partitions get some."""


Keep = Callable[[Sequence[Any]], Awaitable[None]]


class Broker:
    """Measures against one Kafka and one PostgreSQL, with topics and databases of its own for each round."""

    def __init__(self, bootstrap: str, port: int, messages: int) -> None:
        self._bootstrap = bootstrap
        self._port = port
        self._many = messages
        self._clock = SystemClock()
        self._ids = SystemIds()
        self._rounds = 0
        self._messages = [self._message(number) for number in range(messages)]

    async def relay(self, rounds: int) -> list[Line]:
        """Messages a second from an outbox to the broker. Raises WrongEffect."""
        floor, ours = list[float](), list[float]()
        for _ in range(rounds):
            floor.append(await self._produce(await self._topic()))
            ours.append(await self._relay(await self._topic()))
        return [
            Line("floor: bare aiokafka producer", f"{median(floor):,.0f}/s"),
            _share("relay, outbox to Kafka", ours, floor, "the bare producer"),
        ]

    async def consumer(self, rounds: int) -> list[Line]:
        """Messages a second from the broker to a policy. Raises WrongEffect."""
        topic = await self._topic()
        await self._produce(topic)
        found: dict[str, list[float]] = {"reading": [], "consuming": [], "keeping": [], "ours": []}
        for _ in range(rounds):
            found["reading"].append(await self._consume(topic, by_itself=True))
            found["consuming"].append(await self._consume(topic))
            found["keeping"].append(await self._consume_and_keep(topic))
            found["ours"].append(await self._handle(topic))
        ours, rates = found["ours"], {name: median(rounds_found) for name, rounds_found in found.items()}
        beside = f"{rates['ours'] / rates['reading']:.2f} of reading, {rates['ours'] / rates['keeping']:.2f} of keeping"
        return [
            Line("floor: bare aiokafka, reading", f"{rates['reading']:,.0f}/s"),
            Line("floor: bare aiokafka, consuming", f"{rates['consuming']:,.0f}/s"),
            Line("floor: bare aiokafka, keeping", f"{rates['keeping']:,.0f}/s"),
            _share("consumer, Kafka to policy", ours, found["consuming"], "consuming", beside),
        ]

    def _message(self, number: int) -> Message:
        now_ms = self._clock.now_ms()
        event = Rented(
            rentid=1 + number % KEYS, userid=1 + number % 97, bikeid=1 + number % 997, status="rented", starttime=now_ms
        )
        return pack(event, id=self._ids.new(), source="rent", now_ms=now_ms, trace=trace_from(None, None))

    async def _topic(self) -> str:
        """A fresh house's of rent."""
        self._rounds += 1
        topic = topic_of("rent", f"bench-{self._rounds}")
        await ensure_topics(Way(self._bootstrap), [topic])
        return topic

    def _bus(self, topic: str) -> KafkaBus:
        return KafkaBus(Way(self._bootstrap), "rent", house=topic.removesuffix(".rent"))

    async def _database(self) -> str:
        self._rounds += 1
        name = f"bench{self._rounds}"
        await postgres.create_database(self._port, name)
        url = postgres.url(self._port, name)
        migrate_url(url, spec("rent").versions)
        return url

    def _store(self, url: str) -> PostgresStore:
        return PostgresStore(url, clock=self._clock, ids=self._ids, source="bench")

    async def _produce(self, topic: str) -> float:
        records = [(message.value, message.key.encode(), to_headers(message)) for message in self._messages]
        producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap, enable_idempotence=True, acks="all", max_batch_size=BATCH_BYTES
        )
        await producer.start()
        try:
            await producer.send_and_wait(topic, b"first", b"warm")  # it knows the partitions now
            began = time.perf_counter()
            sent = [await producer.send(topic, value, key, headers=headers) for value, key, headers in records]
            await asyncio.gather(*sent)
            return self._many / (time.perf_counter() - began)
        finally:
            await producer.stop()

    async def _relay(self, topic: str) -> float:
        url = await self._database()
        rows = [(m.id, m.type, m.key, m.headers, m.value) for m in self._messages]
        with psycopg.connect(url) as connection, connection.cursor() as cursor:
            with cursor.copy("COPY outbox (message_id, type, key, headers, value) FROM STDIN (FORMAT BINARY)") as copy:
                copy.set_types(["text", "text", "text", "bytea", "bytea"])
                for row in rows:
                    copy.write_row(row)
            connection.commit()
            connection.autocommit = True
            connection.execute("VACUUM ANALYZE outbox")
        store, bus = self._store(url), self._bus(topic)
        relay = Relay(store, bus, self._clock, Metrics(), "rent")
        try:
            await bus.start()
            await store.read_as_leader(lambda read: read.one("SELECT 1"))
            began = time.perf_counter()
            moved = await self._driven(relay.step)
            await store.writers[0].flush()
            rate = moved / (time.perf_counter() - began)
        finally:
            await bus.close()
            await store.close()
        with psycopg.connect(url) as connection:
            (unmarked,) = connection.execute("SELECT count(*) FROM outbox WHERE published_ms IS NULL").fetchone() or (
                0,
            )
        if moved != self._many or unmarked:
            raise WrongEffect(f"{self._many} rows: {moved} were relayed, {unmarked} are not marked")
        return rate

    async def _handle(self, topic: str) -> float:
        url = await self._database()
        store, bus = self._store(url), self._bus(topic)
        subscription = KafkaSubscription(bus, f"ours-{self._rounds}", {"Rented": "rent"})
        heard = list[int]()

        def policy(_tx: Tx, event: Rented) -> None:
            heard.append(event.rentid)

        consumer = Consumer(store, subscription, {Rented: policy}, Metrics(), "rent")
        try:
            await store.write(lambda tx: tx.one("SELECT 1"))
            async with asyncio.timeout(GIVE_UP_S):
                while not (await subscription.take(BATCH)).messages:
                    await subscription.changed(1_000)
            began = time.perf_counter()
            await self._driven(consumer.step, self._many)
            rate = len(heard) / (time.perf_counter() - began)
        finally:
            await bus.close()
            await store.close()
        if len(heard) != self._many:
            raise WrongEffect(f"{self._many} messages, {len(heard)} took effect")
        return rate

    async def _driven(self, step: Callable[[], Awaitable[int]], most: int = 0) -> int:
        """Step as a worker does, until nothing is left, or `most` are done."""
        total = 0
        async with asyncio.timeout(GIVE_UP_S):
            while not most or total < most:
                did = await step()
                total += did
                if not did and not most:
                    break
                await asyncio.sleep(pause_ms(PAUSE_MS, did) / 1000)
        return total

    async def _consume_and_keep(self, topic: str) -> float:
        async with await psycopg.AsyncConnection.connect(await self._database(), autocommit=True) as connection:

            async def keep(records: Sequence[Any]) -> None:
                ids = [dict(record.headers)["ce_id"].decode() for record in records if record.headers]
                await connection.execute(
                    "INSERT INTO inbox (message_id, at_ms) SELECT unnest(%s::text[]), 0 ON CONFLICT DO NOTHING",
                    (ids,),
                    prepare=True,
                )

            return await self._consume(topic, keep)

    async def _consume(self, topic: str, keep: Keep | None = None, *, by_itself: bool = False) -> float:
        self._rounds += 1
        total = 0
        began = 0.0
        group = f"bare-{self._rounds}"
        async with _consumer(self._bootstrap, topic, group, by_itself) as consumer, asyncio.timeout(GIVE_UP_S):
            while total < self._many + 1:
                found = await consumer.getmany(timeout_ms=500, max_records=BATCH)
                if not found:
                    continue
                began = began or time.perf_counter()
                records = [record for part in found.values() for record in part]
                if keep is not None:
                    await keep(records)
                if not by_itself:
                    await consumer.commit()
                total += len(records)
            return total / (time.perf_counter() - began)


@asynccontextmanager
async def _consumer(bootstrap: str, topic: str, group: str, by_itself: bool) -> AsyncIterator[AIOKafkaConsumer]:
    """`by_itself`: it commits in the background, as often as ours does."""
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        group_id=group,
        auto_offset_reset="earliest",
        enable_auto_commit=by_itself,
        auto_commit_interval_ms=int(COMMIT_PAUSE_S * 1000),
    )
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


def _share(figure: str, ours: Sequence[float], floor: Sequence[float], name: str, beside: str = "") -> Line:
    rate, least = median(ours), median(floor)
    told = f"{rate / least:.2f} of {name}" + (f", {beside}" if beside else "")
    return Line(figure, f"{rate:,.0f}/s", told, f">= {GOAL} of it", rate >= GOAL * least)
