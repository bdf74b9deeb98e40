"""`gbike verify` on the folder of a cluster: it waits until everything is heard, or looks twice, and changes nothing.

Where the stores are is all that matters to it, so these are files, and no program runs; a whole cluster is checked in
tests/chaos.
"""

import asyncio
import itertools
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from gbike.cli import verify as verify_module
from gbike.kit.storage.sqlite.store import open_file
from gbike.run.cluster import wait_idle
from gbike.run.cluster.plan import Plan, keep_plan
from gbike.run.embedded import Embedded
from gbike.run.folder.data_folder import DataFolder
from gbike.run.invariants import violations
from gbike.services import NAMES
from tests.cluster.running import gbike
from tests.support import EVERY_RIDE_COSTS, Client

Change = Callable[[str, str], None]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataFolder:
    """Three rides, all settled."""
    monkeypatch.setattr(wait_idle, "POLL_S", 0.01)
    files, here = DataFolder(tmp_path / "files"), DataFolder(tmp_path / "cluster")
    asyncio.run(_rides(files))
    here.path.mkdir()
    stores = {name: f"sqlite:///{files.store_path(name)}" for name in NAMES}
    keep_plan(Plan("http://127.0.0.1:1", "127.0.0.1:1", stores, [], {}), here.path)
    return here


async def _rides(files: DataFolder) -> None:
    files.path.mkdir()
    embedded = Embedded(files, EVERY_RIDE_COSTS)
    client = Client(embedded.app)
    for number in (1, 2, 3):
        await client.post("/bikes", {"bikeid": number, "status": "사용가능"})
        rent = (await client.post("/rents", {"userid": number, "bikeid": number})).json
        await client.send("PATCH", f"/rents/{rent['rentid']}", {"endlocation": "there"})
    await embedded.settle()
    await embedded.stop()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long for what won't come to rest."""
    monkeypatch.setattr(wait_idle, "UNHEARD_S", 0.1)
    monkeypatch.setattr(wait_idle, "APART_S", 0.05)


@pytest.fixture
def change(folder: DataFolder) -> Change:
    """Runs a statement on the store of a service."""

    def run(service: str, sql: str) -> None:
        with closing(open_file(folder.path.parent / "files" / f"{service}.sqlite")) as store:
            store.execute(sql)
            assert store.changes() > 0

    return run


def verify(folder: DataFolder) -> list[str]:
    lines: list[str] = []
    found = asyncio.run(verify_module.verify(folder, EVERY_RIDE_COSTS, lines.append))
    assert found == len(lines)
    return lines


def told(folder: DataFolder) -> list[str]:
    """The same of a cluster that does not rest: what is told beside violations comes first."""
    lines: list[str] = []
    found = asyncio.run(verify_module.verify(folder, EVERY_RIDE_COSTS, lines.append))
    assert found == len(lines) - 1
    return lines


def test_what_is_settled_has_no_violation(folder: DataFolder) -> None:
    assert verify(folder) == []
    assert gbike("verify", "--data", str(folder.path)).stdout == "0 violations\n"
    compared = gbike("view", "rebuild", "--verify", "--data", str(folder.path))
    assert (compared.returncode, compared.stdout[:13]) == (0, "0 differences")


def test_a_violation_is_told_and_the_exit_code_says_so(folder: DataFolder, change: Change) -> None:
    change("rent_and_billing_view", "UPDATE rides SET fee = fee + 1 WHERE rentid = 2")
    assert [line.split()[0] for line in verify(folder)] == ["I23", "I23"]
    done = gbike("verify", "--data", str(folder.path))
    assert (done.returncode, done.stdout.splitlines()[-1]) == (1, "2 violations")
    assert gbike("view", "rebuild", "--verify", "--data", str(folder.path)).returncode == 1


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("service", "sql", "left", "found"),
    [
        ("rent", "UPDATE outbox SET published_ms = NULL WHERE id = 2", "1 messages of rent are not published", ["I21"]),
        ("rent", "UPDATE rents SET status = 'pending' WHERE rentid = 1", "1 of rent are pending", ["I6", "I7", "I23"]),
    ],
)
def test_what_is_unfinished_is_waited_for_and_then_named(
    folder: DataFolder, change: Change, *, service: str, sql: str, left: str, found: list[str]
) -> None:
    change(service, sql)
    waiting, *violations = told(folder)
    assert left in waiting
    assert "made in motion" in waiting
    assert [line.split()[0] for line in violations if not line.startswith("count")] == found


