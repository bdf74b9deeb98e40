"""Servers for the gateway's tests: Envoy itself, real applications behind it, and one that misbehaves when asked to."""

import asyncio
import http.client
import json
import subprocess
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import uvloop
from starlette.types import ASGIApp

from dev.tcp_ports import free_port
from gbike.gateway.envoy import ListenAddress
from gbike.kit.http.server import HttpServer, listen
from gbike.run.engines import envoy as engine
from tests.support import Reply
from tests.waiting import until

START_S = 10


class Loop:
    """An event loop in a thread, on which servers run."""

    def __init__(self) -> None:
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._servers: list[tuple[HttpServer, Future[None]]] = []

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run something on the loop and wait for it."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)

    def serve(self, app: ASGIApp) -> int:
        """Serve an application as `gbike serve` does; answers the port."""
        listener, server = listen("127.0.0.1", 0), HttpServer(app)
        self._servers.append((server, asyncio.run_coroutine_threadsafe(server.answer(listener), self._loop)))
        return int(listener.getsockname()[1])

    def stop(self) -> None:
        """End the servers, then the thread."""
        for server, _ in self._servers:
            server.should_exit = server.force_exit = True
        for _, ended in self._servers:
            ended.result(10)
        self.run(_end_others())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)


async def _end_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


class Stub:
    """An HTTP server that does what the last word of the path says, and counts what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.port = 0
        self._server: asyncio.Server | None = None

    async def start(self, port: int = 0) -> "Stub":
        """Listen; port 0 takes a free one."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def times(self, method: str, path: str) -> int:
        """How often it was asked for that."""
        return self.asked.count((method, path))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                first, *lines = head.decode("latin-1").strip().split("\r\n")
                method, target, _ = first.split(" ")
                headers: dict[str, str] = {}
                for line in lines:
                    name, _, value = line.partition(":")
                    before = f"{headers[name.lower()]}, " if name.lower() in headers else ""
                    headers[name.lower()] = before + value.strip()
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                self.asked.append((method, target))
                seen = {"method": method, "target": target, "headers": headers, "length": len(body)}
                if not await self._answer(writer, target.split("?")[0].rsplit("/", 1)[-1], seen):
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the gateway closed
        finally:
            writer.close()

    async def _answer(self, writer: asyncio.StreamWriter, wish: str, seen: dict[str, Any]) -> bool:
        """Whether the connection stays."""
        if wish == "broken" or (wish == "flaky" and self.times(seen["method"], seen["target"]) == 1):
            return False
        if wish == "late":
            await asyncio.sleep(3)
        if wish == "changes":
            return await _in_pieces(writer)
        content = json.dumps(seen).encode()
        status, more = "200 OK", ""
        if wish == "busy":
            status, more = "503 Service Unavailable", "retry-after: 7\r\n"
            content = b'{"type":"/docs/status-codes#circuit-open"}'
        head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\n{more}content-length: {len(content)}\r\n\r\n"
        writer.write(head.encode() + (b"" if seen["method"] == "HEAD" else content))
        await writer.drain()
        return True


async def _in_pieces(writer: asyncio.StreamWriter) -> bool:
    """Two pieces of a stream, longer apart than any other answer may take, and its end."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
    for piece in (b"3\r\n: a\r\n", b"3\r\n: b\r\n", b"0\r\n\r\n"):
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0.6)
    return True


class Envoy:
    """A running Envoy."""

    def __init__(self, folder: Path, config: Callable[[ListenAddress], Mapping[str, Any]], *, demo: bool) -> None:
        """`config`: what it does, given where it is. Raises CannotRun where Envoy is not installed."""
        self.place = ListenAddress(port=free_port(), admin_port=free_port(), demo=demo)
        engine.prepare(folder, config(self.place))
        self.log_file = folder / "stdout"
        with self.log_file.open("wb") as out, (folder / "stderr").open("wb") as err:
            self._process = subprocess.Popen(engine.program(folder).command, stdout=out, stderr=err)
        try:
            until(lambda: asyncio.run(engine.ready(self.place.admin_port)) or self._process.poll() is not None, START_S)
            assert self._process.poll() is None, f"Envoy did not start: {(folder / 'stderr').read_text()}"
        except AssertionError:
            self.stop()
            raise

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(10)

    def ask(
        self,
        method: str,
        target: str,
        body: Any = None,
        headers: Mapping[str, str | Sequence[str]] | None = None,
        source: str = "127.0.0.1",
    ) -> Reply:
        """Send one request through it. `source`: the address of this machine that it comes from."""
        return ask(self.place.port, method, target, body, headers, source=source)

    def operators(self, path: str) -> str:
        """What the admin port says."""
        return ask(self.place.admin_port, "GET", path).content.decode()

    def log_line(self, correlation_id: str) -> dict[str, Any]:
        """The line of the access log of one request, as soon as it is written."""

        def line() -> dict[str, Any] | None:
            lines: list[dict[str, Any]] = [*map(json.loads, self.log_file.read_text("utf-8").splitlines())]
            return next((line for line in lines if line["correlation_id"] == correlation_id), None)

        found: dict[str, Any] = until(line, 5, f"no line of {correlation_id}")
        return found


def ask(
    port: int,
    method: str,
    target: str,
    body: Any = None,
    headers: Mapping[str, str | Sequence[str]] | None = None,
    *,
    source: str = "127.0.0.1",
) -> Reply:
    """Send one request to a server on this machine. `body`: bytes as they are, None for none, else JSON. A header may
    have several lines."""
    raw = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    given: dict[str, str | Sequence[str]] = {"content-type": "application/json"} if raw is not None else {}
    given |= {name.lower(): value for name, value in (headers or {}).items()}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20, source_address=(source, 0))
    try:
        connection.putrequest(method, target, skip_host="host" in given, skip_accept_encoding=True)
        for name, values in given.items():
            for value in [values] if isinstance(values, str) else values:
                connection.putheader(name, value)
        if raw is not None:
            connection.putheader("content-length", str(len(raw)))
        connection.endheaders(raw)
        answer = connection.getresponse()
        return Reply(answer.status, {n.lower(): v for n, v in answer.getheaders()}, answer.read())
    finally:
        connection.close()
