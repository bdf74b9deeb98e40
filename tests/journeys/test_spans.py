"""The spans of one ride, as a collector gets them over OTLP/HTTP."""

import subprocess
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import NamedTuple

import pytest

from gbike.kit.telemetry import SpanKind, Spans, Trace
from gbike.run.embedded import Embedded
from gbike.run.tracing import start_tracing, stop_tracing
from tests.journeys.fleet import open_deposits, register_bikes
from tests.support import EVERY_RIDE_COSTS, Client

pytest.importorskip("opentelemetry.sdk", reason="the packages of gbike[distributed] are not installed")
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
)

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE_ID}-00f067aa0ba902b7-01"
UNSAMPLED = f"00-{'5' * 32}-00f067aa0ba902b7-00"


class Got(NamedTuple):
    """A span as the collector keeps it."""

    service: str
    name: str
    kind: int
    trace: str
    id: str
    parent: str
    failed: bool
    facts: dict[str, str]


class Collector:
    """Takes ExportTraceServiceRequests on a free port."""

    def __init__(self) -> None:
        self.got: list[Got] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                assert self.path == "/v1/traces"
                collector.take(self.rfile.read(int(self.headers["content-length"])))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_args: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, body: bytes) -> None:
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            about = {pair.key: pair.value.string_value for pair in resource.resource.attributes}
            for scope in resource.scope_spans:
                for span in scope.spans:
                    facts = {pair.key: pair.value.string_value or str(pair.value.int_value) for pair in span.attributes}
                    ids = span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex()
                    failed = span.status.code == 2
                    self.got.append(Got(about["service.name"], span.name, span.kind, *ids, failed=failed, facts=facts))


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    here = Collector()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", here.address)
    yield here
    here.server.shutdown()
    here.server.server_close()


async def spans_of_a_ride(collector: Collector, headers: dict[str, str], *, bike_stopped: bool = False) -> list[Got]:
    """Rent and return a bike under `headers`; what the collector got of it."""
    tracing = start_tracing({"OTEL_EXPORTER_OTLP_ENDPOINT": collector.address})
    assert tracing is not None
    whole = Embedded(None, EVERY_RIDE_COSTS, tracing=tracing)
    client = Client(whole.app)
    await register_bikes(client, range(1, 2))
    await open_deposits(client, range(1, 2))
    await whole.settle()
    whole.part("bike").answer(stopped=bike_stopped)
    await client.send("POST", "/rents", {"userid": 1, "bikeid": 1}, headers=headers)
    await client.send("PATCH", "/rents/1", {"endlocation": "there"}, headers=headers)
    await whole.settle()
    await whole.stop()
    tracing.close()
    return [got for got in collector.got if got.trace == headers["traceparent"][3:35]]


async def test_one_ride_is_one_trace_with_every_span_under_the_one_that_caused_it(collector: Collector) -> None:
    spans = await spans_of_a_ride(collector, {"traceparent": PARENT, "x-request-id": "a-ride"})
    names = {span.id: f"{span.service}: {span.name}" for span in spans} | {PARENT[36:52]: "the client"}
    family = sorted((names.get(span.parent, f"lost {span.parent}"), names[span.id]) for span in spans)
    rent = "rent: POST /rents"
    back = "rent: PATCH /rents/{rentid}"
    fee = "billing: process Returned"
    reserve = "bike: PUT /internal/bikes/{bikeid}/reservations/{rentid}"
    taken = "user_deposit: process CalculatedFee"
    opened = "billing: process Rented"
    view = "rent_and_billing_view"
    assert family == sorted([
        ("the client", rent),
        ("the client", back),
        (rent, "rent: PUT bike"),
        ("rent: PUT bike", reserve),
        (reserve, "bike: publish ChkAndUpdatedStatus"),
        (rent, "rent: publish Rented"),
        (rent, opened),
        (rent, f"{view}: process Rented"),
        (rent, "account: process Rented"),
        (opened, "billing: publish RegisteredBill"),
        (opened, f"{view}: process RegisteredBill"),
        (back, "rent: publish Returned"),
        (back, "bike: process Returned"),
        ("bike: process Returned", "bike: publish UpdatedBike"),
        (back, fee),
        (back, f"{view}: process Returned"),
        (back, "account: process Returned"),
        (fee, "billing: publish CalculatedFee"),
        (fee, taken),
        (fee, f"{view}: process CalculatedFee"),
        (taken, "user_deposit: publish UpdatedDeposit"),
        (taken, "billing: process UpdatedDeposit"),
        (taken, f"{view}: process UpdatedDeposit"),
        (taken, "account: process UpdatedDeposit"),
        ("billing: process UpdatedDeposit", "billing: publish ClosedBill"),
        ("billing: process UpdatedDeposit", f"{view}: process ClosedBill"),
    ])  # fmt: skip
    kinds = {"POST": 2, "PATCH": 2, "PUT": None, "publish": 4, "process": 5}
    assert all(kinds[span.name.split()[0]] in (None, span.kind) for span in spans)
    assert {span.kind for span in spans if span.name == "PUT bike"} == {3}
    [asked] = [span for span in spans if span.name == "POST /rents"]
    assert asked.facts["http.response.status_code"] == "201"
    assert asked.facts["gbike.request_id"] == "a-ride"
    assert not any(span.failed for span in spans)


