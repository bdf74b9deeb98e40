"""What a store published and heard, per hour, on both engines: in any order, late, in bites, and by two at once."""

import asyncio
from collections.abc import AsyncIterator, Iterable

import pytest

from gbike.kit.envelope import Message
from gbike.kit.messaging import hours
from gbike.kit.messaging.hours import BATCH, HOUR_MS, SURE_MS, fold_of, record_received, speakers, sums
from gbike.kit.storage.migrations.migrate import in_memory
from gbike.kit.storage.postgres.store import PostgresStore
from gbike.kit.storage.retention import DAY_MS, Housekeeper
from gbike.kit.storage.sqlite.store import SqliteStore
from gbike.kit.store import Store, Tx
from gbike.run.event_map import build_all
from gbike.run.registry import specs
from gbike.services.bike.storage import VERSIONS
from tests.kit.floor import ClockIds, Hummed, Rang, SetClock, fold, id_at
from tests.postgres import Server

NOON_MS = 1_790_000_000_000 // HOUR_MS * HOUR_MS


@pytest.fixture
def clock() -> SetClock:
    return SetClock(NOON_MS + 1)


Make = list[Store]


@pytest.fixture(params=["sqlite", "postgres"])
async def two(request: pytest.FixtureRequest, server: Server, clock: SetClock) -> AsyncIterator[Make]:
    """A store, twice: as two processes of a service have it. SQLite has one writer."""
    ids = ClockIds(clock)
    if request.param == "sqlite":
        stores: Make = [
            SqliteStore(None, clock=clock, ids=ids, source="bell", run_twice=True, memory=in_memory(VERSIONS))
        ] * 2
    else:
        url = server.migrated(VERSIONS)
        stores = [PostgresStore(url, clock=clock, ids=ids, source="bell", run_twice=True) for _ in range(2)]
    yield stores
    for store in {id(one): one for one in stores}.values():
        await store.close()


@pytest.fixture
def store(two: Make) -> Store:
    return two[0]


def rang(message_id: str) -> Message:
    """A message that is heard."""
    return Message(message_id, "Rang", "bell:1", b"{}", b"{}")


async def heard(store: Store, message_ids: Iterable[str]) -> None:
    """The service hears these."""
    await store.write(record_received, [rang(one) for one in message_ids], {"Rang": "door"})


async def published(store: Store, at_ms: int) -> None:
    """The relay marks all that waits."""
    await store.write(lambda tx: tx.execute("UPDATE outbox SET published_ms = ? WHERE published_ms IS NULL", (at_ms,)))


