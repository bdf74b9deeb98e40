"""`gbike doctor`: each rule sees what it is for, and says nothing where all is well."""

import os
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from gbike.cli import app
from gbike.cli.doctor import examine, machine, running, secrets
from gbike.cli.doctor.finding import KOREAN, Finding
from gbike.kit.clock import SystemClock
from gbike.kit.storage.sqlite.store import open_file
from gbike.run.cluster.authority import Authority
from gbike.run.cluster.plan import Plan, Replica
from gbike.run.embedded import Embedded
from gbike.run.engines import kafka
from gbike.run.folder.data_folder import DataFolder
from gbike.run.folder.data_mode import Mode, claim
from tests.postgres import Server

LONG = "q7-".join("0123456789abcdef")


def rules(found: Iterator[Finding]) -> list[str]:
    """The rules of the findings; each says what to do in both languages."""
    told = list(found)
    assert all(one.mend and KOREAN[one.rule] in str(one) for one in told)
    return [one.rule for one in told]


@pytest.fixture
async def data(tmp_path: Path) -> Path:
    """A data folder as a gbike leaves it."""
    await Embedded(DataFolder(tmp_path / "data"), {}).stop()
    return tmp_path / "data"


def secret(folder: Path, name: str, content: str = LONG, mode: int = 0o600) -> Path:
    """A file with a secret."""
    file = folder / name
    file.write_text(content)
    file.chmod(mode)
    return file


async def test_of_a_healthy_folder_nothing_is_told(data: Path) -> None:
    assert rules(examine(DataFolder(data), {}, SystemClock())) == []


def test_without_a_folder_and_a_store_it_is_wrong_usage(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["doctor", "--data", str(tmp_path / "none")], env={"GBIKE_STORE_URL": None})
    assert done.exit_code == 2
    assert "there is no gbike data" in done.output


async def test_the_command_tells_each_finding_and_exits_with_1(data: Path) -> None:
    file = secret(data, "signing.pem", mode=0o644)
    done = CliRunner().invoke(app, ["doctor", "--data", str(data)])
    assert done.exit_code == 1
    assert f"chmod 600 {file}" in done.output
    assert "다른 사용자가 비밀 파일을 읽을 수 있어요" in done.output
    file.chmod(0o600)
    assert CliRunner().invoke(app, ["doctor", "--data", str(data)]).exit_code == 0


@pytest.mark.parametrize("setting", secrets.READ_BY_US)
def test_a_file_of_a_secret_that_is_missing_or_open_is_told(setting: str, tmp_path: Path) -> None:
    env = {setting: str(tmp_path / "secret")}
    assert rules(secrets.files(tmp_path, env)) == ["missing-secret"]
    secret(tmp_path, "secret", mode=0o644)
    assert rules(secrets.files(tmp_path, env)) == ["open-secret"]
    secret(tmp_path, "secret", mode=0o640)  # a pod reads what is mounted by its group
    assert rules(secrets.files(tmp_path, env)) == []


