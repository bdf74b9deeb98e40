"""What tests of many kinds need: a client for an ASGI application, and a digest of everything stored."""

import asyncio
import hashlib
import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from gbike.kit.store import Reading
from gbike.run.embedded import Embedded

EVERY_RIDE_COSTS = {"GBIKE_TARIFF_KRW": "100", "GBIKE_TARIFF_PER_S": "1", "GBIKE_TARIFF_ROUNDING": "ceil"}
"""The tariff of tests (ruling 13): every ride, however short, moves money."""


@dataclass(frozen=True)
class Reply:
    """An answer: its status, its headers by lower-case name, and its bytes."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)


class Client:
    """Sends requests to an ASGI application, one task per request as a server does."""

    def __init__(self, app: Any, host: str = "localhost:8088") -> None:
        self._app, self._host = app, host

    async def send(
        self, method: str, target: str, body: Any = None, headers: Mapping[str, str | bytes] | None = None
    ) -> Reply:
        """`body`: bytes as they are, None for no body, else JSON. `target`: a path, with a query if wanted."""
        raw = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        given = {"host": self._host, "content-length": str(len(raw))}
        given |= {"content-type": "application/json"} if body is not None else {}
        given |= {name.lower(): value for name, value in (headers or {}).items()}
        path, _, query = target.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(path),
            "raw_path": path.encode("utf-8", "surrogateescape"),
            "query_string": query.encode("utf-8", "surrogateescape"),
            "root_path": "",
            "headers": [
                (n.encode("latin-1"), v if isinstance(v, bytes) else v.encode("utf-8")) for n, v in given.items()
            ],
            "client": ("127.0.0.1", 40000),
            "server": ("127.0.0.1", 8088),
        }
        sent: list[dict[str, Any]] = []

        asked = itertools.count()

        async def receive() -> dict[str, Any]:
            if next(asked):
                await asyncio.Event().wait()  # the client stays to the end of an answer that goes on
            return {"type": "http.request", "body": raw, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await self._app(scope, receive, send)
        headers_back = {n.decode("latin-1").lower(): v.decode("latin-1") for n, v in sent[0]["headers"]}
        return Reply(sent[0]["status"], headers_back, b"".join(m.get("body", b"") for m in sent[1:]))

    async def get(self, target: str, **headers: str) -> Reply:
        return await self.send("GET", target, headers=_named(headers))

    async def post(self, target: str, body: Any = None, **headers: str) -> Reply:
        return await self.send("POST", target, {} if body is None else body, _named(headers))

    async def put(self, target: str, body: Any, **headers: str) -> Reply:
        return await self.send("PUT", target, body, _named(headers))

    async def patch(self, target: str, body: Any, **headers: str) -> Reply:
        return await self.send("PATCH", target, body, _named(headers))

    async def delete(self, target: str) -> Reply:
        return await self.send("DELETE", target)


def _named(headers: Mapping[str, str]) -> dict[str, str]:
    """`idempotency_key="a"` as the header idempotency-key."""
    return {name.replace("_", "-"): value for name, value in headers.items()}


async def digest(embedded: Embedded) -> dict[str, str]:
    """A hash of every table of every store: equal before and after means that nothing was changed."""
    found: dict[str, str] = {}
    for name, store in embedded.stores().items():
        found |= {f"{name}.{table}": value for table, value in (await store.read(_tables)).items()}
    return found


def _tables(read: Reading) -> dict[str, str]:
    names = [row[0] for row in read.all("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    return {
        name: hashlib.sha256(repr(sorted(map(repr, read.all(f'SELECT * FROM "{name}"')))).encode()).hexdigest()
        for name in names
    }
