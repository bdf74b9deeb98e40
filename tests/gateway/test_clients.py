"""Who asks through Envoy: a pace for each client, whose address known proxies may say, and connections that end."""

import os
import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from http.client import RemoteDisconnected
from pathlib import Path

import pytest

from gbike.gateway.envoy import ListenAddress
from gbike.kit.settings import BadSetting
from gbike.run import gateway
from gbike.run.engines import envoy as engine
from tests.gateway.conftest import Stubs
from tests.gateway.servers import Envoy, Loop
from tests.gateway.test_faults import problem
from tests.waiting import until

PROXY = "127.0.0.7"
KEPT = {"x-envoy-expected-rq-timeout-ms", "x-envoy-external-address"}
"""What Envoy says itself."""
ASKED = 40
"""In a second ten are let through at once, and five more."""


def flood(
    stubs: Stubs, source: str, headers: dict[str, str] | None = None, method: str = "GET", path: str = "/rents/x"
) -> int:
    """How many of ASKED requests are let through."""
    answers = [stubs.envoy.ask(method, path, headers=headers, source=source).status for _ in range(ASKED)]
    assert set(answers) <= {200, 429}
    return answers.count(200)


def test_each_client_has_its_own_pace(proxied: Stubs) -> None:
    assert flood(proxied, "127.0.0.2") < ASKED / 2
    assert proxied.envoy.ask("GET", "/rents/x", source="127.0.0.3").status == 200
    refused = proxied.envoy.ask("GET", "/rents/x", source="127.0.0.2")
    if refused.status != 200:  # a machine that was busy for long has filled the bucket again
        problem(refused, 429, "too-many-requests")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PATCH", "/rents/7"),
        ("PUT", "/rents/7"),
        ("POST", "/rents/7/end"),
        ("POST", "/rents/7/void"),
        ("POST", "/sessions/end"),
    ],
)
def test_returns_and_sign_outs_are_never_held_up_here(proxied: Stubs, method: str, path: str) -> None:
    assert flood(proxied, "127.0.0.2") < ASKED / 2
    token = {"authorization": "Bearer somebody's", "content-type": "application/json"}
    assert flood(proxied, "127.0.0.2", token, method, path) == ASKED
    assert flood(proxied, "127.0.0.2", None, method, path) < ASKED / 2, "what is no return counts with all else"


def test_behind_known_proxies_each_of_their_clients_has_its_own_pace_and_ipv6_counts_by_64(proxied: Stubs) -> None:
    assert flood(proxied, PROXY, {"x-forwarded-for": "198.51.100.1"}) < ASKED / 2
    assert proxied.envoy.ask("GET", "/rents/x", headers={"x-forwarded-for": "198.51.100.2"}, source=PROXY).status == 200
    home = [{"x-forwarded-for": f"2001:db8:1:2::{number:x}, 10.1.2.3"} for number in range(ASKED)]
    answers = [proxied.envoy.ask("GET", "/rents/x", headers=one, source=PROXY).status for one in home]
    assert answers.count(200) < ASKED / 2
    next_door = {"x-forwarded-for": "2001:db8:1:3::1, 10.1.2.3"}
    assert proxied.envoy.ask("GET", "/rents/x", headers=next_door, source=PROXY).status == 200


def test_a_proxy_on_this_machine_is_passed_on_by_its_own_address(proxied: Stubs) -> None:
    """Envoy would name another address of this machine, which nobody knows as a proxy: all would be one client."""
    printed = {"x-forwarded-for": "198.51.100.77"}
    seen = proxied.envoy.ask("GET", "/rents/x", headers=printed, source="127.0.0.1").json["headers"]
    assert seen["x-forwarded-for"].replace(" ", "") == "198.51.100.77,127.0.0.1"


def test_a_stranger_is_whom_he_is_whatever_he_says(proxied: Stubs) -> None:
    answers = []
    for number in range(ASKED):
        lies = {"x-forwarded-for": f"198.51.100.{number}", "x-envoy-external-address": f"198.51.100.{number}"}
        answers.append(proxied.envoy.ask("GET", "/rents/x", headers=lies, source="127.0.0.4").status)
    assert answers.count(200) < ASKED / 2
    lies = {"x-forwarded-for": "198.51.100.1", "x-forwarded-host": "evil.example", "x-forwarded-proto": "https"}
    seen = proxied.envoy.ask("GET", "/rents/x", headers=lies, source="127.0.0.5").json["headers"]
    assert seen["x-forwarded-for"].split(",")[-1] == "127.0.0.5"
    assert (seen.get("x-forwarded-host"), seen["x-forwarded-proto"]) == (None, "http")


@pytest.mark.parametrize(
    ("printed", "scheme"),
    [("https, http", "https"), ("HTTPS", "https"), (["https", "http"], "https"), ("http, https", "http"), ("", "http"),
     ("gopher", "http")],
)  # fmt: skip
def test_what_known_proxies_say_is_passed_on(
    proxied: Stubs, secure: Stubs, printed: str | list[str], scheme: str
) -> None:
    through = f"198.51.100.{len(scheme) * 10 + len(printed)},10.1.2.{len(scheme) * 10 + len(printed)}"
    headers = {"x-forwarded-for": f"203.0.113.9,{through}", "x-forwarded-host": "bikes.example"}
    both = headers | {"x-forwarded-proto": printed} if printed else headers
    for stubs in (proxied, secure):
        seen = stubs.envoy.ask("GET", "/rents/x", headers=both, source=PROXY).json["headers"]
        assert seen["x-forwarded-for"].replace(" ", "").endswith(f"{through},{PROXY}")
        assert (seen["x-forwarded-host"], seen["x-forwarded-proto"]) == ("bikes.example", scheme)
        home = stubs.envoy.ask("GET", "/", headers=both, source=PROXY).json["_links"]["rents"]["href"]
        assert home == f"{scheme}://bikes.example/rents"


