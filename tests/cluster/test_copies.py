"""`gbike backup` and `gbike restore` of a cluster: one moment over all stores, whole or not at all.

The databases are real, and so are pg_dump and pg_restore; a whole cluster goes through both with GBIKE_FULL=1.
"""

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest

from gbike.cli import backup as backup_module
from gbike.cli import verify
from gbike.cli.verify import AMinuteAhead
from gbike.kit.clock import Clock
from gbike.kit.messaging.republish import meet
from gbike.kit.storage.sqlite.store import SqliteStore
from gbike.run.cluster import engine, wait_idle
from gbike.run.cluster.plan import FILE, RESTORING, Plan, keep_plan, read_plan
from gbike.run.embedded import Embedded
from gbike.run.engines import postgres
from gbike.run.folder.backup import NoData
from gbike.run.folder.data_folder import DataFolder
from gbike.run.open_stores import open_urls
from gbike.run.registry import specs
from gbike.run.single import migrate_store
from tests.cluster.running import Cluster, begin, end, gbike, until, why_no_cluster
from tests.cluster.test_cluster import bike, ride, settled
from tests.journeys.engines import PATIENT, Databases, House
from tests.postgres import Server
from tests.support import EVERY_RIDE_COSTS, Client
from tests.waiting import soon

FULL = bool(os.environ.get("GBIKE_FULL"))
BIKES = 20


@pytest.fixture(scope="module")
def databases(server: Server) -> Databases:
    return Databases(server)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not rest will not: nothing runs when it is looked at."""
    monkeypatch.setattr(wait_idle, "QUIET_S", 1)
    monkeypatch.setattr(wait_idle, "POLL_S", 0.01)


@pytest.fixture
def cluster(databases: Databases, home: Path) -> DataFolder:
    """The folder of a cluster that is stopped, whose databases are elsewhere; rent's store is a file."""
    folder = DataFolder(home / "data")
    folder.path.mkdir()
    stores = {**databases.emptied(), "rent": f"sqlite:///{folder.path}/stores/rent.sqlite"}
    migrate_store(stores["rent"], next(spec.versions for spec in specs() if spec.name == "rent"))
    keep_plan(Plan("http://127.0.0.1:1", "127.0.0.1:1", stores, [], {}), folder.path)
    return folder


def stores_of(folder: DataFolder) -> Mapping[str, str]:
    plan = read_plan(folder.path)
    assert plan is not None
    return plan.stores


class Town(House):
    """Every service over the stores of a cluster, with a log that is gone when it ends."""

    def __init__(self, urls: Mapping[str, str], clock: Clock | None = None) -> None:
        self._urls = urls
        Embedded.__init__(self, None, {**EVERY_RIDE_COSTS, **PATIENT}, clock=clock)

    def _open(self, path: Path | None, versions: Path, source: str) -> SqliteStore:
        url = self._urls.get(source, "")
        if not url.startswith("sqlite:"):
            return super()._open(path, versions, source)
        urls, self._urls = self._urls, {}
        try:
            return super()._open(Path(url.removeprefix("sqlite:///")), versions, source)
        finally:
            self._urls = urls


async def ridden(stores: Mapping[str, str], rides: int = BIKES) -> Town:
    """A town in which everybody rode and nobody has heard of it: it is in the log, which ends with the town."""
    town = Town(stores)
    client = Client(town.app)
    for number in range(1, rides + 1):
        assert (await client.post("/bikes", {"bikeid": number, "status": "사용가능"})).status == 201
        assert (await client.post("/userDeposits", {"userid": number, "deposit": 1_000})).status == 201
        rent = await client.post("/rents", {"userid": number, "bikeid": number})
        assert (await client.patch(f"/rents/{rent.json['rentid']}", {"endlocation": "B"})).status == 200
    for part in town.parts.values():
        while await part.running.relay.step():
            pass
        await part.store.flush()
    return town