def test_an_empty_folder_of_keys_and_an_open_key_in_it_are_told(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    env = {"GBIKE_ACCOUNT_KEYS": str(keys)}
    assert rules(secrets.files(tmp_path / "data", env)) == ["missing-secret"]
    keys.mkdir()
    assert rules(secrets.files(tmp_path / "data", env)) == ["missing-secret"]
    secret(keys, "current.pem", mode=0o604)
    assert rules(secrets.files(tmp_path / "data", env)) == ["open-secret"]


@pytest.mark.parametrize("setting", secrets.CERTIFICATES)
def test_a_certificate_that_is_missing_or_none_is_told(setting: str, tmp_path: Path) -> None:
    file = tmp_path / "tls.pem"
    env = {setting: str(file)}
    assert rules(secrets.old_certificates(tmp_path, env, SystemClock())) == ["missing-certificate"]
    file.write_text("no certificate")
    assert rules(secrets.old_certificates(tmp_path, env, SystemClock())) == ["missing-certificate"]


@pytest.mark.parametrize(("days", "told"), [(-1, "expired"), (1, "expires"), (13.9, "expires"), (14.1, ""), (365, "")])
def test_a_certificate_that_has_expired_or_soon_will_is_told(days: float, told: str, tmp_path: Path) -> None:
    authority, clock = Authority(SystemClock().now_ms()), SystemClock()
    cert, _ = authority.issue("rent", timedelta(days=days))
    (tmp_path / "tls.crt").write_bytes(cert)
    (tmp_path / "ca.pem").write_bytes(authority.pem + cert)  # the first that expires counts
    for env, files in (({}, 1), ({"GBIKE_TLS_CA_FILE": str(tmp_path / "ca.pem")}, 2)):
        found = list(secrets.old_certificates(tmp_path, env, clock))
        assert rules(iter(found)) == (["old-certificate"] * files if told else [])
        assert all(f" {told} at " in one.what for one in found)


def test_a_short_token_is_told(tmp_path: Path) -> None:
    env = {"GBIKE_SCRAPER_TOKEN_FILE": str(secret(tmp_path, "token", "scrape-me"))}
    assert rules(secrets.weak(env)) == ["weak-secret"]
    secret(tmp_path, "token")
    assert rules(secrets.weak(env)) == []


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgresql://rent:rent@db.example/rent", True),
        ("postgresql://rent@db.example/rent", True),
        ("postgresql://rent:aaaaaaaaaaaaaaaaaaaa@db.example/rent", True),
        (f"postgresql://rent:{LONG}@db.example/rent", False),
        ("postgresql://rent@127.0.0.1:5432/rent", False),
        ("sqlite:////data/rent.sqlite", False),
    ],
)
def test_a_password_of_a_database_elsewhere_is_long(url: str, told: bool) -> None:
    found = list(secrets.weak({"GBIKE_STORE_URL": url}))
    assert rules(iter(found)) == (["weak-secret"] if told else [])
    assert LONG not in str(found)


def test_a_demo_with_production_settings_is_told(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    claim(folder, Mode.DEMO)
    production = {"GBIKE_ENV": "production"}
    assert rules(secrets.demo(folder, production)) == ["demo-in-production"]
    assert rules(secrets.demo(folder, {**production, "GBIKE_DEMO": "1"})) == 2 * ["demo-in-production"]
    assert rules(secrets.demo(folder, {"GBIKE_DEMO": "1"})) == []


def test_a_secure_folder_in_production_is_right(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    claim(folder, Mode.SECURE)
    assert rules(secrets.demo(folder, {"GBIKE_ENV": "production"})) == []
    slow = {"GBIKE_ENV": "production", "GBIKE_DEMO_SLOW_MS": "400"}
    assert rules(secrets.demo(folder, slow)) == ["demo-in-production"]


def test_a_demo_on_a_database_elsewhere_is_told(tmp_path: Path) -> None:
    env = {"GBIKE_DEMO": "1", "GBIKE_STORE_URL": f"postgresql://rent:{LONG}@db.example/rent"}
    assert rules(secrets.demo(DataFolder(tmp_path), env)) == ["demo-on-real-store"]
    assert rules(secrets.demo(DataFolder(tmp_path), {**env, "KUBERNETES_SERVICE_HOST": "10.0.0.1"})) == []


def test_little_room_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert machine.too_few(10 << 30, 100 << 30) == ""
    assert machine.too_few(500 << 20, 1 << 30) == "only 500 MiB (49 %) are"
    assert machine.too_few(4 << 30, 100 << 30) == "only 4096 MiB (4 %) are"
    monkeypatch.setattr(shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1, "total": 1 << 40}))
    assert rules(machine.disk(tmp_path / "not yet there")) == ["disk-space"]


PLAN = Plan("http://127.0.0.1:8088", "127.0.0.1:9092", {}, [Replica("rent", "rent", 1, 8081)], {"postgres": 5432})


