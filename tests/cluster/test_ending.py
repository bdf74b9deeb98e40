"""`gbike serve` asked to stop: not ready at once, but it answers whoever has not heard yet, and loses no request."""

import asyncio
import http.client
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from itertools import count
from pathlib import Path

import aiohttp
import pytest
from starlette.types import Receive, Scope, Send

from gbike.gateway.envoy import upstreams
from gbike.kit.calls import remote
from gbike.kit.http import server
from gbike.run import gateway
from gbike.run.cluster.tcp_ports import free_ports
from gbike.run.engines import CannotRun, envoy
from tests.cluster.running import Served, until
from tests.gateway.servers import Envoy
from tests.waiting import a_while, soon

NOBODY = "127.0.0.1:1"
DRAIN_S = 4.5
"""As long as makes sense: longer than clients keep an idle connection."""
AT_ONCE = 8


@pytest.fixture
def ports() -> Iterator[int]:
    return free_ports()


def bike(folder: Path, port: int, **env: str) -> Served:
    folder.mkdir(exist_ok=True)
    given = {"GBIKE_STORE_URL": f"sqlite:///{folder}/bike.sqlite", "GBIKE_KAFKA": NOBODY, **env}
    return Served(folder, "bike", port, given)


class Line:
    """One kept connection to a service."""

    def __init__(self, url: str) -> None:
        self._connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)

    def ask(self, path: str) -> tuple[int, str | None]:
        """What is answered, and whether the connection ends with it."""
        self._connection.request("GET", path)
        answer = self._connection.getresponse()
        answer.read()
        return answer.status, answer.getheader("connection")


def test_who_is_asked_to_stop_is_not_ready_and_answers_on(tmp_path: Path, ports: Iterator[int]) -> None:
    with bike(tmp_path, next(ports), GBIKE_DRAIN_S="20") as served:
        until(lambda: served.status("/health/ready") == 200)
        before, idle = Line(served.url), Line(served.url)
        assert [before.ask("/bikes"), before.ask("/health/ready"), idle.ask("/bikes")] == [(200, None)] * 3
        served.signal(signal.SIGTERM)
        until(lambda: served.status("/health/ready") == 503)
        assert before.ask("/bikes") == (200, "close")
        assert idle.ask("/actuator/health") == (503, "close")
        assert [Line(served.url).ask(path) for path in ("/health/live", "/bikes")] == [(200, "close")] * 2
        assert served.end(signal.SIGTERM)[0] == 0  # a second time: now


@pytest.mark.parametrize(("oldest_s", "ends"), [(10, None), (-1, "close")])
def test_a_connection_is_not_for_ever(oldest_s: float, ends: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "CONNECTION_S", oldest_s)

    async def told() -> list[str | None]:
        listener, one = server.listen("127.0.0.1", 0), server.HttpServer(_fine)
        serving = asyncio.create_task(one.answer(listener))
        line = Line(f"http://127.0.0.1:{listener.getsockname()[1]}")
        answers = [await asyncio.get_running_loop().run_in_executor(None, line.ask, "/") for _ in range(3)]
        one.should_exit = True
        await serving
        return [closing for _, closing in answers]

    assert asyncio.run(told()) == [ends] * 3


async def _fine(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


def test_clients_let_go_of_an_idle_connection_before_a_service_that_ends_does() -> None:
    assert max(remote.KEEP_OPEN_S, upstreams.IDLE_S) < DRAIN_S < server.KEEP_OPEN_S


def test_under_load_one_of_two_ends_and_no_request_fails(tmp_path: Path, ports: Iterator[int]) -> None:
    try:
        envoy.binary()
    except CannotRun as missing:
        pytest.skip(str(missing))
    with ExitStack() as running:
        both = [bike(tmp_path / str(k), next(ports), GBIKE_DRAIN_S=str(DRAIN_S)) for k in range(2)]
        for one in both:
            running.enter_context(one)
        service = Service(next(ports), [one.url for one in both])
        env = {"GBIKE_PEER_BIKE_URL": f"http://127.0.0.1:{service.port}"}
        door = Envoy(tmp_path, lambda place: gateway.configuration(place, env), demo=True)
        running.callback(door.stop)
        for one in both:
            until(lambda one=one: one.status("/health/ready") == 200)
        seen, took_s = asyncio.run(_load(door.place.port, service, both[0]))
        assert set(seen) == {201}, seen
        assert (seen[201] > 100, took_s >= DRAIN_S, service.connections[0] > 0) == (True, True, True)
        assert both[1].status("/health/ready") == 200


class Service:
    """As a Service of Kubernetes: who connects reaches one that is ready; open connections stay where they are."""

    def __init__(self, port: int, urls: list[str]) -> None:
        self.port, self._ports = port, [int(url.rpartition(":")[2]) for url in urls]
        self.ready = list(range(len(urls)))
        self.connections = Counter[int]()

    async def forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, both ways."""
        chosen = self.ready[self.connections.total() % len(self.ready)]
        self.connections[chosen] += 1
        back, forth = await asyncio.open_connection("127.0.0.1", self._ports[chosen])
        await asyncio.gather(_copy(reader, forth), _copy(back, writer))


async def _copy(one: asyncio.StreamReader, other: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while some := await one.read(65536):
            other.write(some)
    other.close()


async def _load(port: int, service: Service, ending: Served) -> tuple[Counter[int | str], float]:
    """Commands without a pause until one of two is gone, and a little longer; answers what was told, and how long the
    one that ended took."""
    numbers = count(1)
    seen = Counter[int | str]()
    over = asyncio.Event()

    async def client(session: aiohttp.ClientSession) -> None:
        while not over.is_set():
            body = {"bikeid": next(numbers), "status": "사용가능"}
            try:
                async with session.post(f"http://127.0.0.1:{port}/bikes", json=body) as answer:
                    seen[answer.status] += 1
            except aiohttp.ClientError as broken:
                seen[repr(broken)] += 1

    async with (
        await asyncio.start_server(service.forward, "127.0.0.1", service.port),
        aiohttp.ClientSession() as session,
    ):
        clients = [asyncio.create_task(client(session)) for _ in range(AT_ONCE)]
        await soon(lambda: seen.total() > 2 * AT_ONCE)
        ended = asyncio.get_running_loop().run_in_executor(None, ending.end)
        while await _ready(ending):
            await a_while()
        service.ready.remove(0)
        code, took_s = await ended
        assert code == 0
        told = seen.total()
        await soon(lambda: seen.total() > told + 2 * AT_ONCE)
        over.set()
        await asyncio.gather(*clients)
    return seen, took_s


async def _ready(one: Served) -> bool:
    return await asyncio.get_running_loop().run_in_executor(None, one.status, "/health/ready") == 200
