"""A data folder whose disk is full, read-only or broken: one line that names the file and the way out, exit code 2;
and a platform that goes on as soon as there is room."""

import asyncio
import json
import shutil
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from gbike.cli.doctor import examine
from gbike.kit.clock import SystemClock
from gbike.run.embedded import Embedded
from gbike.run.folder.data_folder import DataFolder
from gbike.run.folder.data_mode import Mode, claim
from tests.folder import verbs
from tests.folder.small_disk import SmallDisk, python
from tests.folder.verbs import READS, STARTS, WRITES, Told
from tests.observability.pages import read
from tests.support import Client

ROOM_MIB = 8
NO_ROOM = "there is no room left"
READ_ONLY = "read-only"
DAMAGED = "it is damaged"
STORE, LOG = "rent.sqlite", "bus.sqlite"
OF_THE_LOG = (
    *(["verify"], ["repair"], ["view", "rebuild", "--verify"], ["demo", "--port", "0"]),
    *(["events", "republish", "--since", verbs.SINCE], ["privacy", "erase", "1001", "--yes"], ["backup", "{}"]),
)
"""Verbs that need the log."""
NOT_OF_RENT = (["view", "rebuild"], ["account", "roles"], ["account", "remove-authenticator"])
"""How verbs begin that need no store of rent."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demo's data folder, with a ride in it."""
    folder = DataFolder(tmp_path_factory.mktemp("made") / "data")
    folder.path.mkdir()
    claim(folder, Mode.DEMO)

    async def ride() -> None:
        town = Embedded(folder, {})
        client = Client(town.app)
        await client.post("/bikes", {"bikeid": 1001, "location": "분당_서현역_1구역"})
        await client.post("/userDeposits", {"userid": 1001, "deposit": 10_000})
        await town.settle()
        rented = await client.post("/rents", {"userid": 1001, "bikeid": 1001})
        await client.patch(f"/rents/{rented.json['rentid']}", {"status": "returned"})
        await town.settle()
        await town.stop()

    asyncio.run(ride())
    return folder.path


@pytest.fixture
def data(made: Path, tmp_path: Path) -> Path:
    """The same, to be broken."""
    return Path(shutil.copytree(made, tmp_path / "data"))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A small disk."""
    try:
        small = SmallDisk(tmp_path / "disk", ROOM_MIB)
    except OSError as why:
        pytest.skip(f"{why}: a small disk is a tmpfs in a namespace")
    yield small
    small.close()


def is_one_line(told: Told, says: str, folder: Path) -> bool:
    """Whether it is the line that names a file of the folder and the way out, in both languages."""
    line = told.output.strip().removeprefix("gbike: ")  # what a running one answers has no such beginning
    begins = line.startswith(str(folder)) and " · " in line and says in line
    return (told.code, told.exception) == (2, "") and "\n" not in line and begins


def run_there(disk: SmallDisk | None, data: Path, asked: list[list[str]]) -> Iterator[tuple[list[str], Told]]:
    """Run verbs on a folder, of the disk if there is one, in a process of their own: a demo makes the log its own."""
    command, given = ["-P", "-m", "tests.folder.verbs", str(data)], json.dumps(asked)
    done = disk.python(*command, told=given) if disk else python(*command, told=given)
    assert done.returncode == 0, done.stderr
    for args, told in zip(asked, json.loads(done.stdout), strict=True):
        yield args, Told(*told)


@pytest.mark.parametrize("says", [NO_ROOM, READ_ONLY])
def test_every_verb_says_in_one_line_that_a_folder_can_t_be_written(disk: SmallDisk, made: Path, says: str) -> None:
    data = disk.put(made, "data")
    if says == NO_ROOM:
        disk.fill()
    else:
        disk.read_only()
    for args, told in run_there(disk, data, [*READS, *WRITES, *STARTS]):
        assert is_one_line(told, says, data), (args, told)
    done = disk.python("-m", "gbike", "demo", "--port", "0", "--data", data)
    assert (done.returncode, done.stdout) == (2, "")
    assert is_one_line(Told(2, done.stderr, ""), says, data), done.stderr
    if says == NO_ROOM:
        disk.make_room()
        [(_, told)] = run_there(disk, data, [["verify"]])
        assert told == Told(0, "0 violations\n", ""), "it is as it was"


@pytest.mark.parametrize("room", [300_000, 1_500_000], ids=["not for the stores", "not for the small fleet"])
def test_a_first_start_without_room_says_so(disk: SmallDisk, room: int) -> None:
    disk.fill(but=room)
    [(_, told)] = run_there(disk, disk.at / "new", [["demo", "--port", "0"]])
    *log, line = told.output.splitlines()
    assert is_one_line(told._replace(output=line), NO_ROOM, disk.at / "new"), told
    assert all(one.startswith("{") for one in log)


def no_database(file: Path) -> None:
    """Another program's file under our name."""
    file.write_bytes(b"no database at all" * 1000)