def test_a_port_that_others_reach_is_told() -> None:
    assert rules(machine.binds(PLAN, "http://127.0.0.1:8088", {8081: {"0100007F"}, 5432: {"0100007F"}})) == []
    assert rules(machine.binds(PLAN, "http://127.0.0.1:8088", {8081: {"00000000"}})) == ["open-bind"]
    assert rules(machine.binds(PLAN, "http://127.0.0.1:8088", {5432: {"0100007F", "0A00000A"}})) == ["open-bind"]
    secure = msgspec.structs.replace(PLAN, demo=False)  # has one more port, for other services
    assert rules(machine.binds(secure, "http://127.0.0.1:8088", {8131: {"00000000"}})) == ["open-bind"]
    assert rules(machine.binds(None, "http://0.0.0.0:8088", {})) == ["open-bind"]


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="this system has no table of sockets")
def test_the_kernel_s_table_of_sockets_is_read() -> None:
    with socket.create_server(("127.0.0.1", 0)) as ours:
        port = ours.getsockname()[1]
        assert machine.listening()[port] == {"0100007F"}


async def test_a_place_beyond_the_log_s_end_is_told_of_a_stopped_folder(data: Path) -> None:
    with closing(open_file(data / "rent.sqlite")) as store:
        store.execute("INSERT INTO positions (consumer, position) VALUES ('rent', 5)")
    [found] = examine(DataFolder(data), {}, SystemClock())
    assert (found.rule, found.what.partition(": ")[2]) == ("log-set-back", "rent is at 5 and the log ends at 0")
    (data / "bus.sqlite").unlink()
    [found] = examine(DataFolder(data), {}, SystemClock())
    assert "is missing" in found.what


async def test_an_old_schema_is_told(data: Path) -> None:
    with closing(open_file(data / "rent.sqlite")) as store:
        store.execute("UPDATE alembic_version SET version_num = '0001'")
    [found] = list(examine(DataFolder(data), {}, SystemClock()))
    assert (found.rule, found.mend.partition(",")[0]) == ("old-schema", "gbike migrate rent")


async def test_staff_whose_manager_number_is_another_rider_s_is_told(data: Path) -> None:
    with closing(open_file(data / "account.sqlite")) as account:
        for userid, managerid, erased in ((4, 4, None), (5, 9, None), (6, 8, None), (8, 4, 1)):
            account.execute(
                "INSERT INTO accounts (userid, roles, managerid, created_ms, erased_ms) VALUES (?, ?, ?, 0, ?)",
                (userid, "rider,bikeManager", managerid, erased),
            )
    with closing(open_file(data / "bike_manager.sqlite")) as managers:
        managers.execute("INSERT INTO managers (managerid, userid, points) VALUES (4, 2, 0), (9, 5, 0)")
    told = list(examine(DataFolder(data), {}, SystemClock()))
    assert rules(iter(told)) == ["manager-number"]
    assert "account 4 reports as manager 4, whose points are rider 2's" in told[0].what


async def test_a_store_that_was_lost_or_set_back_is_told(data: Path) -> None:
    (data / "user_deposit.sqlite").unlink()
    (data / "bus.sqlite").unlink()
    with closing(open_file(data / "rent.sqlite")) as store:
        store.execute("UPDATE seal SET generation = 1")
    told = list(examine(DataFolder(data), {}, SystemClock()))
    assert rules(iter(told)) == ["lost-store", "lost-store", "log-set-back"]
    assert told[0].what.endswith("rent.sqlite is older than what the folder had last")
    assert told[1].what.endswith("user_deposit.sqlite is missing")
    assert "--adopt" in told[0].mend


async def test_a_store_that_can_t_be_read_is_told(data: Path) -> None:
    (data / "bike.sqlite").write_bytes(b"no store" * 1000)
    assert rules(examine(DataFolder(data), {}, SystemClock())) == ["broken-file"]


