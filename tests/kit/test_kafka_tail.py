"""The newest messages of a topic, for one who keeps no place."""

import asyncio
import itertools
from collections.abc import AsyncIterator

import pytest

from gbike.kit.clock import SystemClock
from gbike.kit.messaging.bus import BusUnavailable
from gbike.kit.messaging.kafka import bus as kafka_bus
from gbike.kit.messaging.kafka.tail import KafkaTail
from tests.kit.floor import SetClock
from tests.kit.kafkas import KafkaWire, RealKafka
from tests.kit.test_bus import RINGS, a_message
from tests.kit.test_kafka import FULL
from tests.kit.test_topic_made_anew import make_anew
from tests.waiting import a_while

PATIENCE_S = 60
REACH_MS = 60_000
_names = itertools.count(1)


@pytest.fixture
async def wire(broker: RealKafka) -> AsyncIterator[KafkaWire]:
    made = KafkaWire(broker, f"tail{next(_names)}")
    yield made
    await made.close()


def a_tail(wire: KafkaWire, since_ms: int = 0) -> KafkaTail:
    """One whose reach goes back to that moment."""
    return KafkaTail(wire.bus, wire.topic, RINGS, SetClock(since_ms + REACH_MS), REACH_MS)


async def a_moment() -> int:
    """One that is over, and after all that was done before."""
    clock = SystemClock()
    began = clock.now_ms()
    while clock.now_ms() <= began + 1:  # noqa: ASYNC110 - time tells nobody
        await asyncio.sleep(0)
    return began + 1


async def heard(tail: KafkaTail, wanted: set[str]) -> None:
    """Take until all of these came."""
    came: set[str] = set()
    async with asyncio.timeout(PATIENCE_S):
        while not wanted <= came:
            try:
                came |= {message.id for message in await tail.take(100)}
                await tail.changed(200)
            except BusUnavailable:
                await a_while()


async def test_it_begins_with_what_is_not_too_old_and_goes_on_with_what_is_new(wire: KafkaWire) -> None:
    old, new, newest = ([a_message(number) for number in some] for some in (range(40), range(40, 60), range(60, 80)))
    await wire.append(old)
    since_ms = await a_moment()
    await wire.append(new)
    all_of_it = a_tail(wire)
    some = a_tail(wire, since_ms)
    nothing = a_tail(wire, await a_moment())
    for tail, expected in ((all_of_it, [*old, *new]), (some, new), (nothing, [])):
        assert {message.id for message in await tail.take(100)} == {message.id for message in expected}, "at once"
    await wire.append(newest)
    for tail in (all_of_it, some, nothing):
        await heard(tail, {message.id for message in newest})
    assert len(await a_tail(wire).take(7)) == 7


async def test_it_passes_over_what_is_of_another_kind(wire: KafkaWire) -> None:
    await wire.append([a_message(1, hum=True), a_message(2)])
    assert [message.id for message in await a_tail(wire).take(100)] == [a_message(2).id]


async def test_it_goes_on_in_a_topic_that_was_made_anew(
    wire: KafkaWire, broker: RealKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_bus, "ASK_AGAIN_S", 0)
    await wire.append([a_message(number) for number in range(3)])
    tail = a_tail(wire)
    assert len(await tail.take(100)) == 3
    await make_anew(broker, wire.topic)
    await wire.bus.identity()  # as every relay does
    await wire.append([a_message(number) for number in range(5, 9)])
    await heard(tail, {a_message(number).id for number in range(5, 9)})


@pytest.mark.skipif(not FULL, reason="a broker that dies and comes back: GBIKE_FULL=1")
async def test_it_begins_when_the_broker_is_there_and_goes_on_when_it_is_back(wire: KafkaWire) -> None:
    tail = a_tail(wire)
    await wire.append([a_message(1)])
    await heard(tail, {a_message(1).id})
    await wire.cluster.stop()
    late = a_tail(wire)
    with pytest.raises(BusUnavailable):
        await late.take(100)
    await wire.cluster.start()
    for attempt in itertools.count():
        try:
            await wire.append([a_message(2)])
            break
        except BusUnavailable:
            assert attempt < 20
    await heard(tail, {a_message(2).id})
    await heard(late, {a_message(1).id, a_message(2).id})
    await wire.close()
    with pytest.raises(BusUnavailable):
        await tail.take(100)


async def test_it_does_not_wait_for_what_is_no_more(wire: KafkaWire) -> None:
    """The log became shorter while its beginning was read: a broker lost what it had not written down."""
    published = [a_message(number) for number in range(20)]
    await wire.append(published)
    tail = a_tail(wire)
    consumer = await tail._begun()
    tail._behind = {
        partition: end + 100 for partition, end in (await consumer.end_offsets(consumer.assignment())).items()
    }
    async with asyncio.timeout(PATIENCE_S / 3):
        assert {message.id for message in await tail.take(100)} == {message.id for message in published}
