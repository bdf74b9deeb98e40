"""The same table with every service a process of its own, and what a client can do about it from outside Envoy."""

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiokafka.errors import KafkaError

from gbike.kit.auth.certificates import certificates, dns_name
from gbike.kit.auth.services import read_private, service_token
from gbike.kit.calls.remote import HttpCaller
from gbike.kit.clock import SystemClock, SystemIds
from gbike.kit.messaging.kafka.broker import Broker
from gbike.kit.messaging.kafka.topic import topic_of
from gbike.run.cluster import secrets
from gbike.run.cluster.logins import READER
from gbike.run.cluster.wait_idle import unfinished
from gbike.run.engines import kafka, postgres
from gbike.run.folder.data_folder import DataFolder
from gbike.run.open_stores import open_readings
from tests.cluster.running import Cluster, gbike, started, until, why_no_cluster
from tests.journeys.forms import Wire
from tests.privacy.people import Person, found_in, ride
from tests.security.asking import AS_MANY_RENTS, CHEAP, PASSWORD, Stage, mismatches
from tests.security.flooding import connected, endless_header, one_megabyte, problem_in, sent, too_many_lines
from tests.security.people import EVERYWHERE, ISSUER, UNLIMITED, TestIssuer
from tests.security.published import published
from tests.security.strangers import as_nobody, readable
from tests.security.test_broker import adjusted, write
from tests.support import Client, Reply
from tests.waiting import a_while, soon

FULL = os.environ.get("GBIKE_FULL") or os.environ.get("GBIKE_REQUIRE")
pytestmark = [
    pytest.mark.skipif(not FULL, reason="a cluster of its own: GBIKE_FULL=1"),
    pytest.mark.timeout(300),
]


class OnCluster(Stage):
    """A secure cluster."""

    def __init__(self, cluster: Cluster, issuer: TestIssuer, session: aiohttp.ClientSession) -> None:
        self.cluster, self._session = cluster, session
        self._at = {replica.service: replica.url for replica in cluster.plan.replicas}
        self._inside = {replica.service: replica.inside for replica in cluster.plan.replicas}
        self._signed: dict[str, str] = {}
        super().__init__(issuer)

    def gateway(self, token: str | None) -> Client:
        """See Stage.gateway."""
        return With(self.cluster.url, self._session, token)

    def alone(self, service: str, token: str | None) -> Client:
        """See Stage.alone. What is inside is asked over mutual TLS."""
        return With(self._at[service], self._session, token, lambda target: self.inside(service, token, target))

    def plain(self, service: str, token: str | None) -> Client:
        """A client at the port that the gateway and everybody else use."""
        return With(self._at[service], self._session, token)

    def at(self, service: str) -> str:
        """Where a service listens for the gateway and everybody else."""
        return self._at[service]

    def inside(self, service: str, token: str | None, target: str) -> HttpCaller:
        """The way to a service's /internal, with the certificate of whom the token names. With another token it is
        the right service's, so that only the token can be wrong."""
        right = "bike_manage_app" if "/reports/" in target else "rent"
        known = certificates(secrets.told(self.cluster.data, self._signed.get(token or "", right)))
        assert known is not None
        return HttpCaller(f"https://127.0.0.1:{self._inside[service]}", dns_name(service), known[0].to_ask)

    def service(self, name: str, peer: str) -> str:
        """See Stage.service."""
        key = read_private(str(self.cluster.data / secrets.FOLDER / name / secrets.OWN))
        token = service_token(key, name, peer, int(time.time()), SystemIds())  # noqa: TID251 - the machine's, as theirs
        self._signed[token] = name
        return token

    async def settle(self) -> None:
        """See Stage.settle."""

        def settled() -> bool:
            with open_readings(DataFolder(self.cluster.data)) as stores:
                return next(unfinished(stores), None) is None

        await soon(settled, 60, 0.2)