def a_damaged_page(file: Path) -> None:
    """All but the first page are what a broken disk made of them."""
    content = file.read_bytes()
    file.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))


@pytest.mark.parametrize("harm", [no_database, a_damaged_page])
def test_every_verb_names_the_file_that_is_damaged(data: Path, harm: Callable[[Path], None]) -> None:
    harm(data / STORE)
    asked = [args for args in (*READS, *WRITES) if not any(args[: len(few)] == few for few in NOT_OF_RENT)]
    asked += [["view", "rebuild", "--verify"]]
    for args, told in run_there(None, data, asked):
        assert is_one_line(told, DAMAGED, data / STORE), (args, told)


def test_verbs_name_the_log_when_it_is_damaged(data: Path, tmp_path: Path) -> None:
    no_database(data / LOG)
    asked = [[arg.format(tmp_path / "copy") for arg in args] for args in OF_THE_LOG]
    for args, told in run_there(None, data, asked):
        assert is_one_line(told, DAMAGED, data / LOG), (args, told)
    assert not (tmp_path / "copy").exists()


def test_a_file_where_the_folder_should_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    for there in (tmp_path / "data", tmp_path / "data/below"):
        [(_, told)] = run_there(None, there, [["demo", "--port", "0"]])
        assert is_one_line(told, "a file where a folder should be", tmp_path / "data"), told


def broken_files(data: Path) -> list[str]:
    """The findings of doctor about files."""
    return [str(one) for one in examine(DataFolder(data), {}, SystemClock()) if one.rule == "broken-file"]


@pytest.mark.parametrize("file", [STORE, LOG])
@pytest.mark.parametrize("harm", [no_database, a_damaged_page])
def test_doctor_looks_at_every_page_of_a_stopped_folder(data: Path, harm: Callable[[Path], None], file: str) -> None:
    assert broken_files(data) == []
    harm(data / file)
    [finding] = broken_files(data)
    assert str(data / file) in finding
    assert "gbike restore" in finding
    told = verbs.run(["doctor", "--data", str(data)])
    assert (told.code, told.exception) == (1, "")
    assert finding in told.output


async def test_doctor_looks_at_every_page_while_gbike_runs(data: Path) -> None:
    folder = DataFolder(data)
    folder.acquire("gbike demo")
    town = Embedded(folder, {})
    await Client(town.app).post("/bikes", {"bikeid": 7})
    assert broken_files(data) == []
    await town.stop()
    a_damaged_page(data / STORE)
    [finding] = broken_files(data)
    assert STORE in finding
    folder.release()


@pytest.mark.parametrize("says", [NO_ROOM, READ_ONLY])
@pytest.mark.parametrize("there_is_a_folder", [True, False])
def test_a_backup_that_finds_no_room_says_so_and_leaves_nothing(
    disk: SmallDisk, made: Path, tmp_path: Path, says: str, there_is_a_folder: bool
) -> None:
    target = disk.at / "copy"
    if there_is_a_folder:
        disk.run("mkdir", target)
    if says == READ_ONLY:
        disk.read_only()
    else:
        disk.fill(but=300_000)
    data = shutil.copytree(made, tmp_path / "data")
    done = disk.python("-m", "gbike", "backup", target, "--data", data)
    assert is_one_line(Told(done.returncode, done.stderr, ""), says, target), done.stderr
    assert disk.found(disk.at) == [*(["copy"] if there_is_a_folder else []), *(["filler"] if says == NO_ROOM else [])]
    assert not there_is_a_folder or disk.found(target) == []


