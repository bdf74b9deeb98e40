"""How much one may ask: paces per account and per address, slow clients, and what proxies are believed."""

import asyncio
import socket
import threading
from collections.abc import Iterator

import pytest
import uvloop

from gbike.app.doors import LockedDoors
from gbike.kit.access.addresses import Proxies, household, origin
from gbike.kit.access.guard import OPEN_DOOR
from gbike.kit.access.limits import Limits
from gbike.kit.access.rules import PUBLIC
from gbike.kit.http import patience
from gbike.kit.http.app import HttpApp, Operation
from gbike.kit.http.ask import Answer, Ask
from gbike.kit.http.server import HttpServer, listen
from gbike.kit.settings import BadSetting
from gbike.kit.telemetry import Metrics
from tests.security.people import As, Locked
from tests.services.lone import FakePeer, SetClock
from tests.support import Reply

USUAL = {f"GBIKE_LIMIT_{name}_PER_MIN": str(most) for name, most in
         (("RENTS", 10), ("REPORTS", 30), ("WRITES", 120), ("READS", 300), ("ANONYMOUS", 60))}  # fmt: skip


def test_a_bucket_lets_through_so_many_at_once_and_then_evenly() -> None:
    clock = SetClock()
    limits = Limits({"rents": 10}, clock)
    assert [limits.take("rents", "7") for _ in range(11)] == [0] * 10 + [6]
    clock.waited_ms += 5_999
    assert (limits.take("rents", "7"), limits.wait("rents", "7")) == (1, 1)
    clock.waited_ms += 1
    assert [limits.wait("rents", "7"), limits.take("rents", "7"), limits.take("rents", "7")] == [0, 0, 6]
    assert limits.take("rents", "8") == limits.take("others", "7") == 0
    clock.waited_ms += 3_600_000
    assert sum(limits.take("rents", "7") == 0 for _ in range(50)) == 10


def test_askers_beyond_count_take_no_more_memory() -> None:
    limits = Limits({"anonymous": 60}, SetClock(), most=1_000)
    for number in range(5_000):
        limits.take("anonymous", f"10.0.{number // 256}.{number % 256}")
    assert len(limits) == 1_000


async def _statuses(client: As, method: str, target: str, count: int) -> tuple[list[int], Reply]:
    replies = [await client.send(method, target, {} if method != "GET" else None) for _ in range(count)]
    return [reply.status for reply in replies], replies[-1]


@pytest.mark.parametrize(
    ("method", "target", "roles", "most"),
    [
        ("POST", "/rents", ("rider",), 10),
        ("POST", "/bikeManageApps", ("bikeManager",), 30),
        ("PATCH", "/rents/1", ("rider",), 120),
        ("GET", "/bikes", ("rider",), 300),
    ],
)
async def test_each_account_has_its_pace(method: str, target: str, roles: tuple[str, ...], most: int) -> None:
    locked = Locked(USUAL, SetClock())
    statuses, last = await _statuses(locked.person(7, *roles, managerid=1), method, target, most + 1)
    assert 429 not in statuses[:most]
    assert (last.status, last.json["type"].partition("#")[2]) == (429, "too-many-requests")
    assert int(last.headers["retry-after"]) >= 1
    assert (await locked.person(8, *roles, managerid=2).send(method, target, {})).status != 429
    await locked.whole.stop()


async def test_strangers_and_bad_tokens_share_the_pace_of_their_address() -> None:
    clock = SetClock()
    locked = Locked(USUAL, clock)
    bad = locked.with_token(locked.issuer.token(7, "rider", aud="nobody"))
    rider = locked.person(7, "rider")
    assert (await rider.get("/bikes")).status == 200
    assert {(await locked.anonymous.get("/bikes")).status for _ in range(30)} == {401}
    assert {(await bad.get("/bikes")).status for _ in range(30)} == {401}
    assert ((await locked.anonymous.get("/bikes")).status, (await bad.get("/bikes")).status) == (429, 429)
    assert (await locked.anonymous.post("/sessions", {})).status == 429
    assert (await rider.get("/bikes")).status == 200, "who is known is let in beside them"
    assert (await locked.anonymous.get("/health/live")).status == 200, "probes are answered in a flood too"
    clock.waited_ms += 1_000
    assert (await locked.anonymous.get("/bikes")).status == 401
    await locked.whole.stop()


