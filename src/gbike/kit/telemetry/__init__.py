"""Telemetry: trace context of a request through every service, metrics, and the log's format.

The trace travels in a context variable from the HTTP edge into transactions, outbox rows, events and handlers, so that
what somebody asked for can be followed to its last effect.
"""

import asyncio
import logging
import re
import secrets
import sys
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from enum import Enum
from functools import partial
from typing import Any, Protocol, TypeVar

import msgspec
import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

SAID_AGAIN_S = 60
"""A trouble that lasts is logged again after this."""
TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")


class Trace(msgspec.Struct, frozen=True):
    """W3C trace context of one request, the id a person quotes for it, and the message that is being acted on."""

    traceparent: str
    request_id: str
    cause: str = ""
    """Id of the message whose handler is at work; empty while a request is answered."""


NO_TRACE = Trace("00-00000000000000000000000000000000-0000000000000000-00", "none")
trace_now: ContextVar[Trace] = ContextVar("trace_now", default=NO_TRACE)


def parts_of(traceparent: str | None) -> tuple[str, str, bool] | None:
    """Trace id, span id and whether it is sampled; None when `traceparent` is not well-formed or names nothing."""
    found = TRACEPARENT.fullmatch(traceparent or "")
    return None if found is None else (found.group(1), found.group(2), bool(int(found.group(3), 16) & 1))


def within(trace: Trace) -> Trace:
    """The same trace, with a span id of its own."""
    parent, own = trace.traceparent, secrets.token_hex(8)
    return Trace(f"{parent[:36]}{own}{parent[52:]}", trace.request_id, trace.cause)


Facts = dict[str, str | int]


class SpanKind(Enum):
    """Which end of a conversation a span is."""

    SERVER = 1
    CLIENT = 2
    PRODUCER = 3
    CONSUMER = 4


class Span(Protocol):
    """Something that has begun."""

    trace: Trace
    """What happens within carries this."""

    def end(self, facts: Facts, *, failed: bool = False) -> None:
        """It is over now."""


class Spans(Protocol):
    """Where the spans of one service go."""

    def begin(self, kind: SpanKind, name: str, trace: Trace, parent: str | None) -> Span:
        """Begin a span that is called as `trace` says, under the traceparent `parent` (None, or none: a root)."""


M = TypeVar("M", Counter, Gauge, Histogram)
BREAKER_STATES = ("closed", "half_open", "open")


class Metrics:
    """The counters of one process. Each service gets its own label, so the embedded form adds up to one page."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._declared: dict[str, Any] = {}
        ProcessCollector(registry=self.registry)
        counter, gauge = partial(self.declare, Counter), partial(self.declare, Gauge)
        per_operation, per_call = ("service", "operation"), ("service", "call")
        buckets = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.6, 1.2, 2.5)
        self.requests = counter("gbike_requests_total", "HTTP requests answered", (*per_operation, "status"))
        self.request_seconds = self.declare(
            Histogram, "gbike_request_seconds", "Time to answer, seconds", per_operation, buckets=buckets
        )
        self.refusals = counter("gbike_refusals_total", "Refusals by reason", ("service", "reason"))
        self.events_published = counter(
            "gbike_events_published_total", "Outbox rows put on the bus", ("service", "type")
        )
        self.outbox_waiting = gauge("gbike_outbox_waiting", "Messages the bus does not have yet")
        self.events_handled = counter("gbike_events_handled_total", "Messages given to policies")
        self.dead_letters = counter("gbike_dead_letters_total", "Messages set aside")
        self.dead_letters_waiting = gauge("gbike_dead_letters_waiting", "Messages that are set aside now")
        self.lag = gauge("gbike_consumer_lag", "Messages of the log not yet handled")
        self.streams = gauge("gbike_streams", "Event streams that are open")
        self.streams_dropped = counter("gbike_streams_dropped_total", "Event streams whose reader was too slow")
        self.swept = counter("gbike_swept_total", "Pending work cancelled by a sweeper")
        self.overdue = gauge("gbike_pending_overdue", "Pending work that is past its deadline")
        self.store_failing = gauge("gbike_store_failing", "1: the store can't be written, 0: it can")
        self.open_files_reached = counter(
            "gbike_open_files_reached_total", "Times that the limit of open files was reached"
        )
        self.certificate_expires = gauge(
            "gbike_certificate_expires_seconds", "When a certificate expires, seconds since 1970", ("service", "file")
        )
        self.backup = gauge("gbike_backup_seconds", "When the last backup was made, seconds since 1970; 0: never")
        self.log_begun_anew = gauge(
            "gbike_log_begun_anew_seconds",
            "When the log was found lost or set back and began anew, seconds since 1970; 0: never",
        )
        self.breaker_state = gauge("gbike_breaker_state", "0 closed, 1 half-open, 2 open", per_call)
        self.breaker_moves = counter("gbike_breaker_transitions_total", "State changes of a breaker", (*per_call, "to"))

    def declare(self, kind: type[M], name: str, help: str, labels: Sequence[str] = ("service",), **more: Any) -> M:
        """A metric of one service's own. Whoever declares it again in this process gets the same."""
        if name not in self._declared:
            self._declared[name] = kind(name, help, labels, registry=self.registry, **more)
        found: M = self._declared[name]
        return found

    def watch_breaker(self, service: str, call: str) -> Callable[[Enum], None]:
        """What a breaker tells its moves to: metrics and the log."""
        state = self.breaker_state.labels(service, call)
        for to in BREAKER_STATES:
            self.breaker_moves.labels(service, call, to)  # a counter that is not there did not grow

        def moved(to: Enum) -> None:
            state.set(to.value)
            self.breaker_moves.labels(service, call, to.name.lower()).inc()
            log.warning("a circuit breaker changed its state", service=service, call=call, to=to.name.lower())

        return moved


def configure_logs(level: str = "INFO") -> None:
    """Structured logs, one JSON object a line, on standard error."""
    structlog.configure(
        processors=[
            _with_trace,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=lambda event, **_: msgspec.json.encode(event).decode()),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def _with_trace(_logger: Any, _method: str, event: Any) -> Any:
    trace = trace_now.get()
    if trace is not NO_TRACE:
        event["correlation_id"] = trace.request_id
    return event


log: structlog.typing.FilteringBoundLogger = structlog.get_logger()


class LogThrottle:
    """Log throttle: the same trouble is logged again after a while, not five times a second."""

    def __init__(self) -> None:
        self._what, self._at_s = "", 0.0

    def is_news(self, what: str) -> bool:
        now_s = asyncio.get_running_loop().time()
        if what == self._what and now_s - self._at_s < SAID_AGAIN_S:
            return False
        self._what, self._at_s = what, now_s
        return True
