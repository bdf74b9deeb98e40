"""A peer over HTTP: what a real socket can do to a call, and what the caller is told."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from gbike.kit.calls import remote as remote
from gbike.kit.calls.peers import PeerAnswer, PeerUnreachable
from gbike.kit.calls.remote import HttpCaller
from tests.kit.test_peers import a_peer
from tests.waiting import for_ever

Reply = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def answer(status: str = "200 OK", body: bytes = b"{}", extra: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n{extra}\r\n".encode() + body


class Server:
    """A small server on a free port: reads whole requests and gives each to `reply`."""

    def __init__(self, reply: bytes | Reply) -> None:
        self._reply = reply
        self.requests: list[bytes] = []
        self.connections = 0

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
                self.requests.append(head + await reader.readexactly(length))
                if isinstance(self._reply, bytes):
                    writer.write(self._reply)
                else:
                    await self._reply(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    @asynccontextmanager
    async def up(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()


@asynccontextmanager
async def calling(url: str) -> AsyncIterator[HttpCaller]:
    caller = HttpCaller(url)
    try:
        yield caller
    finally:
        await caller.close()


async def nobody() -> str:
    """The address of a port where nobody listens."""
    async with Server(b"").up() as url:
        return url


async def test_a_call_carries_method_path_body_and_headers_and_connections_are_kept() -> None:
    server = Server(answer("409 Conflict", b'{"bikestatus":"x"}'))
    async with server.up() as url, calling(url + "/") as caller:
        for _ in range(20):
            told = await caller.call("PUT", "/internal/bikes/7", b'{"a":1}', {"x-request-id": "ride-7"})
            assert (told.status, told.body, told.retry_after_s) == (409, b'{"bikestatus":"x"}', None)
    head = server.requests[0]
    assert head.startswith(b"PUT /internal/bikes/7 HTTP/1.1\r\n")
    assert b"x-request-id: ride-7\r\n" in head
    assert b"content-type: application/json\r\n" in head.lower()
    assert head.endswith(b'\r\n\r\n{"a":1}')
    assert (len(server.requests), server.connections) == (20, 1)


@pytest.mark.parametrize(
    ("published", "understood"),
    [
        *(("2", 2), ("0", 0), ("-1", None), ("", None), ("soon", None), ("2.5", None), ("9" * 400, None)),
        *(("Wed, 21 Oct 2026 07:28:00 GMT", None), ("99999", None)),
    ],
)
async def test_a_retry_after_is_whole_seconds_or_nothing(published: str, understood: int | None) -> None:
    async with Server(answer("503 Busy", extra=f"retry-after: {published}\r\n")).up() as url, calling(url) as caller:
        assert (await caller.call("PUT", "/", b"", {})).retry_after_s == understood


async def test_where_nobody_listens_the_peer_is_unreachable_at_once() -> None:
    async with calling(await nobody()) as caller:
        with pytest.raises(PeerUnreachable):
            await asyncio.wait_for(caller.call("PUT", "/", b"", {}), 0.2)


async def test_replicas_take_turns_and_one_that_is_gone_is_passed_over() -> None:
    one, two = Server(answer()), Server(answer())
    async with one.up() as first, two.up() as second, calling(f"{first}, {await nobody()},{second}") as caller:
        for _ in range(30):
            assert (await caller.call("POST", "/", b"", {})).status == 200
    assert len(one.requests) + len(two.requests) == 30
    assert min(len(one.requests), len(two.requests)) == 10


async def test_behind_one_name_another_may_be_there_when_the_first_takes_no_connection() -> None:
    """A Service of Kubernetes sends each connection to one of its pods, for a moment also to one that has ended."""
    ended, asked = await nobody(), 0

    class ThroughAService(HttpCaller):
        async def _ask(self, method: str, url: str, body: bytes, headers: dict[str, str]) -> PeerAnswer:
            nonlocal asked
            asked += 1
            return await super()._ask(method, url if asked % 2 == 0 else f"{ended}/", body, headers)

    server = Server(answer())
    async with server.up() as url:
        caller = ThroughAService(url)
        for _ in range(5):
            assert (await caller.call("POST", "/", b"", {})).status == 200
        await caller.close()
    assert (asked, len(server.requests)) == (10, 5)


async def test_what_one_replica_has_seen_is_not_sent_to_another() -> None:
    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    broken, other = Server(reset), Server(answer())
    async with broken.up() as first, other.up() as second, calling(f"{second},{first}") as caller:
        with pytest.raises(PeerUnreachable):
            await caller.call("POST", "/", b"", {})
    assert (len(broken.requests), len(other.requests)) == (1, 0)


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{")
    writer.close()


@pytest.mark.parametrize(
    "reply",
    [
        b"\x00\xff garbage\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/9.9 200 OK\r\ncontent-length: -5\r\n\r\n",
        hang_up,
        answer(extra="x: " + "y" * 100_000 + "\r\n"),
        answer(extra="content-encoding: gzip\r\n", body=b"no gzip"),
    ],
    ids=["garbage", "no status", "no length", "half an answer", "endless header", "not gzip"],
)
async def test_an_answer_that_is_none_is_no_answer(reply: bytes | Reply) -> None:
    async with Server(reply).up() as url, calling(url) as caller:
        with pytest.raises(PeerUnreachable):
            await caller.call("PUT", "/", b"", {})


async def test_an_answer_is_bounded_also_when_its_length_is_not_said() -> None:
    sent = 0

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x" * 65_536)
            await writer.drain()
            sent += 65_536

    async with Server(endless).up() as url, calling(url) as caller:
        with pytest.raises(PeerUnreachable, match="longer"):
            await caller.call("PUT", "/", b"", {})
    assert sent < 16 * remote.MOST_BYTES


async def test_a_call_that_is_never_answered_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "TOTAL_S", 0.05)

    async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await for_ever()

    async with Server(silence).up() as url, calling(url) as caller:
        with pytest.raises(PeerUnreachable):
            await asyncio.wait_for(caller.call("PUT", "/", b"", {}), 5)


async def test_a_redirect_is_an_answer_and_not_followed() -> None:
    server = Server(answer("307 Temporary Redirect", extra="location: http://127.0.0.1:1/\r\n"))
    async with server.up() as url, calling(url) as caller:
        assert (await caller.call("PUT", "/", b"", {})).status == 307


async def test_a_slow_peer_finishes_its_work_after_the_caller_stopped_waiting() -> None:
    gate, finished = asyncio.Event(), asyncio.Event()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await gate.wait()
        writer.write(answer())
        await writer.drain()
        finished.set()

    async with Server(slow).up() as url, calling(url) as caller:
        peer, _ = a_peer(caller, deadline_ms=30)
        with pytest.raises(Exception, match="no answer within 30 ms"):
            await peer.ask("PUT", "/x")
        gate.set()
        await asyncio.wait_for(finished.wait(), 5)