class With(Wire):
    """A client over HTTP with a token, or with none."""

    def __init__(
        self,
        url: str,
        session: aiohttp.ClientSession,
        token: str | None,
        inside: Callable[[str], HttpCaller] | None = None,
    ) -> None:
        """`inside`: the way to what only services may ask for."""
        super().__init__(url, session)
        self._token, self._inside = token, inside

    async def send(self, method: str, target: str, body: Any = None, headers: Any = None) -> Any:
        own = {} if self._token is None else {"authorization": f"Bearer {self._token}"}
        if self._inside is not None and target.startswith("/internal/"):
            caller = self._inside(target)
            try:
                raw = b"" if body is None else json.dumps(body).encode()
                answer = await caller.call(method, target, raw, {**own, **(headers or {})})
            finally:
                await caller.close()
            return Reply(answer.status, {}, answer.body)
        return await super().send(method, target, body, {**own, **(headers or {})})


@pytest.fixture(scope="module")
def issuer() -> Iterator[tuple[TestIssuer, str]]:
    """An outside issuer, and where it publishes its key."""
    made = TestIssuer(SystemClock())
    with published(made) as url:
        yield made, url


@pytest.fixture(scope="module")
def secure(issuer: tuple[TestIssuer, str]) -> Iterator[Cluster]:
    """`gbike cluster up` without --demo, that trusts the issuer."""
    if (missing := why_no_cluster() or kafka.why_not()) is not None:
        pytest.skip(missing)
    trusted = {"GBIKE_OUTSIDE_ISSUERS": f"{ISSUER}={issuer[1]}"}
    with started(secure={**UNLIMITED, **CHEAP, **AS_MANY_RENTS, **trusted}) as cluster:
        yield cluster


@pytest.fixture
async def stage(secure: Cluster, issuer: tuple[TestIssuer, str]) -> AsyncIterator[OnCluster]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session:
        yield OnCluster(secure, issuer[0], session)


async def test_the_table_holds_when_every_service_is_a_process(stage: OnCluster) -> None:
    await stage.prepare()
    wrong = [line for service in EVERYWHERE for line in await mismatches(stage, service)]
    assert wrong == []


async def test_nothing_inside_is_reached_through_the_gateway_whoever_asks(stage: OnCluster) -> None:
    for token in (None, stage.issuer.token(900, "admin"), stage.service("rent", "bike")):
        client = stage.gateway(token)
        for path in ("/internal/bikes/1/reservations/1", "/bikes/..%2Finternal/bikes/1/reservations/1",
                     "/bikes/../internal/bikes/1/reservations/1", "//internal/bikes/1/reservations/1",
                     "/%69nternal/bikes/1/reservations/1", "/metrics"):  # fmt: skip
            assert (await client.send("PUT", path)).status in (401, 404, 405), path


async def test_services_ask_each_other_over_mutual_tls_only(stage: OnCluster) -> None:
    """The rides of the table above went this way; past it there is none, also for a service with its token."""
    bikeid, token = 500_001, stage.service("rent", "bike")
    assert (await stage.admin.post("/bikes", {"bikeid": bikeid})).status == 201
    plain = stage.plain("bike", token)
    target = f"/internal/bikes/{bikeid}/reservations/500001"
    assert (await plain.send("PUT", target)).status == 403
    assert (await plain.send("GET", target)).status == 404
    assert (await stage.alone("bike", None).send("PUT", target)).status == 401
    assert (await stage.alone("bike", token).send("PUT", target)).status == 200


