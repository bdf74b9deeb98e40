"""What is told of hours long ago, when the rows are gone: nothing of a platform where nothing was lost."""

from collections.abc import Mapping

import pytest

from gbike.contracts.events import EVENTS
from gbike.kit.envelope import Message
from gbike.kit.messaging.dead_letters import set_aside
from gbike.kit.messaging.hours import HOUR_MS, Hours, record_received, take_note
from gbike.kit.storage.migrations.migrate import in_memory
from gbike.kit.storage.retention import DAY_MS, Housekeeper
from gbike.kit.storage.sqlite.store import SqliteReading, SqliteStore
from gbike.run.invariants_hours import published_and_heard
from gbike.services.bike.storage import VERSIONS
from tests.kit.floor import ClockIds, SetClock, id_at

NOON_MS = 1_790_000_000_000 // HOUR_MS * HOUR_MS
SPEAKERS = {"Returned": "rent"}


class Town:
    """rent, which publishes, and bike, which hears."""

    def __init__(self) -> None:
        self.clock = SetClock(NOON_MS)
        ids = ClockIds(self.clock)
        self.rent, self.bike = (
            SqliteStore(None, clock=self.clock, ids=ids, source=name, memory=in_memory(VERSIONS))
            for name in ("rent", "bike")
        )

    async def publish(self) -> Message:
        """A return, now."""
        message = Message(id_at(self.clock.at_ms), "Returned", "rent:1", b"{}", b"{}")
        sql = "INSERT INTO outbox (message_id, type, key, headers, value, published_ms) VALUES (?, ?, ?, ?, ?, ?)"
        row = (message.id, message.type, message.key, message.headers, message.value, self.clock.at_ms)
        await self.rent.write(lambda tx: tx.execute(sql, row))
        return message

    async def receive(self, message: Message) -> None:
        """bike hears it."""
        await self.bike.write(record_received, [message], SPEAKERS)

    async def keep_house(self) -> None:
        """Hours are folded, and what is old goes."""
        says: Mapping[SqliteStore, Mapping[str, str]] = {self.rent: {}, self.bike: SPEAKERS}
        for store, speakers in says.items():
            worker = Hours(store, self.clock, store.source, speakers)
            while await worker.step():
                pass
            await Housekeeper(store, self.clock).step()

    def told(self) -> list[str]:
        """What `gbike verify` says."""
        return [str(found) for found in published_and_heard(self.readings)]

    @property
    def readings(self) -> dict[str, SqliteReading]:
        """The stores."""
        return {"rent": SqliteReading(self.rent._writer), "bike": SqliteReading(self.bike._writer)}


@pytest.fixture
def town() -> Town:
    return Town()


async def test_what_the_version_before_heard_late_of_a_folded_hour_is_never_missed(town: Town) -> None:
    heard = [await town.publish() for _ in range(10)]
    for message in heard[:9]:
        await town.receive(message)
    town.clock.at_ms += 2 * HOUR_MS
    await town.keep_house()
    old = "INSERT INTO inbox (message_id, at_ms) VALUES (?, ?)"  # as an older replica beside does
    await town.bike.write(lambda tx: tx.execute(old, (heard[9].id, town.clock.at_ms)))
    for days in (0, 1, 8, 31):
        town.clock.at_ms = NOON_MS + days * DAY_MS + 2 * HOUR_MS
        await town.keep_house()
        assert town.told() == [], days


async def test_a_loss_that_was_noted_is_told_no_more_though_something_is_set_aside(town: Town) -> None:
    messages = [await town.publish() for _ in range(5)]
    for message in messages[:3]:
        await town.receive(message)
    await town.bike.write(set_aside, messages[4], "it can't be", EVENTS)  # and the one before is lost
    town.clock.at_ms += 8 * DAY_MS
    await town.keep_house()
    [found] = published_and_heard(town.readings)
    await town.bike.write(take_note, "rent", [], [lost for _, lost in found.mend.hours])  # type: ignore[attr-defined]
    assert town.told() == []


async def test_a_clock_that_was_days_ahead_for_minutes_makes_nothing_missing(town: Town) -> None:
    async def ride() -> None:
        await town.receive(await town.publish())

    await ride()
    town.clock.at_ms += HOUR_MS
    await town.keep_house()
    town.clock.at_ms += 10 * DAY_MS
    await ride()
    town.clock.at_ms += 300_000
    await town.keep_house()
    town.clock.at_ms -= 10 * DAY_MS
    for _ in range(9 * 24):
        town.clock.at_ms += HOUR_MS
        await ride()
        await town.keep_house()
    assert town.told() == []


async def test_a_row_that_must_stay_among_the_oldest_does_not_put_the_housekeeper_to_rest(town: Town) -> None:
    sql = (
        "INSERT INTO outbox (message_id, type, key, headers, value, published_ms) VALUES (?, 'Returned', '', '', '', ?)"
    )
    rows = [(id_at(NOON_MS), NOON_MS)] * 5_000
    await town.rent.write(lambda tx: tx.execute_many(sql, rows))
    town.clock.at_ms += 6 * DAY_MS
    again = "UPDATE outbox SET published_ms = ? WHERE id = 1"  # gbike repair published it again
    await town.rent.write(lambda tx: tx.execute(again, (town.clock.at_ms,)))
    town.clock.at_ms += 2 * DAY_MS
    worker = Hours(town.rent, town.clock, "rent", {})
    while await worker.step():
        pass
    keeper = Housekeeper(town.rent, town.clock)
    while await keeper.tidy():
        pass
    assert town.rent._writer.execute("SELECT count(*) FROM outbox").fetchone()[0] <= 500