async def brought_to_rest(stores: Mapping[str, str], log: str = "a new log") -> int:
    """What a start does: every store meets the log; what was pending is past its deadline. Answers how many messages
    went to the log again."""
    town = Town(stores, AMinuteAhead())
    again = [await meet(part.store, log) for part in town.parts.values()]
    await town.settle()
    await town.stop()
    return sum(found or 0 for found in again)


def bills(stores: Mapping[str, str]) -> list[str]:
    with psycopg.connect(stores["billing"]) as billing:
        return [row[0] for row in billing.execute("SELECT status FROM bills")]


def uncaused(stores: Mapping[str, str]) -> set[object]:
    """Messages that somebody heard and nobody has said, and rents that only bike knows."""
    with open_urls(stores, "the test") as reading:
        rows = {
            name: (read.all("SELECT message_id FROM inbox"), read.all("SELECT message_id FROM outbox"))
            for name, read in reading.items()
        }
        heard, published = ({row[0] for many in rows.values() for row in many[which]} for which in (0, 1))
        ridden = {row[0] for row in reading["bike"].all("SELECT rentid FROM bikes WHERE rentid IS NOT NULL")}
        begun = {row[0] for row in reading["rent"].all("SELECT rentid FROM rents")}
    assert heard
    return (heard - published) | (ridden - begun)


def restored(backup: Path, folder: DataFolder) -> Iterator[Mapping[str, str]]:
    backup_module.restore(backup, folder, print)
    plan = read_plan(folder.path)
    assert plan is not None
    with engine.reached(plan, folder.path) as there:
        yield there.stores


def verified(stores: Mapping[str, str], home: Path) -> list[str]:
    """What `gbike verify` finds."""
    place, told = home / "verified", list[str]()
    place.mkdir(exist_ok=True)
    keep_plan(Plan("http://127.0.0.1:1", "127.0.0.1:1", stores, [], {}), place)
    asyncio.run(verify.verify(DataFolder(place), EVERY_RIDE_COSTS, told.append))
    return told


def test_what_only_a_lost_log_knew_is_billed_once_after_a_restore(cluster: DataFolder, home: Path) -> None:
    async def day() -> None:
        await (await ridden(stores_of(cluster))).stop()

    asyncio.run(day())
    done = gbike("backup", str(home / "backup"), "--data", str(cluster.path))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == f"copied to {home / 'backup'}"
    assert cluster.backup_ms() > 0
    new = DataFolder(home / "new")
    for stores in restored(home / "backup", new):
        assert bills(stores) == []
        assert asyncio.run(brought_to_rest(stores)) == 5 * BIKES  # a bike, a deposit, and a ride
        assert bills(stores) == ["CLOSEBILL"] * BIKES
        assert asyncio.run(brought_to_rest(stores, "another log again")) > 5 * BIKES  # the inboxes know it all
        assert bills(stores) == ["CLOSEBILL"] * BIKES
        assert verified(stores, home) == []
    assert read_plan(new.path).demo  # type: ignore[union-attr]
    assert not (new.path / RESTORING).exists()


def test_a_backup_while_people_ride_has_no_effect_without_its_cause(cluster: DataFolder, home: Path) -> None:
    """Several, each of a moment at which messages are on their way."""

    async def day() -> None:
        town = await ridden(stores_of(cluster), 3)
        town.start()
        riding = [asyncio.create_task(rides(Client(town.app), bike)) for bike in (1, 2, 3)]
        await soon(lambda: town.parts["billing"].store.read(lambda read: read.one("SELECT 1 FROM inbox LIMIT 1")))
        for number in range(2):
            where = home / f"backup{number}"
            await asyncio.get_running_loop().run_in_executor(None, backup_module.copy, cluster, where, print)
        for task in riding:
            task.cancel()
        await asyncio.gather(*riding, return_exceptions=True)
        await town.stop()

    async def rides(client: Client, bike: int) -> None:
        while True:
            rent = await client.post("/rents", {"userid": bike, "bikeid": bike})
            with suppress(KeyError):
                await client.patch(f"/rents/{rent.json['rentid']}", {"endlocation": "B"})

    cluster.acquire("gbike cluster")  # it runs
    asyncio.run(day())
    cluster.release()
    sizes = set[int]()
    for number in range(2):
        for stores in restored(home / f"backup{number}", DataFolder(home / f"new{number}")):
            assert uncaused(stores) == set()
            asyncio.run(brought_to_rest(stores))
            assert verified(stores, home) == []
            sizes.add(len(bills(stores)))
    assert len(sizes) > 1


