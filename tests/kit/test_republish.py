"""A log that was lost: what was not surely heard is published again, and nobody hears it twice."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gbike.cli import app
from gbike.kit.envelope import Message
from gbike.kit.messaging import republish
from gbike.kit.messaging.bus import BusUnavailable
from gbike.kit.messaging.inbox import Consumer
from gbike.kit.messaging.kafka import bus as kafka_bus
from gbike.kit.messaging.local.log import LogSubscription, SqliteLog
from gbike.kit.messaging.outbox import Relay, how_many_wait
from gbike.kit.messaging.republish import meet, publish_since, put_back_in_time
from gbike.kit.store import Store
from gbike.kit.telemetry import Metrics
from gbike.run.embedded import Embedded
from gbike.run.engines import kafka
from gbike.run.folder.data_folder import DataFolder
from gbike.services.rent.storage import VERSIONS
from tests.journeys.fleet import open_deposits, register_bikes
from tests.kit.floor import Rang, SetClock, a_log_store, words
from tests.kit.floor import a_store as sqlite
from tests.kit.kafkas import KafkaWire, RealKafka
from tests.kit.test_bus import a_message, rings
from tests.kit.test_erasure import a_store
from tests.kit.test_kafka import a_consumer, numbers, receive
from tests.postgres import Server
from tests.support import EVERY_RIDE_COSTS, Client


@pytest.fixture(params=["sqlite", "postgres"])
async def store(request: pytest.FixtureRequest, server: Server, clock: SetClock) -> AsyncIterator[Store]:
    made = a_store(request.param, VERSIONS, server, clock)
    yield made
    await made.close()


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


async def publish_one(store: Store, *which: int) -> None:
    for n in which:
        await store.write(lambda tx, n=n: tx.publish(Rang(number=n)))  # type: ignore[misc]


async def publish(store: Store, clock: SetClock) -> None:
    await store.write(
        lambda tx: tx.execute("UPDATE outbox SET published_ms = ? WHERE published_ms IS NULL", (clock.at_ms,))
    )


class NamedLog(SqliteLog):
    """A log that may be another one."""

    def __init__(self, name: str) -> None:
        super().__init__(a_log_store())
        self.name = name

    async def identity(self) -> str:
        return self.name


async def test_another_log_gets_all_that_the_outbox_has_and_the_same_one_nothing(
    store: Store, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(republish, "BATCH", 2)
    await publish_one(store, *range(1, 6))
    await publish(store, clock)
    await publish_one(store, 6)
    assert await meet(store, "one") is None  # the first it knows of: data of before the upgrade
    assert await meet(store, "one") is None
    assert await store.read(how_many_wait) == 1
    assert await meet(store, "two") == 5
    assert await store.read(how_many_wait) == 6
    await publish(store, clock)
    assert await meet(store, "two") is None
    assert await meet(store, "one") == 6  # what was put back has not heard it


async def test_a_kafka_that_can_not_say_which_topic_it_has_is_no_other_log(store: Store, clock: SetClock) -> None:
    await publish_one(store, 1)
    await publish(store, clock)
    assert await meet(store, "cluster") is None
    assert await meet(store, "cluster/topic") is None  # upgraded
    assert await meet(store, "cluster") is None  # it has no controller for a moment
    assert await meet(store, "cluster/topic") is None
    assert await meet(store, "cluster/made-anew") == 1


async def test_what_was_put_back_knows_no_log_and_remembers_anew_what_it_heard(
    store: Store, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(republish, "BATCH", 2)
    await publish_one(store, 1)
    await publish(store, clock)
    await meet(store, "one")
    for n in range(5):
        await store.write(lambda tx, n=n: tx.first_time([Message(f"m{n}", "Rang", "bell:1", b"{}", b"{}")]))
    clock.at_ms += 1_000
    await put_back_in_time(store)
    ages = await store.read(lambda read: read.all("SELECT at_ms FROM inbox"))
    assert ages == [(clock.at_ms,)] * 5
    assert await meet(store, "one") == 1


async def test_by_hand_it_is_what_was_published_since(store: Store, clock: SetClock) -> None:
    await publish_one(store, 1, 2)
    await publish(store, clock)
    clock.at_ms += 1_000
    await publish_one(store, 3)
    await publish(store, clock)
    assert await publish_since(store, clock.at_ms) == 1
    assert await publish_since(store, 0) == 2
    assert await store.read(how_many_wait) == 3


async def test_after_a_lost_log_everything_takes_effect_once_though_nothing_new_is_said() -> None:
    speaker = sqlite()
    hearer = sqlite()
    clock = SetClock()
    first = NamedLog("one")
    await publish_one(speaker, *range(6))
    await Relay(speaker, first, clock, Metrics(), "bell").step()
    heard = Consumer(hearer, LogSubscription(first, hearer, "a", frozenset({"Rang"})), {Rang: rings}, Metrics(), "a")
    heard._subscription.take = lambda _most: LogSubscription.take(heard._subscription, 2)  # type: ignore[method-assign,assignment,arg-type]
    await heard.step()
    assert len(await words(hearer)) == 2
    await speaker.flush()
    second = NamedLog("two")
    assert await Relay(speaker, second, clock, Metrics(), "bell").step() == 6
    await speaker.flush()
    assert await Relay(speaker, second, clock, Metrics(), "bell").step() == 0
    again = Consumer(hearer, LogSubscription(second, hearer, "b", frozenset({"Rang"})), {Rang: rings}, Metrics(), "b")
    while await again.lag():
        await again.step()
    assert numbers(await words(hearer)) == list(range(6))


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[RealKafka]:
    if (missing := kafka.why_not()) is not None:
        pytest.skip(missing)
    made = RealKafka(tmp_path)
    yield made
    made.destroy()


async def test_kafkas_data_lost_under_running_services_is_made_anew_and_filled_from_the_outboxes(
    broker: RealKafka, tmp_path: Path
) -> None:
    await broker.ready()
    wire = KafkaWire(broker)
    speaker = sqlite()
    hearer = sqlite()
    clock = SetClock()
    relay, consumer = Relay(speaker, wire.bus, clock, Metrics(), "bell"), a_consumer(wire, hearer)
    await publish_one(speaker, 0, 1, 2)
    await relay.step()
    await receive(consumer)
    was = await wire.bus.identity()
    await publish_one(speaker, 3, 4)
    await relay.step()  # nobody has heard these
    await speaker.flush()
    await wire.close()
    await broker.stop()
    shutil.rmtree(tmp_path / "data")
    await broker.start()
    later = KafkaWire(broker, wire.house)
    assert await later.bus.identity() != was
    relay, consumer = Relay(speaker, later.bus, clock, Metrics(), "bell"), a_consumer(later, hearer)
    assert await relay.step() == 5
    await receive(consumer)
    assert numbers(await words(hearer)) == [0, 1, 2, 3, 4]
    await later.close()


async def test_who_runs_on_without_trouble_notices_another_kafka_and_skips_nothing_of_it(
    broker: RealKafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await broker.ready()
    wire = KafkaWire(broker)
    speaker = sqlite()
    hearer = sqlite()
    relay, consumer = Relay(speaker, wire.bus, SetClock(), Metrics(), "bell"), a_consumer(wire, hearer)
    await publish_one(speaker, 0, 1)
    assert await relay.step() == 2
    await receive(consumer)
    await speaker.flush()
    await broker.stop()
    shutil.rmtree(tmp_path / "data")
    await broker.start()
    assert await relay.step() == 0  # nothing to say, so nothing went wrong
    other = wire.another()
    await other.append([a_message(10), a_message(11)])  # at the very places that the consumer has passed
    await other.close()
    with monkeypatch.context() as patch:
        patch.setattr(kafka_bus, "ASK_AGAIN_S", 0)
        assert await relay.step() == 2
    async with asyncio.timeout(60):
        while numbers(await words(hearer)) != [0, 1, 10, 11]:
            with suppress(BusUnavailable):
                if not await consumer.step():
                    await consumer.changed(200)
    await wire.close()


async def ridden(data: Path) -> None:
    """A folder with a ride in it."""
    whole = Embedded(DataFolder(data), EVERY_RIDE_COSTS)
    client = Client(whole.app)
    await register_bikes(client, range(1, 2))
    await open_deposits(client, range(1, 2))
    assert (await client.post("/rents", {"userid": 1, "bikeid": 1})).status == 201
    assert (await client.patch("/rents/1", {"endlocation": "B"})).status == 200
    await whole.settle()
    await whole.stop()


async def settled(data: Path) -> int:
    """Bring the folder to rest; how many messages of rent waited."""
    again = Embedded(DataFolder(data), EVERY_RIDE_COSTS)
    waited = await again.part("rent").store.read(how_many_wait)
    await again.settle()
    await again.stop()
    return waited


def test_events_republish_fills_a_folders_log_again_and_nothing_happens_twice(tmp_path: Path) -> None:
    data = tmp_path / "data"
    asyncio.run(ridden(data))

    def gbike(*args: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, [*args, "--data", str(data)], env=EVERY_RIDE_COSTS)
        return done.exit_code, done.output

    assert gbike("events", "republish", "--since", "yesterday")[0] == 2
    code, text = gbike("events", "republish", "--since", "2020-01-01", "--service", "rent")
    assert (code, text.splitlines()[0].partition(" messages")[0]) == (0, "rent: 2")
    assert gbike("events", "republish", "--since", "2020-01-01T00:00+09:00")[0] == 0
    assert asyncio.run(settled(data)) == 2
    code, text = gbike("verify")
    assert code == 0, text
