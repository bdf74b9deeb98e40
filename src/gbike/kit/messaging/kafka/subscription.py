"""One service's way through the topics of those it hears: a consumer group, whose members share the partitions.

The inbox rows are the memory of what took effect; the offsets that are committed here only say where to go on. So they
are committed after the effects, a little later and together, and a commit that fails, or a batch that comes again
because the partitions moved, is no error. With each goes which topic it is a place in: on one of the same name that was
made anew it would pass over what is there.

A message counts on the topic of whoever says its type, with that one as its source: anything else stands for what
somebody wrote who was not asked, and is set aside. Where there still is the topic of before each speaker had one, a
member reads what it has of that to the end that it finds, and only then the rest.
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any
from zlib import crc32

import msgspec
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.structs import OffsetAndMetadata

from gbike.kit.envelope import Message
from gbike.kit.messaging.bus import BEHIND, Batch, BusUnavailable
from gbike.kit.messaging.kafka.bus import KafkaBus
from gbike.kit.messaging.kafka.reading import ANSWER_S, READ, in_time, reader
from gbike.kit.messaging.kafka.topic import PACE_MS, topic_of
from gbike.kit.messaging.kafka.wire import UNREADABLE, publisher_of, to_foreign, to_message, type_of
from gbike.kit.store import Tx
from gbike.kit.telemetry import log

HEARTBEAT_MS = 1_000
"""How often a member asks whether the partitions move: so long those who join wait for it."""
JOIN_S = 30
"""How long it may take to get a share of the partitions: a group waits for its members, dead ones included."""
SESSION_MS = 6_000
"""Who is silent for so long is out of the group; brokers allow no less, unless they are told to."""
REQUEST_MS = 15_000
"""How long one request may take before the connection counts as broken; a join waits for the other members."""
GIVE_UP = 6
"""So many questions without an answer, and the client is made anew: its picture of the brokers may be of the past."""
SKIPPED = 4_096
"""Records passed over in one `take`, at most, so that one who wants few of them leaves the loop to others."""
COMMIT_PAUSE_S = 1.0
"""Offsets settled meanwhile share one commit. What a killed member did since its last one comes again, and the inbox
knows it; one that leaves, or whose partitions move, commits at once."""
UNKNOWN = 1 << 62
"""An end that no topic reaches."""
PARTITION_BYTES, FETCH_BYTES = 256 * 1024, 4 * 1024 * 1024
"""What the client may hold of one partition, and get in one answer: the memory of a consumer that is behind."""


def group_of(consumer: str) -> str:
    return f"gbike-{consumer}"


class OffsetPosition(msgspec.Struct, frozen=True):
    """Where a batch ends, in which share of the partitions; another share makes it meaningless."""

    share: int
    offsets: dict[TopicPartition, int]


class KafkaSubscription:
    """A Subscription in a consumer group."""

    def __init__(self, bus: KafkaBus, consumer: str, speakers: Mapping[str, str]) -> None:
        """`speakers`: who says each type that it hears."""
        self._bus, self._name = bus, consumer
        self._speakers = speakers
        self.topics = sorted({topic_of(service, bus.house) for service in speakers.values()})
        self._consumer: AIOKafkaConsumer | None = None
        self._joining = asyncio.Lock()
        self._share = 0
        self._logs: Mapping[str, str] = {}
        """Which topics the client reads."""
        self._before: dict[TopicPartition, int] = {}
        """Partitions of the topic of before, and up to where they are read before anything else is."""
        self._read: deque[tuple[TopicPartition, Any]] = deque()
        self._seen: dict[TopicPartition, int] = {}
        self._settled: dict[TopicPartition, int] = {}
        self._committed: dict[TopicPartition, int] = {}
        self._held: Batch | None = None
        self._committing: asyncio.Task[None] | None = None
        self._unanswered = 0
        self._next_s = 0.0
        bus.add(self)

    async def take(self, most: int) -> Batch:
        """See Subscription.take. The same batch again until it is settled, or the partitions moved."""
        if self._held is None:
            await self._joined()
            skipped = len(self._read)
            while not (wanted := self._wanted(most)) and skipped < SKIPPED:
                if (skipped and self._early_s() > 0) or not (read := await self._fetch(0)):
                    break  # what was passed over is settled before anybody waits
                skipped += read
            batch = Batch(wanted, OffsetPosition(self._share, dict(self._seen)))
            if not wanted:
                await self.acknowledge(batch)
                return batch
            self._held = batch
        return self._held

    def save_position(self, tx: Tx, batch: Batch) -> None:
        """Nothing: the inbox rows, in the same transaction, are what counts."""

    async def acknowledge(self, batch: Batch) -> None:
        if batch.position.share == self._share:
            self._held = None
            self._settled.update(batch.position.offsets)
            if self._settled != self._committed and self._committing is None:
                self._committing = asyncio.get_running_loop().create_task(self._commit_soon())

    async def changed(self, timeout_ms: int) -> None:
        if self._held is None and not self._read:
            await self._joined()
            await self._fetch(timeout_ms)

    async def lag(self) -> int:
        """See Subscription.lag: of the partitions this member has. Raises BusUnavailable."""
        consumer = await self._joined()
        partitions = sorted(consumer.assignment())
        behind = 0
        try:
            async with in_time(ANSWER_S):
                ends = await consumer.end_offsets(partitions) if partitions else {}
                for partition, end in ends.items():
                    settled = self._settled.get(partition)
                    behind += max(0, end - (await consumer.position(partition) if settled is None else settled))
        except BusUnavailable:
            self._unanswered += 1
            if self._unanswered >= GIVE_UP:
                self._drop()
            raise
        self._unanswered = 0
        return behind

    async def close(self) -> None:
        """Commit what is settled and leave the group."""
        await self._commit_in_time()
        self._drop()

    def begin_again(self) -> None:
        """The places that are known are of a log that was lost."""
        self._drop()

    async def have_share(self, given: Iterable[TopicPartition]) -> None:
        """Partitions were given out: read on where the group's last commit says, or from the start when that was of
        another topic. (Commits of before topics were told apart, and those of Kafka's own tools, say nothing.)"""
        consumer, partitions = self._consumer, list(given)
        if consumer is None or not partitions:
            return
        before = [position for position in partitions if position.topic == self._bus.house]
        if before:  # at once: nothing of the others is read until it is known where this one ends
            self._before = dict.fromkeys(before, UNKNOWN)
            consumer.pause(*(position for position in partitions if position.topic != self._bus.house))
        try:
            async with asyncio.timeout(ANSWER_S):
                known = await consumer._coordinator.fetch_committed_offsets(partitions)
                others = [
                    position for position, at in known.items() if at.metadata not in ("", self._logs[position.topic])
                ]
                if others:
                    await consumer.seek_to_beginning(*others)
                self._before = dict(await consumer.end_offsets(before)) if before else {}
                await self._go_on_from_before()
        except (KafkaError, TimeoutError) as why:
            log.info("a log position is unknown", consumer=self._name, why=type(why).__name__)
            self._drop()

    async def forget_share(self) -> None:
        """The partitions move: commit what is settled for whoever comes next, and start anew with what we are given."""
        await self._commit_in_time()
        self._start_anew()

    def _start_anew(self) -> None:
        self._share += 1
        self._held = None
        for kept in (self._read, self._seen, self._settled, self._committed, self._before):
            kept.clear()

    def _drop(self) -> None:
        consumer, self._consumer = self._consumer, None
        self._unanswered = 0
        if self._committing is not None:
            self._committing.cancel()
        self._start_anew()
        if consumer is not None:
            self._bus.doubt()
            self._bus.let_go(consumer)

    def _wanted(self, most: int) -> list[Message]:
        """Up to `most` messages of what was read, passing over what is for others or of another house."""
        wanted: list[Message] = []
        while self._read and len(wanted) < most:
            partition, record = self._read.popleft()
            self._seen[partition] = record.offset + 1
            kind = type_of(record)
            if kind == UNREADABLE or self._is_said(kind, record):
                wanted.append(to_message(record))
            elif kind in self._speakers:
                wanted.append(to_foreign(record))
        return wanted

    def _is_said(self, kind: str, record: Any) -> bool:
        """Whether it is of a type that is heard, by whom that is said, where that one says it."""
        speaker = self._speakers.get(kind, "")
        place = record.topic in (topic_of(speaker, self._bus.house), self._bus.house)
        return bool(speaker) and place and publisher_of(record, speaker)

    async def _go_on_from_before(self) -> None:
        """When the topic of before is read to its end, the others' turn has come."""
        consumer, share = self._consumer, self._share
        if consumer is None or not consumer.paused():
            return
        read = [position for position, end in list(self._before.items()) if await consumer.position(position) >= end]
        if share == self._share:  # the partitions did not move meanwhile
            self._before = {position: end for position, end in self._before.items() if position not in read}
            if not self._before:
                consumer.resume(*consumer.paused())

    async def _fetch(self, timeout_ms: int) -> int:
        """Read on, at our pace; answers how many records there were. Raises BusUnavailable."""
        await asyncio.sleep(self._early_s())  # or 0: the client reads in tasks of its own, so let them run
        if self._consumer is None:
            raise BusUnavailable("Kafka let the consumer go")
        async with in_time(ANSWER_S + timeout_ms / 1000):
            try:
                found = await self._consumer.getmany(timeout_ms=timeout_ms, max_records=READ)
            except Exception as wrong:  # also the library's own: what it had in hand is lost, so it begins again
                self._drop()
                raise BusUnavailable(f"Kafka: {wrong!r}") from None
        for partition, new in found.items():
            if partition not in self._settled:
                self._settled[partition] = self._committed[partition] = new[0].offset
            self._read.extend((partition, record) for record in new)
        read = sum(map(len, found.values()))
        if 0 < read < BEHIND:
            self._next_s = asyncio.get_running_loop().time() + PACE_MS / 1000
        async with in_time(ANSWER_S):  # what was read is in hand by now
            await self._go_on_from_before()
        return read

    def _early_s(self) -> float:
        """How long until it is time to ask the broker again; negative when it is."""
        return self._next_s - asyncio.get_running_loop().time()

    async def _joined(self) -> AIOKafkaConsumer:
        async with self._joining:
            if self._bus.closed:
                raise BusUnavailable("the bus is closed")
            if self._consumer is None:
                await self._bus.make_topics()
                self._logs = self._bus.logs
                self._consumer = self._client()
                self._consumer.subscribe(self._reads(), listener=_Moves(self))
                try:
                    async with in_time(JOIN_S):
                        await self._consumer.start()
                except BaseException:
                    self._drop()
                    raise
            return self._consumer

    def _reads(self) -> list[str]:
        return sorted({*self.topics, self._bus.house} & {*self._logs})

    def _known_as(self) -> str | None:
        """Its name in the group, with what it reads: who is back under its name gets the partitions that it had, and
        none of a topic that it did not read then."""
        if not self._bus.instance:
            return None
        return f"{self._name}-{self._bus.instance}-{crc32(' '.join(self._reads()).encode()):08x}"

    def _client(self) -> AIOKafkaConsumer:
        return reader(
            self._bus.broker,
            group_id=group_of(self._name),
            group_instance_id=self._known_as(),
            session_timeout_ms=SESSION_MS,
            heartbeat_interval_ms=HEARTBEAT_MS,
            max_partition_fetch_bytes=PARTITION_BYTES,
            fetch_max_bytes=FETCH_BYTES,
            request_timeout_ms=REQUEST_MS,
        )

    async def _commit_soon(self) -> None:
        """Nobody waits for this, so it may take as long as the broker is gone."""
        try:
            while self._settled != self._committed:
                await asyncio.sleep(COMMIT_PAUSE_S)
                await self._commit()
        except KafkaError as why:
            log.info("a log position was not saved", consumer=self._name, why=type(why).__name__)
        finally:
            self._committing = None

    async def _commit_in_time(self) -> None:
        try:
            async with asyncio.timeout(ANSWER_S):
                await self._commit()
        except (KafkaError, TimeoutError) as why:
            log.info("a log position was not saved", consumer=self._name, why=type(why).__name__)

    async def _commit(self) -> None:
        """Tell the broker where to go on; what it does not take comes again and meets the inbox."""
        share = self._share
        new = {position: at for position, at in self._settled.items() if self._committed.get(position) != at}
        if new and self._consumer is not None:
            await self._consumer.commit(
                {position: OffsetAndMetadata(at, self._logs[position.topic]) for position, at in new.items()}
            )
            if share == self._share:
                self._committed.update(new)


class _Moves(ConsumerRebalanceListener):  # type: ignore[misc]
    """Hears that the partitions move."""

    def __init__(self, subscription: KafkaSubscription) -> None:
        self._subscription = subscription

    async def on_partitions_revoked(self, revoked: Any) -> None:
        """They are taken away, all of them, before they are given out anew."""
        await self._subscription.forget_share()

    async def on_partitions_assigned(self, assigned: Any) -> None:
        await self._subscription.have_share(assigned)