@pytest.fixture
def backup(cluster: DataFolder, home: Path) -> Path:
    backup_module.copy(cluster, home / "backup", print)
    return home / "backup"


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda b: (b / "billing.dump").unlink(), "billing.dump is missing"),
        (lambda b: (b / "billing.dump").write_bytes(b"x"), r"billing\.dump is not what was backed up"),
        (lambda b: (b / "rent.sqlite").write_bytes(b""), r"rent\.sqlite is not what was backed up"),
        (lambda b: (b / "manifest.json").unlink(), "no whole backup of a cluster"),
        (lambda b: (b / "manifest.json").write_bytes(b"{}"), "no whole backup of a cluster"),
        (lambda b: changed(b, "stores", lambda known: known.pop("bike")), "it has no store of bike"),
        (lambda b: changed(b, "stores", lambda known: known["bike"].update(schema="9999")), "this gbike knows"),
    ],
)
def test_what_is_not_whole_or_of_a_later_gbike_is_refused_by_name(
    backup: Path, home: Path, spoil: Callable[[Path], object], why: str
) -> None:
    spoil(backup)
    with pytest.raises(NoData, match=why):
        backup_module.restore(backup, DataFolder(home / "new"), print)
    assert not (home / "new").exists()


def changed(backup: Path, part: str, how: Callable[[Any], object]) -> None:
    found = json.loads((backup / "manifest.json").read_bytes())
    how(found[part])
    (backup / "manifest.json").write_text(json.dumps(found))


def test_a_folder_with_data_is_refused(backup: Path, cluster: DataFolder) -> None:
    done = gbike("restore", str(backup), "--data", str(cluster.path))
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "is not empty" in done.stderr


def test_a_restore_that_was_killed_starts_nothing_and_begins_again(backup: Path, home: Path) -> None:
    new = home / "new"
    (new / RESTORING / "postgres").mkdir(parents=True)
    done = gbike("cluster", "up", "--demo", "--port", "0", "--data", str(new))
    assert done.returncode == 2
    assert f"a `gbike restore` into {new} did not end" in done.stderr
    (new / FILE).write_text("{}", "utf-8")  # it was killed while it put things into their places
    backup_module.restore(backup, DataFolder(new), print)
    assert not (new / RESTORING).exists()
    assert read_plan(new) is not None