async def test_who_is_erased_leaves_no_trace_in_stores_logs_and_later_backups(stage: OnCluster, tmp_path: Path) -> None:
    """All but Kafka, which can't be edited and keeps messages for a week (docs/guide/privacy.md)."""
    person, rides = Person("zubenelgenubi", 0, 100), 2
    signed_up = {"name": person.name, "contact": person.contact, "password": PASSWORD}
    assert (await stage.gateway(None).post("/accounts", signed_up)).status == 202
    listed = (await stage.admin.get("/accounts?size=1000")).json["_embedded"]["accounts"]
    [person.userid] = [one["userid"] for one in listed if one["contact"] == person.contact]
    await stage.admin.post("/userDeposits", {"userid": person.userid, "deposit": 5_000})
    await stage.settle()  # rent hears that they may ride
    for number in range(rides):
        bikeid = 600_000 + number
        assert (await stage.admin.post("/bikes", {"bikeid": bikeid})).status == 201
        await ride(stage.gateway(stage.issuer.token(person.userid, "rider")), person, bikeid, number)
    await stage.settle()
    before, after = _dumped(stage.cluster, tmp_path / "before"), tmp_path / "after"
    assert {line.split(".")[0] for line in found_in(before, person.traces(rides))} >= {"account", "rent", "bike"}
    assert "erased everywhere" in stage.cluster.gbike("privacy", "erase", str(person.userid), "--yes")
    await stage.settle()
    assert found_in(_dumped(stage.cluster, after), person.traces(rides)) == []
    assert found_in(stage.cluster.data / "logs", person.traces(rides)) == []
    verified = gbike("verify", "--data", str(stage.cluster.data)).stdout.splitlines()
    assert verified[-1].endswith("violations")
    # The table asked for reservations directly, which no rent knows of.
    assert [line for line in verified[:-1] if not line.startswith("I2 bike ")] == []


async def _signed_up(stage: OnCluster, name: str) -> tuple[int, dict[str, str]]:
    """The account of somebody, and what their session gave."""
    who = {"name": name, "contact": f"{name}@example.com", "password": PASSWORD}
    assert (await stage.gateway(None).post("/accounts", who)).status == 202
    session = await stage.gateway(None).post("/sessions", {"contact": who["contact"], "password": PASSWORD})
    return session.json["userid"], session.json


async def _refused(stage: OnCluster, token: str, within_s: float = 30) -> None:
    """Wait until no service takes the token any more."""
    end = time.monotonic() + within_s
    for service, path in (("rent", "/rents"), ("billing", "/billings"), ("account", "/accounts/1"), ("bike", "/bikes")):
        client = stage.alone(service, token)
        while (reply := await client.get(path)).status != 401:
            assert time.monotonic() < end, (service, reply)
            await a_while()
        assert reply.headers["www-authenticate"].endswith('error="invalid_token"')


async def test_tokens_of_before_are_refused_by_every_process_also_after_its_restart(stage: OnCluster) -> None:
    """An account that was erased, roles that were taken, a password that was set anew; and who goes on is let in."""
    anybody = stage.gateway(None)
    erased, erased_is = await _signed_up(stage, "kim")
    demoted, demoted_is = await _signed_up(stage, "lee")
    changed, changed_is = await _signed_up(stage, "park")
    for one in (erased_is, demoted_is, changed_is):
        assert (await stage.gateway(one["access_token"]).get("/rents")).status == 200
    assert (await stage.admin.put(f"/accounts/{demoted}/roles", {"roles": ["rider", "bikeManager"]})).status == 200
    own = {"current": PASSWORD, "new": "another bicycle at dusk"}
    mine = stage.gateway(changed_is["access_token"])
    assert (await mine.post(f"/accounts/{changed}/password", own)).status == 200
    again = {"contact": "park@example.com", "password": own["new"]}
    session = (await anybody.post("/sessions", again)).json
    assert (await stage.admin.post(f"/accounts/{erased}/erasure")).status == 200
    for one in (erased_is, demoted_is, changed_is):
        await _refused(stage, one["access_token"])
    assert (await stage.gateway(session["access_token"]).get("/rents")).status == 200, "signed in again at once"
    more = await anybody.post("/sessions/refresh", {"refresh_token": demoted_is["refresh_token"]})
    assert (await stage.gateway(more.json["access_token"]).get("/bikeManageApps")).status == 200
    for one in (erased_is, changed_is):
        over = await anybody.post("/sessions/refresh", {"refresh_token": one["refresh_token"]})
        assert over.status == 401
    pid = stage.cluster.status()["rent"].pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    rent = stage.alone("rent", erased_is["access_token"])
    until(lambda: stage.cluster.status()["rent"].pid not in (None, pid), 60, "rent is not back")
    await _let_in(stage, session["access_token"])
    assert (await rent.get("/rents")).status == 401


