"""Where the spans of a service are taken: at its edges, so that use cases, relay and consumer know nothing of them.

Requests are spans in `http.app`; here are its calls, what it publishes and what it handles. When nobody asked for
spans, none of this is there. A message whose handling is tried again gets another span: it was tried again.
"""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from gbike.kit.calls.peers import Caller, PeerAnswer
from gbike.kit.envelope import Message, key_of, trace_of
from gbike.kit.messaging.bus import Bus
from gbike.kit.messaging.inbox import Policy
from gbike.kit.messaging.republish import Identified
from gbike.kit.service import Dependencies, Running, ServiceSpec, assemble
from gbike.kit.store import Tx
from gbike.kit.telemetry import Facts, Span, SpanKind, Spans, Trace, within


def assemble_traced(spec: ServiceSpec, deps: Dependencies, spans: Spans) -> Running:
    """The service of `spec` over `deps`, with its spans."""
    bus = deps.bus
    traced = TracedLog(bus, bus, spans) if isinstance(bus, Identified) else TracedBus(bus, spans)
    caller = deps.caller
    deps = replace(deps, caller=lambda peer: TracedCaller(caller(peer), peer, spans), bus=traced)
    service = spec.build(deps)
    policies = {kind: _traced(f"process {kind.__name__}", policy, spans) for kind, policy in service.policies.items()}
    return assemble(deps, replace(service, policies=policies))


class TracedCaller:
    """A Caller whose calls are spans of their own."""

    def __init__(self, caller: Caller, peer: str, spans: Spans) -> None:
        self._caller, self._peer = caller, peer
        self._spans = spans

    async def call(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> PeerAnswer:
        parent = headers["traceparent"]
        own = within(Trace(parent, headers["x-request-id"]))
        span = self._spans.begin(SpanKind.CLIENT, f"{method} {self._peer}", own, parent)
        facts: Facts = {"http.request.method": method, "peer.service": self._peer, "url.path": path}
        try:
            answer = await self._caller.call(method, path, body, {**headers, "traceparent": span.trace.traceparent})
        except BaseException as failure:
            span.end({**facts, "error.type": type(failure).__name__}, failed=True)
            raise
        span.end({**facts, "http.response.status_code": answer.status}, failed=answer.status >= 500)
        return answer


class TracedBus:
    """A Bus on which the publishing of each message is a span."""

    def __init__(self, bus: Bus, spans: Spans) -> None:
        self._bus, self._spans = bus, spans

    async def append(self, messages: Sequence[Message]) -> None:
        begun = [self._begin(message) for message in messages]
        failed = True
        try:
            await self._bus.append(messages)
            failed = False
        finally:
            for span, message in zip(begun, messages, strict=True):
                span.end(_messaging("send", message.id, message.key), failed=failed)

    def _begin(self, message: Message) -> Span:
        trace = trace_of(message)
        return self._spans.begin(SpanKind.PRODUCER, f"publish {message.type}", within(trace), trace.traceparent)


class TracedLog(TracedBus):
    """A TracedBus whose log has an identity (Identified)."""

    def __init__(self, bus: Bus, identified: Identified, spans: Spans) -> None:
        super().__init__(bus, spans)
        self._identified = identified

    async def identity(self) -> str:
        return await self._identified.identity()

    async def before(self) -> str:
        return await self._identified.before()

    async def end(self) -> int:
        return await self._identified.end()


def _traced(name: str, policy: Policy, spans: Spans) -> Policy:
    def handle(tx: Tx, event: Any) -> object:
        said_within = tx.trace
        span = spans.begin(SpanKind.CONSUMER, name, within(said_within), said_within.traceparent)
        tx.trace = span.trace
        failed = True
        try:
            answer = policy(tx, event)
            failed = False
            return answer
        finally:
            span.end(_messaging("process", said_within.cause, key_of(event)), failed=failed)

    return handle


def _messaging(operation: str, id: str, key: str) -> Facts:
    return {
        "messaging.operation.type": operation,
        "messaging.destination.name": "gbike",
        "messaging.message.id": id,
        "gbike.key": key,
    }
