"""The bus port, the relay that feeds it and the consumer that reads it."""

import asyncio
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

import msgspec
import pytest

from gbike.kit.envelope import Message, pack
from gbike.kit.messaging import inbox
from gbike.kit.messaging.bus import Bus, BusUnavailable, Subscription
from gbike.kit.messaging.dead_letters import NoSuchLetter, set_aside
from gbike.kit.messaging.inbox import Consumer
from gbike.kit.messaging.local import log as sqlite_log
from gbike.kit.messaging.local.log import LogSubscription, SqliteLog
from gbike.kit.messaging.outbox import Relay
from gbike.kit.storage.sqlite.store import SqliteStore
from gbike.kit.store import Store, StoreUnavailable, Tx
from gbike.kit.telemetry import NO_TRACE, Metrics
from tests.kit.floor import Hummed, Rang, SetClock, a_log_store, a_store, note, words

RINGS = frozenset({"Rang"})


def a_message(number: int, hum: bool = False) -> Message:
    """The Nth message."""
    event = Hummed(number=number) if hum else Rang(number=number)
    return pack(event, id=f"m{number}", source="bell", now_ms=1, trace=NO_TRACE)


class Wire(Protocol):
    """A bus under test, and how one reads it."""

    bus: Bus

    def reader(self, store: Store, name: str = "reader") -> Subscription:
        """One who wants the rings."""

    async def gone(self, reader: Subscription) -> None:
        """As when the reader's process has ended."""

    async def close(self) -> None:
        """No bus any more."""


async def take_all(reader: Subscription, store: Store, most: int = 3) -> list[str]:
    """Everything that is new, settled batch by batch."""
    taken: list[str] = []
    while await reader.lag():
        while not (batch := await reader.take(most)).messages and await reader.lag():
            await reader.changed(1_000)
        assert len(batch.messages) <= most
        taken += [message.id for message in batch.messages]
        await store.write(reader.save_position, batch)
        await reader.acknowledge(batch)
    return taken


def by_key(ids: Iterable[str]) -> list[list[str]]:
    """Those of each bell (there are two), in the order they came: that is what a bus promises."""
    found: list[list[str]] = [[], []]
    for id in ids:
        found[int(id[1:]) % 2].append(id)
    return found


