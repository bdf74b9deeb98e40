"""The bus on Kafka: a topic per speaker, the key is the aggregate.

Nothing connects before it is needed, so a service starts and serves while Kafka is down and goes on when it is back.
A client that failed, or that took too long, is let go and made anew: what it still had in hand may arrive twice, and
every inbox knows it then.
"""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from gbike.kit.envelope import Message
from gbike.kit.messaging.bus import BusUnavailable
from gbike.kit.messaging.kafka.broker import Broker
from gbike.kit.messaging.kafka.topic import HOUSE, ensure_topics, topic_of
from gbike.kit.messaging.kafka.wire import to_headers
from gbike.kit.telemetry import log

APPEND_S = 10
"""How long a batch may take, connecting included. The producer repeats by itself as long as the broker may be back."""
ASK_AGAIN_S = 30
"""How old the answer may be to which Kafka this is."""
CLOSE_S = 5
"""How long a client may take to say goodbye."""
REQUEST_MS = 5_000
"""How long one request may take before the connection counts as broken."""
BATCH_BYTES = 256 * 1024
"""Of one partition in one request: a relay's whole batch has room, so that it is one request."""


class Reader(Protocol):
    """Who reads topics over the bus: a subscription or a tail."""

    @property
    def topics(self) -> Sequence[str]:
        """What it reads."""

    def begin_again(self) -> None:
        """Its topics are other ones."""

    async def close(self) -> None:
        """Let go of the broker."""


class KafkaBus:
    """The Bus on Kafka: a service appends to its own topic, and reads those of others."""

    def __init__(self, broker: Broker, service: str = "", instance: str = "", house: str = HOUSE) -> None:
        """`service`: whose topic it appends to; empty: of one who says nothing. `instance`: what this process is called
        in its consumer groups, kept over restarts and different for each replica ("1", a pod's name): who is back
        under its name goes on at once. Empty: the group waits until the broker has noticed that a killed process is
        gone (seconds)."""
        self.broker, self.instance = broker, instance
        self.house = house
        self.topic = topic_of(service, house) if service else ""
        self.closed = False
        self._producer: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()
        self.logs: Mapping[str, str] = {}
        """Which topics these are, on which Kafka (see ensure_topics); the house's own name is there as long as the
        topic of before there was one per speaker."""
        self._sure, self._asked_s = False, 0.0
        self._subscriptions: list[Reader] = []
        self._leaving: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Connect now, for those who want to know. Raises BusUnavailable."""
        await self._bounded(self._started())

    async def append(self, messages: Sequence[Message]) -> None:
        await self._bounded(self._send(messages))

    async def close(self) -> None:
        """Let go of the broker; subscriptions leave their groups. Bounded, also when the broker is gone."""
        self.closed = True
        for subscription in self._subscriptions:
            await subscription.close()
        self._drop_producer()
        if self._leaving:
            await asyncio.wait(self._leaving)

    def add(self, subscription: Reader) -> None:
        """Close it with the bus, which knows its topics from now on."""
        self._subscriptions.append(subscription)
        self.doubt()

    async def make_topics(self) -> None:
        """Make the topics unless they exist; again after trouble: they may be others. Raises BusUnavailable."""
        if not self._sure:
            self._asked_s = asyncio.get_running_loop().time()
            read = [topic for subscription in self._subscriptions for topic in subscription.topics]
            wanted = sorted({*read, self.topic} - {""})
            found = await ensure_topics(self.broker, wanted, [self.house] if read or self.topic else ())
            gone = any(found.get(topic) != id for topic, id in self.logs.items())
            if gone or (self.logs and (self.house in found) != (self.house in self.logs)):
                log.warning("there are other topics: every subscription begins again", was=self.logs, now=found)
                for subscription in self._subscriptions:
                    subscription.begin_again()
            self.logs, self._sure = found, True

    async def identity(self) -> str:
        """See Identified.identity: the ids that the cluster and the topic got when they were made. Clients that have
        nothing to do connect to another Kafka without a word, so it is asked for now and then."""
        if asyncio.get_running_loop().time() - self._asked_s > ASK_AGAIN_S:
            self.doubt()
        if not self._sure:
            await self._bounded(self.make_topics())
        return self.logs[self.topic]

    async def before(self) -> str:
        """See Identified.before: the topic that every service wrote to before each had one."""
        return self.logs.get(self.house, "")

    async def end(self) -> int:
        """See Identified.end: there is a number in each partition, and none of all."""
        return 0

    def doubt(self) -> None:
        self._sure = False

    def let_go(self, client: Any) -> None:
        """Stop a producer or consumer in the background; when the broker is gone it would take for ever."""
        task = asyncio.get_running_loop().create_task(_stop(client))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def _bounded(self, doing: Coroutine[Any, Any, object]) -> None:
        try:
            async with asyncio.timeout(APPEND_S):
                await doing
        except TimeoutError:
            self._drop_producer()
            raise BusUnavailable(f"Kafka at {self.broker.bootstrap} did not answer within {APPEND_S} s") from None
        except (KafkaError, OSError) as wrong:
            self._drop_producer()
            raise BusUnavailable(f"Kafka at {self.broker.bootstrap}: {wrong!r}") from None

    async def _send(self, messages: Sequence[Message]) -> None:
        producer = await self._started()
        sent = [
            await producer.send(self.topic, message.value, message.key.encode(), headers=to_headers(message))
            for message in messages
        ]
        for done in await asyncio.gather(*sent, return_exceptions=True):
            if isinstance(done, BaseException):
                raise done

    async def _started(self) -> AIOKafkaProducer:
        async with self._starting:
            if self.closed:
                raise BusUnavailable("the bus is closed")
            if self._producer is None:
                await self.make_topics()
                producer = AIOKafkaProducer(
                    **self.broker.client(),
                    enable_idempotence=True,
                    acks="all",
                    request_timeout_ms=REQUEST_MS,
                    max_batch_size=BATCH_BYTES,
                )
                try:
                    await producer.start()
                except BaseException:
                    self.let_go(producer)
                    raise
                self._producer = producer
            return self._producer

    def _drop_producer(self) -> None:
        producer, self._producer = self._producer, None
        self.doubt()
        if producer is not None:
            self.let_go(producer)


async def _stop(client: Any) -> None:
    with suppress(KafkaError, OSError, TimeoutError):
        async with asyncio.timeout(CLOSE_S):
            await client.stop()
            return
    # A producer with messages in hand would wait for the broker and send them a second time when it is back.
    inner = getattr(client, "client", None) or client._client
    with suppress(KafkaError, OSError, TimeoutError):
        async with asyncio.timeout(CLOSE_S):
            await inner.close()