def test_only_known_proxies_say_for_whom_they_ask() -> None:
    proxies = Proxies("127.0.0.1, 10.0.0.0/8")
    for peer, forwarded, found in [
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("127.0.0.1", None, "127.0.0.1"),
        ("127.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("127.0.0.1", "1.1.1.1, 198.51.100.1", "198.51.100.1"),
        ("127.0.0.1", "1.1.1.1, 198.51.100.1, 10.1.2.3", "198.51.100.1"),
        ("127.0.0.1", "10.1.2.3", "127.0.0.1"),
        ("127.0.0.1", "198.51.100.1, ", "127.0.0.1"),
        ("127.0.0.1", "not an address", "not an address"),
        ("127.0.0.1", "10.0.0.1," * 1_000, "127.0.0.1"),
    ]:
        assert origin(peer, forwarded, proxies.trusts) == found
    assert Proxies("").trusts("127.0.0.1") is False
    with pytest.raises(BadSetting, match="GBIKE_TRUSTED_PROXIES"):
        Proxies("localhost")
    assert household("2001:db8:1:2:3::4") == household("2001:db8:1:2:ffff::1") != household("2001:db8:1:3::1")


async def test_a_forwarded_address_of_nobody_we_know_changes_no_pace_and_no_link() -> None:
    locked = Locked(USUAL, SetClock())
    assert (await locked.admin.get("/bikes")).status == 200
    headers = [{"x-forwarded-for": f"198.51.100.{number}"} for number in range(61)]
    statuses = [(await locked.anonymous.send("GET", "/bikes", headers=one)).status for one in headers]
    assert (statuses[:60], statuses[60]) == ([401] * 60, 429)
    spoofed = {"x-forwarded-host": "evil.example", "x-forwarded-proto": "https"}
    reply = await locked.admin.send("GET", "/bikes", headers=spoofed)
    assert reply.json["_links"]["self"]["href"].startswith("http://localhost:8088/")
    assert "strict-transport-security" not in reply.headers
    await locked.whole.stop()


async def test_behind_a_known_proxy_addresses_links_and_tls_are_the_clients() -> None:
    locked = Locked({**USUAL, "GBIKE_TRUSTED_PROXIES": "127.0.0.1"}, SetClock())
    for number in range(61):
        asked = {"x-forwarded-for": f"198.51.100.{number}"}
        assert (await locked.anonymous.send("GET", "/bikes", headers=asked)).status == 401
    spoofed = {"x-forwarded-host": "bikes.example", "x-forwarded-proto": "https", "x-forwarded-for": "198.51.100.1"}
    reply = await locked.admin.send("GET", "/bikes", headers=spoofed)
    assert reply.json["_links"]["self"]["href"].startswith("https://bikes.example/")
    assert reply.headers["strict-transport-security"].startswith("max-age=")
    await locked.whole.stop()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OUTSIDE_ISSUERS", "https://id.example"),
        ("OUTSIDE_ISSUERS", "https://id.example=http://id.example/jwks"),
        ("OUTSIDE_ISSUERS", "https://id.example=file:///etc/passwd"),
        ("OUTSIDE_ISSUERS", "gbike=https://id.example/jwks"),
        ("LIMIT_RENTS_PER_MIN", "-1"),
        ("SERVICE_KEY_FILE", "/nowhere/key.pem"),
        ("SCRAPER_TOKEN_FILE", "/nowhere/token"),
        ("TRUSTED_PROXIES", "everybody"),
    ],
)
def test_a_door_that_can_not_be_closed_is_not_opened(name: str, value: str) -> None:
    with pytest.raises(BadSetting, match=f"GBIKE_{name}"):
        LockedDoors({f"GBIKE_{name}": value}, SetClock(), _Ids(), FakePeer())


class _Ids:
    def new(self) -> str:
        return "1"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A server that reads a body, and waits half a second for each request."""
    monkeypatch.setattr(patience, "REQUEST_S", 0.5)
    told: list[int] = []

    async def read(ask: Ask) -> Answer:
        told.append(len(await ask.raw()))
        return Answer(200, told)

    app = HttpApp("test", [Operation("POST", "/", read, "Read", PUBLIC)], {}, Metrics(), OPEN_DOOR)
    listener, server = listen("127.0.0.1", 0), HttpServer(app)
    loop = uvloop.new_event_loop()
    thread = threading.Thread(target=lambda: loop.run_until_complete(server.answer(listener)))
    thread.start()
    yield listener.getsockname()[1]
    server.should_exit = True
    thread.join(10)
    loop.close()
    assert told == [5], "only the whole body was read to its end"


def _answer_to(port: int, *pieces: bytes) -> bytes:
    """Send pieces and nothing more; what came until the server closed."""
    with socket.create_connection(("127.0.0.1", port), 20) as sock:
        for piece in pieces:
            sock.sendall(piece)
        found = b""
        while part := sock.recv(65_536):
            found += part
        return found


def test_who_dribbles_a_request_is_given_up(server: int) -> None:
    head = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n"
    assert _answer_to(server).startswith(b"HTTP/1.1 408 ")
    assert _answer_to(server, b"PO").startswith(b"HTTP/1.1 408 ")
    assert _answer_to(server, head).startswith(b"HTTP/1.1 408 ")
    assert _answer_to(server, head + b"\r\n", b"hel").startswith(b"HTTP/1.1 408 ")
    assert b"request-too-slow" in _answer_to(server, head + b"\r\nhel")
    assert _answer_to(server, head + b"connection: close\r\n\r\nhello").startswith(b"HTTP/1.1 200 ")


async def test_a_body_that_breaks_off_is_no_wish() -> None:
    """`{"userid": 1}` and then nothing, where more was announced, is not the wish of user 1."""
    locked = Locked()
    sent: list[dict[str, object]] = []
    messages = iter(
        [{"type": "http.request", "body": b'{"bikeid": 77}', "more_body": True}, {"type": "http.disconnect"}]
    )

    async def receive() -> dict[str, object]:
        return dict(next(messages))

    async def send(message: object) -> None:
        sent.append(dict(message))  # type: ignore[call-overload]

    token = f"Bearer {locked.admin.token}".encode()
    scope = {"type": "http", "method": "POST", "path": "/bikes", "headers": [(b"authorization", token)]}
    await asyncio.wait_for(locked.whole.app(scope, receive, send), 5)  # type: ignore[arg-type]
    assert sent[0]["status"] == 408
    assert (await locked.admin.get("/bikes/77")).status == 404
    await locked.whole.stop()
