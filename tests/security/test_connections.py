"""What one client's connections may take of the process: in bytes, in time, and in number."""

import asyncio
import os
import resource
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from gbike.kit.auth.certificates import certificates
from gbike.kit.auth.rules import PUBLIC
from gbike.kit.http import request_timeout, server
from gbike.kit.http.app import NO_AUTH, HttpApp, Operation
from gbike.kit.http.connections import Connections, on_loopback
from gbike.kit.http.problems import MEDIA_TYPE
from gbike.kit.http.request import Request, Response
from gbike.kit.http.server import HttpServer, listen
from gbike.kit.open_files import raise_limit
from gbike.kit.telemetry import Metrics
from tests.security.test_mutual_tls import files

ASKED = b"GET / HTTP/1.1\r\nhost: gbike\r\n\r\n"


class Served:
    """A server of ours, and those who connect to it."""

    def __init__(self) -> None:
        self.heard: list[dict[str, str]] = []
        self.go_on = asyncio.Event()
        self.server: HttpServer
        self.port = 0
        self._open: list[asyncio.StreamWriter] = []

    @property
    def places(self) -> Connections:
        """Its connections."""
        return self.server.server_state.places

    async def connect(self, *pieces: bytes) -> asyncio.StreamReader:
        """A connection that sends this and no more."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self._open.append(writer)
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        return reader

    async def answers(self, *pieces: bytes) -> bytes:
        """All that such a connection is sent until the server closes it."""
        return await asyncio.wait_for((await self.connect(*pieces)).read(), 10)

    async def there(self, count: int) -> None:
        """Until so many connections are there."""
        async with asyncio.timeout(5):
            while len(self.places) != count:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0)

    def hang_up(self) -> None:
        """Close them all."""
        for writer in self._open:
            writer.close()


@asynccontextmanager
async def serving(instead: ASGIApp | None = None) -> AsyncIterator[Served]:
    """It answers `/` at once, `/later` when it is told to, `/large` with more than the system sends unread."""
    served = Served()

    async def now(request: Request) -> Response:
        served.heard.append(request.headers)
        return Response(200, len(await request.raw()))

    async def later(_ask: Request) -> Response:
        await served.go_on.wait()
        return Response(200, {})

    async def large(_ask: Request) -> Response:
        return Response(200, b"x" * 20_000_000, media="text/plain")

    operations = [
        Operation(method, path, handler, "", PUBLIC)
        for method, path, handler in
        [("GET", "/", now), ("POST", "/", now), ("GET", "/later", later), ("GET", "/large", large)]
    ]  # fmt: skip
    app = instead or HttpApp("t", operations, {}, Metrics(), NO_AUTH)
    listener, served.server = listen("127.0.0.1", 0), HttpServer(app)
    served.port = listener.getsockname()[1]
    running = asyncio.create_task(served.server.answer(listener))
    try:
        yield served
    finally:
        served.hang_up()
        served.server.should_exit = served.server.force_exit = True
        await running


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    async with serving() as one:
        yield one


def problem(answer: bytes) -> tuple[int, str]:
    """Status and name of a problem document; fails when it is none, or has no headers that protect."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert f"content-type: {MEDIA_TYPE}".encode() in head, answer
    assert b"x-content-type-options: nosniff" in head
    read = msgspec.json.decode(body)
    assert read["status"] == int(answer[9:12])
    assert read["correlation_id"].encode() in head
    return read["status"], read["type"].partition("#")[2]


TOO_LARGE = (431, "headers-too-large")


def lines(count: int) -> bytes:
    return b"GET / HTTP/1.1\r\n" + b"".join(b"h%d: x\r\n" % n for n in range(count)) + b"\r\n"


@pytest.mark.parametrize(
    "request_",
    [lines(101), b"GET /" + b"x" * 40_000 + b" HTTP/1.1\r\n\r\n",
     b"GET / HTTP/1.1\r\na: " + b"x" * 1_000_000 + b"\r\n\r\n",
     b"GET / HTTP/1.1\r\n" + b"a: " + b" " * 100_000, b"GET / HTTP/1.1\r\n" + b"abc" * 40_000,
     b"GET / HTTP/1.1\r\na: " + b"x" * 33_000 + b"\r\n\r\n"],
    ids=["lines", "target", "1 MB", "spaces", "name", "33 KB"],
)  # fmt: skip
async def test_a_head_that_is_too_large_is_refused(served: Served, request_: bytes) -> None:
    pieces = [request_[at : at + 10_000] for at in range(0, len(request_), 10_000)]
    assert problem(await served.answers(*pieces)) == TOO_LARGE
    assert problem(await served.answers(request_)) == TOO_LARGE
    assert served.heard == []


