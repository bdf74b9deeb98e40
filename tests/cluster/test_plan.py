"""Which programs a cluster has and where: decided before anything starts, and refused in a line when it can't be."""

import os
import socket
from errno import ENOSPC
from pathlib import Path

import pytest

from dev.tcp_ports import free_port
from gbike.cli.cluster import run_cluster
from gbike.run.cluster.logins import READER
from gbike.run.cluster.plan import FILE, BadCluster, Options, keep_plan, make_plan, read_plan
from gbike.run.cluster.secrets import make_passwords
from gbike.run.cluster.supervisor import Supervisor
from gbike.run.cluster.tcp_ports import FIRST, LAST, PortTaken
from gbike.run.engines import kafka
from gbike.run.registry import NoSuchService, specs, usual_port
from tests.cluster.running import gbike

ORIGINAL = {"rent": 8081, "bike": 8082, "billing": 8083, "user_deposit": 8084, "rent_and_billing_view": 8085}
ORIGINAL |= {"bike_manage_app": 8086, "bike_manager": 8087, "account": 8089}


def moved(by: int) -> dict[str, int]:
    return {name: port + by for name, port in ORIGINAL.items()}


def test_every_service_has_the_originals_port_also_where_it_is_not_installed() -> None:
    assert {name: usual_port(name) for name in ORIGINAL} == ORIGINAL


def test_services_stand_before_the_gateway_as_the_originals_do(tmp_path: Path) -> None:
    plan = make_plan(Options(tmp_path, port=18_088, replicas=3, demo=True))
    assert plan.gateway == "http://127.0.0.1:18088"
    for k in range(3):
        assert {r.service: r.port for r in plan.replicas if r.number == k + 1} == moved(10_000 + 100 * k)
    assert plan.peers()["GBIKE_PEER_BIKE_URL"] == ",".join(f"http://127.0.0.1:{18_082 + 100 * k}" for k in range(3))
    assert len({replica.name for replica in plan.replicas}) == 24


def test_port_0_takes_free_ports_that_no_outgoing_connection_gets(tmp_path: Path) -> None:
    plan = make_plan(Options(tmp_path, port=0, demo=True))
    ports = [*(replica.port for replica in plan.replicas), *plan.ports.values()]
    assert len(set(ports)) == len(ports) == 12
    assert all(FIRST - 10 <= port <= LAST for port in ports)


def test_a_plan_that_finds_no_room_leaves_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = make_plan(Options(tmp_path, port=0))
    keep_plan(plan, tmp_path)

    def no_room(_file: int) -> None:
        raise OSError(ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_room)
    with pytest.raises(OSError, match="No space"):
        keep_plan(make_plan(Options(tmp_path, port=0)), tmp_path)
    assert read_plan(tmp_path) == plan


