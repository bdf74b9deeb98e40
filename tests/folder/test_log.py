"""bus.sqlite lost, older, or its end cut: what was not surely heard is published again, every ride is billed once."""

import asyncio
import os
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from gbike.cli import verify
from gbike.cli.doctor import stores as doctor_stores
from gbike.kit.clock import SystemClock
from gbike.kit.messaging import republish
from gbike.kit.messaging.bus import BusUnavailable
from gbike.kit.messaging.local import epoch
from gbike.kit.messaging.local.log import SqliteLog
from gbike.kit.messaging.outbox import Relay, how_many_wait
from gbike.kit.storage.sqlite import store
from gbike.kit.storage.sqlite.store import SqliteStore, open_file
from gbike.kit.store import StoreUnavailable
from gbike.kit.telemetry import Facts, Metrics, SpanKind, Trace
from gbike.run.embedded import Embedded, begun_anew
from gbike.run.folder.data_folder import DataFolder
from tests.journeys.fleet import assert_nothing_is_violated, every, open_deposits, register_bikes
from tests.kit.floor import Rang, SetClock, a_log_store, a_store
from tests.support import EVERY_RIDE_COSTS, Client

RIDES = range(1, 9)
"""Each by a rider of its own, on a bike of its own."""
FIRST_COMMITS = 25 if os.environ.get("GBIKE_FULL") else 1
"""So many kills, one after each commit: while the log is made anew. From then on one after every tenth."""
Harm = Callable[[Path, Path], None]
"""What happens to a folder; the second one is a copy of it from earlier."""


def opened(data: Path, **how: str) -> tuple[Embedded, Client]:
    whole = Embedded(DataFolder(data), EVERY_RIDE_COSTS, **how)  # type: ignore[arg-type]
    return whole, Client(whole.app)


async def take(client: Client, rides: Sequence[int]) -> None:
    for n in rides:
        assert (await client.post("/rents", {"userid": n, "bikeid": n})).status == 201


async def give_back(client: Client, rides: Sequence[int]) -> None:
    for n in rides:
        assert (await client.patch(f"/rents/{n}", {"endlocation": "there"})).status == 200


class Folders(NamedTuple):
    """Of one platform: when a quarter of the rides was over, when it was stopped, and as a kill then leaves it."""

    earlier: Path
    data: Path
    killed: Path


