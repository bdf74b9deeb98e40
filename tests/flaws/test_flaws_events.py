"""Flaws 1-10: events, durability and numbers."""

import fcntl
import re
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import msgspec
import pytest

from dev.simulation.seams import mark_then_append
from gbike.contracts.rent import Rented
from gbike.kit import envelope
from gbike.kit.clock import SystemClock, SystemIds, rfc3339
from gbike.kit.envelope import Message
from gbike.kit.messaging import inbox, outbox
from gbike.kit.messaging.bus import BusUnavailable
from gbike.kit.messaging.local.log import SqliteLog
from gbike.kit.storage.migrations.migrate import migrate
from gbike.kit.storage.sqlite import store as sqlite_store
from gbike.kit.storage.sqlite.store import SqliteStore, SqliteTx
from gbike.kit.store import Tx
from gbike.kit.telemetry import NO_TRACE
from gbike.run.folder.data_folder import DataFolder, FolderInUse
from gbike.services.bike import commands as bike_commands
from gbike.services.bike import http as bike_http
from gbike.services.bike import storage as bikes
from gbike.services.rent import storage as rents
from gbike.services.rent.commands import ask_for_a_bike
from gbike.services.rent.domain import Limits
from tests.flaws.planting import a_town, flaw, replacing


def _say_at_once(patch: pytest.MonkeyPatch) -> None:
    logs: list[SqliteLog] = []
    init = SqliteLog.__init__

    def remembered(log: SqliteLog, store: SqliteStore) -> None:
        init(log, store)
        logs.append(log)

    def publish(tx: SqliteTx, event: Any) -> None:
        m = envelope.pack(event, id=tx._writer.ids.new(), source="bike", now_ms=tx.now_ms, trace=tx.trace)
        row = (m.id, m.type, m.key, m.headers, m.value)
        logs[-1].store._writer.execute(
            "INSERT INTO log (message_id, type, key, headers, value) VALUES (?, ?, ?, ?, ?)", row
        )

    patch.setattr(SqliteLog, "__init__", remembered)
    patch.setattr(SqliteTx, "publish", publish)


@flaw(1, _say_at_once)
async def test_flaw_1_what_is_rolled_back_is_not_said() -> None:
    """Events were published after a rollback too; here an event is an outbox row of its transaction."""
    town = await a_town()
    before = len(await town.log())

    def rent_and_fail(tx: Tx) -> None:
        tx.publish(Rented(rentid=99, userid=1, bikeid=1, status="rented", starttime=0))
        raise RuntimeError("after it was said")

    with pytest.raises(RuntimeError):
        await town.all.parts["rent"].store.write(rent_and_fail)
    await town.all.settle()
    assert len(await town.log()) == before


@flaw(2, replacing(outbox.Relay, "step", mark_then_append))
async def test_flaw_2_what_was_said_while_the_bus_was_down_arrives() -> None:
    """An event was lost when the broker was down at its commit; here it waits in the outbox until the bus has it."""
    town = await a_town()
    append = town.all.bus.append

    async def down(messages: Sequence[Message]) -> None:
        raise BusUnavailable("down")

    town.all.bus.append = down  # type: ignore[method-assign]
    await town.rent()
    with pytest.raises(BusUnavailable):
        await town.all.settle()
    town.all.bus.append = append  # type: ignore[method-assign]
    await town.all.settle()
    assert [bill["status"] for bill in await town.many("billings")] == ["OPENBILL"]


@flaw(3, replacing(envelope, "key_of", lambda printed: ""))
async def test_flaw_3_all_that_is_said_of_a_rent_has_its_key_and_order() -> None:
    """Messages had no key on three partitions, so a return could overtake its rent; here the key is the aggregate."""
    town = await a_town()
    await town.ride(1)
    await town.ride(2)
    of_one = [m.type for m in await town.log() if m.key == "rent:1"]
    assert sorted(of_one) == ["CalculatedFee", "ClosedBill", "RegisteredBill", "Rented", "Returned"]
    assert of_one.index("Rented") < of_one.index("Returned") < of_one.index("ClosedBill")


