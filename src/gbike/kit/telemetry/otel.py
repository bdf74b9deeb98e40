"""Spans as OpenTelemetry's: sampled, batched and sent as the standard OTEL_ variables say.

A span is called as the house's own trace context says, so that logs, headers, the stores and the collector agree.
"""

from contextvars import ContextVar

from opentelemetry import trace as otel
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import IdGenerator

from gbike.kit.telemetry import Facts, SpanKind, Trace, parts_of

_KINDS = {
    SpanKind.SERVER: otel.SpanKind.SERVER,
    SpanKind.CLIENT: otel.SpanKind.CLIENT,
    SpanKind.PRODUCER: otel.SpanKind.PRODUCER,
    SpanKind.CONSUMER: otel.SpanKind.CONSUMER,
}
_given: ContextVar[tuple[int, int]] = ContextVar("_given")
"""The trace and span id of the span that is being made."""


class Exporter:
    """The one way out of a process, for the spans of all its services."""

    def __init__(self) -> None:
        self._processor = BatchSpanProcessor(OTLPSpanExporter())

    def spans(self, service: str) -> "OtelSpans":
        """Where `service` sends its spans."""
        resource = Resource.create({"service.name": service, "service.namespace": "gbike"})
        provider = TracerProvider(resource=resource, id_generator=_GivenIds(), shutdown_on_exit=False)
        provider.add_span_processor(self._processor)
        return OtelSpans(provider.get_tracer("gbike"))

    def close(self) -> None:
        """Send what waits. Takes long when nobody is there to receive it."""
        self._processor.shutdown()  # type: ignore[no-untyped-call]


class OtelSpans:
    """Spans (telemetry) of one service."""

    def __init__(self, tracer: otel.Tracer) -> None:
        self._tracer = tracer

    def begin(self, kind: SpanKind, name: str, trace: Trace, parent: str | None) -> "OtelSpan":
        """See Spans.begin. What is sampled is decided where a request comes in; the rest follows its flag. Outside of
        any request (a sweeper, a timer) there are no spans."""
        own = parts_of(trace.traceparent)
        if own is None or (kind is not SpanKind.SERVER and not own[2]):
            return OtelSpan(otel.INVALID_SPAN, trace)
        before = _given.set((int(own[0], 16), int(own[1], 16)))
        try:
            span = self._tracer.start_span(name, context=_context(parent), kind=_KINDS[kind])
        finally:
            _given.reset(before)
        return OtelSpan(span, trace)


class OtelSpan:
    """A Span (telemetry)."""

    def __init__(self, span: otel.Span, trace: Trace) -> None:
        self._span = span
        sampled = span.get_span_context().trace_flags.sampled
        self.trace = Trace(f"{trace.traceparent[:53]}{'01' if sampled else '00'}", trace.request_id, trace.cause)

    def end(self, facts: Facts, *, failed: bool = False) -> None:
        self._span.set_attributes(facts)
        if failed:
            self._span.set_status(otel.StatusCode.ERROR)
        self._span.end()


class _GivenIds(IdGenerator):
    def generate_trace_id(self) -> int:
        return _given.get()[0]

    def generate_span_id(self) -> int:
        return _given.get()[1]


def _context(parent: str | None) -> Context:
    """The context in which `parent` is the span that called; a root's when it is none."""
    known = parts_of(parent)
    if known is None:
        return Context()
    trace_id, span_id, sampled = known
    flags = otel.TraceFlags(otel.TraceFlags.SAMPLED if sampled else otel.TraceFlags.DEFAULT)
    context = otel.SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=flags)
    return otel.set_span_in_context(otel.NonRecordingSpan(context), Context())
