"""The relay sends each row once while all is well, however reading and marking overlap, and marks just what it sent."""

from collections.abc import Callable
from typing import Any

import pytest

from gbike.kit.messaging.local.log import SqliteLog
from gbike.kit.messaging.outbox import BATCH, Relay
from gbike.kit.storage import batching
from gbike.kit.store import StoreUnavailable
from gbike.kit.telemetry import Metrics
from tests.kit.floor import Rang, SetClock, a_log_store, a_store

COUNTED = "gbike_events_published_total"


async def test_what_is_marked_while_the_relay_reads_is_not_sent_again() -> None:
    bus, store = SqliteLog(a_log_store()), a_store()
    relay = Relay(store, bus, SetClock(), Metrics(), "bell")
    await store.write(lambda tx: tx.publish(Rang(number=1)))
    read_at_once = store.read_as_leader

    async def read_slowly(fn: Callable[..., Any], *args: Any) -> Any:
        """As in a thread: what was read is old when it is there."""
        found = await read_at_once(fn, *args)
        await store.flush()
        return found

    store.read_as_leader = read_slowly  # type: ignore[assignment]
    assert await relay.step() == 1
    assert await relay.step() == 0
    assert await bus.end() == 1


async def test_nothing_is_sent_again_and_again_while_its_mark_finds_no_room() -> None:
    bus, store = SqliteLog(a_log_store()), a_store()
    relay = Relay(store, bus, SetClock(), Metrics(), "bell")
    await store.write(lambda tx: tx.publish(Rang(number=1)))
    store.failing = True
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            await relay.step()
    assert await bus.end() == 0
    store.failing = False
    assert await relay.step() == 1


async def test_what_can_not_be_marked_as_too_many_writes_wait_is_not_counted_and_comes_after_a_pause(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    metrics, store = Metrics(), a_store()
    relay = Relay(store, SqliteLog(a_log_store()), SetClock(), metrics, "bell")
    await store.write(lambda tx: tx.publish(Rang(number=1)))
    mark = store.write_later

    def too_late(*args: Any) -> Any:
        monkeypatch.setattr(batching, "QUEUE", 0)
        return mark(*args)

    monkeypatch.setattr(store, "write_later", too_late)
    with pytest.raises(StoreUnavailable):
        await relay.step()
    assert metrics.registry.get_sample_value(COUNTED, {"service": "bell", "type": "Rang"}) is None
    monkeypatch.undo()
    assert await relay.step() == 1
    assert metrics.registry.get_sample_value(COUNTED, {"service": "bell", "type": "Rang"}) == 1


@pytest.mark.parametrize("published", [1, 2, 3, BATCH - 1, BATCH])
async def test_exactly_what_was_sent_is_marked(published: int) -> None:
    store = a_store()
    relay = Relay(store, SqliteLog(a_log_store()), SetClock(), Metrics(), "bell")
    for n in range(published):
        await store.write(lambda tx, n=n: tx.publish(Rang(number=n)))  # type: ignore[misc]
    assert await relay.step() == published
    await store.write(lambda tx: tx.publish(Rang(number=published)))
    await store.flush()
    waiting = await store.read(lambda read: read.all("SELECT id FROM outbox WHERE published_ms IS NULL"))
    assert waiting == [(published + 1,)]
