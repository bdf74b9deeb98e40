"""Answers that go on, over real connections: who ends them, and that nothing is left of one that has ended."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from gbike.kit.auth.rules import SIGNED_IN
from gbike.kit.calls.in_process import call_asgi
from gbike.kit.http import streams
from gbike.kit.http.app import NO_AUTH, HttpApp, Operation
from gbike.kit.http.request import Request, Response
from gbike.kit.http.server import HttpServer, listen
from gbike.kit.telemetry import Metrics

Make = Callable[[], AsyncGenerator[bytes]]


class Told:
    """A stream that a test makes; `closed` is set when it is over."""

    def __init__(self, make: Make) -> None:
        self.pieces = make
        self.closed = asyncio.Event()
        self.times_closed = 0

    def close(self) -> None:
        self.times_closed += 1
        self.closed.set()


def app(stream: Told, metrics: Metrics | None = None) -> HttpApp:
    async def answer(_ask: Request) -> Response:
        return Response(200, stream)

    operation = Operation("GET", "/changes", answer, "What changed", SIGNED_IN, streams=True)
    return HttpApp("test", [operation], {}, metrics or Metrics(), NO_AUTH)


@asynccontextmanager
async def served(stream: Told) -> AsyncIterator[tuple[HttpServer, asyncio.StreamReader, asyncio.StreamWriter]]:
    """A server with one client that has asked for the stream."""
    listener, server = listen("127.0.0.1", 0), HttpServer(app(stream), drain_s=60)
    serving = asyncio.create_task(server.answer(listener))
    reader, writer = await asyncio.open_connection(*listener.getsockname())
    writer.write(b"GET /changes HTTP/1.1\r\nhost: gbike\r\naccept: text/event-stream\r\n\r\n")
    yield server, reader, writer
    writer.close()
    server.should_exit = server.force_exit = True
    await serving


async def one_then_silence() -> AsyncGenerator[bytes]:
    yield streams.event("change", b"{}", 7)
    await asyncio.Event().wait()


async def without_end() -> AsyncGenerator[bytes]:
    while True:
        yield b"x" * 65_536


async def three() -> AsyncGenerator[bytes]:
    for number in range(3):
        yield streams.beat(number)


async def test_a_piece_is_there_while_the_answer_goes_on() -> None:
    async with served(Told(one_then_silence)) as (_, reader, _):
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"content-type: text/event-stream" in head
        assert b"cache-control: no-store" in head
        assert b"content-length" not in head
        assert b"event: change\nid: 7\ndata: {}\n\n" in await reader.readuntil(b"\n\n")


async def test_a_server_that_is_asked_to_stop_ends_it_in_order_at_once() -> None:
    stream = Told(one_then_silence)
    async with served(stream) as (server, reader, _):
        await reader.readuntil(b"\n\n")
        server._heed(15)  # its drain is a minute
        assert (await reader.readuntil(b"0\r\n\r\n")).endswith(b"0\r\n\r\n")  # the last piece of an answer in pieces
        assert await reader.read() == b""
        assert stream.times_closed == 1


async def test_a_client_that_goes_leaves_nothing_behind() -> None:
    stream = Told(one_then_silence)
    async with served(stream) as (_, reader, writer):
        await reader.readuntil(b"\n\n")
        writer.close()
        await stream.closed.wait()


async def test_a_client_that_takes_nothing_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "TAKEN_WITHIN_S", 0.05)
    stream = Told(without_end)
    async with served(stream) as (_, reader, _):
        await stream.closed.wait()  # though the client is still there
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(1 << 30)


async def test_what_has_nothing_to_add_ends_and_the_connection_stays() -> None:
    async with served(Told(three)) as (_, reader, writer):
        assert b": still here\nid: 2\n\n" in await reader.readuntil(b"0\r\n\r\n")
        writer.write(b"GET /changes HTTP/1.1\r\nhost: gbike\r\n\r\n")
        assert b" 406 " in await reader.readuntil(b"\r\n")


async def test_in_one_process_a_stream_is_ended_by_whoever_does_not_wait_for_it() -> None:
    stream, accept = Told(one_then_silence), {"accept": "text/event-stream"}
    async with asyncio.timeout(5):
        answer = await call_asgi(app(stream), "GET", "/changes", b"", accept)
    assert answer.status == 200
    assert stream.times_closed == 1


@pytest.mark.parametrize("accept", [{}, {"accept": "*/*"}, {"accept": "application/json"}])
async def test_who_does_not_ask_for_a_stream_gets_none(accept: dict[str, str]) -> None:
    stream = Told(without_end)
    answer = await call_asgi(app(stream), "GET", "/changes", b"", accept)
    assert answer.status == 406
    assert b"#stream-only" in answer.body
    assert stream.times_closed == 0


async def test_to_ask_for_its_head_opens_no_stream() -> None:
    stream = Told(without_end)
    answer = await call_asgi(app(stream), "HEAD", "/changes", b"", {"accept": "text/event-stream"})
    assert (answer.status, answer.body, stream.times_closed) == (200, b"", 1)


async def test_it_is_counted_when_it_begins_and_how_long_it_lasts_is_nobodys_latency() -> None:
    metrics, begun = Metrics(), asyncio.Event()

    async def pieces() -> AsyncGenerator[bytes]:
        begun.set()
        yield b""
        await asyncio.Event().wait()

    async def receive() -> dict[str, str]:
        await asyncio.Event().wait()
        return {}

    async def send(_message: object) -> None:
        pass

    scope = {"type": "http", "method": "GET", "path": "/changes", "headers": [(b"accept", b"text/event-stream")]}
    task = asyncio.create_task(app(Told(pieces), metrics)(scope, receive, send))  # type: ignore[arg-type]
    await begun.wait()
    labels = {"service": "test", "operation": "GET /changes"}
    assert metrics.registry.get_sample_value("gbike_requests_total", {**labels, "status": "200"}) == 1
    assert metrics.registry.get_sample_value("gbike_request_seconds_count", labels) == 1
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