async def ridden(where: Path, rides: Sequence[int]) -> Folders:
    """A quarter of the rides is over and paid, a quarter over and not heard of by billing, a quarter over and not
    published, a quarter goes on."""
    folders, quarter = Folders(where / "earlier", where / "data", where / "killed"), len(rides) // 4
    whole, client = opened(folders.data)
    await register_bikes(client, range(rides[0], rides[-1] + 1))
    await open_deposits(client, range(rides[0], rides[-1] + 1))
    await take(client, rides)
    await whole.settle()
    await give_back(client, rides[:quarter])
    await whole.settle()
    await whole.stop()
    shutil.copytree(folders.data, folders.earlier)
    whole, client = opened(folders.data)
    whole.part("billing").answer(stopped=True)
    await give_back(client, rides[quarter : 2 * quarter])
    await whole.settle()
    await give_back(client, rides[2 * quarter : 3 * quarter])
    shutil.copytree(folders.data, folders.killed)
    await whole.stop()
    return folders


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where RIDES were ridden."""
    where = tmp_path_factory.mktemp("ridden")
    asyncio.run(ridden(where, RIDES))
    return where


@pytest.fixture
def folders(once: Path, tmp_path: Path) -> Folders:
    """Copies for one test."""
    shutil.copytree(once, tmp_path / "ridden")
    return Folders(*(tmp_path / "ridden" / name for name in Folders._fields))


async def assert_all_are_billed_once(data: Path, rides: Sequence[int] = RIDES, **how: str) -> Embedded:
    """Start, end what goes on, and look at bills, balances and everything that `verify` does."""
    told: list[str] = []
    assert await verify.verify(DataFolder(data), EVERY_RIDE_COSTS, told.append) == 0, told
    whole, client = opened(data, **how)
    await whole.settle()
    await give_back(client, rides[3 * (len(rides) // 4) :])
    await whole.settle()
    bills = await every(client, "/billings")
    assert Counter(bill["rentid"] for bill in bills) == Counter(
        rent["rentid"] for rent in await every(client, "/rents")
    )
    assert {bill["status"] for bill in bills} == {"CLOSEBILL"}
    paid = {bill["userid"]: bill["fee"] for bill in bills}
    assert {one["userid"]: 100_000 - one["deposit"] for one in await every(client, "/userDeposits")} == paid
    assert all(paid.values())
    assert max([await part.running.consumer.lag() for part in whole.parts.values() if part.running.consumer]) == 0
    await assert_nothing_is_violated(whole)
    await whole.stop()
    assert await verify.verify(DataFolder(data), EVERY_RIDE_COSTS, told.append) == 0, told
    return whole


def removed(data: Path, _: Path) -> None:
    (data / "bus.sqlite").unlink()


def emptied(data: Path, _: Path) -> None:
    (data / "bus.sqlite").write_bytes(b"")


def put_back(data: Path, earlier: Path) -> None:
    shutil.copy(earlier / "bus.sqlite", data / "bus.sqlite")


@pytest.mark.parametrize("harm", [removed, emptied, put_back])
async def test_without_its_log_or_with_an_older_one_every_ride_is_billed_once(harm: Harm, folders: Folders) -> None:
    data, earlier = folders.data, folders.earlier
    assert list(doctor_stores.log(DataFolder(data))) == []
    harm(data, earlier)
    [found] = doctor_stores.log(DataFolder(data))
    assert found.rule == "log-set-back"
    was = await assert_all_are_billed_once(data)
    assert was.bus.begun_anew in begun_anew(was.bus)
    assert list(doctor_stores.log(DataFolder(data))) == []
    whole, _ = opened(data)
    await whole.settle()
    assert not begun_anew(whole.bus), "it is said once"
    await whole._look_at_log()
    since_s = SystemClock().now_ms() / 1000 - whole.metrics.log_begun_anew.labels("gbike")._value.get()
    assert 0 <= since_s < 60
    await whole.stop()


def cut(data: Path) -> None:
    (data / "bus.sqlite-wal").unlink()


def only_cut(data: Path) -> None:
    (data / "bus.sqlite").unlink()


@pytest.mark.parametrize("harm", [cut, only_cut])
async def test_after_a_kill_the_end_of_the_log_is_cut(harm: Callable[[Path], None], folders: Folders) -> None:
    harm(folders.killed)
    assert (await assert_all_are_billed_once(folders.killed)).bus.begun_anew


async def test_of_a_hundred_rides_none_is_lost_with_the_log(tmp_path: Path) -> None:
    folders = await ridden(tmp_path, rides := range(1, 101))
    removed(folders.data, folders.earlier)
    await assert_all_are_billed_once(folders.data, rides)


async def test_what_was_published_and_nobody_heard_is_missed_in_an_older_log(folders: Folders, tmp_path: Path) -> None:
    """Nobody's place is beyond its end: only the relays know."""
    data, earlier = folders.data, tmp_path / "just before"
    shutil.copytree(data, earlier)
    whole, client = opened(data)
    for part in whole.parts.values():
        part.answer(stopped=part.spec.name != "rent")
    await give_back(client, RIDES[-1:])
    await whole.part("rent").running.relay.step()
    await whole.part("rent").store.flush()
    await whole.stop()
    put_back(data, earlier)
    whole, client = opened(data)
    await whole.settle()
    assert whole.bus.begun_anew
    rentids = {bill["rentid"] for bill in await every(client, "/billings") if bill["status"] == "CLOSEBILL"}
    assert len(rentids) == 7
    await whole.stop()