async def test_a_head_of_the_size_allowed_is_answered_also_after_a_large_body(served: Served) -> None:
    assert (await served.connect(lines(100))).at_eof() is False
    head = b"host: gbike\r\na: " + b"x" * 32_000 + b"\r\nconnection: close\r\n\r\n"
    body = b"POST / HTTP/1.1\r\nhost: gbike\r\ncontent-length: 60000\r\n\r\n" + b"y" * 60_000
    answer = await served.answers(body + b"GET / HTTP/1.1\r\n" + head[:20_000], head[20_000:])
    assert answer.count(b"HTTP/1.1 200 ") == 2
    assert len(served.heard) == 3


async def test_an_endless_header_is_cut_off(served: Served) -> None:
    """The parser copies what it has of a header with each piece: 50 MB of it took 30 ms for every 64 KB."""
    loop, endless = asyncio.get_running_loop(), socket.create_connection(("127.0.0.1", served.port))
    endless.setblocking(False)
    await loop.sock_sendall(endless, b"GET / HTTP/1.1\r\nendless: ")
    sent = 0
    with suppress(ConnectionError):
        for _ in range(500):
            await loop.sock_sendall(endless, b"x" * 65_536)
            sent += 65_536
    endless.close()
    assert sent < 16_000_000, "what lies in the buffers of both systems, and what is thrown away"
    assert (await served.answers(ASKED[:-2] + b"connection: close\r\n\r\n")).startswith(b"HTTP/1.1 200 ")


async def test_nothing_after_the_headers_is_endless_and_trailers_are_no_headers(served: Served) -> None:
    head = b"POST / HTTP/1.1\r\nhost: gbike\r\ntransfer-encoding: chunked\r\n\r\n"
    trailed = await served.answers(
        head + b"1\r\na\r\n0\r\nauthorization: x\r\n\r\n" + ASKED[:-2] + b"connection: close\r\n\r\n"
    )
    assert trailed.count(b"HTTP/1.1 200 ") == 2
    assert all("authorization" not in heard for heard in served.heard)
    assert problem(await served.answers(head + b"1\r\na\r\n0\r\nt: ", *[b"x" * 65_536] * 20)) == (413, "body-too-large")
    assert problem(await served.answers(head + b"1;", *[b"x" * 65_536] * 20)) == (413, "body-too-large")


@pytest.mark.parametrize(
    "request_",
    ["GET /?q=따릉이 HTTP/1.1\r\nhost: x\r\n\r\n".encode(), "GET /따릉이 HTTP/1.1\r\n\r\n".encode(),
     b"\x16\x03\x01 hello",
     b"NOTHING / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\na : b\r\n\r\n", b"CONNECT x:1 HTTP/1.1\r\n\r\n",
     b"GET http:// HTTP/1.1\r\nhost: x\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
     b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nno number\r\n",
     b"POST / HTTP/1.1\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n"],
)  # fmt: skip
async def test_what_is_no_http_is_answered_by_a_problem_document(served: Served, request_: bytes) -> None:
    assert problem(await served.answers(request_)) == (400, "bad-request")
    kept = await served.answers(ASKED + request_)
    assert kept.startswith(b"HTTP/1.1 200 ")
    at = kept.find(b"HTTP/1.1 400 ")
    assert at < 0 or problem(kept[at:]) == (400, "bad-request"), "where the first was answered by then"


async def test_a_refusal_is_never_taken_for_the_answer_to_what_was_asked_before(served: Served) -> None:
    reader = await served.connect(b"GET /later HTTP/1.1\r\nhost: x\r\n\r\n", b"no HTTP\r\n\r\n")
    served.go_on.set()
    answer = await asyncio.wait_for(reader.read(), 5)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"bad-request" not in answer


