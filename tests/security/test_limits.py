"""How much one may ask: paces per account and per address, slow clients, and what proxies are believed."""

import asyncio
import socket
import threading
from collections.abc import Iterator

import pytest
import uvloop

from gbike.kit.auth.addresses import Proxies, client_prefix, origin
from gbike.kit.auth.limits import ANONYMOUS_ASKS, SESSIONS, SIGN_INS, Limits, Pace
from gbike.kit.auth.rules import PUBLIC
from gbike.kit.http import request_timeout
from gbike.kit.http.app import NO_AUTH, HttpApp, Operation
from gbike.kit.http.request import Request, Response
from gbike.kit.http.server import HttpServer, listen
from gbike.kit.settings import BadSetting
from gbike.kit.telemetry import Metrics
from gbike.run.auth_mode import TokenMode
from gbike.run.embedded import Embedded
from tests.security.people import As, Locked
from tests.services.lone import FakePeer, SetClock
from tests.support import Reply

USUAL = {f"GBIKE_LIMIT_{name}_PER_MIN": str(most) for name, most in
         (("RENTS", 10), ("REPORTS", 30), ("COMPLAINTS", 10), ("WRITES", 120), ("READS", 300), ("RETURNS", 60),
          ("ANONYMOUS", 60), ("SIGN_INS", 60), ("SESSIONS", 60), ("RENEWALS", 3_000), ("VISITS", 300))}  # fmt: skip


def test_a_bucket_lets_through_so_many_at_once_and_then_evenly() -> None:
    clock = SetClock()
    limits = Limits({}, clock)
    rents, others = Pace("rents", 10), Pace("others")
    assert [limits.take(rents, "7") for _ in range(11)] == [0] * 10 + [6]
    clock.waited_ms += 5_999
    assert (limits.take(rents, "7"), limits.wait(rents, "7")) == (1, 1)
    clock.waited_ms += 1
    assert [limits.wait(rents, "7"), limits.take(rents, "7"), limits.take(rents, "7")] == [0, 0, 6]
    assert limits.take(rents, "8") == limits.take(others, "7") == 0
    clock.waited_ms += 3_600_000
    assert sum(limits.take(rents, "7") == 0 for _ in range(50)) == 10


def test_askers_beyond_count_take_no_more_memory() -> None:
    limits = Limits({"anonymous": 60}, SetClock(), most=1_000)
    for number in range(5_000):
        limits.take(ANONYMOUS_ASKS, f"10.0.{number // 256}.{number % 256}")
    assert len(limits) == 1_000


def test_a_flood_of_one_pace_fills_no_bucket_of_another() -> None:
    limits = Limits({"sign_ins": 60, "sessions": 60}, SetClock(), most=1_000)
    assert [limits.take(SIGN_INS, "stranger") for _ in range(60)] == [0] * 60
    for number in range(5_000):
        limits.take(SESSIONS, str(number))
    assert limits.take(SIGN_INS, "stranger") == 1
    assert len(limits) == 1_000


async def _statuses(client: As, method: str, target: str, count: int) -> tuple[list[int], Reply]:
    replies = [await client.send(method, target, {} if method != "GET" else None) for _ in range(count)]
    return [reply.status for reply in replies], replies[-1]


