"""A process that answers HTTP: one listening socket, uvicorn with our limits, and an end that a signal asks for."""

import asyncio
import gc
import signal
import socket
import ssl
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
import uvloop
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
from uvicorn.server import ServerState

from gbike.kit.auth.certificates import services_named
from gbike.kit.http.connections import Connections, Slot, most_connections, on_loopback
from gbike.kit.http.listener import Listener
from gbike.kit.http.problems import INTERNAL, TOO_MANY, Problem
from gbike.kit.http.refused import answering
from gbike.kit.http.request import CERTIFIED
from gbike.kit.http.request_timeout import TimedConnection
from gbike.kit.http.streams import LINE
from gbike.kit.open_files import limit, raise_limit
from gbike.kit.settings import BadSetting

STOP_S = 3
"""How long open requests may take to end when the process stops."""
CONNECTION_S = 10
"""A connection older than this ends with its next answer, so that those who are busy find new replicas behind a name,
and not only those who come anew."""
KEEP_OPEN_S = 90
"""Idle connections are kept longer than any client of ours (Envoy, peers) keeps them, so that the client closes first
and no request meets a connection that is being closed."""
STRANGERS_OPEN_S = 20
"""The same for who is neither on this machine nor a proxy of ours; the usual libraries keep theirs for 15 s."""
UNREAD_S = 30
"""How long a client may read nothing of an answer that ends its connection, or that others wait behind."""
BACKLOG = 1024
_FOR = b"x-forwarded-for"


class CannotListen(BadSetting):
    """The address can't be bound; the text says why."""


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 takes a free one. Raises CannotListen."""
    listener = bound(host, port)
    listener.listen(BACKLOG)
    return listener


def bound(host: str, port: int) -> socket.socket:
    """A socket that has its address, where nobody is heard before it listens. Raises CannotListen."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as taken:
        listener.close()
        raise CannotListen(f"port {port} on {host}: {taken.strerror}; choose another with --port") from None
    listener.setblocking(False)
    return listener


