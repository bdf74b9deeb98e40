"""A peer in another process: HTTP over a pool of connections that are kept open.

Whoever waits for the answer keeps the deadline (see Peer); here are only the bounds of one connection and one answer.
"""

import ssl
from collections.abc import Callable
from contextlib import suppress

import aiohttp

from gbike.kit.calls.peers import PeerAnswer, PeerUnreachable

CONNECT_S = 0.2
"""A process on the same network accepts within a few ms; in the rest of the deadline another replica is asked."""
TLS_CONNECT_S = 0.5
"""The same where the process itself must take part in a handshake, and may have other things to do."""
TOTAL_S = 4.0
"""A call that outlives its caller's deadline may still finish; after this it is given up, so that nothing piles up."""
CONNECTIONS = 128
"""Places of the callers' bulkheads (32 and 16), and the calls that outlive their deadline until TOTAL_S."""
KEEP_OPEN_S = 4
"""Shorter than a server keeps an idle connection, even while it ends (GBIKE_DRAIN_S): no request meets a closed one."""
MOST_BYTES = 1024 * 1024
"""Of one answer. Answers between services have some hundred."""
LONGEST_WAIT_S = 3_600
"""A `Retry-After` above this is nonsense."""


class HttpCaller:
    """Reaches a peer at its URL. Several URLs, separated by commas, are its replicas: they take turns. One URL may be a
    name for several too, a Service of Kubernetes: who is asked again there comes to another."""

    def __init__(self, base_url: str, name: str = "", tls: Callable[[], ssl.SSLContext] | None = None) -> None:
        """`tls`: what a connection is made with that shows our certificate, and wants one with `name` in it."""
        self._tls = tls
        self._name = name or None
        urls = [url.strip().rstrip("/") for url in base_url.split(",") if url.strip()]
        self._replicas = urls * 2 if len(urls) == 1 else urls
        self._turn = 0
        self._session: aiohttp.ClientSession | None = None

    async def call(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> PeerAnswer:
        """See Caller.call. A replica that takes no connection has seen nothing, so the next one is asked. A request
        that may be sent twice (PUT) is sent once more where an open connection turned out to be broken."""
        self._turn += 1
        first = self._turn % len(self._replicas)
        refused = ""
        for replica in (*self._replicas[first:], *self._replicas[:first]):
            try:
                return await self._ask(method, replica + path, body, headers)
            except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as nobody:
                refused = _why(nobody)
            except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as broken:
                raise PeerUnreachable(_why(broken)) from None
        raise PeerUnreachable(refused)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _ask(self, method: str, url: str, body: bytes, headers: dict[str, str]) -> PeerAnswer:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=CONNECTIONS, keepalive_timeout=KEEP_OPEN_S),
                timeout=aiohttp.ClientTimeout(total=TOTAL_S, sock_connect=TLS_CONNECT_S if self._tls else CONNECT_S),
                headers={"content-type": "application/json"},
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        async with self._session.request(
            method,
            url,
            data=body,
            headers=headers,
            allow_redirects=False,
            ssl=self._tls() if self._tls else True,
            server_hostname=self._name,
        ) as answer:
            found = bytearray()
            async for chunk in answer.content.iter_any():
                found += chunk
                if len(found) > MOST_BYTES:
                    raise PeerUnreachable(f"the answer is longer than {MOST_BYTES} bytes")
            return PeerAnswer(answer.status, bytes(found), _seconds(answer.headers.get("Retry-After", "")))


def _seconds(retry_after: str) -> int | None:
    """Whole seconds; None for a date or for nonsense."""
    with suppress(ValueError):
        if 0 <= (seconds := int(retry_after)) <= LONGEST_WAIT_S:
            return seconds
    return None


def _why(failure: Exception) -> str:
    return str(failure) or type(failure).__name__