def _week_year(patch: pytest.MonkeyPatch) -> None:
    from datetime import UTC, datetime

    def second(at_s: int) -> tuple[str, str]:
        moment = datetime.fromtimestamp(at_s, UTC)
        return f"{moment:%Y-%m-%dT%H:%M:%S}", f"{moment:%G%m%d%H%M%S}"

    patch.setattr(envelope, "second", second)


@flaw(4, _week_year)
async def test_flaw_4_an_event_on_new_years_eve_has_the_right_year_and_an_identity() -> None:
    """Events had the week's year, no zone and no id; here an id, milliseconds in UTC, a type and the trace go along."""
    town = await a_town()
    town.clock.at_ms = 1_735_603_199_123  # 2024-12-30T23:59:59.123Z, in the first ISO week of 2025
    await town.rent()
    await town.all.settle()
    [rented] = [m for m in await town.log() if m.type == "Rented"]
    headers = msgspec.json.decode(rented.headers)
    assert msgspec.json.decode(rented.value)["timestamp"] == "20241230235959"
    assert headers["ce_time"] == rfc3339(town.clock.at_ms) == "2024-12-30T23:59:59.123Z"
    assert headers["ce_id"] == rented.id
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", headers["traceparent"])
    assert len({m.id for m in await town.log()}) == len(await town.log())


async def _skip_the_batch(consumer: inbox.Consumer, batch: Any) -> None:
    try:
        await consumer._store.write(consumer._apply, list(batch.messages), batch)
    except Exception:
        await consumer._store.write(consumer._subscription.save_position, batch)


_FINE = Rented(rentid=1, userid=1, bikeid=1, status="rented", starttime=1)
_SOUND = envelope.pack(_FINE, id="poison", source="rent", now_ms=1, trace=NO_TRACE)
POISON = msgspec.structs.replace(_SOUND, value=b'{"eventType":"Rented","rentid":"?"}')


@flaw(5, replacing(inbox.Consumer, "_handle", _skip_the_batch))
async def test_flaw_5_a_poison_message_is_set_aside_and_the_others_go_on() -> None:
    """A message that failed three times vanished; here it is a dead letter with its reason, and holds up nobody."""
    town = await a_town()
    fine = town.message("rent", Rented(rentid=7, userid=1, bikeid=1, status="rented", starttime=5))
    await town.all.bus.append([POISON, fine])
    await town.all.settle()
    assert [bill["rentid"] for bill in await town.many("billings")] == [7]
    for service in ("billing", "rent_and_billing_view"):
        [(reason,)] = await town.rows(service, "SELECT reason FROM dead_letters WHERE message_id = 'poison'")
        assert "Undecodable" in reason


@flaw(6, replacing(SqliteTx, "first_time", lambda tx, messages: {message.id for message in messages}))
async def test_flaw_6_a_message_delivered_twice_takes_effect_once() -> None:
    """A crash delivered a whole batch again and every handler ran twice; here its inbox row is part of the effect."""
    town = await a_town()
    heard: list[int] = []
    policies = town.all.parts["billing"].running.consumer._policies  # type: ignore[union-attr]
    kind, policy = policies["Rented"]

    def counted(tx: Tx, printed: Rented) -> None:
        heard.append(printed.rentid)
        policy(tx, printed)

    policies["Rented"] = (kind, counted)
    again = town.message("rent", Rented(rentid=7, userid=1, bikeid=1, status="rented", starttime=5))
    for messages in ([again, again], [again]):
        await town.all.bus.append(messages)
        await town.all.settle()
    assert heard == [7, 7]  # once, and once in the rehearsal


def _lazily(patch: pytest.MonkeyPatch) -> None:
    connect = sqlite_store.connect

    def careless(path: Path | None, *, read_only: bool = False) -> apsw.Connection:
        connection = connect(path, read_only=read_only)
        connection.execute("PRAGMA synchronous=NORMAL")
        return connection

    patch.setattr(sqlite_store, "connect", careless)


def _in_memory(patch: pytest.MonkeyPatch) -> None:
    connect = sqlite_store.connect
    patch.setattr(sqlite_store, "connect", lambda path, read_only=False: connect(path) if read_only else connect(None))