async def test_one_place_beyond_the_end_is_enough(folders: Folders) -> None:
    data = folders.data
    with closing(open_file(data / "billing.sqlite")) as billing:
        billing.execute("UPDATE positions SET position = position + 1000 WHERE consumer NOT LIKE 'log %'")
    again = await assert_all_are_billed_once(data)
    assert again.bus.begun_anew.startswith("billing is at 1")


async def test_a_start_that_did_nothing_but_begin_the_log_anew_is_enough_for_the_next_one(folders: Folders) -> None:
    put_back(folders.data, folders.earlier)
    whole, _ = opened(folders.data)
    await whole.bus.identity()
    assert whole.bus.begun_anew
    await whole.stop()
    assert not (await assert_all_are_billed_once(folders.data)).bus.begun_anew


@pytest.mark.parametrize("knew", [True, False])
async def test_a_kill_anywhere_while_the_log_is_made_anew_is_made_good_at_the_next_start(
    knew: bool, folders: Folders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not knew:
        of_before(folders.data)
        of_before(folders.earlier)
    put_back(folders.data, folders.earlier)
    commits = await killed_at_each(folders.data, tmp_path / "kills", monkeypatch)
    assert len(commits) > 4
    for left in commits:
        await assert_all_are_billed_once(left)


async def killed_at_each(data: Path, kills: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Start and settle; the folder as a kill after every commit, or after some, would leave it."""
    commit = SqliteStore._commit
    done = 0
    left = list[Path]()

    async def counted(self: SqliteStore, *of: Any) -> None:
        nonlocal done
        await commit(self, *of)
        if done < FIRST_COMMITS or done % 10 == 0:
            shutil.copytree(data, kills / f"{done}")
            left.append(kills / f"{done}")
        done += 1

    with monkeypatch.context() as patch:
        patch.setattr(store, "SLOW_COMMIT_MS", 60_000)  # in no other thread, so that a kill is one moment
        patch.setattr(republish, "BATCH", 5)
        patch.setattr(SqliteStore, "_commit", counted)
        whole, _ = opened(data)
        await whole.settle()
        await whole.stop()
    return left


async def test_who_knows_by_other_means_that_the_log_is_older_says_so(folders: Folders) -> None:
    data = folders.data
    with closing(open_file(data / "bus.sqlite")) as bus:
        was = bus.execute("SELECT id FROM epoch").fetchone()
    again = await assert_all_are_billed_once(data, log_lost="bus.sqlite is older than the last stop")
    assert again.bus.begun_anew == "bus.sqlite is older than the last stop"
    with closing(open_file(data / "bus.sqlite")) as bus:
        assert bus.execute("SELECT id FROM epoch").fetchone() != was
    with pytest.raises(RuntimeError):
        again.bus.begin_anew("too late")


def of_before(data: Path) -> None:
    """A folder from before there were epochs."""
    for file in data.glob("*.sqlite"):
        with closing(open_file(file)) as kept:
            if file.name == "bus.sqlite":
                kept.execute("DELETE FROM epoch")
            else:
                kept.execute("DELETE FROM positions WHERE consumer LIKE 'log %'; UPDATE positions SET log = NULL")


async def test_a_folder_of_before_is_taken_over_without_a_word_and_nothing_is_published_again(folders: Folders) -> None:
    data = folders.data
    of_before(data)
    whole, _ = opened(data)
    await whole.bus.identity()
    assert not whole.bus.begun_anew
    await whole._look_at_log()
    assert whole.metrics.log_begun_anew.labels("gbike")._value.get() == 0
    waiting = await whole.part("bike").store.read(how_many_wait)
    await whole.part("bike").running.relay.step()
    assert waiting == await whole.part("bike").store.read(how_many_wait) == 0
    await whole.stop()
    assert not (await assert_all_are_billed_once(data)).bus.begun_anew


async def test_a_kill_while_a_folder_of_before_is_taken_over_is_no_lost_log(
    folders: Folders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_before(folders.data)
    for left in (await killed_at_each(folders.data, tmp_path / "kills", monkeypatch))[:9]:
        whole, _ = opened(left)
        await whole.bus.identity()
        assert not whole.bus.begun_anew, left
        await whole.stop()


@pytest.mark.parametrize("harm", [removed, put_back])
async def test_a_folder_of_before_whose_log_was_lost_is_mended_too(harm: Harm, folders: Folders) -> None:
    data, earlier = folders.data, folders.earlier
    of_before(data)
    of_before(earlier)
    harm(data, earlier)
    assert (await assert_all_are_billed_once(data)).bus.begun_anew


async def test_a_folder_that_an_older_gbike_ran_on_after_its_log_was_lost_is_mended(folders: Folders) -> None:
    """As it was found: the log was made anew without a word, and everybody's place is beyond its end."""
    data = folders.data
    of_before(data)
    with closing(open_file(data / "bus.sqlite")) as bus:
        numbers = [row[0] for row in bus.execute("SELECT number FROM log ORDER BY number")]
        keep = len(numbers) // 4
        bus.execute("DELETE FROM log WHERE number <= ?", (numbers[-keep - 1],))
        bus.execute("UPDATE log SET number = number - ?", (numbers[-keep - 1],))
        bus.execute("UPDATE sqlite_sequence SET seq = ? WHERE name = 'log'", (keep,))
    assert (await assert_all_are_billed_once(data)).bus.begun_anew


async def test_workers_that_begin_together_find_out_once(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    data = folders.data
    removed(data, data)
    met = []
    monkeypatch.setattr("gbike.kit.messaging.local.log.meet", lambda *how: met.append(1) or epoch.meet(*how))
    whole, _ = opened(data)
    whole.start()
    assert len(set(await asyncio.gather(*(whole.bus.identity() for _ in range(5))))) == 1
    await whole.stop()
    assert met == [1]


async def test_who_speaks_and_never_hears_is_not_forgotten_by_a_kill_before_its_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing in its store tells that the log was set back: so it comes before those who know."""
    hearer = a_store()
    speaker = a_store()
    bus = a_log_store()
    await speaker.write(lambda tx: tx.publish(Rang(number=1)))
    await speaker.write(lambda tx: tx.execute("UPDATE outbox SET published_ms = 1"))
    await hearer.write(lambda tx: tx.execute("INSERT INTO positions (consumer, position) VALUES ('hearer', 7)"))

    def log() -> SqliteLog:
        """Of one life of the process."""
        made = SqliteLog(bus)
        made.serve("hearer", hearer)
        made.serve("speaker", speaker)
        return made

    with monkeypatch.context() as patch:
        patch.setattr(speaker, "write", _killed)
        with pytest.raises(BusUnavailable):
            await log().identity()
    again = log()
    await again.identity()
    assert again.begun_anew
    assert await Relay(speaker, again, SetClock(), Metrics(), "speaker").step() == 1


async def _killed(*_: object) -> None:
    raise StoreUnavailable("killed")


class NoSpan:
    """A span that goes nowhere."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace

    def end(self, facts: Facts, *, failed: bool = False) -> None:
        """See Span.end."""


class NoSpans:
    """Spans that go nowhere (Exporter, Spans)."""

    def spans(self, service: str) -> "NoSpans":
        """See Exporter.spans."""
        return self

    def begin(self, kind: SpanKind, name: str, trace: Trace, parent: str | None) -> NoSpan:
        """See Spans.begin."""
        return NoSpan(trace)

    def close(self) -> None:
        """See Exporter.close."""


async def test_with_spans_switched_on_a_lost_log_is_noticed_too(folders: Folders) -> None:
    removed(folders.data, folders.earlier)
    whole = Embedded(DataFolder(folders.data), EVERY_RIDE_COSTS, tracing=NoSpans())
    await whole.settle()
    bills = await every(Client(whole.app), "/billings")
    assert Counter(bill["status"] for bill in bills) == {"CLOSEBILL": 6, "OPENBILL": 2}
    await whole.stop()