async def test_so_is_one_that_the_settings_name(data: Path, tmp_path: Path) -> None:
    shutil.copy(data / "bike.sqlite", tmp_path)
    env = {"GBIKE_STORE_URL": f"sqlite:///{tmp_path / 'bike.sqlite'}", "GBIKE_SERVICE": "bike"}
    assert rules(examine(DataFolder(data), env, SystemClock())) == []
    (tmp_path / "bike.sqlite").write_bytes(b"no store" * 1000)
    assert rules(examine(DataFolder(data), env, SystemClock())) == ["broken-file"]
    (tmp_path / "bike.sqlite").unlink()
    assert rules(examine(DataFolder(data), env, SystemClock())) == ["engine-away"]


class Ahead(SystemClock):
    """Our clock, which is behind: everybody else is an hour ahead."""

    def now_ms(self) -> int:
        """An hour ago, ms."""
        return super().now_ms() - 3_600_000


def test_a_database_with_another_clock_is_told(server: Server, tmp_path: Path) -> None:
    env = {"GBIKE_STORE_URL": server.url("postgres")}
    assert "clock-skew" not in rules(examine(DataFolder(tmp_path), env, SystemClock()))
    assert "clock-skew" in rules(examine(DataFolder(tmp_path), env, Ahead()))


@pytest.fixture
def process() -> Iterator[str]:
    """A process that says the date as HTTP does."""

    class Says(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response_only(200)
            self.send_header("Date", formatdate(usegmt=True))
            self.end_headers()

    server = HTTPServer(("127.0.0.1", 0), Says)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_process_with_another_clock_is_told(process: str) -> None:
    assert rules(running.clocks([process], {}, SystemClock())) == []
    assert rules(running.clocks([process], {}, Ahead())) == ["clock-skew"]
    assert rules(running.clocks([], {"GBIKE_PEER_BIKE_URL": process}, Ahead())) == ["clock-skew"]


def test_clocks_may_differ_by_as_much_as_does_no_harm() -> None:
    assert rules(running.skewed("x", running.MOST_SKEW_MS, 0)) == []
    [behind] = running.skewed("x", 0, running.MOST_SKEW_MS + 1000)
    assert "6 s behind" in behind.what


def test_brokers_and_peers_that_are_away_are_told(process: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        away = f"127.0.0.1:{gone.getsockname()[1]}"
    there = process.removeprefix("http://")
    assert rules(running.engines(None, {"GBIKE_KAFKA": there, "GBIKE_PEER_BIKE_URL": process})) == []
    assert rules(running.engines(None, {"GBIKE_KAFKA": f"{there},{away}"})) == ["engine-away"]
    assert rules(running.engines(None, {"GBIKE_PEER_BIKE_URL": f"http://{away}"})) == ["engine-away"]
    assert rules(running.engines(None, {"GBIKE_PEER_BIKE_URL": process.replace("http:", "https:")})) == []


def test_every_rule_is_tried_here() -> None:
    tried = "".join(file.read_text("utf-8") for file in Path(__file__).parent.glob("*.py"))
    assert all(f'"{rule}"' in tried for rule in KOREAN)


NEW_DEFAULTS = ("GBIKE_RENT_MINIMUM_KRW", "GBIKE_MAX_OPEN_RENTS_PER_RIDER")


@pytest.fixture
async def riders(data: Path) -> DataFolder:
    """Stores with four riders (rich, poor, in debt, and one with no deposit) and a member of staff; two ride twice."""
    for store, sql in (
        (
            "account",
            "INSERT INTO accounts (name, contact, password_hash, roles, created_ms) VALUES"
            " ('a', 'a', '', 'rider', 0), ('b', 'b', '', 'rider,bikeManager', 0), ('c', 'c', '', 'rider', 0),"
            " ('d', 'd', '', 'rider', 0), ('e', 'e', '', 'admin', 0)",
        ),
        (
            "user_deposit",
            "INSERT INTO deposits (userid, balance, registered, version) VALUES (1, 1000, 1, 1), (2, 999, 1, 1),"
            " (3, -100, 0, 1)",
        ),
        (
            "rent",
            "INSERT INTO rents (userid, bikeid, status, deadline_ms) VALUES (1, 1, 'rented', 0), (1, 2, 'rented', 0),"
            " (2, 3, 'rented', 0), (2, 4, 'rented', 0), (3, 5, 'rented', 0), (3, 6, 'returned', 0)",
        ),
    ):
        with closing(open_file(data / f"{store}.sqlite")) as file:
            file.execute(sql)
    return DataFolder(data)


def marked(folder: DataFolder, mode: Mode) -> DataFolder:
    """The folder, as that mode's."""
    with closing(open_file(folder.bus_path)) as log:
        log.pragma("user_version", mode.value)
    return folder


async def test_riders_whom_a_secure_default_refuses_are_counted_and_nothing_is_wrong(riders: DataFolder) -> None:
    marked(riders, Mode.SECURE)
    found = list(examine(riders, {}, SystemClock()))
    assert [(one.rule, one.what.rpartition(" ")[2], one.wrong) for one in found] == [
        ("new-default", "3", False),
        ("new-default", "2", False),
    ]
    for one, setting in zip(found, NEW_DEFAULTS, strict=True):
        assert f"{setting}=0" in one.mend
    without = dict.fromkeys(NEW_DEFAULTS)
    done = CliRunner().invoke(app, ["doctor", "--data", str(riders.path)], env=without)
    assert done.exit_code == 0
    assert "nothing is wrong" in done.output
    assert "GBIKE_RENT_MINIMUM_KRW is 1000 by default" in done.output


async def test_who_has_set_them_and_the_demo_are_told_of_no_default(riders: DataFolder) -> None:
    assert rules(examine(marked(riders, Mode.DEMO), {}, SystemClock())) == []
    marked(riders, Mode.SECURE)
    assert rules(examine(riders, dict.fromkeys(NEW_DEFAULTS, "0"), SystemClock())) == []
    assert rules(examine(riders, {NEW_DEFAULTS[1]: "2"}, SystemClock())) == ["new-default"]


async def test_beside_one_store_deposits_below_the_minimum_are_counted(riders: DataFolder, tmp_path: Path) -> None:
    url = f"sqlite:///{riders.path / 'user_deposit.sqlite'}"
    one = {"GBIKE_SERVICE": "user_deposit", "GBIKE_STORE_URL": url}
    empty = DataFolder(tmp_path / "none")
    assert [found.what.rpartition(" ")[2] for found in examine(empty, one, SystemClock())] == ["2"]
    assert rules(examine(empty, {**one, "GBIKE_DEMO": "1"}, SystemClock())) == []


def test_a_clusters_log_that_is_gone_or_was_made_anew_is_told(tmp_path: Path) -> None:
    if kafka.why_not() is not None:
        pytest.skip("no Kafka here")
    clock = SystemClock()
    formatted, stores = tmp_path / "kafka" / "data" / "meta.properties", tmp_path / "postgres" / "PG_VERSION"
    assert list(running.kafkas_data(tmp_path, clock)) == []  # no cluster yet
    for file in (formatted, stores):
        file.parent.mkdir(parents=True)
        file.touch()
    assert list(running.kafkas_data(tmp_path, clock)) == []
    formatted.unlink()
    [gone] = running.kafkas_data(tmp_path, clock)
    assert (gone.rule, gone.wrong) == ("log-lost", True)
    formatted.touch()
    os.utime(stores, (0, 0))
    [anew] = running.kafkas_data(tmp_path, clock)
    assert (anew.rule, anew.wrong) == ("log-lost", False)
    os.utime(formatted, (3_600, 3_600))  # long ago
    assert list(running.kafkas_data(tmp_path, clock)) == []