class BusSuite:
    """What every bus promises."""

    @pytest.fixture
    async def wire(self, tmp_path: Path) -> Wire:
        raise NotImplementedError

    async def test_messages_of_one_key_come_in_the_order_they_were_appended(self, wire: Wire) -> None:
        store = a_store()
        await wire.bus.append([a_message(n) for n in range(5)])
        await wire.bus.append([a_message(n) for n in range(5, 9)])
        reader = wire.reader(store)
        assert by_key(await take_all(reader, store)) == by_key(f"m{n}" for n in range(9))
        assert (await reader.take(3)).messages == []
        assert await reader.lag() == 0

    async def test_a_reader_starts_again_where_it_settled_and_not_where_it_took(self, wire: Wire) -> None:
        store = a_store()
        await wire.bus.append([a_message(n) for n in range(0, 8, 2)])
        first = wire.reader(store)
        while not (batch := await first.take(2)).messages:
            await first.changed(1_000)
        await store.write(first.save_position, batch)
        await first.acknowledge(batch)
        await first.take(2)
        await wire.gone(first)
        again = wire.reader(store)
        assert await again.lag() == 2
        assert await take_all(again, store) == ["m4", "m6"]

    async def test_a_batch_that_was_not_settled_is_given_again(self, wire: Wire) -> None:
        store = a_store()
        await wire.bus.append([a_message(n) for n in range(5)])
        reader = wire.reader(store)
        while not (batch := await reader.take(2)).messages:
            await reader.changed(1_000)
        assert list((await reader.take(2)).messages) == list(batch.messages)
        assert by_key(await take_all(reader, store)) == by_key(f"m{n}" for n in range(5))

    async def test_a_reader_that_was_stopped_loses_nothing_and_holds_up_nobody(self, wire: Wire) -> None:
        one, other = a_store(), a_store()
        quick = wire.reader(one, "quick")
        for n in range(20):
            await wire.bus.append([a_message(n)])
            assert await take_all(quick, one) == [f"m{n}"]
        slow = wire.reader(other, "slow")
        assert await slow.lag() == 20
        assert by_key(await take_all(slow, other)) == by_key(f"m{n}" for n in range(20))

    async def test_what_a_reader_does_not_want_is_passed_over(self, wire: Wire) -> None:
        store = a_store()
        await wire.bus.append([a_message(n, hum=n % 5 != 0) for n in range(50)])
        reader = wire.reader(store)
        assert by_key(await take_all(reader, store)) == by_key(f"m{n}" for n in range(0, 50, 5))
        assert await reader.lag() == 0

    async def test_appending_again_after_a_crash_gives_the_same_messages_again(self, wire: Wire) -> None:
        store = a_store()
        messages = [a_message(1), a_message(2)]
        await wire.bus.append(messages)
        await wire.bus.append(messages)
        assert sorted(await take_all(wire.reader(store), store)) == ["m1", "m1", "m2", "m2"]

    async def test_a_reader_that_waits_is_woken_by_an_append(self, wire: Wire) -> None:
        reader = wire.reader(a_store())
        await reader.take(1)
        waiting = asyncio.create_task(reader.changed(60_000))
        await asyncio.sleep(0)
        await wire.bus.append([a_message(1)])
        await asyncio.wait_for(waiting, 5)

    async def test_a_message_is_the_same_bytes_at_both_ends(self, wire: Wire) -> None:
        sent, reader = a_message(7), wire.reader(a_store())
        await wire.bus.append([sent])
        while not (batch := await reader.take(5)).messages:
            await reader.changed(1_000)
        assert list(batch.messages) == [sent]

    async def test_a_bus_that_is_closed_says_so(self, wire: Wire) -> None:
        reader = wire.reader(a_store())
        await wire.close()
        with pytest.raises(BusUnavailable):
            await wire.bus.append([a_message(1)])
        with pytest.raises(BusUnavailable):
            await reader.take(1)


class LogWire:
    """The log in SQLite."""

    def __init__(self, path: Path | None = None) -> None:
        self.bus = SqliteLog(a_log_store(path))

    def reader(self, store: Store, name: str = "reader") -> LogSubscription:
        return LogSubscription(self.bus, store, name, RINGS)

    async def gone(self, reader: Subscription) -> None:
        """Nothing is left of it."""

    async def close(self) -> None:
        await self.bus.store.close()


class TestLogInMemory(BusSuite):
    @pytest.fixture
    async def wire(self, tmp_path: Path) -> Wire:
        return LogWire()

    async def test_the_log_has_one_order(self, wire: Wire) -> None:
        store = a_store()
        await wire.bus.append([a_message(n) for n in range(9)])
        assert await take_all(wire.reader(store), store) == [f"m{n}" for n in range(9)]

    async def test_a_reader_that_died_between_its_effects_and_moving_on_has_its_place(self, wire: Wire) -> None:
        store = a_store()
        await wire.bus.append([a_message(n) for n in range(4)])
        first = wire.reader(store)
        await store.write(first.save_position, await first.take(2))
        assert await take_all(wire.reader(store), store) == ["m2", "m3"]


class TestLogInAFile(BusSuite):
    @pytest.fixture
    async def wire(self, tmp_path: Path) -> Wire:
        return LogWire(tmp_path / "bus.sqlite")


