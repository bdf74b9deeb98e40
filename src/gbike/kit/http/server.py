"""A process that answers HTTP: one listening socket, uvicorn with our limits, and an end that a signal asks for."""

import asyncio
import gc
import signal
import socket
import ssl
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import uvicorn
import uvloop
from starlette.types import ASGIApp
from uvicorn.server import ServerState

from gbike.kit.access.certificates import services_named
from gbike.kit.http.ask import CERTIFIED
from gbike.kit.http.patience import PatientConnection
from gbike.kit.http.streams import LINE

STOP_S = 3
"""How long open requests may take to end when the process stops."""
CONNECTION_S = 10
"""A connection older than this ends with its next answer, so that those who are busy find new replicas behind a name,
and not only those who come anew."""
KEEP_OPEN_S = 90
"""Idle connections are kept longer than any client of ours (Envoy, peers) keeps them, so that the client closes first
and no request meets a connection that is being closed."""
BACKLOG = 1024
HANDSHAKE_S, GOODBYE_S = 5, 1
"""How long a client may take to begin and to end TLS."""


class CannotListen(Exception):
    """The address can't be bound; the text says why."""


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 takes a free one. Raises CannotListen."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as taken:
        listener.close()
        raise CannotListen(f"port {port} on {host}: {taken.strerror}; choose another with --port") from None
    listener.listen(BACKLOG)
    listener.setblocking(False)
    return listener


class HttpServer(uvicorn.Server):
    """uvicorn, but a signal only asks it to stop: the stores are closed afterwards, by whoever runs it."""

    def __init__(self, app: ASGIApp, drain_s: float = 0) -> None:
        """`drain_s`: how long it goes on after the first signal, for those who have not heard yet that it ends. Longer
        than its clients keep an idle connection (4 s), and none of them meets one that is being closed."""
        super().__init__(_config(app, _Connection))
        self.server_state: _State = _State()
        self._drain_s = drain_s
        self._inside: tuple[socket.socket, ASGIApp, ssl.SSLContext] | None = None

    @property
    def draining(self) -> bool:
        """Whether it was asked to stop; every answer ends its connection now."""
        return self.server_state.draining

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to `heed_signals`."""
        yield

    def heed_signals(self) -> None:
        """From here on SIGINT and SIGTERM end `answer` after the drain (or let it end at once), a second one now."""
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self._heed, number)

    def let_in(self, listener: socket.socket, app: ASGIApp, context: ssl.SSLContext) -> None:
        """Answer there too, with `app`, who shows a certificate; `Ask.certified` says whose it is."""
        self._inside = listener, app, context

    async def answer(self, listener: socket.socket) -> None:
        """Answer requests until a signal; return when the open ones have ended, STOP_S later at the latest."""
        await self.serve(sockets=[listener])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        await super().startup(sockets)
        if self._inside is not None:
            listener, app, context = self._inside
            config = _config(app, _CertifiedConnection)
            config.load()
            inside = await asyncio.get_running_loop().create_server(
                partial(_CertifiedConnection, config, self.server_state, {}),
                sock=listener,
                ssl=context,
                ssl_handshake_timeout=HANDSHAKE_S,
                ssl_shutdown_timeout=GOODBYE_S,
            )
            self.servers.append(inside)

    def _heed(self, number: int) -> None:
        if self.draining or not self._drain_s:
            self.handle_exit(number, None)
            return
        self.server_state.draining = True
        self.server_state.ending.set()
        for connection in self.server_state.connections:
            if isinstance(connection, _Connection) and connection.cycle is not None:
                connection.cycle.keep_alive = False
        asyncio.get_running_loop().call_later(self._drain_s, self.handle_exit, number, None)


class _State(ServerState):
    """What the connections of a server have in common."""

    draining = False

    def __init__(self) -> None:
        super().__init__()
        self.ending = asyncio.Event()


class _WholeAnswers:
    """A transport that sends what is written in one go as one piece.

    uvicorn writes the head and the body of an answer apart; a process that is killed in between would leave half an
    answer, which a gateway can't turn into an honest 503.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._pieces: list[bytes] = []

    def write(self, piece: bytes) -> None:
        """Send it with what else is written before the loop goes on."""
        if not self._pieces:
            self._loop.call_soon(self._flush)
        self._pieces.append(piece)

    def close(self) -> None:
        """Close when everything is sent."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._pieces:
            pieces, self._pieces = self._pieces, []
            self._transport.write(b"".join(pieces))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class _Connection(PatientConnection):
    """A connection that ends with an answer, never between two: a client that is told so sends nothing into it."""

    server_state: _State

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin."""
        super().connection_made(_WholeAnswers(transport))  # type: ignore[arg-type]  # all of one that uvicorn uses
        self._old_at = self.loop.time() + CONNECTION_S

    def on_headers_complete(self) -> None:
        """Answer a request; is it the last one?"""
        super().on_headers_complete()
        self.scope[LINE] = self  # type: ignore[literal-required]  # not one of the specification's
        if self.cycle is not None and (self.server_state.draining or self.loop.time() > self._old_at):
            self.cycle.keep_alive = False

    @property
    def ending(self) -> asyncio.Event:
        """See Line.ending."""
        return self.server_state.ending

    def abort(self) -> None:
        """See Line.abort."""
        self.transport.abort()

    def shutdown(self) -> None:
        """The server ends: close, unless an answer does it. Who came late, and has asked nothing yet, is answered."""
        self.server_state.ending.set()
        if self.cycle is not None or not self.server_state.draining:
            super().shutdown()


class _CertifiedConnection(_Connection):
    """A connection that showed a certificate: every request on it is known to come from the services in it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The handshake is done."""
        super().connection_made(transport)
        self.app_state = {CERTIFIED: services_named(transport.get_extra_info("peercert"))}


def _config(app: ASGIApp, connection: type[_Connection]) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        interface="asgi3",
        log_level="warning",
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        proxy_headers=False,
        http=connection,
        timeout_keep_alive=KEEP_OPEN_S,
        timeout_graceful_shutdown=STOP_S,
    )


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run a process that answers requests: the fast loop, and a collector that expects few cycles."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)  # requests make much garbage and few cycles
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main)
