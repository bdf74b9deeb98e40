"""A peer in the same process: its own HTTP application, called without a socket.

The same bytes go through the same door as over the wire; only the wire is missing.
"""

import itertools
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from gbike.kit.calls.peers import PeerAnswer, PeerUnreachable

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]


async def call_asgi(app: Asgi, method: str, path: str, body: bytes, headers: dict[str, str]) -> PeerAnswer:
    sent: list[MutableMapping[str, Any]] = []
    asked = itertools.count()

    async def receive() -> MutableMapping[str, Any]:
        if next(asked):
            return {"type": "http.disconnect"}  # nobody waits for an answer that goes on
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"peer"), (b"content-type", b"application/json")]
        + [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 0),
        "server": ("127.0.0.1", 0),
    }
    await app(scope, receive, send)
    retry = dict(sent[0]["headers"]).get(b"retry-after")
    return PeerAnswer(sent[0]["status"], b"".join(m.get("body", b"") for m in sent[1:]), int(retry) if retry else None)


class InProcessCaller:
    """Reaches the application that `find` answers; None means that the peer is stopped."""

    def __init__(self, find: Callable[[], Asgi | None]) -> None:
        self._find = find

    async def call(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> PeerAnswer:
        app = self._find()
        if app is None:
            raise PeerUnreachable("the peer is stopped")
        return await call_asgi(app, method, path, body, headers)
