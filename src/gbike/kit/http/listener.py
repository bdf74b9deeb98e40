"""A listening socket that takes a connection only when there is a place for it, and outlives a lack of files."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from functools import partial

from gbike.kit.http.connections import Connections, Slot
from gbike.kit.telemetry import LogThrottle, log

PAUSE_S = 0.1
"""Where the system has no file for a new connection: how long the new ones wait in its queue."""
HANDSHAKE_S, GOODBYE_S = 5, 1
"""How long a client may take to begin and to end TLS."""


class Listener:
    """Takes connections from a listening socket until it is closed."""

    def __init__(
        self,
        listening: socket.socket,
        connections: Connections,
        protocol: Callable[[Slot], asyncio.Protocol],
        context: ssl.SSLContext | None = None,
    ) -> None:
        """`protocol`: who talks over a connection that has the slot."""
        self._socket, self._tls = listening, context
        self._connections, self._protocol = connections, protocol
        self._loop = asyncio.get_running_loop()
        self._opening: set[asyncio.Task[None]] = set()
        self._pause: asyncio.TimerHandle | None = None
        self._log_throttle = LogThrottle()

    def start(self) -> None:
        """Begin to take connections, or go on."""
        self._pause = None
        self._loop.add_reader(self._socket.fileno(), self._accept)

    def close(self) -> None:
        """Take no more; those that are there go on."""
        if self._pause is not None:
            self._pause.cancel()
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()

    async def wait_closed(self) -> None:
        """Until every connection that was being opened is open or given up."""
        if self._opening:
            await asyncio.wait(self._opening)

    def _accept(self) -> None:
        """Take one; those that are there already have their turn before the next, so a flood of new ones stops none."""
        try:
            arrived, address = self._socket.accept()
        except (BlockingIOError, InterruptedError, ConnectionError):
            return  # it went before it was taken
        except OSError as wrong:
            self._rest(wrong)
            return
        slot = self._connections.enter(str(address[0]), self._loop.time())
        if slot is None:
            arrived.close()
        else:
            self._open(arrived, slot)

    def _rest(self, wrong: OSError) -> None:
        """No file is free: an idle connection gives its own, and asking at once again would only burn the processor."""
        if self._log_throttle.is_news(str(wrong)):
            log.warning("a connection can't be taken", why=str(wrong.strerror), mend="ulimit -n")
        self._connections.make_room(self._loop.time())
        self._loop.remove_reader(self._socket.fileno())
        self._pause = self._loop.call_later(PAUSE_S, self.start)

    def _open(self, arrived: socket.socket, slot: Slot) -> None:
        opening = self._loop.create_task(self._connect(arrived, slot))
        slot.close = opening.cancel  # type: ignore[assignment]  # whether it was in time is nobody's question
        self._opening.add(opening)
        opening.add_done_callback(partial(self._opened, arrived, slot))

    async def _connect(self, arrived: socket.socket, slot: Slot) -> None:
        arrived.setblocking(False)
        arrived.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await self._loop.connect_accepted_socket(
            partial(self._protocol, slot),
            arrived,
            ssl=self._tls,
            ssl_handshake_timeout=HANDSHAKE_S if self._tls else None,
            ssl_shutdown_timeout=GOODBYE_S if self._tls else None,
        )

    def _opened(self, arrived: socket.socket, slot: Slot, opening: "asyncio.Task[None]") -> None:
        self._opening.discard(opening)
        failed = None if opening.cancelled() else opening.exception()
        if opening.cancelled() or failed is not None:
            slot.leave()
            arrived.close()
        if failed is not None and not isinstance(failed, OSError):  # one that broke off in TLS is no news
            log.error("a connection could not be opened", exc_info=failed)