def test_a_restore_that_finds_no_room_leaves_nothing_half(disk: SmallDisk, made: Path) -> None:
    data = disk.at / "data"
    disk.fill(but=300_000)
    done = disk.python("-m", "gbike", "restore", made, "--data", data)
    assert is_one_line(Told(done.returncode, done.stderr, ""), NO_ROOM, data), done.stderr
    assert [name for name in disk.found(data) if "sqlite" in name] == []
    disk.make_room()
    assert disk.python("-m", "gbike", "restore", made, "--data", data).returncode == 0


class Platform:
    """`gbike demo` on a small disk."""

    def __init__(self, process: "subprocess.Popen[bytes]", disk: SmallDisk, data: Path) -> None:
        self.process = process
        self.disk = disk
        self.data = data
        self.url = ""

    def until(self, reached: Callable[[], bool]) -> None:
        """Ask again and again."""
        for _ in range(400):
            if reached():
                return
            with suppress(subprocess.TimeoutExpired):
                assert self.process.wait(0.05) is None, "it ended"
        raise AssertionError("it did not come to that")

    def listens(self) -> bool:
        """Whether it said where."""
        told = self.disk.text(self.data / "lock")
        self.url = json.loads(told)["address"] if told else ""
        return self.url.startswith("http")

    def ask(self, path: str, body: dict[str, object] | None = None) -> tuple[int, bytes]:
        """The status and the body of the answer."""
        content = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(self.url + path, content, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(asked, timeout=30) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read()

    def failing(self) -> float | None:
        """What the metric says of bike's store."""
        return read(self.ask("/metrics")[1]).value("gbike_store_failing", service="bike")


@contextmanager
def running(disk: SmallDisk, data: Path, log: Path) -> Iterator[Platform]:
    """A demo, from when it listens until it is stopped."""
    with log.open("wb") as out:
        process = disk.begin("-m", "gbike", "demo", "--port", "0", "--data", data, log=out)
        it = Platform(process, disk, data)
        try:
            it.until(it.listens)
            it.until(lambda: it.ask("/health/ready")[0] == 200)
            yield it
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0


def test_a_platform_without_room_refuses_says_so_and_goes_on_when_there_is_some(
    disk: SmallDisk, made: Path, tmp_path: Path
) -> None:
    data, log = disk.put(made, "data"), tmp_path / "log"
    with running(disk, data, log) as it:
        assert it.ask("/bikes", {"bikeid": 1})[0] == 201
        assert it.failing() == 0
        disk.fill()
        refused = [it.ask("/bikes", {"bikeid": bikeid}) for bikeid in range(2, 22)]
        assert {status for status, _ in refused} == {503}
        assert b"store-unavailable" in refused[-1][1]
        assert (it.ask("/health/ready")[0], it.failing()) == (503, 1)
        assert it.ask("/bikes/1001")[0] == 200
        done = disk.python("-m", "gbike", "backup", disk.at / "copy", "--data", data)
        assert is_one_line(Told(done.returncode, done.stderr, ""), NO_ROOM, disk.at / "copy"), done.stderr
        assert disk.found(disk.at) == ["data", "filler"]
        disk.make_room()
        it.until(lambda: it.ask("/health/ready")[0] == 200)  # though nobody writes
        assert it.failing() == 0
        assert it.ask("/bikes", {"bikeid": 2})[0] == 201
    lines = [json.loads(line) for line in log.read_text("utf-8").splitlines() if line.startswith("{")]
    told = [(line["event"], line.get("store") or (line["service"], line["worker"])) for line in lines]
    assert ("a batch of writes was rolled back", "bike") in told
    assert ("the store can be written again", "bike") in told
    assert len({*told}) == len(told), "each trouble is said once a minute"