def test_a_backup_that_fails_leaves_nothing_half(
    cluster: DataFolder, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = read_plan(cluster.path)
    assert plan is not None
    away = {**plan.stores, "view": "postgresql://gbike@127.0.0.1:1/view"}
    keep_plan(msgspec.structs.replace(plan, stores={**plan.stores, "billing": away["view"]}), cluster.path)
    with pytest.raises(NoData, match="the store of billing can't be read"):
        backup_module.copy(cluster, home / "backup", print)
    keep_plan(plan, cluster.path)
    monkeypatch.setenv("PGOPTIONS", "-c statement_timeout=1ms")
    monkeypatch.setattr("gbike.run.cluster.snapshots.AS_OURS", ("--no-such-word",))
    with pytest.raises(NoData, match="pg_dump"):
        backup_module.copy(cluster, home / "backup", print)
    assert sorted(path.name for path in home.iterdir()) == ["data"]
    assert cluster.backup_ms() == 0


def test_no_password_of_a_database_is_in_a_backup(cluster: DataFolder, home: Path) -> None:
    plan = read_plan(cluster.path)
    assert plan is not None
    stores = {name: url.replace("gbike@", "gbike:a-secret@") for name, url in plan.stores.items()}
    keep_plan(msgspec.structs.replace(plan, stores=stores), cluster.path)
    backup_module.copy(cluster, home / "backup", print)
    assert "a-secret" not in (home / "backup" / FILE).read_text()


def test_who_is_busy_for_long_keeps_nobody_else_from_writing(
    cluster: DataFolder, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two tries everybody writes, and the last try finds all at rest."""
    stores, printed = stores_of(cluster), list[int]()
    with psycopg.connect(stores["billing"]) as busy, psycopg.connect(stores["bike"], autocommit=True) as other:
        busy.execute("LOCK TABLE outbox IN ROW EXCLUSIVE MODE")
        other.execute("SET lock_timeout = 1")

        def meanwhile(_pause_s: float) -> None:
            other.execute("DELETE FROM outbox")
            printed.append(1)
            if len(printed) == 2:
                busy.rollback()

        monkeypatch.setattr("gbike.run.cluster.snapshots.SHUT_MS", 50)
        monkeypatch.setattr("gbike.run.cluster.snapshots.time.sleep", meanwhile)
        backup_module.copy(cluster, home / "backup", print)
    assert len(printed) == 2
    assert (home / "backup" / "manifest.json").exists()


def test_copies_go_back_into_their_place_by_hand(cluster: DataFolder, home: Path) -> None:
    """As docs/operate/data.md says, where the databases are elsewhere and the log is the one it was."""

    async def day(first: bool) -> None:
        town = await ridden(stores_of(cluster)) if first else Town(stores_of(cluster))
        if not first:
            client = Client(town.app)
            assert (await client.post("/bikes", {"bikeid": 99, "status": "사용가능"})).status == 201
            assert (await client.post("/rents", {"userid": 1, "bikeid": 99})).status == 201
            await town.settle()
        await town.stop()

    asyncio.run(day(first=True))
    backup_module.copy(cluster, home / "backup", print)
    asyncio.run(day(first=False))
    for name, url in stores_of(cluster).items():
        if name == "rent":
            shutil.copy(home / "backup" / "rent.sqlite", url.removeprefix("sqlite:///"))
        else:
            tool = [postgres.tool("pg_restore"), "--clean", "--if-exists", "-d", url, home / "backup" / f"{name}.dump"]
            subprocess.run(tool, check=True, timeout=60)
    done = gbike("events", "republish", "--since", "2020-01-01", "--data", str(cluster.path))
    assert done.returncode == 0, done.stderr
    asyncio.run(brought_to_rest(stores_of(cluster)))
    assert bills(stores_of(cluster)) == ["CLOSEBILL"] * BIKES
    assert verified(stores_of(cluster), home) == []


@pytest.mark.skipif(not FULL, reason="two clusters one after the other: GBIKE_FULL=1")
def test_a_whole_cluster_that_runs_is_copied_and_its_copy_runs(home: Path) -> None:
    if (missing := why_no_cluster()) is not None:
        pytest.skip(missing)
    data = home / "data"
    new = home / "new"
    backup = home / "backup"
    begin(data, "--empty")
    old = Cluster(data)
    try:
        number = bike(old)
        first = ride(old, number)
        until(lambda: settled(old, first), what="the bill was not closed")
        old.gbike("demo-fault", "stop", "billing")
        unheard = ride(old, number)
        old.gbike("backup", str(backup))
        old.gbike("demo-fault", "heal")
    finally:
        end(data)
    done = gbike("restore", str(backup), "--data", str(new))
    assert done.returncode == 0, done.stderr
    begin(new, "--empty")
    again = Cluster(new)
    try:
        row = until(lambda: settled(again, unheard), what="what only the lost Kafka had is not billed")
        assert again.ask("GET", f"/rentAndBillingViews/{first}").json["billingStatus"] == "CLOSEBILL"
        assert row["fee"] > 0
        assert again.gbike("verify").splitlines()[-1] == "0 violations"
        assert again.ask("GET", "/billings").json["page"]["totalElements"] == 2
    finally:
        end(new)