async def _let_in(stage: OnCluster, token: str) -> None:
    """Wait until rent takes a good token."""
    end = time.monotonic() + 60
    while True:
        with suppress(aiohttp.ClientError):
            if (await stage.alone("rent", token).get("/rents")).status == 200:
                return
        assert time.monotonic() < end
        await a_while()


async def test_without_the_bus_everything_is_served_and_what_was_said_counts_when_it_is_back(stage: OnCluster) -> None:
    userid, session = await _signed_up(stage, "choi")
    pid = stage.cluster.status()["kafka"].pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        assert (await stage.admin.put(f"/accounts/{userid}/roles", {"roles": ["bikeManager"]})).status == 200
        assert (await stage.alone("rent", session["access_token"]).get("/rents")).status == 200
        refreshed = await stage.gateway(None).post(
            "/sessions/refresh", {"refresh_token": session["refresh_token"]}
        )  # fmt: skip
        assert refreshed.json["roles"] == ["bikeManager"]
    finally:
        os.kill(pid, signal.SIGCONT)
    await _refused(stage, session["access_token"], within_s=120)
    assert (await stage.gateway(refreshed.json["access_token"]).get("/bikeManageApps")).status == 200


def _dumped(cluster: Cluster, folder: Path) -> Path:
    """A backup of every store."""
    folder.mkdir()
    for name, url in cluster.plan.stores.items():
        command = [postgres.binaries() / "pg_dump", "--inserts", "--file", folder / f"{name}.sql", url]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    return folder


def test_a_test_payment_provider_is_said_at_the_start_and_by_the_doctor(secure: Cluster) -> None:
    assert "GBIKE_PAYMENT_PROVIDER=test: riders top up with a tap, no money moves" in secure.printed
    assert "test-payments: http://127.0.0.1:" in gbike("doctor", "--data", str(secure.data)).stdout
    log = (secure.data / "logs" / "user_deposit.log").read_text("utf-8")
    assert '"event": "test payments"' in log or '"event":"test payments"' in log


async def test_headers_that_services_might_trust_do_not_pass_the_gateway(stage: OnCluster) -> None:
    spoofed = {
        "x-forwarded-for": "127.0.0.1", "x-forwarded-host": "evil.example", "x-real-ip": "127.0.0.1",
        "x-gbike-mode": "demo", "x-user-id": "900", "x-gbike-principal": "admin", "x-envoy-internal": "true",
        "x-forwarded-client-cert": "By=spiffe://gbike/rent", "x-gbike-deadline-ms": "0", "x-original-url": "/internal",
    }  # fmt: skip
    stranger = await stage.gateway(None).send("POST", "/bikes", {"bikeid": 5}, spoofed)
    assert (stranger.status, stranger.headers["www-authenticate"]) == (401, 'Bearer realm="gbike"')
    rider = await stage.gateway(stage.issuer.token(7, "rider")).send("POST", "/bikes", {"bikeid": 5}, spoofed)
    assert rider.status == 403
    seen = await stage.admin.send("GET", "/bikes", headers=spoofed)
    assert "evil.example" not in seen.content.decode()
    for reply in (stranger, rider, seen):
        assert "x-gbike-mode" not in reply.headers


async def test_a_forged_message_moves_no_money(stage: OnCluster) -> None:
    """Any local user once published one and had 777,000 won. With the login of who says it, it is said as that one."""
    data = stage.cluster.data
    userid = 777_001
    topic = topic_of("bike_manager")
    assert (await stage.admin.post("/userDeposits", {"userid": userid, "deposit": 1_000})).status == 201
    await stage.settle()
    kafka_is, names = stage.cluster.plan.kafka, ("rent", "bike_manager")
    rent, speaker = (Broker(kafka_is, **secrets.kafka_login(data, name)).client() for name in names)
    for way in ({"bootstrap_servers": kafka_is}, rent):
        with pytest.raises(KafkaError):
            await write(way, topic, adjusted(userid))
    await write(speaker, topic, adjusted(userid, source="rent"))

    def aside() -> list[str]:
        told = stage.cluster.gbike("events", "dead", "list", "--service", "userDeposit")
        return re.findall(rf"{re.escape(topic)}/\d+/\d+", told)

    [place] = until(aside, 30, "it is not set aside")
    assert (await stage.admin.get(f"/userDeposits/{userid}")).json["deposit"] == 1_000
    stage.cluster.gbike("events", "dead", "drop", place, "--reason", "forged by a test")


