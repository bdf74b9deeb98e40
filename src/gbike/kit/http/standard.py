"""Operations of every service: health, metrics, and the OpenAPI document."""

from collections.abc import Sequence

from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from gbike.kit.auth.limits import FREE
from gbike.kit.auth.principal import DEMO
from gbike.kit.auth.rules import PUBLIC, WATCHERS
from gbike.kit.http.app import Operation
from gbike.kit.http.deeds import DEEDS
from gbike.kit.http.openapi import document
from gbike.kit.http.pages import docs_page, status_codes_page
from gbike.kit.http.request import Request, Response
from gbike.kit.store import Store, must_write
from gbike.kit.telemetry import Metrics


def _begin(path: str) -> str:
    """Where what is at a path begins: `/things`, `/audit/service`."""
    first, *rest = path[1:].split("/")
    return f"/{first}/{rest[0]}" if first == DEEDS[1:] else f"/{first}"


def standard_operations(
    service: str, operations: Sequence[Operation], store: Store | None, metrics: Metrics
) -> list[Operation]:
    """The operations that all services have alike. `store`: what readiness depends on; nothing else."""

    async def home(request: Request) -> Response:
        own = dict.fromkeys(_begin(operation.path) for operation in operations if not operation.hidden)
        links = {path[1:]: {"href": request.base + path} for path in [*own, "/docs", "/health/ready", "/metrics"]}
        return Response(200, {"name": service, "_links": links})

    async def live(_ask: Request) -> Response:
        return Response(200, {"status": "UP"}, media="application/json")

    async def ready(_ask: Request) -> Response:
        if store is not None:
            await store.read(lambda read: read.one("SELECT 1 FROM outbox LIMIT 1"))
            must_write(service, store)
        return Response(200, {"status": "UP"}, media="application/json")

    async def measured(_ask: Request) -> Response:
        return Response(200, generate_latest(metrics.registry), media=CONTENT_TYPE_LATEST)

    async def described(request: Request) -> Response:
        return Response(200, document(service, operations, demo=request.principal is DEMO), media="application/json")

    async def read_about(request: Request) -> Response:
        described = document(service, operations, demo=request.principal is DEMO)
        return Response(200, docs_page(described), media="text/html; charset=utf-8")

    async def problems(_ask: Request) -> Response:
        return Response(200, status_codes_page(operations), media="text/html; charset=utf-8")

    return [
        Operation("GET", "/", home, "Where to begin", PUBLIC, hidden=True),
        Operation("GET", "/health/live", live, "The process answers", PUBLIC, hidden=True, pace=FREE),
        Operation("GET", "/health/ready", ready, "The service can do its work", PUBLIC, hidden=True, pace=FREE),
        Operation("GET", "/actuator/health", ready, "As the original named it", PUBLIC, hidden=True, pace=FREE),
        Operation("GET", "/metrics", measured, "Prometheus metrics", WATCHERS, hidden=True, pace=FREE),
        Operation("GET", "/openapi.json", described, "This API as OpenAPI 3.1", PUBLIC, hidden=True),
        Operation("GET", "/docs", read_about, "This API for people", PUBLIC, hidden=True),
        Operation("GET", "/docs/status-codes", problems, "Every refusal and what it means", PUBLIC, hidden=True),
    ]