class HttpServer(uvicorn.Server):
    """uvicorn, but a signal only asks it to stop: the stores are closed afterwards, by whoever runs it."""

    def __init__(
        self, app: ASGIApp, drain_s: float = 0, trusts: Callable[[str], bool] = lambda _address: False
    ) -> None:
        """`drain_s`: how long it goes on after the first signal, for those who have not heard yet that it ends. Longer
        than its clients keep an idle connection (4 s), and none of them meets one that is being closed. `trusts`:
        whether at an address is a proxy of ours, which connects for many."""
        super().__init__(_config(app, _Connection))
        self.server_state: _State = _State(trusts)
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
        """Answer there too, with `app`, who shows a certificate; `Request.certified` says whose it is."""
        self._inside = listener, app, context

    async def answer(self, listener: socket.socket) -> None:
        """Answer requests until a signal; return when the open ones have ended, STOP_S later at the latest."""
        await self.serve(sockets=[listener])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer, with as many connections as the limit of open files leaves room for."""
        await super().startup([])
        self._listen(sockets or [], self.config, _Connection)
        if self._inside is not None:
            listener, app, context = self._inside
            self._listen([listener], _config(app, _CertifiedConnection), _CertifiedConnection, context)

    def _listen(
        self,
        sockets: list[socket.socket],
        config: uvicorn.Config,
        kind: "type[_Connection]",
        context: ssl.SSLContext | None = None,
    ) -> None:
        state = self.server_state

        def connection(slot: Slot) -> _Connection:
            return kind(config, state, {}, slot)

        for one in sockets:
            listener = Listener(one, state.places, connection, context)
            listener.start()
            self.servers.append(listener)  # type: ignore[arg-type]  # all of one that uvicorn uses

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

    def __init__(self, trusts: Callable[[str], bool]) -> None:
        super().__init__()
        self.ending = asyncio.Event()
        self._trusts = trusts
        self.places = Connections(most_connections(limit()), self.ours)

    def ours(self, address: str) -> bool:
        return on_loopback(address) or self._trusts(address)


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
        """Close when everything is sent, or UNREAD_S later."""
        self._flush()
        self._transport.close()
        if self._transport.get_write_buffer_size():
            self._loop.call_later(UNREAD_S, self._transport.abort)

    def write_eof(self) -> None:
        """Send nothing after what was written."""
        self._flush()
        self._transport.write_eof()

    def _flush(self) -> None:
        pieces, self._pieces = self._pieces, []
        if pieces and not self._transport.is_closing():  # the client may have gone since
            self._transport.write(b"".join(pieces))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class _Connection(TimedConnection):
    """A connection that ends with an answer, never between two: a client that is told so sends nothing into it."""

    server_state: _State
    _reading: asyncio.TimerHandle

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(_WholeAnswers(transport))  # type: ignore[arg-type]  # all of one that uvicorn uses
        self._old_at = self.loop.time() + CONNECTION_S
        ours = self.client is not None and self.server_state.ours(self.client[0])
        self.timeout_keep_alive = KEEP_OPEN_S if ours else STRANGERS_OPEN_S

    def on_headers_complete(self) -> None:
        """Answer a request; is it the last one?"""
        super().on_headers_complete()
        self.scope[LINE] = self  # type: ignore[literal-required]  # not one of the specification's
        if self.cycle is not None and (self.server_state.draining or self.loop.time() > self._old_at):
            self.cycle.keep_alive = False

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        cycle.__class__ = _Cycle
        super()._start_asgi_task(cycle, app)

    def pause_writing(self) -> None:
        """The client reads slower than it is answered: nothing more is written, and meanwhile it makes room."""
        super().pause_writing()
        self._slot.wait()
        self._must_read()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._reading.cancel()
        if self.cycle is not None and not self.cycle.response_complete:
            self._slot.ask()

    def _must_read(self) -> None:
        left = self.transport.get_write_buffer_size()
        self._reading = self.loop.call_later(UNREAD_S, self._has_read, left)

    def _has_read(self, before: int) -> None:
        """Look whether it has read something, if slowly; one that reads nothing would be here for ever."""
        if not self.flow.write_paused or self.transport.is_closing():
            return
        if self.transport.get_write_buffer_size() < before:
            self._must_read()
        else:
            self.transport.abort()

    @property
    def ending(self) -> asyncio.Event:
        return self.server_state.ending

    def abort(self) -> None:
        self.transport.abort()

    def shutdown(self) -> None:
        """The server ends: close, unless an answer does it. Who came late, and has asked nothing yet, is answered."""
        self.server_state.ending.set()
        if self.cycle is not None or not self.server_state.draining:
            super().shutdown()


class _Cycle(RequestResponseCycle):
    """A request and its answer; what the application failed to answer is our mistake, and a problem like all others."""

    async def send(self, message: Any) -> None:
        """Send it. Who asks more than is let through is heard less, unless it is a proxy that asks for many."""
        if message.get("status") == TOO_MANY.status and not any(name == _FOR for name, _ in self.scope["headers"]):
            self.scope[LINE].slow_down()  # type: ignore[literal-required]  # see on_headers_complete
        await super().send(message)

    async def send_500_response(self) -> None:
        await answering(Problem(INTERNAL))(self.scope, self.receive, self.send)  # type: ignore[arg-type]  # uvicorn's


class _CertifiedConnection(_Connection):
    """A connection that showed a certificate: every request on it is known to come from the services in it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {CERTIFIED: services_named(transport.get_extra_info("peercert"))}


def _config(app: ASGIApp, connection: type[_Connection]) -> uvicorn.Config:
    config = uvicorn.Config(
        app,
        interface="asgi3",
        ws="none",
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
    config.load()
    return config


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run a process that answers requests: all files it may have, the fast loop, a collector for few cycles."""
    raise_limit()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)  # requests make much garbage and few cycles
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main)
