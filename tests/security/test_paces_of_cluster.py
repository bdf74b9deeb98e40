"""Strangers beside a rider who is signed in at the same address, through Envoy, with the paces that a cluster has."""

import os
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from gbike.kit.clock import SystemClock
from tests.cluster.running import Cluster, started, why_no_cluster
from tests.gateway.servers import ask
from tests.security.people import ISSUER, PATIENT, TestIssuer
from tests.security.published import published
from tests.support import Reply

pytestmark = [
    pytest.mark.skipif(
        not (os.environ.get("GBIKE_FULL") or os.environ.get("GBIKE_REQUIRE")),
        reason="a cluster of its own: GBIKE_FULL=1",
    ),
    pytest.mark.timeout(300),
]
PROXY = "127.0.0.7"


class Town:
    """A secure cluster behind a proxy of the operator's."""

    def __init__(self, cluster: Cluster, issuer: TestIssuer) -> None:
        self.issuer, self._port = issuer, int(urlsplit(cluster.url).port or 0)

    def ask(
        self, method: str, path: str, token: str | list[str] = "", source: str = "127.0.0.1", printed: str = ""
    ) -> Reply:
        """`said`: what is in X-Forwarded-For."""
        tokens = [token] if isinstance(token, str) else token
        headers = {"authorization": [f"Bearer {one}" for one in tokens]} if token else {}
        headers |= {"x-forwarded-for": [printed]} if printed else {}
        return ask(self._port, method, path, None if method == "GET" else {}, headers, source=source)


@pytest.fixture(scope="module")
def town() -> Iterator[Town]:
    if (missing := why_no_cluster()) is not None:
        pytest.skip(missing)
    issuer = TestIssuer(SystemClock())
    with published(issuer) as url:
        trusted = {"GBIKE_OUTSIDE_ISSUERS": f"{ISSUER}={url}", "GBIKE_TRUSTED_PROXIES": PROXY}
        with started(secure={**PATIENT, **trusted}) as cluster:
            yield Town(cluster, issuer)


def test_strangers_take_nobody_off_who_is_signed_in_at_their_address(town: Town) -> None:
    bad = town.issuer.token(7, "rider")[:-8] + "AAAAAAAA"
    flood = [town.ask("GET", "/rents", token).status for _ in range(150) for token in ("", bad)]
    assert set(flood) == {401, 429}
    rider = town.issuer.token(7, "rider")
    assert town.ask("GET", "/rents", rider).status == 200
    assert town.ask("POST", "/rents", rider).status == 422
    for method, path, status in (("PATCH", "/rents/1", 404), ("PUT", "/rents/1", 404), ("GET", "/rents", 200)):
        assert town.ask(method, path, rider).status == status


def test_a_known_proxy_says_who_asks_and_a_stranger_does_not(town: Town) -> None:
    while town.ask("GET", "/rents").status != 429:
        pass
    flood = [town.ask("GET", "/rents", printed=f"198.51.100.{number}").status for number in range(20)]
    assert flood.count(429) >= 15, "a minute has room for one in a second"
    clients = [town.ask("GET", "/rents", source=PROXY, printed=f"198.51.100.{number}").status for number in range(120)]
    assert set(clients) == {401}
    home = [town.ask("GET", "/rents", source=PROXY, printed=f"2001:db8::{number:x}").status for number in range(100)]
    assert home.count(429) >= 30


def test_two_authorizations_are_refused(town: Town) -> None:
    good = town.issuer.token(7, "rider")
    for tokens in ([good, good], [f"{good}, Bearer {good}"]):
        reply = town.ask("GET", "/rents", tokens)
        assert (reply.status, reply.json["type"].partition("#")[2]) == (400, "header-sent-twice")