async def test_a_peer_that_is_down_is_a_failed_call_within_a_failed_request(collector: Collector) -> None:
    spans = await spans_of_a_ride(collector, {"traceparent": PARENT}, bike_stopped=True)
    assert {span.name for span in spans if span.failed} == {"PUT bike", "POST /rents"}
    [call] = [span for span in spans if span.name == "PUT bike"]
    assert call.facts["error.type"] == "PeerUnreachable"


async def test_what_the_client_does_not_sample_is_not_sent(collector: Collector) -> None:
    assert await spans_of_a_ride(collector, {"traceparent": UNSAMPLED}) == []
    assert collector.got  # the fleet was registered without a traceparent


async def test_the_standard_variables_choose_what_is_sampled(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_always_off")
    assert await spans_of_a_ride(collector, {"traceparent": PARENT})
    assert {span.trace for span in collector.got} == {TRACE_ID}


def test_a_root_is_called_as_the_house_calls_it_and_what_nobody_asked_for_is_no_span(collector: Collector) -> None:
    tracing = start_tracing({"OTEL_EXPORTER_OTLP_ENDPOINT": collector.address})
    assert tracing is not None
    spans = tracing.spans("rent")
    trace = Trace(PARENT, "a-ride")
    span = spans.begin(SpanKind.SERVER, "GET /rents", trace, None)
    assert span.trace == trace
    span.end({})
    swept = Trace("00-" + "0" * 32 + "-" + "1" * 16 + "-00", "none")
    spans.begin(SpanKind.PRODUCER, "publish RentCancelled", swept, None).end({})
    tracing.close()
    [got] = collector.got
    assert (got.trace, got.id, got.parent) == (TRACE_ID, PARENT[36:52], "")


def test_a_stop_does_not_wait_for_a_collector_that_is_away() -> None:
    class Away:
        def spans(self, service: str) -> Spans:
            raise NotImplementedError

        def close(self) -> None:
            Event().wait(60)

    began = time.monotonic()
    stop_tracing(Away())
    assert time.monotonic() - began < 5


def test_nobody_asked_so_nothing_is_imported() -> None:
    code = (
        "import sys, gbike.run.serve, gbike.cli.demo; from gbike.run.tracing import start_tracing;"
        "print(start_tracing({}), [name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.strip() == "None []"


def test_without_the_libraries_one_line_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['opentelemetry'] = None\n"
        "from gbike.run.tracing import start_tracing; from gbike.kit.telemetry import configure_logs\n"
        "configure_logs('WARNING'); print(start_tracing({'OTEL_EXPORTER_OTLP_ENDPOINT': 'http://127.0.0.1:4318'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.strip() == "None"
    [line] = done.stderr.splitlines()
    assert "gbike[distributed]" in line