def test_another_user_of_the_machine_gets_into_no_store_no_folder_and_no_backup(secure: Cluster) -> None:
    port = str(secure.plan.ports["postgres"])
    for user in (postgres.OWNER, READER, "account", "postgres"):
        for host in ("127.0.0.1", "/tmp", "/var/run/postgresql"):
            for database in ("account", "postgres"):
                login = ("-w", "-h", host, "-p", port, "-U", user, "-d", database)
                done = as_nobody(postgres.tool("pg_dump"), *login)
                assert done.returncode != 0
                assert re.search("no password supplied|No such file|no pg_hba.conf entry", done.stderr), done.stderr
    before = os.umask(0)
    try:
        secure.gbike("backup", str(secure.data.parent / "backup"))
    finally:
        os.umask(before)
    assert readable(secure.data) == []
    assert readable(secure.data.parent / "backup") == []


def test_no_password_of_a_store_is_told(secure: Cluster) -> None:
    """Not in a list of processes or their environments, nor in the plan, nor in a log."""
    known = [file.read_text().strip().rpartition(":")[2] for file in (secure.data / "keys").rglob("*.pass")]
    assert len(known) >= len(EVERYWHERE) + 2
    told = subprocess.run(["ps", "axewwo", "args"], capture_output=True, text=True, check=True).stdout
    for file in (secure.data / "cluster.json", *(secure.data / "logs").iterdir(), secure.data.parent / "printed.txt"):
        told += file.read_text("utf-8", "replace")
    assert [password for password in known if password in told] == []


async def test_a_secure_cluster_tells_its_keys_to_nobody_else(secure: Cluster) -> None:
    keys = secure.data / secrets.FOLDER
    files = [file for file in keys.rglob("*") if file.is_file() and file.suffix != ".pub"]
    assert len(files) >= len(EVERYWHERE) + 2
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    callers = {folder.parent.name: {file.stem for file in folder.iterdir()} for folder in keys.glob("*/callers")}
    assert callers == {name: set() for name in EVERYWHERE} | {"bike": {"rent", "bike_manage_app"}}


@pytest.mark.parametrize("behind", ["envoy", "bike"])
async def test_what_no_service_may_see_is_a_problem_document(stage: OnCluster, behind: str) -> None:
    """Through Envoy, and at a service's own port."""
    address = stage.cluster.url if behind == "envoy" else stage.at(behind)
    assert problem_in(sent(address, too_many_lines())) == (431, "headers-too-large")
    assert problem_in(sent(address, one_megabyte())) == (431, "headers-too-large")
    raw = "GET /bikes?q=따릉이 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode()
    assert problem_in(sent(address, raw))[0] == 400
    twice = "GET /bikes HTTP/1.1\r\nhost: x\r\n" + 2 * f"authorization: Bearer {stage.issuer.token(1, 'admin')}\r\n"
    refused = problem_in(sent(address, f"{twice}connection: close\r\n\r\n".encode()))
    assert refused == (400, "header-sent-twice")


@pytest.mark.parametrize("behind", ["envoy", "bike"])
async def test_floods_of_one_stranger_leave_riders_served(stage: OnCluster, behind: str) -> None:
    address = stage.cluster.url if behind == "envoy" else stage.at(behind)
    assert endless_header(address) < 16_000_000
    rider = stage.gateway(stage.issuer.token(901, "rider"))
    with ExitStack() as strangers:
        for _ in range(200):
            strangers.enter_context(connected(address))
        assert (await rider.get("/bikes")).status == 200
