"""The gateway: the route table, and its embedded form, path prefixes to the services' applications in one process.

The distributed form has Envoy here, configured from the same route table. /internal is not in it, so nobody outside
gets there.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import msgspec
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from gbike.kit.service import ServiceSpec

APP = "/app/"
"""Where browsers are sent that ask for /."""


@dataclass(frozen=True, slots=True)
class RouteTable:
    """Prefixes of paths and the service each belongs to, and other names of a prefix."""

    services: Mapping[str, str]
    aliases: Mapping[str, str]
    streams: frozenset[str] = frozenset()
    """Paths whose answers go on."""
    uploads: Mapping[str, int] = field(default_factory=dict)
    """Paths to which files are sent (POST), and how many bytes each takes."""

    def find(self, path: str) -> tuple[str, str] | None:
        """The service for a path and the path by its proper name; None where no service answers."""
        prefix, slash, rest = path[1:].partition("/")
        first = "/" + prefix
        first = self.aliases.get(first, first)
        service = self.services.get(first)
        if service is None and slash:  # what all services have alike is below one name: /audit/rent
            second, slash, rest = rest.partition("/")
            first = f"{first}/{second}"
            service = self.services.get(first)
        return None if service is None else (service, first + slash + rest)


class Page(msgspec.Struct, frozen=True):
    """Something that the gateway answers itself."""

    media: str
    text: str
    headers: Mapping[str, str] = {}


def route_table(specs: Iterable[ServiceSpec]) -> RouteTable:
    specs = list(specs)
    return RouteTable(
        {path: spec.name for spec in specs for path in spec.routed},
        {other: path for spec in specs for other, path in spec.aliases.items()},
        frozenset(path for spec in specs for path in spec.streams),
        {path: most for spec in specs for path, most in spec.uploads.items()},
    )


class Answering(Protocol):
    """What has an application."""

    @property
    def app(self) -> ASGIApp:
        """The one that answers now."""


class Gateway:
    """An ASGI application that hands each request to the service of its path."""

    def __init__(self, routes: RouteTable, services: Mapping[str, Answering], own: ASGIApp) -> None:
        """`own`: answers what belongs to no service (health, metrics, documents, and 404)."""
        self._routes, self._services = routes, services
        self._own = own

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        found = self._routes.find(scope["path"])
        if found is None:
            await self._own(scope, receive, send)
        else:
            service, path = found
            await self._services[service].app({**scope, "path": path}, receive, send)


METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]
EXPOSED = ["Location", "Retry-After", "X-Request-Id", "Idempotent-Replayed"]
ASKED = [
    *("Authorization", "Content-Type", "Accept", "Accept-Language", "Idempotency-Key", "Last-Event-ID"),
    *("X-Request-Id", "traceparent"),
]


def open_to(origins: Sequence[str], app: ASGIApp) -> ASGIApp:
    """The secure edge: only pages of these origins may call, with a token in a header and never with cookies."""
    if not origins:
        return app
    shared = CORSMiddleware(
        app, allow_origins=origins, allow_methods=METHODS, allow_headers=ASKED, expose_headers=EXPOSED
    )
    return _for_pages(shared, app)


def open_to_all(app: ASGIApp) -> ASGIApp:
    """Demo mode's edge: the original's open CORS."""
    shared = CORSMiddleware(
        app,
        allow_origin_regex=".*",
        allow_methods=METHODS,
        allow_headers=["*"],
        allow_credentials=True,
        expose_headers=EXPOSED,
    )
    return _for_pages(shared, app)


def _for_pages(shared: ASGIApp, plain: ASGIApp) -> ASGIApp:
    """`shared` for what a page of another origin asks, `plain` for everybody else."""

    async def edge(scope: Scope, receive: Receive, send: Send) -> None:
        from_a_page = scope["type"] == "http" and any(name == b"origin" for name, _ in scope["headers"])
        await (shared if from_a_page else plain)(scope, receive, send)

    return edge