@pytest.mark.parametrize(
    ("method", "target", "roles", "most"),
    [
        ("POST", "/rents", ("rider",), 10),
        ("POST", "/bikeManageApps", ("bikeManager",), 30),
        ("POST", "/complaints", ("rider",), 10),
        ("PATCH", "/rents/1", ("rider",), 60),
        ("PUT", "/rents/1", ("rider",), 60),
        ("POST", "/rents/1/end", ("admin",), 60),
        ("POST", "/rents/1/void", ("admin",), 60),
        ("PATCH", "/accounts/7", ("rider",), 120),
        ("GET", "/bikes", ("rider",), 300),
        ("GET", "/bikes?%66ormat=csv", ("rider",), 120),
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
    assert {(await locked.anonymous.get("/rents")).status for _ in range(30)} == {401}
    assert {(await bad.get("/rents")).status for _ in range(30)} == {401}
    assert ((await locked.anonymous.get("/rents")).status, (await bad.get("/rents")).status) == (429, 429)
    assert (await locked.anonymous.post("/sessions", {})).status == 422, "who wants to sign in has a pace of their own"
    assert (await rider.get("/bikes")).status == 200, "who is known is let in beside them"
    assert (await locked.anonymous.get("/health/live")).status == 200, "probes are answered in a flood too"
    clock.waited_ms += 1_000
    assert (await locked.anonymous.get("/rents")).status == 401
    await locked.whole.stop()


async def test_strangers_of_an_address_take_nobody_off_who_is_signed_in_there() -> None:
    """9.7 readings a second, then bad tokens and old ones: a token that nobody has seen yet is looked at first."""
    locked = Locked(USUAL, SetClock())
    bad = locked.with_token(locked.issuer.token(7, "rider")[:-8] + "AAAAAAAA")
    flood = [(await one.get("/rents")).status for _ in range(600) for one in (locked.anonymous, bad)]
    assert flood.count(401) == 60
    assert flood.count(429) == 1_140
    rider = locked.person(7, "rider")
    for method, target in (("GET", "/bikes"), ("POST", "/rents"), ("PATCH", "/rents/1"), ("GET", "/docs"),
                           ("GET", "/billings/tariff"),
                           ("GET", "/"), ("GET", "/docs/status-codes")):  # fmt: skip
        assert (await rider.send(method, target, None if method == "GET" else {})).status in (200, 404, 422), target
    assert (await bad.get("/docs")).status == 429, "a token that is not good is a stranger's"
    assert (await locked.anonymous.get("/docs")).status == 429
    assert [(await one.get("/billings/tariff")).status for one in (bad, locked.anonymous)] == [200, 200]
    for target in ("/sessions/refresh", "/sessions/end"):
        assert (await locked.anonymous.post(target, {"refresh_token": "a" * 43})).status in (200, 401), target
    await locked.whole.stop()


@pytest.mark.parametrize("sent", [None, "Basic eDp5", "Bearer", "Bearer x", "Digest a=b"])
async def test_whatever_is_no_token_counts_for_its_address(sent: str | None) -> None:
    locked = Locked(USUAL, SetClock())
    headers = {} if sent is None else {"authorization": sent}
    statuses = [(await locked.anonymous.send("GET", "/rents", headers=headers)).status for _ in range(61)]
    assert (429 not in statuses[:60], statuses[60]) == (True, 429)
    assert (await locked.anonymous.send("GET", "/health/live", headers={"authorization": "Basic eDp5"})).status == 200
    await locked.whole.stop()


async def test_a_return_has_a_pace_of_its_own_by_token() -> None:
    """Neither what its rider read, wrote and rented, nor returns with another token of theirs can stop one."""
    locked = Locked(USUAL, SetClock())
    rider, stolen = locked.person(7, "rider"), locked.with_token(locked.issuer.token(7, "rider", jti="stolen"))
    for method, target, count in (("GET", "/bikes", 301), ("POST", "/rents", 11), ("PATCH", "/accounts/7", 121)):
        assert (await _statuses(rider, method, target, count))[1].status == 429
    assert (await _statuses(stolen, "PATCH", "/rents/1", 61))[1].status == 429
    statuses, last = await _statuses(rider, "PATCH", "/rents/1", 60)
    assert (set(statuses), last.json["type"].partition("#")[2]) == ({404}, "rent-unknown")
    assert (await rider.patch("/rents/1", {})).status == 429
    await locked.whole.stop()


async def test_a_session_has_a_pace_of_its_own_and_an_address_one_for_a_campus() -> None:
    locked = Locked({**USUAL, "GBIKE_LIMIT_RENEWALS_PER_MIN": "200"}, SetClock())
    for target in ("/sessions/refresh", "/sessions/end"):
        mine = [(await locked.anonymous.post(target, {"refresh_token": "m" * 43})).status for _ in range(61)]
        assert 429 not in mine[:60], target
        assert mine[60] == 429, "60 a minute and session"
    campus = [(await locked.anonymous.post("/sessions/refresh", {"refresh_token": f"{n:043}"})).status
              for n in range(150)]  # fmt: skip
    assert campus == [401] * 80 + [429] * 70
    await locked.whole.stop()


async def test_who_stays_in_with_a_good_token_is_not_held_up_by_others_of_the_address() -> None:
    locked = Locked({**USUAL, "GBIKE_LIMIT_RENEWALS_PER_MIN": "20"}, SetClock())
    assert isinstance(locked.whole.auth_mode, TokenMode)
    limits = locked.whole.auth_mode._limits
    strangers = [(await locked.anonymous.post("/sessions/refresh", {"refresh_token": f"{n:043}"})).status
                 for n in range(500)]  # fmt: skip
    assert (strangers.count(401), len(limits)) == (20, 21), "who is refused is not remembered"
    rider, thief = locked.person(7, "rider"), locked.with_token(locked.issuer.token(7, "rider", jti="stolen"))
    for target in ("/sessions/refresh", "/sessions/end"):
        assert [(await thief.post(target, {"refresh_token": f"{n:043}"})).status for n in range(61)][60] == 429
        assert (await rider.post(target, {"refresh_token": "a" * 43})).status in (200, 401), target
        bad = locked.with_token(locked.issuer.token(7, "rider")[:-8] + "AAAAAAAA")
        assert (await bad.post(target, {"refresh_token": "a" * 43})).status == 429, target
    await locked.whole.stop()


async def test_sign_ins_have_a_pace_of_their_own() -> None:
    locked = Locked(USUAL, SetClock())
    for target in ("/sessions", "/accounts", "/accounts/passwordResets", "/accounts/passwordResets/use"):
        assert (await _statuses(locked.anonymous, "POST", target, 15))[1].status == 422
    assert (await locked.anonymous.post("/sessions", {})).status == 429
    assert (await locked.anonymous.get("/billings/tariff")).status == 200
    await locked.whole.stop()


@pytest.mark.parametrize(
    "method_and_path", ["GET /bikes", "GET /billings/tariff", "POST /sessions", "GET /health/live"]
)
async def test_two_authorizations_are_refused_however_they_are_sent(method_and_path: str) -> None:
    """Two lines, or one that a gateway made of them: who stands before us may have believed the other one."""
    locked = Locked(USUAL, SetClock())
    good = f"Bearer {locked.issuer.token(7, 'rider')}"
    method, path = method_and_path.split()
    for lines in ([f"{good}, {good}"], [good, good], [good, "Basic eDp5"], ["Basic eDp5", good]):
        scope = {"type": "http", "method": method, "path": path, "client": ("127.0.0.1", 1),
                 "headers": [(b"authorization", one.encode()) for one in lines]}  # fmt: skip
        sent: list[dict[str, object]] = []

        async def receive() -> dict[str, object]:
            return {"type": "http.request", "body": b"{}", "more_body": False}

        async def send(message: object, sent: list[dict[str, object]] = sent) -> None:
            sent.append(dict(message))  # type: ignore[call-overload]

        await locked.whole.app(scope, receive, send)  # type: ignore[arg-type]
        assert (sent[0]["status"], b"#header-sent-twice" in sent[1]["body"]) == (400, True), lines  # type: ignore[operator]
    await locked.whole.stop()


def test_only_known_proxies_say_for_whom_they_ask() -> None:
    proxies = Proxies("127.0.0.1, 10.0.0.0/8")
    for peer, forwarded, found in [
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("127.0.0.1", None, "127.0.0.1"),
        ("127.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("127.0.0.1", "1.1.1.1, 198.51.100.1", "198.51.100.1"),
        ("127.0.0.1", "1.1.1.1, 198.51.100.1, 10.1.2.3", "198.51.100.1"),
        ("127.0.0.1", "10.1.2.3", "10.1.2.3"),
        ("127.0.0.1", "10.7.7.7, 10.1.2.3", "10.7.7.7"),
        ("127.0.0.1", "unknown, 10.1.2.3", "10.1.2.3"),
        ("127.0.0.1", "198.51.100.1, ", "127.0.0.1"),
        ("127.0.0.1", "not an address", "127.0.0.1"),
        ("127.0.0.1", "198.51.100.1, unknown", "127.0.0.1"),
        ("127.0.0.1", "198.51.100.1:4711", "198.51.100.1"),
        ("127.0.0.1", "[2001:db8::1]:4711, 10.1.2.3:80", "2001:db8::1"),
        ("127.0.0.1", "::ffff:198.51.100.1, ::ffff:10.1.2.3", "198.51.100.1"),
        ("::ffff:127.0.0.1", "198.51.100.1, 10.1.2.3", "198.51.100.1"),
        ("::ffff:203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("127.0.0.1", "10.0.0.1," * 1_000, "127.0.0.1"),
    ]:
        assert origin(peer, forwarded, proxies.trusts) == found
    assert Proxies("").trusts("127.0.0.1") is False
    with pytest.raises(BadSetting, match="GBIKE_TRUSTED_PROXIES"):
        Proxies("localhost")
    assert Proxies("::ffff:10.0.0.0/104").trusts("10.1.2.3")
    with pytest.raises(BadSetting, match="GBIKE_TRUSTED_PROXIES"):
        Proxies("10.0.0.1/8")


def test_an_address_counts_once_however_it_is_written() -> None:
    assert (
        client_prefix("2001:db8:1:2:3::4") == client_prefix("2001:db8:1:2:ffff::1") != client_prefix("2001:db8:1:3::1")
    )
    assert (
        client_prefix("2001:DB8:1:2::")
        == client_prefix("2001:db8:1:2:0:0:0:9")
        == client_prefix("2001:db8:1:2::9%eth0")
    )
    assert (
        client_prefix("::ffff:192.0.2.1")
        == client_prefix("::FFFF:c000:201")
        == client_prefix("192.0.2.1")
        == "192.0.2.1"
    )
    assert client_prefix("192.0.2.1:443") == "192.0.2.1"
    assert client_prefix("[2001:db8:1:2::9]:443") == client_prefix("2001:db8:1:2::1")
    assert client_prefix("x" * 500) == "x" * 64


async def test_an_ipv4_client_has_one_pace_over_both_kinds_of_sockets() -> None:
    locked = Locked({**USUAL, "GBIKE_TRUSTED_PROXIES": "127.0.0.1"}, SetClock())
    forms = ("192.0.2.1", "::ffff:192.0.2.1", "::ffff:c000:201", "192.0.2.1:443")
    asked = [{"x-forwarded-for": forms[number % 4]} for number in range(61)]
    statuses = [(await locked.anonymous.send("GET", "/rents", headers=one)).status for one in asked]
    assert (statuses[:60], statuses[60]) == ([401] * 60, 429)
    await locked.whole.stop()


async def test_a_forwarded_address_of_nobody_we_know_changes_no_pace_and_no_link() -> None:
    locked = Locked(USUAL, SetClock())
    assert (await locked.admin.get("/bikes")).status == 200
    headers = [{"x-forwarded-for": f"198.51.100.{number}"} for number in range(61)]
    statuses = [(await locked.anonymous.send("GET", "/rents", headers=one)).status for one in headers]
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
        assert (await locked.anonymous.send("GET", "/rents", headers=asked)).status == 401
    spoofed = {"x-forwarded-host": "bikes.example", "x-forwarded-proto": "https", "x-forwarded-for": "198.51.100.1"}
    reply = await locked.admin.send("GET", "/bikes", headers=spoofed)
    assert reply.json["_links"]["self"]["href"].startswith("https://bikes.example/")
    assert reply.headers["strict-transport-security"].startswith("max-age=")
    for printed, scheme in (("https, http", "https"), ("HTTPS", "https"), ("http,https", "http"), ("gopher", "http")):
        reply = await locked.admin.send("GET", "/bikes", headers={"x-forwarded-proto": printed})
        assert reply.json["_links"]["self"]["href"].startswith(f"{scheme}://localhost:8088/"), printed
        home = await locked.admin.send("GET", "/", headers={"x-forwarded-proto": printed, "accept": "text/html"})
        assert (home.status, home.headers["location"]) == (302, "/app/")
    await locked.whole.stop()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OUTSIDE_ISSUERS", "https://id.example"),
        ("OUTSIDE_ISSUERS", "https://id.example=http://id.example/jwks"),
        ("OUTSIDE_ISSUERS", "https://id.example=file:///etc/passwd"),
        ("OUTSIDE_ISSUERS", "gbike=https://id.example/jwks"),
        ("LIMIT_WRITES_PER_MIN", "-1"),
        ("SERVICE_KEY_FILE", "/nowhere/key.pem"),
        ("SCRAPER_TOKEN_FILE", "/nowhere/token"),
        ("TRUSTED_PROXIES", "everybody"),
    ],
)
def test_a_door_that_can_not_be_closed_is_not_opened(name: str, value: str) -> None:
    with pytest.raises(BadSetting, match=f"GBIKE_{name}"):
        TokenMode({f"GBIKE_{name}": value}, SetClock(), _Ids(), FakePeer())


@pytest.mark.parametrize("name", ["RENTS", "RETURNS", "REPORTS"])
def test_how_often_one_may_ask_for_what_a_service_limits_is_judged_at_the_start(name: str) -> None:
    with pytest.raises(BadSetting, match=f"GBIKE_LIMIT_{name}_PER_MIN"):
        Embedded(None, {f"GBIKE_LIMIT_{name}_PER_MIN": "-1"})


class _Ids:
    def new(self) -> str:
        return "1"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A server that reads a body, and waits half a second for a first byte, a head and a request."""
    for limit in ("SILENT_S", "HEAD_S", "REQUEST_S"):
        monkeypatch.setattr(request_timeout, limit, 0.5)
    told: list[int] = []

    async def read(request: Request) -> Response:
        told.append(len(await request.raw()))
        return Response(200, told)

    app = HttpApp("test", [Operation("POST", "/", read, "Read", PUBLIC)], {}, Metrics(), NO_AUTH)
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