def test_a_plan_that_can_t_be_read_is_named_and_never_taken_as_none(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('{"gateway": "http', "utf-8")
    for args in (["verify"], ["cluster", "up", "--demo"], ["backup", str(tmp_path / "to")], ["doctor"]):
        done = gbike(*args, "--data", str(tmp_path))
        assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr
        assert f"{tmp_path / FILE} can't be read" in done.stderr


def test_each_service_has_its_own_database_and_may_have_its_own_engine(tmp_path: Path) -> None:
    plan = make_plan(Options(tmp_path, port=0, stores=["rent=sqlite", "bike=postgres", "view=sqlite"], demo=True))
    assert plan.stores["rent"] == f"sqlite:///{tmp_path}/stores/rent.sqlite"
    assert plan.stores["rent_and_billing_view"].startswith("sqlite:///")
    assert plan.stores["bike"].startswith("postgresql://")
    assert len(set(plan.stores.values())) == 8
    program = plan.service_program(plan.replicas[0])
    assert program.command[-4:] == ["gbike.run.serve", "rent", "--port", str(plan.replicas[0].port)]
    assert program.env["GBIKE_STORE_URL"] == plan.stores["rent"]
    keep_plan(plan, tmp_path)
    assert read_plan(tmp_path) == plan


def test_a_secure_service_believes_envoy_and_the_operators_proxies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = make_plan(Options(tmp_path, port=0))
    assert plan.service_program(plan.replicas[0]).env["GBIKE_TRUSTED_PROXIES"] == "127.0.0.1"
    folder = tmp_path / "settings"
    folder.mkdir()
    (folder / "GBIKE_TRUSTED_PROXIES").write_text("10.1.0.0/16\n")
    monkeypatch.setenv("GBIKE_SETTINGS_DIR", str(folder))
    assert plan.service_program(plan.replicas[0]).env["GBIKE_TRUSTED_PROXIES"] == "127.0.0.1,10.1.0.0/16"
    monkeypatch.setenv("GBIKE_TRUSTED_PROXIES", "192.0.2.7, 2001:db8::/48")
    assert plan.service_program(plan.replicas[0]).env["GBIKE_TRUSTED_PROXIES"] == "127.0.0.1,192.0.2.7, 2001:db8::/48"


@pytest.mark.parametrize("demo", [True, False])
def test_what_an_operator_set_for_stores_and_brokers_elsewhere_is_not_its_programs_business(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, demo: bool
) -> None:
    for name in ("GBIKE_STORE_PASSWORD_FILE", "GBIKE_KAFKA_LOGIN", "GBIKE_KAFKA_PASSWORD_FILE"):
        monkeypatch.setenv(name, "elsewhere")
    plan = make_plan(Options(tmp_path, port=0, demo=demo))
    told = plan.service_program(plan.replicas[0]).env
    assert told["GBIKE_STORE_PASSWORD_FILE"] == ""
    assert "elsewhere" not in (told["GBIKE_KAFKA_LOGIN"], told["GBIKE_KAFKA_PASSWORD_FILE"])
    assert bool(told["GBIKE_KAFKA_LOGIN"]) is not demo


def test_a_secure_plan_names_each_service_s_login_and_one_that_reads_and_no_password(tmp_path: Path) -> None:
    plan = make_plan(Options(tmp_path, port=0, stores=["rent=sqlite"]))
    keep_plan(plan, tmp_path)
    known = make_passwords(tmp_path, ["bike", READER])
    assert plan.stores["bike"].startswith("postgresql://bike@127.0.0.1:")
    assert plan.reading["bike"].startswith("postgresql://reader@127.0.0.1:")
    assert plan.reading["rent"] == plan.stores["rent"]
    assert [word for word in known.values() if word in (tmp_path / FILE).read_text()] == []
    assert (tmp_path / FILE).stat().st_mode & 0o077 == 0


def test_a_secure_cluster_closes_its_database_server_whoever_has_a_store_there(tmp_path: Path) -> None:
    every = [f"{spec.name}=sqlite" for spec in specs()]
    assert make_plan(Options(tmp_path, port=0, stores=every)).logins(tmp_path) is not None
    assert make_plan(Options(tmp_path, port=0, demo=True)).logins(tmp_path) is None


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"replicas": 0}, "--replicas 0"),
        ({"replicas": 10}, "--replicas 10"),
        ({"stores": ["rent=oracle"]}, "rent=oracle"),
        ({"stores": ["rent=sqlite"], "replicas": 2}, "one process writes to a file"),
        ({"port": 99}, "--port 99"),
    ],
)
def test_what_can_not_be_is_refused(options: dict[str, object], why: str, tmp_path: Path) -> None:
    with pytest.raises(BadCluster, match=why):
        make_plan(Options(tmp_path, **{"port": 0, "demo": True, **options}))  # type: ignore[arg-type]


def test_what_a_program_listens_at_no_outgoing_connection_is_given() -> None:
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert lowest >= LAST
    assert all(FIRST <= free_port() < LAST for _ in range(20))


def test_a_port_that_is_taken_is_named_with_whose_it_would_be(tmp_path: Path) -> None:
    for _ in range(20):  # somebody else may listen beside it, and is named first
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            taken = other.getsockname()[1]
            with pytest.raises(PortTaken) as told:
                make_plan(Options(tmp_path, port=taken + 5, demo=True))
        if f"port {taken} " in str(told.value):
            break
    assert f"port {taken} (billing)" in str(told.value)


def test_the_command_says_in_a_line_what_is_wrong(tmp_path: Path) -> None:
    wrong = gbike("cluster", "up", "--replicas", "0", "--data", str(tmp_path / "a"))
    assert (wrong.returncode, wrong.stderr.count("\n")) == (2, 1)
    assert "--replicas 0" in wrong.stderr
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "bus.sqlite").touch()
    taken = gbike("cluster", "up", "--demo", "--data", str(tmp_path / "b"))
    assert (taken.returncode, "is the folder of one process" in taken.stderr) == (2, True)
    assert gbike("cluster", "status", "--data", str(tmp_path / "c")).returncode == 2


def test_a_service_by_its_name_is_every_replica_of_it(tmp_path: Path) -> None:
    plan = make_plan(Options(tmp_path, port=0, replicas=2, demo=True))
    cluster = Supervisor(plan, tmp_path, lambda _: None, lambda *_: None)

    def found(name: str) -> list[str]:
        return [child.part.name for child in cluster.find(name)]

    assert found("bike") == ["bike", "bike-2"]
    assert found("view") == ["rent_and_billing_view", "rent_and_billing_view-2"]
    assert (found("bike-1"), found("bike-2"), found("gateway")) == (["bike"], ["bike-2"], ["envoy"])
    with pytest.raises(NoSuchService):
        found("bike-3")


def test_a_secure_cluster_starts_with_a_kafka_that_asks_for_a_login_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka, "why_not", lambda: "there is no Java (Kafka needs 17 or later)")
    with pytest.raises(BadCluster, match=r"no Java.*--demo.*로그인"):
        run_cluster(Options(tmp_path / "data", port=0))
    assert not (tmp_path / "data" / FILE).exists()
    assert not (tmp_path / "data" / "keys").exists()