class TestLogWithAShortTail(BusSuite):
    """Readers are often behind what is kept in memory."""

    @pytest.fixture
    async def wire(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Wire:
        monkeypatch.setattr(sqlite_log, "TAIL", 3)
        return LogWire()


async def test_the_tail_in_memory_and_the_file_never_disagree(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_log, "TAIL", 7)
    bus = SqliteLog(a_log_store())
    for round_ in range(12):
        await bus.append([a_message(round_ * 10 + n) for n in range(round_ % 5 + 1)])
        for position in range(await bus.end() + 1):
            for most in (1, 4, 100):
                from_file = await bus.store.read(sqlite_log._entries_after, position, most)
                assert await bus.after(position, most) == from_file[: len(await bus.after(position, most))]
                assert len(await bus.after(position, most)) == len(from_file)


def rings(tx: Tx, published: Rang) -> None:
    """The effect: a note, once per bell; numbers above 90 are poison."""
    if published.number > 90:
        raise ValueError(f"bell {published.number}")
    note(tx, f"rang {published.number} {tx.trace.request_id}")


def a_consumer(bus: SqliteLog, store: SqliteStore) -> Consumer:
    """Hears the bells."""
    return Consumer(store, LogSubscription(bus, store, "ears", RINGS), {Rang: rings}, Metrics(), "ears")


async def settle(consumer: Consumer) -> None:
    """Step to quiet."""
    while await consumer.step():
        pass


async def test_what_was_said_is_heard_once_though_the_relay_died_before_it_could_mark_it() -> None:
    bus = SqliteLog(a_log_store())
    speaker = a_store()
    hearer = a_store()
    relay, consumer = Relay(speaker, bus, SetClock(), Metrics(), "bell"), a_consumer(bus, hearer)
    for n in range(3):
        await speaker.write(lambda tx, n=n: tx.publish(Rang(number=n)))  # type: ignore[misc]
    speaker.write_later = _never  # type: ignore[method-assign,assignment]
    assert await relay.step() == 3
    del speaker.write_later
    relay = Relay(speaker, bus, SetClock(), Metrics(), "bell")
    assert await relay.step() == 3
    assert await relay.step() == 0
    await speaker.flush()
    assert await speaker.read(lambda read: read.one("SELECT 1 FROM outbox WHERE published_ms IS NULL")) is None
    await settle(consumer)
    assert await bus.end() == 6
    assert await words(hearer) == ["rang 0 none", "rang 1 none", "rang 2 none"]


async def _dies(*_args: object, **_more: object) -> None:
    raise StoreUnavailable("dead")


def _never(*_args: object) -> asyncio.Future[None]:
    return asyncio.get_running_loop().create_future()


async def test_what_could_not_be_marked_is_sent_again() -> None:
    bus, store = SqliteLog(a_log_store()), a_store()
    relay = Relay(store, bus, SetClock(), Metrics(), "bell")
    await store.write(lambda tx: tx.publish(Rang(number=1)))
    assert await relay.step() == 1
    lost = _never()
    marks = iter([lost, _never()])
    store.write_later = lambda *_args: next(marks)  # type: ignore[method-assign]
    await store.write(lambda tx: tx.publish(Rang(number=2)))
    assert await relay.step() == 1
    lost.set_exception(StoreUnavailable("disk full"))
    await asyncio.sleep(0)
    assert await relay.step() == 1
    assert await bus.end() == 3


async def test_while_the_bus_is_down_the_outbox_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    bus, store = SqliteLog(a_log_store()), a_store()
    relay = Relay(store, bus, SetClock(), Metrics(), "bell")
    await store.write(lambda tx: tx.publish(Rang(number=1)))

    async def down(messages: Sequence[Message]) -> None:
        raise BusUnavailable("down")

    with monkeypatch.context() as patch:
        patch.setattr(bus, "append", down)
        for _ in range(3):
            with pytest.raises(BusUnavailable):
                await relay.step()
    assert await relay.step() == 1
    assert await bus.end() == 1


async def test_a_poison_message_is_set_aside_with_its_reason_and_the_others_take_effect() -> None:
    bus, store = SqliteLog(a_log_store()), a_store(run_twice=True)
    consumer = a_consumer(bus, store)
    broken = msgspec.structs.replace(a_message(3), value=b"{not json")
    await bus.append([a_message(1), a_message(91), a_message(2), broken, a_message(4)])
    await settle(consumer)
    assert [word.split()[1] for word in await words(store)] == ["1", "2", "4"]
    dead = await store.read(lambda read: read.all("SELECT message_id, reason FROM dead_letters ORDER BY message_id"))
    assert [row[0] for row in dead] == ["m3", "m91"]
    assert "Undecodable" in dead[0][1]
    assert dead[1][1] == "ValueError('bell 91')"
    assert await consumer.lag() == 0


async def test_a_message_that_was_set_aside_takes_effect_once_when_it_is_given_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bus, store = SqliteLog(a_log_store()), a_store(run_twice=True)
    consumer = a_consumer(bus, store)
    await bus.append([a_message(91)])
    await settle(consumer)
    assert await consumer.dead_letters() == 1
    assert await consumer.replay("m91") == "ValueError('bell 91')"
    write = store.write
    for works in (0, 1):  # the store dies after so many writes
        answers = [write] * works + [_dies] * 9
        with monkeypatch.context() as patch:
            patch.setattr(store, "write", lambda *args, answers=answers: answers.pop(0)(*args))
            with pytest.raises(StoreUnavailable):
                await consumer.replay("m91")
        assert await consumer.dead_letters() == 1
    mended = Consumer(
        store,
        LogSubscription(bus, store, "ears", RINGS),
        {Rang: lambda tx, published: note(tx, "rang")},
        Metrics(),
        "ears",
    )
    assert await mended.replay("m91") is None
    assert await mended.dead_letters() == 0
    with pytest.raises(NoSuchLetter):
        await mended.replay("m91")
    await store.write(set_aside, a_message(91), "as by a member who had not heard of it", {})
    assert await mended.replay("m91") is None
    assert await words(store) == ["rang"]


async def test_a_store_that_is_down_sets_nothing_aside_and_all_is_heard_later(monkeypatch: pytest.MonkeyPatch) -> None:
    bus, store = SqliteLog(a_log_store()), a_store()
    consumer = a_consumer(bus, store)
    await bus.append([a_message(1), a_message(2)])
    with monkeypatch.context() as patch:
        patch.setattr(store, "write", _dies)
        with pytest.raises(StoreUnavailable):
            await consumer.step()
    await settle(consumer)
    assert len(await words(store)) == 2
    assert await store.read(lambda read: read.all("SELECT 1 FROM dead_letters")) == []


async def test_whichever_write_of_a_consumer_fails_each_message_takes_effect_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for nth in range(1, 20):
        bus, store = SqliteLog(a_log_store()), a_store()
        consumer = a_consumer(bus, store)
        left = [nth]
        write = store.write
        await bus.append([a_message(1), a_message(91), a_message(2), a_message(1)])

        async def sometimes(*args: object, left: list[int] = left, write: object = write, **more: object) -> object:
            left[0] -= 1
            if left[0] == 0:
                raise StoreUnavailable("now")
            return await write(*args, **more)  # type: ignore[operator]

        with monkeypatch.context() as patch:
            patch.setattr(store, "write", sometimes)
            for _ in range(4):
                try:
                    await settle(consumer)
                except StoreUnavailable:
                    continue
        assert [word.split()[1] for word in await words(store)] == ["1", "2"], nth
        assert await consumer.lag() == 0
        if left[0] > 0:
            return
    pytest.fail("no run without a failure")


async def test_a_batch_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "BATCH", 2)
    bus, store = SqliteLog(a_log_store()), a_store()
    consumer = a_consumer(bus, store)
    await bus.append([a_message(n) for n in range(5)])
    assert [await consumer.step() for _ in range(4)] == [2, 2, 1, 0]
