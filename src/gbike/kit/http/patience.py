"""Slow clients: a request must have arrived as a whole in time, or its connection is given to somebody else."""

import asyncio

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gbike.kit.http.problems import MEDIA_TYPE, TOO_SLOW, Problem

REQUEST_S = 15
"""From a connection's beginning, or a request's first byte, to the request's last, as Envoy's `request_timeout`."""


class PatientConnection(HttpToolsProtocol):
    """A connection that waits REQUEST_S for each request, however the client spreads its bytes over it."""

    _whole = False
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is waited for any more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Some bytes; most requests come in one piece and never need the timer."""
        super().data_received(data)
        if self._whole:
            self._stop_waiting()
        elif self._timer is None:
            self._wait()

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        self._whole = False
        super().on_message_begin()

    def on_message_complete(self) -> None:
        """The last one."""
        self._whole = True
        super().on_message_complete()

    def _wait(self) -> None:
        self._timer = self.loop.call_later(REQUEST_S, self._give_up)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        """Say so, unless an answer has begun, and close. Whoever reads the body learns that it broke off."""
        self._timer = None
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            self.transport.write(_ANSWER)
        self.transport.close()


_BODY = msgspec.json.encode(Problem(TOO_SLOW).body("en", "/"))
_HEAD = f"HTTP/1.1 408 Request Timeout\r\ncontent-type: {MEDIA_TYPE}\r\ncontent-length: {len(_BODY)}\r\n"
_ANSWER = f"{_HEAD}connection: close\r\n\r\n".encode() + _BODY
