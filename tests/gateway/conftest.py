"""Envoys that the gateway's tests share, each with what stands behind it."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from dev.tcp_ports import free_port
from gbike.run import gateway
from gbike.run.embedded import Embedded
from gbike.run.engines import CannotRun
from gbike.run.engines.envoy import binary
from gbike.run.registry import specs
from tests.gateway.servers import Envoy, Loop, Stub
from tests.support import EVERY_RIDE_COSTS


@pytest.fixture(scope="session")
def loop() -> Iterator[Loop]:
    """Where the servers behind the gateway run."""
    try:
        binary()
    except CannotRun as why:
        pytest.skip(str(why))
    found = Loop()
    yield found
    found.stop()


@dataclass(frozen=True)
class Town:
    """The real services, each on a port of its own behind Envoy, and the same services behind the embedded gateway."""

    envoy: Envoy
    embedded_port: int
    whole: Embedded


@pytest.fixture(scope="module")
def town(loop: Loop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A town with a bike, open as the demo is."""

    async def build() -> Embedded:
        return Embedded(None, EVERY_RIDE_COSTS)

    whole: Embedded = loop.run(build())
    at = {name: loop.serve(part.running.app) for name, part in whole.parts.items()}
    env = {f"GBIKE_PEER_{name.upper()}_URL": f"http://127.0.0.1:{port}" for name, port in at.items()}
    embedded_port = loop.serve(whole.app)
    envoy = Envoy(tmp_path_factory.mktemp("town"), lambda place: gateway.configuration(place, env), demo=True)
    envoy.ask("POST", "/bikes", {"bikeid": 1, "status": "사용가능", "location": "정자"})
    loop.run(whole.settle())
    yield Town(envoy, embedded_port, whole)
    envoy.stop()
    loop.run(whole.stop())


@dataclass(frozen=True)
class Stubs:
    """Services that do as they are told. Bike is away; billing has two processes, one of them away; userDeposit two."""

    envoy: Envoy
    there: Stub
    second: Stub
    bike_port: int


@pytest.fixture(scope="module")
def stubs(loop: Loop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stubs]:
    """Open as the demo is; a service must answer within 400 ms."""
    yield from _stubs(loop, tmp_path_factory.mktemp("stubs"), {"GBIKE_GATEWAY_TIMEOUT_MS": "400"}, demo=True)


@pytest.fixture(scope="module")
def secure(loop: Loop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stubs]:
    """As outside the demo: a limit of five requests a second, pages of two origins, and a known proxy in front."""
    env = {
        "GBIKE_GATEWAY_REQUESTS_PER_S": "5",
        "GBIKE_GATEWAY_ORIGINS": "https://app.example, https://staff.example",
        "GBIKE_GATEWAY_TRUSTED_PROXIES": "1",
    }
    yield from _stubs(loop, tmp_path_factory.mktemp("secure"), env, demo=False)


@pytest.fixture(scope="module")
def proxied(loop: Loop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stubs]:
    """Five requests a second and client; behind proxies at 127.0.0.7, 127.0.0.1 and in 10.1.0.0/16."""
    env = {"GBIKE_GATEWAY_REQUESTS_PER_S": "5", "GBIKE_TRUSTED_PROXIES": "127.0.0.7, 127.0.0.1, 10.1.0.0/16"}
    yield from _stubs(loop, tmp_path_factory.mktemp("proxied"), env, demo=False)


def _stubs(loop: Loop, folder: Path, env: dict[str, str], *, demo: bool) -> Iterator[Stubs]:
    there, second = loop.run(Stub().start()), loop.run(Stub().start())
    here, bike_port = f"http://127.0.0.1:{there.port}", free_port()
    with socket.socket() as away:
        away.bind(("127.0.0.1", 0))  # bound and not listening: every connection is refused
        places = {spec.name: here for spec in specs()}
        places["user_deposit"] = f"{here},http://127.0.0.1:{second.port}"
        places["bike"] = f"http://127.0.0.1:{bike_port}"
        places["billing"] = f"{here},http://127.0.0.1:{away.getsockname()[1]}"
        env |= {f"GBIKE_PEER_{name.upper()}_URL": url for name, url in places.items()}
        envoy = Envoy(folder, lambda place: gateway.configuration(place, env), demo=demo)
        yield Stubs(envoy, there, second, bike_port)
        envoy.stop()
