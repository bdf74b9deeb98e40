"""The same table with every service a process of its own, and what a client can do about it from outside Envoy."""

import asyncio
import base64
import json
import os
import re
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gbike.app.cluster import secrets
from gbike.app.cluster.logins import READER
from gbike.app.cluster.quiet import unfinished
from gbike.app.data_folder import DataFolder
from gbike.app.engines import postgres
from gbike.app.readings import open_readings
from gbike.kit.access.certificates import certificates, dns_name
from gbike.kit.access.services import read_private, service_token
from gbike.kit.clock import SystemClock
from gbike.kit.ids import SystemIds
from gbike.kit.remote.peer import HttpCaller
from tests.cluster.running import Cluster, gbike, started, why_no_cluster
from tests.journeys.forms import Wire
from tests.privacy.people import Person, found_in, ride
from tests.security.asking import AS_MANY_RENTS, CHEAP, PASSWORD, Stage, mismatches
from tests.security.people import EVERYWHERE, ISSUER, UNLIMITED, TestIssuer
from tests.security.strangers import as_nobody, readable
from tests.support import Client, Reply

pytestmark = [
    pytest.mark.skipif(
        not (os.environ.get("GBIKE_FULL") or os.environ.get("GBIKE_REQUIRE")),
        reason="a cluster of its own: GBIKE_FULL=1",
    ),
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
        end = time.monotonic() + 60
        while True:
            with open_readings(DataFolder(self.cluster.data)) as stores:
                if (left := next(unfinished(stores), None)) is None:
                    return
            assert time.monotonic() < end, left
            await asyncio.sleep(0.2)


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
    x = base64.urlsafe_b64encode(made.private.public_key().public_bytes_raw()).rstrip(b"=").decode()
    published = json.dumps({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "tests", "use": "sig", "x": x}]}).encode()

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-length", str(len(published)))
            self.end_headers()
            self.wfile.write(published)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield made, f"http://127.0.0.1:{server.server_port}/jwks"
    server.shutdown()


@pytest.fixture(scope="module")
def secure(issuer: tuple[TestIssuer, str]) -> Iterator[Cluster]:
    """`gbike cluster up` without --demo, that trusts the issuer."""
    if (missing := why_no_cluster()) is not None:
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
    """All but Kafka, which can't be edited and keeps messages for a week (docs/privacy.md)."""
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


def _dumped(cluster: Cluster, folder: Path) -> Path:
    """A backup of every store."""
    folder.mkdir()
    for name, url in cluster.plan.stores.items():
        command = [postgres.binaries() / "pg_dump", "--inserts", "--file", folder / f"{name}.sql", url]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    return folder


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