async def hours_of(store: Store, direction: str) -> dict[int, tuple[int, int]]:
    """The sums of an hour, by hours since noon."""
    source = "bell" if direction == "said" else "door"
    rows = await store.read(lambda read: list(sums(read, direction, source, 1 << 60)))
    return {(hour - NOON_MS) // HOUR_MS: found for kind, hour, found in rows if kind == "Rang"}


async def test_what_one_published_in_an_hour_is_what_the_other_heard_of_it(store: Store, clock: SetClock) -> None:
    for _ in range(5):
        await store.write(lambda tx: tx.publish(Rang(number=1)))
        clock.at_ms += HOUR_MS // 3
    await published(store, clock.at_ms)
    ids = [row[0] for row in await store.read(lambda read: read.all("SELECT message_id FROM outbox"))]
    await heard(store, reversed(ids))
    await heard(store, ids)  # again: redelivered
    clock.at_ms += 2 * HOUR_MS
    await fold(store, clock)
    counted = await hours_of(store, "said")
    assert {hour: n for hour, (n, _) in counted.items()} == {0: 3, 1: 2}
    assert await hours_of(store, "heard") == counted
    await fold(store, clock)
    assert await hours_of(store, "said") == counted, "an hour is counted once"


async def test_other_messages_as_many_are_another_sum(store: Store, clock: SetClock) -> None:
    await heard(store, [id_at(NOON_MS), id_at(NOON_MS + HOUR_MS)])
    clock.at_ms += 3 * HOUR_MS
    await fold(store, clock)
    found = await hours_of(store, "heard")
    assert found[0][0] == found[1][0] == 1
    assert found[0][1] != found[1][1]


async def test_an_hour_is_closed_when_nobody_can_still_write_to_it(store: Store, clock: SetClock) -> None:
    await heard(store, [id_at(NOON_MS)])
    await store.write(lambda tx: tx.publish(Rang(number=1)))
    await published(store, clock.at_ms)
    both = ("said", "heard")
    for late_ms, closed in ((0, ()), (SURE_MS - 1, ()), (SURE_MS, both[:1]), (2 * SURE_MS, both)):
        clock.at_ms = NOON_MS + HOUR_MS + late_ms
        await fold(store, clock)
        for direction in ("said", "heard"):
            found = await store.read(fold_of, direction)
            known = found is not None and found.until_ms == NOON_MS + HOUR_MS
            assert known == (direction in closed), (direction, late_ms)


async def test_what_is_not_published_holds_its_hour_open(store: Store, clock: SetClock) -> None:
    await store.write(lambda tx: tx.publish(Rang(number=1)))
    clock.at_ms += 5 * HOUR_MS
    await fold(store, clock)
    found = await store.read(fold_of, "said")
    assert found is not None
    assert (found.until_ms, await hours_of(store, "said")) == (NOON_MS - HOUR_MS, {})
    await published(store, clock.at_ms)
    clock.at_ms += SURE_MS
    await fold(store, clock)
    assert [n for n, _ in (await hours_of(store, "said")).values()] == [1]


async def test_what_is_heard_after_its_hour_is_closed_is_added_to_it_once(store: Store, clock: SetClock) -> None:
    early = id_at(NOON_MS)
    late = id_at(NOON_MS + 5)
    later = id_at(NOON_MS + HOUR_MS + 5)
    await heard(store, [early])
    clock.at_ms = NOON_MS + HOUR_MS + 2 * SURE_MS
    await fold(store, clock)
    clock.at_ms += HOUR_MS
    await heard(store, [early, late, later])  # the last is late, and its hour is not folded yet
    await heard(store, [late, later])
    await fold(store, clock)
    found = await hours_of(store, "heard")
    assert {hour: n for hour, (n, _) in found.items()} == {0: 2, 1: 1}
    assert (
        found[0][1] == hours.summed([(early, "Rang"), (late, "Rang")], {"Rang": "door"})[("door", "Rang", NOON_MS)][1]
    )


async def test_what_was_folded_by_a_clock_that_was_ahead_is_counted_all_the_same(store: Store, clock: SetClock) -> None:
    await heard(store, [id_at(NOON_MS)])
    clock.at_ms += DAY_MS
    await fold(store, clock)
    clock.at_ms -= DAY_MS
    await heard(store, [id_at(clock.at_ms)])
    clock.at_ms += 2 * DAY_MS
    await fold(store, clock)
    assert [n for n, _ in (await hours_of(store, "heard")).values()] == [2]


async def test_a_fold_that_was_killed_between_two_bites_goes_on_where_it_was(store: Store, clock: SetClock) -> None:
    ids = [id_at(NOON_MS + n) for n in range(2 * BATCH + 3)]
    await heard(store, ids)

    def publish(tx: Tx) -> None:
        for _ in range(BATCH + 1):
            tx.publish(Rang(number=1))

    await store.write(publish)
    await published(store, clock.at_ms)
    clock.at_ms += 2 * HOUR_MS
    bites = 0
    while await hours.Hours(store, clock, "bell", {"Rang": "door"}).step():
        bites += 1
    assert bites == 2
    assert [n for n, _ in (await hours_of(store, "heard")).values()] == [len(ids)]
    assert [n for n, _ in (await hours_of(store, "said")).values()] == [BATCH + 1]


async def test_two_processes_fold_and_hear_at_once_and_every_message_is_counted_once(
    two: Make, clock: SetClock
) -> None:
    ids = [id_at(NOON_MS + n) for n in range(400)]
    await heard(two[0], ids[:200])
    clock.at_ms = NOON_MS + HOUR_MS + 2 * SURE_MS
    late = (heard(two[n % 2], ids[200 + n : 201 + n]) for n in range(200))
    await asyncio.gather(*late, *(fold(store, clock) for store in two * 3))
    await fold(two[0], clock)
    assert await hours_of(two[0], "heard") == {
        0: hours.summed([(one, "Rang") for one in ids], {"Rang": "door"})["door", "Rang", NOON_MS]
    }


async def test_hours_with_messages_whose_type_was_not_kept_are_not_known(store: Store, clock: SetClock) -> None:
    """The version before did not keep it, also while it ran beside this one."""
    old = id_at(NOON_MS + 2 * HOUR_MS)
    await store.write(lambda tx: tx.execute("INSERT INTO inbox (message_id, at_ms) VALUES (?, 1)", (old,)))
    await heard(store, [id_at(NOON_MS), id_at(NOON_MS + 3 * HOUR_MS)])
    clock.at_ms += 5 * HOUR_MS
    await fold(store, clock)
    found = await store.read(fold_of, "heard")
    assert found is not None
    assert found.since_ms == NOON_MS + 3 * HOUR_MS


async def test_hours_before_the_first_row_that_is_left_are_not_known(store: Store, clock: SetClock) -> None:
    await store.write(lambda tx: tx.publish(Rang(number=1)))
    await store.write(lambda tx: tx.execute("DELETE FROM outbox"))
    await store.write(lambda tx: tx.publish(Rang(number=2)))
    await published(store, clock.at_ms)
    clock.at_ms += 2 * HOUR_MS
    await fold(store, clock)
    found = await store.read(fold_of, "said")
    assert found is not None
    assert found.since_ms == NOON_MS + HOUR_MS


async def test_what_is_no_id_of_ours_is_in_no_sum_and_holds_up_nobody(store: Store, clock: SetClock) -> None:
    await heard(store, ["poison", "0", "", id_at(NOON_MS)[:-1], id_at(NOON_MS)])
    clock.at_ms += 30 * DAY_MS
    await heard(store, ["01"])
    await fold(store, clock)
    assert [n for n, _ in (await hours_of(store, "heard")).values()] == [1]
    clock.at_ms += 31 * DAY_MS
    await fold(store, clock)
    await Housekeeper(store, clock).step()
    assert await store.read(lambda read: read.all("SELECT * FROM inbox")) == []
    assert [n for n, _ in (await hours_of(store, "heard")).values()] == [1], "hours stay"


async def test_an_outbox_keeps_what_is_of_an_hour_that_is_not_closed_however_old(store: Store, clock: SetClock) -> None:
    """What the hour holds is told by its rows until then, and one that is gone was never said."""
    await store.write(lambda tx: tx.publish(Rang(number=1)))
    await published(store, clock.at_ms)
    await store.write(lambda tx: tx.publish(Rang(number=2)))
    clock.at_ms += 8 * DAY_MS
    await published(store, clock.at_ms)  # a week late, as by a start after an upgrade
    for left in (2, 1):
        await fold(store, clock)
        await Housekeeper(store, clock).step()
        assert len(await store.read(lambda read: read.all("SELECT id FROM outbox"))) == left
        clock.at_ms += SURE_MS


async def test_each_type_has_its_own_sum(store: Store, clock: SetClock) -> None:
    await store.write(lambda tx: [tx.publish(one) for one in (Rang(number=1), Hummed(number=1), Hummed(number=2))])
    await published(store, clock.at_ms)
    clock.at_ms += 2 * HOUR_MS
    await fold(store, clock)
    rows = await store.read(lambda read: sorted(sums(read, "said", "bell", 1 << 60)))
    assert [(kind, n) for kind, _, (n, _) in rows] == [("Hummed", 2), ("Rang", 1)]


def test_the_speaker_of_a_type_is_the_service_whose_contract_it_is_in() -> None:
    says = {kind.__name__: spec.name for spec in specs() for kind in spec.publishes}
    assert speakers(kind for spec in specs() for kind in spec.publishes) == says
    assert all(speakers(one.service.policies).items() <= says.items() for one in build_all())
