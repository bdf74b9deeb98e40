"""A process that answers HTTP: one listening socket, uvicorn with our limits, and an end that a signal asks for."""

import asyncio
import gc
import signal
import socket
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
import uvloop
from starlette.types import ASGIApp

STOP_S = 3
"""How long open requests may take to end when the process stops."""
KEEP_OPEN_S = 90
"""Idle connections are kept longer than any client of ours (Envoy, peers) keeps them, so that the client closes first
and no request meets a connection that is being closed."""
BACKLOG = 1024


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

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_level="warning",
                log_config=None,
                access_log=False,
                lifespan="off",
                server_header=False,
                proxy_headers=False,
                http="httptools",
                timeout_keep_alive=KEEP_OPEN_S,
                timeout_graceful_shutdown=STOP_S,
            )
        )

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to `heed_signals`."""
        yield

    def heed_signals(self) -> None:
        """From here on SIGINT and SIGTERM end `answer` (or let it end at once)."""
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self.handle_exit, number, None)

    async def answer(self, listener: socket.socket) -> None:
        """Answer requests until a signal; return when the open ones have ended, STOP_S later at the latest."""
        await self.serve(sockets=[listener])


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run a process that answers requests: the fast loop, and a collector that expects few cycles."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)  # requests make much garbage and few cycles
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main)