async def test_who_asks_more_than_is_let_through_is_not_read_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_timeout, "SLOWER_S", 0.2)
    heard: list[float] = []

    async def too_many(_scope: Scope, _receive: Receive, send: Send) -> None:
        heard.append(asyncio.get_running_loop().time())
        await send({"type": "http.response.start", "status": 429, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    async with serving(too_many) as served:
        for more, least in ((b"", 0.15), (b"x-forwarded-for: 10.0.0.1\r\n", 0)):  # a proxy asks for others too
            heard.clear()
            request = ASKED[:-2] + more + b"\r\n"
            reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
            for _ in range(2):
                writer.write(request)
                await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
            writer.close()
            assert least <= heard[1] - heard[0]


async def test_so_many_requests_wait_behind_one_and_no_more(served: Served) -> None:
    reader = await served.connect(b"GET /later HTTP/1.1\r\nhost: x\r\n\r\n" + ASKED * 100)
    served.go_on.set()
    answers = await asyncio.wait_for(reader.read(), 10)
    assert answers.count(b"HTTP/1.1 200 ") == 1 + request_timeout.MOST_WAITING


async def test_words_are_korean_for_who_prefers_them(served: Served) -> None:
    answer = await served.answers(b"GET / HTTP/1.1\r\naccept-language: ko\r\nx: " + b"x" * 99_000)
    assert b"content-language: ko" in answer
    assert "헤더가 너무 크거나 많음".encode() in answer


async def test_our_own_mistake_is_a_problem_document_too() -> None:
    async def broken(_scope: object, _receive: object, _send: object) -> None:
        raise RuntimeError

    async with serving(broken) as served:
        assert problem(await served.answers(ASKED)) == (500, "internal-error")


@pytest.mark.parametrize("name", ["authorization", "host", "content-type", "idempotency-key"])
async def test_a_header_that_is_no_list_is_sent_once(served: Served, name: str) -> None:
    twice = f"GET / HTTP/1.1\r\nconnection: close\r\n{name}: a\r\n{name}: b\r\n\r\n".encode()
    answer = await served.answers(twice)
    assert problem(answer) == (400, "header-sent-twice")
    assert f'"header":"{name}"'.encode() in answer


async def test_two_authorizations_that_a_proxy_made_one_are_two_and_lists_are_whole(served: Served) -> None:
    joined = b"GET / HTTP/1.1\r\nconnection: close\r\nauthorization: Bearer a,Bearer b\r\n\r\n"
    assert problem(await served.answers(joined)) == (400, "header-sent-twice")
    lists = b"GET / HTTP/1.1\r\nconnection: close\r\naccept: text/html\r\naccept: */*\r\n\r\n"
    assert (await served.answers(lists)).startswith(b"HTTP/1.1 200 ")
    assert served.heard[-1]["accept"] == "text/html, */*"


async def test_who_asks_nothing_or_never_ends_a_head_is_sent_away(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_timeout, "SILENT_S", 0.1)
    assert problem(await served.answers()) == (408, "request-too-slow")
    assert problem(await served.answers(b"\r\n\r\n")) == (408, "request-too-slow")
    monkeypatch.setattr(request_timeout, "SILENT_S", 60)
    monkeypatch.setattr(request_timeout, "HEAD_S", 0.1)
    assert problem(await served.answers(b"GET / HTTP/1.1\r\n", b"a: b\r\n")) == (408, "request-too-slow")
    later = await served.answers(ASKED, b"GET")
    assert problem(later[later.index(b"HTTP/1.1 408") :]) == (408, "request-too-slow")


async def test_a_strangers_idle_connection_ends_before_those_of_our_own(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "STRANGERS_OPEN_S", 0.1)
    monkeypatch.setattr(server, "on_loopback", lambda _: False)
    assert (await served.answers(ASKED)).count(b"HTTP/1.1") == 1
    assert (await served.answers(ASKED, b"\r\n")).count(b"HTTP/1.1") == 1
    monkeypatch.setattr(server, "on_loopback", on_loopback)
    reader = await served.connect(ASKED)
    await reader.readuntil(b"\r\n\r\n0")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.read(1), 0.3)


async def test_who_does_not_read_the_last_answer_is_cut_off(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "UNREAD_S", 0.1)
    await served.connect(b"GET /large HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    await served.there(1)
    await served.there(0)


async def test_silent_connections_make_room_for_a_rider_also_in_the_middle_of_tls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "most_connections", lambda _: 4)
    known = certificates(files(tmp_path, "bike"))
    assert known is not None
    inside = listen("127.0.0.1", 0)
    monkeypatch.setattr(HttpServer, "__init__", _letting_in(HttpServer.__init__, inside, known[0].to_answer))
    async with serving() as served:
        silent = [await asyncio.open_connection(*inside.getsockname()) for _ in range(4)]
        await served.there(4)
        assert (await served.answers(ASKED[:-2] + b"connection: close\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        assert [await asyncio.wait_for(reader.read(), 5) for reader, _ in silent[-1:]] == [b""], "the newest"
        for _, writer in silent:
            writer.close()


def _letting_in(
    begin: Callable[..., None], inside: socket.socket, context: Callable[[], object]
) -> Callable[..., None]:
    def init(self: HttpServer, app: object, *more: object) -> None:
        begin(self, app, *more)
        self.let_in(inside, app, context())  # type: ignore[arg-type]

    return init


@pytest.fixture
def no_more_files() -> Iterator[Callable[[], None]]:
    """From when it is called on this process may open no more files."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)

    def now() -> None:
        free = os.dup(0)
        os.close(free)
        resource.setrlimit(resource.RLIMIT_NOFILE, (free, limits[1]))

    yield now
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)


async def test_without_a_file_for_a_new_connection_an_idle_one_gives_its_own(
    served: Served, no_more_files: Callable[[], None]
) -> None:
    """And the listener goes on afterwards: what waits in its queue is answered."""
    idle = await served.connect()
    await served.there(1)
    late = socket.socket()
    late.setblocking(False)
    no_more_files()
    loop = asyncio.get_running_loop()
    await loop.sock_connect(late, ("127.0.0.1", served.port))
    await loop.sock_sendall(late, ASKED)
    assert (await asyncio.wait_for(loop.sock_recv(late, 999), 5)).startswith(b"HTTP/1.1 200 ")
    assert await asyncio.wait_for(idle.read(), 5) == b""
    late.close()


def test_the_soft_limit_of_files_is_raised_to_what_the_operator_allows() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 512), hard))
    try:
        raise_limit()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
