"""The gateway of the embedded form: path prefixes to the services' applications, in one process.

The distributed form has Envoy here, configured from the same route table.
"""

from collections.abc import Mapping

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from gbike.kit.http.demo import says_demo
from gbike.services.gateway.domain import RouteTable


class Gateway:
    """An ASGI application that hands each request to the service of its path."""

    def __init__(self, routes: RouteTable, apps: Mapping[str, ASGIApp], own: ASGIApp) -> None:
        """`own`: answers what belongs to no service (health, metrics, documents, and 404)."""
        self._routes, self._apps, self._own = routes, apps, own

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one request."""
        if scope["type"] != "http":
            return
        found = self._routes.find(scope["path"])
        if found is None:
            await self._own(scope, receive, send)
        else:
            service, path = found
            await self._apps[service]({**scope, "path": path}, receive, send)


def open_to_all(app: ASGIApp) -> ASGIApp:
    """Demo mode's edge: the original's open CORS, and a header in every answer that says that this is a demo."""

    marked = says_demo(app)
    shared = CORSMiddleware(
        marked,
        allow_origin_regex=".*",
        allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"],
        allow_headers=["*"],
        allow_credentials=True,
        expose_headers=["Location", "Retry-After", "X-Request-Id", "Idempotent-Replayed"],
    )

    async def edge(scope: Scope, receive: Receive, send: Send) -> None:
        from_a_page = scope["type"] == "http" and any(name == b"origin" for name, _ in scope["headers"])
        await (shared if from_a_page else marked)(scope, receive, send)

    return edge
