"""A consumer's place in the log, when next to nothing in the log is for it."""

from gbike.kit.clock import SystemClock, SystemIds
from gbike.kit.envelope import Message
from gbike.kit.messaging.local.log import SKIPPED, LogSubscription, SqliteLog
from gbike.kit.storage.migrations.migrate import LOG_VERSIONS, in_memory
from gbike.kit.storage.sqlite.store import SqliteStore
from gbike.services.bike_manager.storage import VERSIONS


async def test_a_consumer_that_hears_nothing_of_a_long_log_does_not_read_it_all_again_after_a_restart() -> None:
    clock, ids = SystemClock(), SystemIds()
    bus = SqliteLog(SqliteStore(None, clock=clock, ids=ids, source="bus", memory=in_memory(LOG_VERSIONS)))
    store = SqliteStore(None, clock=clock, ids=ids, source="bike_manager", memory=in_memory(VERSIONS))
    many = SKIPPED + 1_000
    await bus.append([Message(ids.new(), "Rented", f"rent:{n}", b"{}", b"{}") for n in range(many)])
    before = LogSubscription(bus, store, "bike_manager", frozenset({"Reported"}))
    for _ in range(many // 100):
        assert not (await before.take(100)).messages
    assert await before.lag() == 0

    after = LogSubscription(bus, store, "bike_manager", frozenset({"Reported"}))

    assert await after.lag() < SKIPPED


async def test_a_log_that_forgot_everything_still_knows_its_end_and_goes_on_after_it() -> None:
    clock = SystemClock()
    ids = SystemIds()
    memory = in_memory(LOG_VERSIONS)
    store = SqliteStore(None, clock=clock, ids=ids, source="bike_manager", memory=in_memory(VERSIONS))
    bus = SqliteLog(SqliteStore(None, clock=clock, ids=ids, source="bus", memory=memory))
    listener = LogSubscription(bus, store, "bike_manager", frozenset({"Reported"}))
    await bus.append([Message(ids.new(), "Reported", "bike:1", b"{}", b"{}") for _ in range(3)])
    batch = await listener.take(10)
    await store.write(listener.save_position, batch)
    await listener.acknowledge(batch)
    assert await bus.forget(clock.now_ms() + 1, batch.position, 10) == 3

    again = SqliteLog(SqliteStore(None, clock=clock, ids=ids, source="bus", memory=memory))
    listener = LogSubscription(again, store, "bike_manager", frozenset({"Reported"}))
    assert (await again.end(), await listener.lag()) == (3, 0)
    await again.append([Message("later", "Reported", "bike:1", b"{}", b"{}")])
    assert await listener.lag() == 1
    assert [message.id for message in (await listener.take(10)).messages] == ["later"]
