"""The gateway of the embedded form: path prefixes to the services' applications, in one process.

The distributed form has Envoy here, configured from the same route table.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from gbike.gateway.routes import RouteTable


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
        """Take one request."""
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
