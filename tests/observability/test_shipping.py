"""What `gbike serve` gives away to be collected: a JSON object a line, and spans; both name the request."""

from pathlib import Path

import pytest

from tests.cluster.running import Served, ask, until

pytest.importorskip("opentelemetry.sdk", reason="the packages of gbike[distributed] are not installed")
from gbike.run.cluster.tcp_ports import free_ports
from gbike.run.embedded import Embedded
from gbike.run.tracing import start_tracing
from tests.journeys.fleet import open_deposits, register_bikes
from tests.journeys.test_spans import Collector
from tests.observability.pages import read
from tests.support import Client

NOBODY = "127.0.0.1:1"


def test_logs_and_spans_of_a_service_name_the_request(tmp_path: Path) -> None:
    collector = Collector()
    env = {
        "GBIKE_STORE_URL": f"sqlite:///{tmp_path / 'rent.sqlite'}",
        "GBIKE_KAFKA": NOBODY,
        "GBIKE_PEER_BIKE_URL": f"http://{NOBODY}",
        "GBIKE_BREAKER_FAILED_IN_A_ROW": "1",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.address,
        "OTEL_BSP_SCHEDULE_DELAY": "100",
    }
    with Served(tmp_path, "rent", next(free_ports()), env) as served:
        until(lambda: served.status("/health/ready") == 200)
        refused = ask("POST", f"{served.url}/rents", {"userid": 1, "bikeid": 1})
        assert refused is not None
        assert refused.status == 503
        request = refused.headers["x-request-id"]
        [moved] = [line for line in served.lines() if line["event"] == "a circuit breaker changed its state"]
        assert (moved["correlation_id"], moved["service"], moved["level"]) == (request, "rent", "warning")
        assert "timestamp" in moved
        until(lambda: any(got.name == "POST /rents" for got in collector.got))
    [span] = [got for got in collector.got if got.name == "POST /rents"]
    assert (span.service, span.failed, span.facts["gbike.request_id"]) == ("rent", True, request)
    collector.server.shutdown()


async def test_settlement_is_timed_with_spans_too() -> None:
    collector = Collector()
    tracing = start_tracing({"OTEL_EXPORTER_OTLP_ENDPOINT": collector.address})
    assert tracing is not None
    whole = Embedded(None, {}, tracing=tracing)
    client = Client(whole.app)
    await register_bikes(client, range(1, 2))
    await open_deposits(client, range(1, 2))
    assert (await client.post("/rents", {"userid": 1, "bikeid": 1})).status == 201
    assert (await client.patch("/rents/1", {"endlocation": "there"})).status == 200
    await whole.settle()
    assert read((await client.get("/metrics")).content).value("gbike_settlement_seconds_count") == 1
    await whole.stop()
    tracing.close()
    collector.server.shutdown()
