"""`gbike serve NAME` as a process: over a real file and a real wire, with its engines there, late or gone."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from gbike.cli import app
from gbike.run.cluster.tcp_ports import free_ports
from gbike.run.engines import mock_kafka
from gbike.run.folder.data_folder import BACKED_UP, DataFolder
from gbike.run.serve import ServiceProcess
from gbike.services import NAMES
from tests.cluster.running import Served, ask, gbike, until

NOBODY = "127.0.0.1:1"
STOP_WITHIN_S = 5
BIKE = {"bikeid": 1, "status": "사용가능"}


@pytest.fixture
def ports() -> Iterator[int]:
    return free_ports()


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The stand-in for Kafka, as a process."""
    if (missing := mock_kafka.why_not()) is not None:
        pytest.skip(missing)
    port = next(free_ports())
    with StandIn(tmp_path_factory.mktemp("kafka"), port):
        yield f"127.0.0.1:{port}"


class StandIn:
    """The stand-in for Kafka, as a process."""

    def __init__(self, folder: Path, port: int) -> None:
        with (folder / "log").open("wb") as log:
            self._process = subprocess.Popen(mock_kafka.program(folder, port).command, stdout=log, stderr=log)
        until(lambda: (folder / "log").stat().st_size, what="the stand-in did not start")

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()


def metric(served: Served, name: str) -> float:
    answer = ask("GET", f"{served.url}/metrics")
    text = answer.json.decode() if answer else ""
    return sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(name + "{"))


def a_bike_service(folder: Path, port: int, kafka: str, **env: str) -> Served:
    given = {"GBIKE_STORE_URL": f"sqlite:///{folder / 'store' / 'bike.sqlite'}", "GBIKE_KAFKA": kafka, **env}
    return Served(folder, "bike", port, given)


def test_it_answers_speaks_to_kafka_stops_in_time_and_keeps_everything(
    tmp_path: Path, ports: Iterator[int], kafka: str
) -> None:
    with a_bike_service(tmp_path, next(ports), kafka) as served:
        until(lambda: served.status("/health/ready") == 200)
        made = ask("POST", f"{served.url}/bikes", BIKE)
        assert made is not None
        assert (made.status, made.headers["x-gbike-mode"]) == (201, "demo")
        until(lambda: metric(served, "gbike_events_published_total") >= 1)
        code, took_s = served.end()
        assert (code, took_s < STOP_WITHIN_S) == (0, True)
        served.start()
        until(lambda: served.status("/bikes/1") == 200)
        assert served.end(signal.SIGINT)[0] == 0
    events = [line["event"] for line in served.lines()]
    assert [event for event in events if event in ("listening", "ready", "stopped")] == [
        *("listening", "ready", "stopped"),
        *("listening", "ready", "stopped"),
    ]


def test_while_its_store_is_away_it_lives_and_is_not_ready(tmp_path: Path, ports: Iterator[int]) -> None:
    (tmp_path / "store").touch()  # where the folder of the store must be
    with a_bike_service(tmp_path, next(ports), NOBODY) as served:
        until(lambda: served.status("/health/live") == 200)
        for path in ("/health/ready", "/actuator/health", "/bikes", "/bikes/1"):
            refused = ask("GET", served.url + path)
            assert refused is not None
            assert (refused.status, refused.headers["retry-after"]) == (503, "2")
            assert refused.json["type"].endswith("#store-unavailable")
        (tmp_path / "store").unlink()
        until(lambda: served.status("/health/ready") == 200)
        assert served.status("/bikes/1") == 404
    assert any(line["event"] == "the store is not there yet" for line in served.lines())


def test_while_its_store_is_away_it_stops_in_time(tmp_path: Path, ports: Iterator[int]) -> None:
    with a_bike_service(tmp_path, next(ports), NOBODY, GBIKE_STORE_URL=f"postgresql://nobody@{NOBODY}/x") as served:
        until(lambda: served.status("/health/live") == 200)
        assert served.status("/health/ready") == 503
        code, took_s = served.end()
        assert (code, took_s < STOP_WITHIN_S) == (0, True)


def test_while_kafka_is_away_it_works_and_what_it_said_is_heard_later(tmp_path: Path, ports: Iterator[int]) -> None:
    if (missing := mock_kafka.why_not()) is not None:
        pytest.skip(missing)
    port = next(ports)
    with a_bike_service(tmp_path, next(ports), f"127.0.0.1:{port}") as served:
        until(lambda: served.status("/health/ready") == 200)
        made = ask("POST", f"{served.url}/bikes", BIKE)
        assert made is not None
        assert (made.status, metric(served, "gbike_events_published_total")) == (201, 0)
        with StandIn(tmp_path, port):
            until(lambda: metric(served, "gbike_events_published_total") >= 1)
        code, took_s = served.end()  # and now the broker is gone again
        assert (code, took_s < STOP_WITHIN_S) == (0, True)


def test_the_age_of_a_clusters_last_backup_is_told(tmp_path: Path, ports: Iterator[int]) -> None:
    folder = DataFolder(tmp_path)
    folder.backed_up(1_700_000_000_000)
    told = {"GBIKE_BACKED_UP": str(tmp_path / BACKED_UP)}
    with a_bike_service(tmp_path, next(ports), "127.0.0.1:1", **told) as served:
        until(lambda: metric(served, "gbike_backup_seconds") == 1_700_000_000)


