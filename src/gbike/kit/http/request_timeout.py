"""Request timeouts: limits of one connection on the size and time of a head, of a request, and of silence."""

import asyncio
from typing import Any

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from gbike.kit.http.connections import Slot
from gbike.kit.http.problems import BAD_REQUEST, HEADERS_TOO_LARGE, TOO_LARGE, TOO_SLOW, Problem, ProblemType
from gbike.kit.http.refused import answering, written
from gbike.kit.http.request import MAX_BODY

MOST_HEAD = 32 * 1024
"""Bytes of a request's target and headers, as Envoy's `max_request_headers_kb`."""
MOST_LINES = 100
"""Headers of a request, as Envoy's `max_headers_count`."""
MOST_REST = 1024 * 1024
"""Bytes after the headers: a body, and what frames it when it comes in pieces of one byte."""
MOST_WAITING = 64
"""Requests that wait behind one that is not answered yet."""
SILENT_S = 15
"""From a connection's beginning to the first byte of a request."""
HEAD_S = 10
"""From a request's first byte to the end of its headers."""
REQUEST_S = 15
"""From a request's first byte to its last, as Envoy's `request_timeout`."""
LINGER_S, MOST_THROWN_AWAY = 2, 1024 * 1024
"""How long, and how much, a client that was refused may go on sending: its system drops an answer that it has not read
when we close before that."""

SLOWER_S = 1
"""What comes over a connection after a 429 is not read for so long; `Retry-After` has never said less."""


class _TooLarge(Exception):
    """The head has more bytes or lines than it may."""


class _TooMany(Exception):
    """More requests wait for their turn than may."""


class TimedConnection(HttpToolsProtocol):
    """A connection that waits so long, and for so much, however the client spreads its bytes over it."""

    def __init__(self, config: Config, server_state: ServerState, app_state: dict[str, Any], slot: Slot) -> None:
        """`slot`: its place among all connections."""
        super().__init__(config, server_state, app_state)
        self._slot = slot
        self._timer: asyncio.TimerHandle | None = None
        self._until = self._began = 0.0
        self._whole = True
        self._in_head = self._refused = self._slower = False
        self._fed = self._thrown_away = 0
        self._as_others()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._slot.close = self.transport.abort
        self._wait_until(self.loop.time() + SILENT_S)

    def connection_lost(self, exc: Exception | None) -> None:
        self._slot.leave()
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Some bytes; most requests come in one piece and never need the timer."""
        if self._refused:
            self._throw_away(data)
            return
        for at in range(0, len(data), MOST_HEAD):
            self._feed(data if len(data) <= MOST_HEAD else data[at : at + MOST_HEAD])
            if self._refused or self.transport.is_closing():
                return
        if not self._whole:
            self._wait_until(self._began + (HEAD_S if self._in_head else self._request_s))
        elif self.cycle is not None:
            self._stop_waiting()

    def _feed(self, piece: bytes) -> None:
        """The parser keeps a header until its end, and copies all of it for each piece that comes: one without end
        would cost more with every piece. So bytes are counted here, where it has not yet said what they are."""
        self._fed += len(piece)
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade:
            pass  # there is nothing to upgrade to: it was answered like any other request
        except httptools.HttpParserError as wrong:
            self._refuse(HEADERS_TOO_LARGE if isinstance(wrong.__context__, _TooLarge) else BAD_REQUEST)
            return
        if not self._whole and self._fed > (MOST_HEAD if self._in_head else self._most_rest):
            self._refuse(HEADERS_TOO_LARGE if self._in_head else TOO_LARGE)

    def on_message_begin(self) -> None:
        self._unset_keepalive_if_required()
        self._whole, self._in_head = False, True
        self._began, self._fed = self.loop.time(), 0
        self._as_others()
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header, if it is none that comes after the body: those are nobody's."""
        if not self._in_head:
            return
        if len(self.headers) >= MOST_LINES:
            raise _TooLarge
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if self._fed and len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers) > MOST_HEAD:
            raise _TooLarge
        if len(self.pipeline) >= MOST_WAITING:
            raise _TooMany
        self._unset_keepalive_if_required()
        super().on_headers_complete()
        self._in_head, self._fed = False, 0
        self._slot.ask()

    def on_message_complete(self) -> None:
        self._whole = True
        super().on_message_complete()

    def on_response_complete(self) -> None:
        more = bool(self.pipeline)
        super().on_response_complete()
        if not more:
            self._slot.wait()
            if self._slower and not self.transport.is_closing():
                self._slower = False
                self.flow.pause_reading()
                self.loop.call_later(SLOWER_S, self._read_again)

    def _read_again(self) -> None:
        if not self.transport.is_closing():
            self.flow.resume_reading()

    def _as_others(self) -> None:
        self._most_body, self._most_rest = MAX_BODY, MOST_REST
        self._request_s = float(REQUEST_S)

    def expect(self, most_bytes: int, within_s: float) -> None:
        """Take so large a body, and for so long, from the request that is being answered: whoever sends it was let in.
        As much again may be what frames it. For the next request it is as it was."""
        self._most_body, self._most_rest = most_bytes, 2 * most_bytes
        self._request_s = within_s
        if self._timer is not None:
            self._wait_until(self._began + within_s)

    def slow_down(self) -> None:
        """Read nothing for SLOWER_S after the answer that is being sent."""
        self._slower = True

    def _wait_until(self, until: float) -> None:
        if self._timer is None or until != self._until:
            self._stop_waiting()
            self._until, self._timer = until, self.loop.call_at(until, self._give_up)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        self._timer = None
        if not self.transport.is_closing():
            self._refuse(TOO_SLOW)

    def _refuse(self, type: ProblemType) -> None:
        """Say so, where it can't be taken for the answer to something else, and end the connection."""
        self._refused = True
        self._stop_waiting()
        problem = Problem(type, {"most_bytes": self._most_body} if type is TOO_LARGE else None)
        cycle = self.cycle
        asked = cycle is not None and not cycle.response_complete
        if asked and (self._in_head or self.pipeline):  # what was asked before is answered first
            cycle.keep_alive = False
            if not self._in_head:
                self.pipeline[0] = cycle, answering(problem)  # type: ignore[assignment]  # an application
            return
        self._unset_keepalive_if_required()
        self._slot.wait()
        if asked and cycle.response_started:
            self.transport.close()
            return
        if asked:
            cycle.disconnected = True  # whoever reads the body learns that it broke off
            cycle.message_event.set()
        if asked or self._in_head or self._whole:
            self.transport.write(written(problem, self.headers or (), self.server_state.default_headers))
        self._linger()

    def _linger(self) -> None:
        if self.transport.can_write_eof():
            self.transport.write_eof()
            self.loop.call_later(LINGER_S, self.transport.abort)
        else:
            self.transport.close()

    def _throw_away(self, data: bytes) -> None:
        self._thrown_away += len(data)
        if self._thrown_away > MOST_THROWN_AWAY:
            self.transport.abort()
