"""Real processes for tests: one service, and a whole cluster that the tests of a run share."""

import fcntl
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from gbike.run import control
from gbike.run.cluster.orphans import birth
from gbike.run.cluster.plan import Plan, read_plan
from gbike.run.cluster.report import Health
from gbike.run.engines import CannotRun, envoy, postgres
from gbike.run.folder.data_folder import DataFolder
from tests.postgres import memory
from tests.support import EVERY_RIDE_COSTS
from tests.waiting import until as until

GBIKE = (sys.executable, "-m", "gbike")
READY_S = 120
"""How long a test waits for a start on a busy machine; how long it takes is told, and judged in the full run only."""

_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_numbers = itertools.count(3_141_592_653_000 + 1_000_000_000 * _worker, 1_000)


def numbers(count: int) -> range:
    """So many numbers, for bikes or people, that no other test uses: nor the fuzz of the API, which shares the cluster
    and likes small numbers, powers of two and of ten (it took bike 1,000,000 when ours began there).
    """
    first = next(_numbers)
    assert count <= 1_000
    return range(first, first + count)


class Reply(NamedTuple):
    """What was answered over HTTP."""

    status: int
    headers: dict[str, str]
    json: Any


def ask(method: str, url: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Reply | None:
    """One request; None when nobody answers."""
    raw = None if body is None else json.dumps(body).encode()
    named = {"content-type": "application/json", **(headers or {})}
    request = urllib.request.Request(url, raw, named, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return _reply(answer)
    except urllib.error.HTTPError as refused:
        return _reply(refused)
    except OSError:
        return None


def _reply(answer: Any) -> Reply:
    text = answer.read()
    try:
        content = json.loads(text)
    except ValueError:
        content = text
    return Reply(answer.status, {name.lower(): value for name, value in answer.headers.items()}, content)


def gbike(*args: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a `gbike` command to its end."""
    told = {**_plain_environment(), **(env or {})}
    return subprocess.run([*GBIKE, *args], env=told, capture_output=True, text=True, timeout=READY_S, check=False)


def _plain_environment() -> dict[str, str]:
    """Ours, without its settings; where Kafka's jars are is none."""
    return {n: v for n, v in os.environ.items() if not n.startswith("GBIKE_") or n == "GBIKE_KAFKA_LIBS"}


class Served:
    """`gbike serve NAME` as a process, that can be ended and started again."""

    def __init__(self, folder: Path, service: str, port: int, env: dict[str, str]) -> None:
        self.log, self.url = folder / f"{service}.log", f"http://127.0.0.1:{port}"
        self._command = [*GBIKE, "serve", service, "--port", str(port)]
        self._env = {**_plain_environment(), "GBIKE_DEMO": "1", **env}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start without waiting."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(self._command, env=self._env, stdout=log, stderr=log)

    def end(self, how: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
        """End it; answers its exit code and how long it took, s."""
        assert self._process is not None
        began = time.monotonic()
        self._process.send_signal(how)
        code = self._process.wait(20)
        self._process = None
        return code, time.monotonic() - began

    def signal(self, how: signal.Signals) -> None:
        """Only tell it."""
        assert self._process is not None
        self._process.send_signal(how)

    def lines(self) -> list[dict[str, Any]]:
        """Its log so far: each line is an object."""
        return [json.loads(line) for line in self.log.read_text("utf-8").splitlines()]

    def status(self, path: str) -> int | None:
        """The status of GET `path`; None when nobody answers."""
        answer = ask("GET", self.url + path)
        return answer.status if answer else None

    def __enter__(self) -> "Served":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self.end(signal.SIGKILL)


class Cluster:
    """A cluster that runs on a folder."""

    def __init__(self, data: Path) -> None:
        self.data = data
        found = read_plan(data)
        assert found is not None
        self.plan: Plan = found
        self.url = found.gateway

    def status(self) -> dict[str, Health]:
        """How every program is, by its name."""
        told = control.ask(DataFolder(self.data), "status").said
        return {one["name"]: Health(**one) for one in json.loads(told)}

    def gbike(self, *args: str) -> str:
        """Run a `gbike` command on the folder; answers what it printed."""
        done = gbike(*args, "--data", str(self.data))
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def ask(self, method: str, path: str, body: Any = None) -> Reply:
        """One request through the gateway."""
        answer = ask(method, self.url + path, body)
        assert answer is not None, f"nobody answers at {self.url}"
        return answer

    @property
    def printed(self) -> str:
        """What `cluster up` has told its operator so far."""
        return _printed(self.data).read_text("utf-8")


def why_no_cluster() -> str | None:
    """Which engine is missing on this machine; None when nothing is."""
    try:
        postgres.binaries()
        envoy.binary()
    except CannotRun as missing:
        return str(missing)
    return None


@contextmanager
def started(*flags: str, secure: dict[str, str] | None = None) -> Iterator[Cluster]:
    """A cluster of one's own, on free ports, in a folder that is removed at the end; no program of it is left.
    `secure`: not the demo, with these settings."""
    data = new_folder()
    try:
        begin(data, *flags, secure=secure)
        yield Cluster(data)
    finally:
        if DataFolder(data).holder() is not None:
            end(data)
        shutil.rmtree(data.parent)


def new_folder() -> Path:
    """A folder for a cluster's data, which PostgreSQL's user can enter; in memory where there is room, as nobody pulls
    the plug."""
    home = Path(tempfile.mkdtemp(prefix="gbike-cluster-", dir=memory()))
    home.chmod(0o755)
    return home / "data"


def begin(data: Path, *flags: str, secure: dict[str, str] | None = None) -> None:
    """`gbike cluster up --demo` on free ports; return when it is ready."""
    env = {**_plain_environment(), **EVERY_RIDE_COSTS, **(secure or {})}
    mode = ["--demo"] if secure is None else []
    command = [*GBIKE, "cluster", "up", *mode, "--port", "0", "--data", str(data), *flags]
    with _printed(data).open("wb") as log:
        process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def ready() -> bool:
        text = _printed(data).read_text("utf-8")
        assert process.poll() is None, text
        return "Try" in text

    try:
        until(ready, READY_S, "the cluster is not ready")
    except BaseException:
        process.terminate()
        process.wait(30)
        raise


def end(data: Path) -> None:
    """`gbike cluster down`, after which no program of it is left."""
    pids = [one.pid for one in Cluster(data).status().values() if one.pid is not None]
    born = {pid: birth(pid) for pid in pids}
    done = gbike("cluster", "down", "--data", str(data))
    assert done.returncode == 0, done.stderr
    assert [pid for pid in pids if born[pid] is not None and birth(pid) == born[pid]] == []


@contextmanager
def shared(run: Path) -> Iterator[Cluster]:
    """The one cluster of a test run: whoever needs it first starts it, whoever needs it last ends it. `run`: a folder
    that all processes of the run have in common."""
    users = run / "cluster-users.json"
    with _alone(users):
        known = json.loads(users.read_text()) if users.exists() else {"data": "", "users": 0}
        if known["users"] == 0:
            known["data"] = str(new_folder())
            begin(Path(known["data"]))
        users.write_text(json.dumps({**known, "users": known["users"] + 1}))
    data = Path(known["data"])
    try:
        yield Cluster(data)
    finally:
        with _alone(users):
            known = json.loads(users.read_text())
            users.write_text(json.dumps({**known, "users": known["users"] - 1}))
            if known["users"] == 1:
                end(data)
                shutil.rmtree(data.parent)


@contextmanager
def _alone(users: Path) -> Iterator[None]:
    with users.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _printed(data: Path) -> Path:
    return data.with_name("printed.txt")


@pytest.fixture(scope="session")
def common_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of this test run have in common."""
    here = tmp_path_factory.getbasetemp()
    return here.parent if "PYTEST_XDIST_WORKER" in os.environ else here


_held = ExitStack()


@cache
def _taken(run: Path) -> Cluster:
    return _held.enter_context(shared(run))


@pytest.fixture
def one_cluster(common_folder: Path) -> Cluster:
    """The cluster of this run; tests ask for `cluster`."""
    if (missing := why_no_cluster()) is not None:
        pytest.skip(missing)
    return _taken(common_folder)


def leave() -> None:
    """No test that this process knows of needs the cluster, whose programs take a tenth of a processor as they wait."""
    _taken.cache_clear()
    _held.close()


@pytest.fixture
def cluster(one_cluster: Cluster, common_folder: Path) -> Iterator[Cluster]:
    """A cluster as `gbike cluster up --demo` makes it. Tests share it, one after the other, also those of another
    process of the run: each uses numbers of its own, and heals what it stops."""
    with _alone(common_folder / "cluster-in-use"):
        yield one_cluster