@pytest.mark.parametrize("source", [PROXY, "127.0.0.8"])
def test_nobody_changes_how_often_and_how_long_a_service_is_asked(proxied: Stubs, source: str) -> None:
    path = f"/rents/{source}/broken"
    insists = {
        "x-envoy-retry-on": "reset,5xx",
        "x-envoy-max-retries": "5",
        "x-forwarded-for": "127.0.0.1",
        "x-envoy-internal": "true",
    }
    problem(proxied.envoy.ask("POST", path, {}, insists, source), 503, "answer-lost")
    assert proxied.there.times("POST", path) == 1
    seen = proxied.envoy.ask("GET", "/rents/x", headers=insists, source=source).json["headers"]
    assert not [name for name in seen if name.startswith("x-envoy-") and name not in KEPT]


def test_browsers_are_sent_to_the_pages_by_path(proxied: Stubs, stubs: Stubs) -> None:
    for one in (proxied, stubs):
        printed = {"accept": "text/html", "x-forwarded-host": "evil.example", "host": "evil.example"}
        found = one.envoy.ask("GET", "/", headers=printed, source="127.0.0.6")
        assert (found.status, found.headers["location"]) == (302, "/app/")


def test_proxies_that_are_none_are_refused() -> None:
    with pytest.raises(BadSetting, match="GBIKE_TRUSTED_PROXIES"):
        gateway.configuration(ListenAddress(), {"GBIKE_TRUSTED_PROXIES": "the proxy"})


def test_it_takes_no_more_clients_than_half_of_the_files_that_it_may_open() -> None:
    def most(files: int) -> int:
        made = gateway.configuration(ListenAddress(files=files), {})
        [monitor] = made["overload_manager"]["resource_monitors"]
        return int(monitor["typed_config"]["max_active_downstream_connections"])

    assert (most(1_024), most(20_000)) == (512, 4_096)
    assert engine.open_files() == resource.getrlimit(resource.RLIMIT_NOFILE)[1]


@contextmanager
def envoy(folder: Path, most: int, *, patience_s: float | None = None) -> Iterator[Envoy]:
    """One that takes so many connections. `patience_s`: how long it waits for a client, when not as long as usual."""

    def config(place: ListenAddress) -> dict[str, object]:
        made = gateway.configuration(place, {"GBIKE_GATEWAY_CONNECTIONS": str(most)})
        manager = made["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
        assert manager["common_http_protocol_options"]["idle_timeout"] == "15s"
        assert manager["request_headers_timeout"] == "10s"
        if patience_s is not None:
            manager["common_http_protocol_options"]["idle_timeout"] = f"{patience_s}s"
            manager["request_headers_timeout"] = f"{patience_s}s"
        return made

    found = Envoy(folder, config, demo=False)
    try:
        yield found
    finally:
        found.stop()


def held(port: int, count: int, held_open: ExitStack, printed: bytes = b"") -> int:
    """Connect so often and say no more than that; how many of them were accepted."""
    for _ in range(count):
        connection = held_open.enter_context(closing(socket.create_connection(("127.0.0.1", port), 5)))
        with suppress(OSError):
            connection.sendall(printed)
    return count


def served(one: Envoy, within_s: float) -> float:
    """After how many seconds it serves somebody who comes anew."""

    def live() -> bool:
        with suppress(OSError):
            return one.ask("GET", "/health/live", source="127.0.0.9").status == 200
        return False

    began = time.monotonic()
    until(live, within_s, "nobody is served")
    return time.monotonic() - began


@pytest.mark.parametrize("printed", [b"", b"GET /rents HTTP/1.1\r\nhost: x\r\nx-a"])
def test_who_only_holds_connections_does_not_hold_them_long(loop: Loop, tmp_path: Path, printed: bytes) -> None:
    with envoy(tmp_path, 40, patience_s=1.5) as one, ExitStack() as silent:
        held(one.place.port, 60, silent, printed)
        with pytest.raises((ConnectionError, RemoteDisconnected)):
            one.ask("GET", "/health/live")
        served(one, 10)


def test_a_head_that_does_not_end_is_told_so(loop: Loop, tmp_path: Path) -> None:
    with envoy(tmp_path, 40, patience_s=0.3) as one:
        with socket.create_connection(("127.0.0.1", one.place.port), 10) as slow:
            slow.sendall(b"GET /rents HTTP/1.1\r\nhost: x\r\nx-a")
            printed = b""
            while part := slow.recv(65_536):
                printed += part
        assert printed.startswith(b"HTTP/1.1 408 ")
        assert b"#request-too-slow" in printed


@pytest.mark.skipif(not os.environ.get("GBIKE_FULL"), reason="4,200 connections and 15 s: GBIKE_FULL=1")
def test_4200_silent_connections_shut_nobody_out_for_longer_than_20_s(loop: Loop, tmp_path: Path) -> None:
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < 10_000:
        pytest.skip("too few open files are allowed here")
    with envoy(tmp_path, 4_096) as one, ExitStack() as silent:
        held(one.place.port, 4_200, silent)
        assert served(one, 20) <= 20