def test_settings_are_read_from_a_mounted_folder(tmp_path: Path, ports: Iterator[int]) -> None:
    mounted = tmp_path / "settings"
    mounted.mkdir()
    (mounted / "GBIKE_STORE_URL").write_text(f"sqlite:///{tmp_path}/from-folder.sqlite\n")
    (mounted / "GBIKE_KAFKA").write_text(f"{NOBODY}\n")
    with Served(tmp_path, "rent", next(ports), {"GBIKE_SETTINGS_DIR": str(mounted)}) as served:
        until(lambda: served.status("/health/ready") == 200)
    assert (tmp_path / "from-folder.sqlite").exists()


@pytest.mark.parametrize("name", NAMES if os.environ.get("GBIKE_FULL") else NAMES[-2:])
def test_a_service_that_is_served_imports_no_other(name: str, tmp_path: Path, ports: Iterator[int]) -> None:
    program = """
import atexit, sys
from gbike.cli import main
atexit.register(lambda: print({n.split(".")[2] for n in sys.modules if n.startswith("gbike.services.")}))
sys.argv = ["gbike", "serve", *sys.argv[1:]]
main()
"""
    port = next(ports)
    env = {"GBIKE_DEMO": "1", "GBIKE_STORE_URL": f"sqlite:///{tmp_path}/s.sqlite", "GBIKE_KAFKA": NOBODY}
    process = subprocess.Popen(
        [sys.executable, "-c", program, name, "--port", str(port)],
        env={**os.environ, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        url = f"http://127.0.0.1:{port}/health/ready"
        until(lambda: (found := ask("GET", url)) and found.status == 200)
    finally:
        process.terminate()
    assert process.communicate(timeout=20)[0] == f"{ {name} }\n"


USABLE = {"GBIKE_DEMO": "1", "GBIKE_STORE_URL": "sqlite:////tmp/never-made", "GBIKE_KAFKA": NOBODY}


@pytest.mark.parametrize(
    ("args", "env", "why"),
    [
        (["rent"], {"GBIKE_DEMO": "0"}, "GBIKE_SERVICE_KEY_FILE is not set"),
        (["bike", "--host", "0.0.0.0"], {}, "loopback only"),
        (["bike"], {"GBIKE_STORE_URL": "mysql://x"}, "GBIKE_STORE_URL='mysql://x'"),
        (["bike"], {"GBIKE_STORE_URL": "postgres://bike:hush@db/x"}, "GBIKE_STORE_URL='postgres://bike@db/x'"),
        (["bike"], {"GBIKE_STORE_PASSWORD_FILE": "/none"}, "GBIKE_STORE_PASSWORD_FILE=/none: the password can't be"),
        (["bike"], {"GBIKE_KAFKA": ""}, "GBIKE_KAFKA is not set"),
        (["bike"], {"GBIKE_KAFKA_LOGIN": "bike"}, "GBIKE_KAFKA_PASSWORD_FILE: the password of bike"),
        (["rent"], {"GBIKE_RENT_DEADLINE_MS": "soon"}, "GBIKE_RENT_DEADLINE_MS='soon'"),
        (["bake"], {}, "no service 'bake'"),
    ],
)
def test_what_can_not_be_served_is_refused_in_a_line(args: list[str], env: dict[str, str], why: str) -> None:
    done = CliRunner().invoke(app, ["serve", *args], env={**USABLE, **env})
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1), done.stderr
    assert why in done.stderr


def test_what_is_found_wrong_once_the_store_is_there_ends_it_with_a_line(tmp_path: Path, ports: Iterator[int]) -> None:
    program = """
from gbike.run import serve
from gbike.kit.settings import BadSetting

def wrong(spec, deps):
    raise BadSetting("GBIKE_SOMETHING: no")

serve.assemble_one = wrong
serve.main()
"""
    done = subprocess.run(
        [sys.executable, "-c", program, "bike", "--port", str(next(ports))],
        env={**os.environ, **USABLE, "GBIKE_STORE_URL": f"sqlite:///{tmp_path}/s.sqlite"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, "gbike: GBIKE_SOMETHING: no" in done.stderr) == (2, True), done.stderr


def test_a_port_that_is_taken_is_named(tmp_path: Path, ports: Iterator[int]) -> None:
    port = next(ports)
    with a_bike_service(tmp_path, port, NOBODY) as served:
        until(lambda: served.status("/health/live") == 200)
        second = gbike("serve", "bike", "--port", str(port), env=USABLE)
        assert (second.returncode, f"port {port}" in second.stderr) == (2, True)


async def test_whatever_goes_wrong_while_it_hears_whose_tokens_are_refused_it_serves() -> None:
    class Broken:
        async def catch_up(self) -> None:
            raise ValueError("Server sent wrong signature!")

    alone: Any = SimpleNamespace(_spec=SimpleNamespace(name="bike"))
    hearing: Any = Broken()
    await ServiceProcess._have_heard(alone, hearing)