@pytest.mark.usefixtures("impatient")
def test_what_did_not_reach_somebody_keeps_nobody_waiting(folder: DataFolder, change: Change) -> None:
    change("billing", "DELETE FROM inbox WHERE message_id = (SELECT max(message_id) FROM inbox)")
    assert [line.split()[0] for line in verify(folder)] == ["I22"]


@pytest.mark.usefixtures("impatient")
def test_who_does_not_come_to_rest_is_told_and_what_is_wrong_is_named_all_the_same(
    folder: DataFolder, change: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed = itertools.count()
    monkeypatch.setattr(wait_idle, "_published", lambda _: next(printed))
    change("rent_and_billing_view", "UPDATE rides SET fee = fee + 1 WHERE rentid = 2")
    waiting, *violations = told(folder)
    assert "something was just said" in waiting
    assert [line.split()[0] for line in violations] == ["I23", "I23"]


@pytest.mark.parametrize(
    ("command", "instead"),
    [(("restore", "{files}"), "only the backup of a cluster goes there"), (("view", "rebuild"), "--verify")],
)
def test_what_is_done_to_files_is_refused_by_name(
    folder: DataFolder, tmp_path: Path, command: tuple[str, ...], instead: str
) -> None:
    words = [word.format(files=tmp_path / "files") for word in command]
    done = gbike(*words, "--data", str(folder.path))
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert instead in done.stderr


class Slow:
    """The time, as `quiet` takes it; while it waits, a consumer hears one more message every `each_s`."""

    def __init__(self, change: Change, each_s: int) -> None:
        self._change = change
        self._each_s = each_s
        self.now_s = 1_000.0
        self.waited_s = 0

    def monotonic(self) -> float:
        return self.now_s

    def sleep(self, _look_s: float) -> None:
        self.now_s += 1
        self.waited_s += 1
        if self.waited_s % self._each_s == 0:
            one = "SELECT message_id FROM late ORDER BY message_id LIMIT 1"
            self._change("billing", f"INSERT INTO inbox SELECT * FROM late WHERE message_id = ({one})")
            self._change("billing", f"DELETE FROM late WHERE message_id = ({one})")


@pytest.mark.parametrize(
    ("behind", "each_s", "lost", "within_s"),
    [
        (3, 15, 0, range(45, 50)),  # busy, or just started again
        (1, 1_000, 1, range(20, 27)),
        (8, 15, 4, range(60, 67)),  # not for ever
    ],
)
def test_who_hears_slowly_has_lost_nothing(
    folder: DataFolder, change: Change, monkeypatch: pytest.MonkeyPatch, *, behind: int, each_s: int, lost: int,
    within_s: range,
) -> None:  # fmt: skip
    with closing(open_file(folder.path.parent / "files" / "billing.sqlite")) as store:
        store.execute(f"CREATE TABLE late AS SELECT * FROM inbox ORDER BY message_id DESC LIMIT {behind}")
        store.execute("DELETE FROM inbox WHERE message_id IN (SELECT message_id FROM late)")
        assert store.changes() == behind
    slow = Slow(change, each_s)
    monkeypatch.setattr(wait_idle, "time", slow)
    with wait_idle.at_rest(folder, lambda _line: None, lost_too=True) as readings:
        assert len(list(violations(readings))) == lost
    assert slow.waited_s in within_s
