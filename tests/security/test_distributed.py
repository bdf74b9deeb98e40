"""The same table with every service a process of its own, and what a client can do about it from outside Envoy."""

import asyncio
import base64
import json
import os
import threading
import time
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import aiohttp
import pytest

from gbike.app.cluster import secrets
from gbike.app.cluster.quiet import unfinished
from gbike.app.data_folder import DataFolder
from gbike.app.readings import open_readings
from gbike.kit.access.services import read_private, service_token
from gbike.kit.clock import SystemClock
from gbike.kit.ids import SystemIds
from tests.cluster.running import Cluster, started, why_no_cluster
from tests.journeys.forms import Wire
from tests.security.asking import CHEAP, Stage, mismatches
from tests.security.people import EVERYWHERE, ISSUER, UNLIMITED, TestIssuer
from tests.support import Client

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
        super().__init__(issuer)

    def gateway(self, token: str | None) -> Client:
        """See Stage.gateway."""
        return With(self.cluster.url, self._session, token)

    def alone(self, service: str, token: str | None) -> Client:
        """See Stage.alone."""
        return With(self._at[service], self._session, token)

    def service(self, name: str, peer: str) -> str:
        """See Stage.service."""
        key = read_private(str(self.cluster.data / secrets.FOLDER / name / secrets.OWN))
        return service_token(key, name, peer, int(time.time()), SystemIds())  # noqa: TID251 - the machine's, as theirs

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

    def __init__(self, url: str, session: aiohttp.ClientSession, token: str | None) -> None:
        super().__init__(url, session)
        self._token = token

    async def send(self, method: str, target: str, body: Any = None, headers: Any = None) -> Any:
        own = {} if self._token is None else {"authorization": f"Bearer {self._token}"}
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
    with started(secure={**UNLIMITED, **CHEAP, "GBIKE_OUTSIDE_ISSUERS": f"{ISSUER}={issuer[1]}"}) as cluster:
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


async def test_a_secure_cluster_tells_its_keys_to_nobody_else(secure: Cluster) -> None:
    keys = secure.data / secrets.FOLDER
    files = [file for file in keys.rglob("*") if file.is_file() and file.suffix != ".pub"]
    assert len(files) >= len(EVERYWHERE) + 2
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    callers = {folder.parent.name: {file.stem for file in folder.iterdir()} for folder in keys.glob("*/callers")}
    assert callers == {name: set() for name in EVERYWHERE} | {"bike": {"rent", "bike_manage_app"}}
