"""A fleet of which every other row has a fault is imported by a real `gbike up` that is killed in the middle: what
becomes of each row is what the table says, and a second time nothing changes."""

import os
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gbike.run.folder.data_folder import DataFolder
from tests.account.house import BOSS, GBIKE, PASSWORD, READY_S, admin_file, environment
from tests.cluster.running import ask
from tests.services.bike.faulty_fleet import Expected, faulty_fleet
from tests.waiting import until

FULL = bool(os.environ.get("GBIKE_FULL"))
ROWS = 50_000 if FULL else 2_000
IMPORTED_S = 600
NO_PACE = {"GBIKE_LIMIT_READS_PER_MIN": "0"}

pytestmark = pytest.mark.timeout(1_200 if FULL else 180)


class Up:
    """`gbike up`, one process at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.data = folder, folder / "data"
        self._token = ""
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, wait until it answers, and sign in."""
        (self.data / "lock").unlink(missing_ok=True)  # of one who was killed: it says who that was
        command = [*GBIKE, "up", "--port", "0", "--data", str(self.data), "--admin-file", str(admin_file(self.folder))]
        with (self.folder / "up.log").open("ab") as log:
            self._process = subprocess.Popen(command, env=environment(NO_PACE), stdout=log, stderr=log)
        until(self._is_ready, READY_S, "it is not ready")
        session = ask("POST", self._address + "/sessions", {"contact": BOSS, "password": PASSWORD})
        assert session is not None
        self._token = session.json["access_token"]

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End it; answers its exit code."""
        assert self._process is not None
        self._process.send_signal(how)
        return self._process.wait(20)

    def send(self, data: bytes, query: str) -> int:
        """Send a file; answers the number of its import."""
        request = urllib.request.Request(f"{self._address}/bikes/imports?{query}", data, self._headers, method="POST")
        with urllib.request.urlopen(request, timeout=60) as answer:
            assert answer.status == 202
            return int(answer.headers["location"].rpartition("/")[2])

    def get(self, path: str) -> Any:
        answer = ask("GET", self._address + path, headers=self._headers)
        assert answer is not None
        return answer.json

    def rows(self, importid: int) -> Iterator[Any]:
        """What became of each row."""
        pages = -(-ROWS // 1_000)
        for page in range(pages):
            yield from self.get(f"/bikes/imports/{importid}/rows?size=1000&page={page}")["_embedded"]["rows"]

    def imported(self, importid: int) -> Any:
        """The import when it is done."""

        def done() -> Any:
            job = self.get(f"/bikes/imports/{importid}")
            return job if job["state"] == "done" else None

        return until(done, IMPORTED_S, "it is not done")

    @property
    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self._token}"}

    @property
    def _address(self) -> str:
        holder = DataFolder(self.data).holder()
        return holder.address if holder is not None else ""

    def _is_ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.folder / "up.log").read_text("utf-8")
        return self._address.startswith("http") and ask("GET", self._address + "/health/ready") is not None


@pytest.fixture
def gbike(tmp_path: Path) -> Iterator[Up]:
    up = Up(tmp_path)
    up.start()
    yield up
    assert up.end() == 0


def wrong(row: Any, expected: Expected, outcome: str, codes: tuple[str, ...]) -> list[str]:
    """What of a row is not as the table says."""
    told = (row["line"], row["outcome"], tuple(problem["code"] for problem in row["problems"]))
    wanted = expected.wanted
    should = (expected.line, outcome, codes) if wanted else (expected.line, "refused", expected.problems)
    found = [] if told == should else [f"{expected.kind}: {should} wanted, but {told}"]
    note = row["noposition"]["code"] if row["noposition"] else None
    if wanted is not None:
        facts = {name: value for name, value in wanted._asdict().items() if name in row and name != "bikeid"}
        found += [f"{expected.kind}: {name}" for name, value in facts.items() if row[name] != value]
        found += [] if [note] == list(expected.notes or [None]) else [f"{expected.kind}: {note}"]
        found += [] if row["bikeid"] and wanted.bikeid in (row["bikeid"], None) else [f"{expected.kind}: bikeid"]
    return found


def test_a_faulty_fleet_is_imported_though_gbike_is_killed_and_a_second_time_changes_nothing(gbike: Up) -> None:
    data, table = faulty_fleet(ROWS)
    importid = gbike.send(data, "name=fleet.csv")
    at = until(lambda: gbike.get(f"/bikes/imports/{importid}")["done"], IMPORTED_S, "it does not begin")
    gbike.end(signal.SIGKILL)
    gbike.start()
    job = gbike.imported(importid)
    good = sum(row.wanted is not None for row in table)
    assert (job["encoding"], job["rows"], job["done"]) == ("cp949", ROWS, ROWS)
    assert (job["registered"], job["changed"], job["unchanged"], job["refused"]) == (good, 0, 0, ROWS - good)
    pairs = list(zip(gbike.rows(importid), table, strict=True))
    assert [problem for row, expected in pairs for problem in wrong(row, expected, "registered", ())] == []
    assert gbike.get("/bikes?size=1")["page"]["totalElements"] == good
    assert at < ROWS

    for existing, codes in (("keep", ("exists",)), ("change", ())):
        again = gbike.imported(gbike.send(data, f"existing={existing}"))
        assert (again["registered"], again["changed"], again["unchanged"]) == (0, 0, good)
        pairs = list(zip(gbike.rows(again["importid"]), table, strict=True))
        assert [problem for row, expected in pairs for problem in wrong(row, expected, "unchanged", codes)] == []
    assert gbike.get("/bikes?size=1")["page"]["totalElements"] == good
