"""Tail of a topic for one process: no consumer group, no committed offset.

It begins where the topic was some minutes ago and reads every partition on from there. After trouble, or in a topic
that was made anew, it begins again: what comes twice is the reader's to know.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, TopicPartition

from gbike.kit.clock import Clock
from gbike.kit.envelope import Message
from gbike.kit.messaging.bus import BusUnavailable
from gbike.kit.messaging.kafka.bus import KafkaBus
from gbike.kit.messaging.kafka.reading import ANSWER_S, READ, WAIT_MS, in_time, reader
from gbike.kit.messaging.kafka.topic import PACE_MS
from gbike.kit.messaging.kafka.wire import to_message, type_of

REQUEST_MS = 5_000
"""How long one request may take before the connection counts as broken."""
PARTITION_BYTES, FETCH_BYTES = 64 * 1024, 1024 * 1024
"""What the client may hold of one partition, and get in one answer."""


class KafkaTail:
    """The Tail of a topic."""

    def __init__(self, bus: KafkaBus, topic: str, types: Iterable[str], clock: Clock, reach_ms: int) -> None:
        """`reach_ms`: how old a message may be at the beginning."""
        self._bus, self.topics = bus, (topic,)
        self._types = frozenset(types)
        self._clock, self._reach_ms = clock, reach_ms
        self._consumer: AIOKafkaConsumer | None = None
        self._read: deque[Message] = deque()
        self._behind: dict[TopicPartition, int] = {}
        """The ends of the beginning that were not reached yet."""
        self._beginning = asyncio.Lock()
        bus.add(self)

    async def take(self, most: int) -> Sequence[Message]:
        await self._begun()
        while self._behind:
            await self._fetch(WAIT_MS)
        while len(self._read) < most and await self._fetch(0):
            pass
        return [self._read.popleft() for _ in range(min(most, len(self._read)))]

    async def changed(self, timeout_ms: int) -> None:
        await self._begun()
        if not self._read and await self._fetch(timeout_ms):
            await asyncio.sleep(PACE_MS / 1000)  # what comes meanwhile shares the next look

    async def close(self) -> None:
        self._drop()

    def begin_again(self) -> None:
        self._drop()

    def _drop(self) -> None:
        consumer, self._consumer = self._consumer, None
        self._behind.clear()
        if consumer is not None:
            self._bus.doubt()
            self._bus.let_go(consumer)

    async def _fetch(self, timeout_ms: int) -> int:
        """Read on; answers how many records there were, wanted or not. Raises BusUnavailable."""
        consumer = await self._begun()
        async with self._in_time(ANSWER_S + timeout_ms / 1000):
            found = await consumer.getmany(timeout_ms=timeout_ms, max_records=READ)
            if self._behind and not found:  # a log may have become shorter: nobody waits for what is no more
                ends = await consumer.end_offsets(list(self._behind))
                self._behind = {partition: min(end, ends[partition]) for partition, end in self._behind.items()}
            for partition, end in list(self._behind.items()):
                if await consumer.position(partition) >= end:
                    del self._behind[partition]
        new = [record for some in found.values() for record in some]
        self._read.extend(to_message(record) for record in new if type_of(record) in self._types)
        return len(new)

    async def _begun(self) -> AIOKafkaConsumer:
        async with self._beginning:
            if self._bus.closed:
                raise BusUnavailable("the bus is closed")
            if self._consumer is None:
                await self._bus.make_topics()
                self._consumer = self._client()
                async with self._in_time(2 * ANSWER_S):
                    await self._consumer.start()
                    await self._seek(self._consumer)
            return self._consumer

    async def _seek(self, consumer: AIOKafkaConsumer) -> None:
        """Go where the topic was `reach_ms` ago. The ends come first: what is said after them is not passed over."""
        [topic] = self.topics
        while not (known := consumer.partitions_for_topic(topic)):
            await consumer._client.force_metadata_update()
            await asyncio.sleep(WAIT_MS / 10_000)
        partitions = [TopicPartition(topic, number) for number in sorted(known)]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        since_ms = max(0, self._clock.now_ms() - self._reach_ms)
        begins = await consumer.offsets_for_times(dict.fromkeys(partitions, since_ms))
        for partition in partitions:
            begin, end = begins.get(partition), ends[partition]
            consumer.seek(partition, end if begin is None else begin.offset)
            if begin is not None and begin.offset < end:
                self._behind[partition] = end

    def _client(self) -> AIOKafkaConsumer:
        return reader(
            self._bus.broker,
            group_id=None,
            max_partition_fetch_bytes=PARTITION_BYTES,
            fetch_max_bytes=FETCH_BYTES,
            request_timeout_ms=REQUEST_MS,
        )

    @asynccontextmanager
    async def _in_time(self, seconds: float) -> AsyncIterator[None]:
        """Whatever goes wrong, the client is let go: also for the library's own, and whoever does not wait longer."""
        try:
            async with in_time(seconds):
                yield
        except BaseException:
            self._drop()
            raise