def _a_rent_file(folder: str) -> Path:
    path = Path(folder) / "rent.sqlite"
    migrate(path, rents.VERSIONS)
    return path


def _opened(path: Path) -> SqliteStore:
    return SqliteStore(path, clock=SystemClock(), ids=SystemIds(), source="rent")


@flaw(7, _lazily, _in_memory)
async def test_flaw_7_an_answered_write_is_on_the_disk() -> None:
    """All stores were in memory and a restart lost every deposit; here an answer comes after the disk has the write."""
    with tempfile.TemporaryDirectory() as folder:
        path = _a_rent_file(folder)
        store = _opened(path)
        [(synchronous,)] = store._writer.execute("PRAGMA synchronous").fetchall()
        assert synchronous == 2, "FULL: a commit waits for the disk"
        try:
            await store.write(ask_for_a_bike, 1, 1, Limits(1_000))
        except Exception as wrong:  # the plant has no tables
            raise AssertionError from wrong
        with closing(sqlite_store.open_file(path)) as other:  # as another process finds it, or this one after a kill
            assert other.execute("SELECT count(*) FROM rents").fetchone() == (1,)
        await store.close()


def _forget_numbers(patch: pytest.MonkeyPatch) -> None:
    connect = sqlite_store.connect

    def restarted(path: Path | None, *, read_only: bool = False) -> apsw.Connection:
        connection = connect(path, read_only=read_only)
        if not read_only:
            connection.execute("DELETE FROM sqlite_sequence")
        return connection

    patch.setattr(sqlite_store, "connect", restarted)


@flaw(8, _forget_numbers)
async def test_flaw_8_a_public_number_never_comes_back() -> None:
    """After a restart numbers began at 1 again and joined another rider's old bill; here no number is given twice."""
    with tempfile.TemporaryDirectory() as folder:
        path = _a_rent_file(folder)
        seen = []
        for _ in range(3):
            store = _opened(path)
            seen.append((await store.write(ask_for_a_bike, 1, 1, Limits(1_000))).rentid)
            await store.write(lambda tx: tx.execute("DELETE FROM rents"))
            await store.close()
        assert seen == [1, 2, 3]


@flaw(9, replacing(fcntl, "flock", lambda file, how: None))
async def test_flaw_9_two_writers_never_share_a_data_folder() -> None:
    """Replicas of bike each had a truth of their own; here one process writes to a folder and is named to others."""
    with tempfile.TemporaryDirectory() as folder:
        first, second = DataFolder(Path(folder)), DataFolder(Path(folder))
        first.acquire("gbike demo")
        with pytest.raises(FolderInUse, match="gbike demo"):
            second.acquire("gbike up")
        first.release()


def _without_battery(patch: pytest.MonkeyPatch) -> None:
    updated = bike_commands._updated
    patch.setattr(bike_commands, "_updated", lambda *args: msgspec.structs.replace(updated(*args), batterylevel=None))


def _said_anyway(patch: pytest.MonkeyPatch) -> None:
    def change(tx: Tx, bikeid: int, decide: Any) -> Any:
        kept = bikes.keep(tx, bikes.load(tx, bikeid), decide(bikes.load(tx, bikeid)))
        assert kept is not None
        tx.publish(bike_commands._updated(kept))
        return kept

    patch.setattr(bike_http, "change_a_bike", change)


@flaw(10, _without_battery, _said_anyway)
async def test_flaw_10_a_changed_bike_says_what_changed_with_all_its_facts() -> None:
    """Events came from persistence callbacks, before the SQL and on every save; here a change says itself, fully."""
    town = await a_town()
    before = len(await town.log())
    await town.client.patch("/bikes/1", {"batterylevel": 42})
    await town.client.patch("/bikes/1", {"batterylevel": 42})  # nothing changes, nothing is said
    await town.all.settle()
    published = (await town.log())[before:]
    assert [message.type for message in published] == ["UpdatedBike"]
    value = msgspec.json.decode(published[0].value)
    assert (value["bikeid"], value["status"], value["location"], value["batterylevel"]) == (1, "사용가능", "정자역", 42)
