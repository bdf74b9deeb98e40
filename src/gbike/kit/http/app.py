"""A service's HTTP application: a table of operations, and one way for every request through it.

Trace, limits, metrics and problems are the same for all; a handler parses, calls one use case and answers.
"""

import re
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec
from prometheus_client import Counter, Histogram
from starlette.routing import compile_path
from starlette.types import Message, Receive, Scope, Send

from gbike.kit.access.limits import READS, WRITES, Pace
from gbike.kit.access.principal import ANONYMOUS, NOBODYS, KeysUnavailable
from gbike.kit.access.rules import PUBLIC, SIGNED_IN, Rule
from gbike.kit.acting import Acting, acting
from gbike.kit.http.ask import Answer, Ask
from gbike.kit.http.guard import Guard
from gbike.kit.http.problems import (
    INTERNAL,
    KEY_IN_FLIGHT,
    KEY_REUSED,
    KEYS_AWAY,
    MEDIA_TYPE,
    METHOD_NOT_ALLOWED,
    NOT_FOUND,
    UNAVAILABLE,
    Problem,
    ProblemType,
    preferred_language,
)
from gbike.kit.http.protection import protecting
from gbike.kit.http.streams import send_pieces
from gbike.kit.idempotency import KeyInFlight, KeyReused, Replay
from gbike.kit.store import StoreUnavailable
from gbike.kit.telemetry import Kind, Metrics, Span, Spans, Trace, log, trace_from, trace_now

INSIDE = "/internal/"
"""What services ask each other; nobody else, and the gateway leads nobody there."""
ALSO_INSIDE = "/.well-known/"
"""Keys that are published: who believes them must be sure whose they are."""

NOBODY_YET = Acting(ANONYMOUS, NOBODYS)
"""Until the guard has let somebody in."""
Handler = Callable[[Ask], Awaitable[Any]]
"""Answers the request, or what its operation's `answer` makes an answer of."""
Refusals = Mapping[type[Exception], ProblemType]

ALWAYS: Refusals = {
    StoreUnavailable: UNAVAILABLE,
    KeyReused: KEY_REUSED,
    KeyInFlight: KEY_IN_FLIGHT,
    KeysUnavailable: KEYS_AWAY,
}


class Operation(msgspec.Struct, frozen=True):
    """One thing that may be asked: who may, what it takes, what it answers, and the refusals it documents."""

    method: str
    path: str
    handler: Handler
    summary: str
    rule: Rule
    takes: type[msgspec.Struct] | None = None
    answers: Mapping[int, Any] = msgspec.field(default_factory=lambda: {200: None})
    finder: str | None = None
    paged: bool = False
    filters: Mapping[str, Sequence[str]] = {}
    """What a list may be narrowed by, and to which words; none: to a number."""
    near: bool = False
    """Whether the list can begin with what is near a place: `near=lat,lon`."""
    refusals: tuple[ProblemType, ...] = ()
    keyed: bool = False
    hidden: bool = False
    example: Mapping[str, Any] = {}
    streams: bool = False
    """Whether the answer goes on: its content is a Stream (kit/http/streams.py)."""
    pace: Pace | None = None
    """How often one may ask; None: as for other readings or writings."""
    may_be_empty: bool = False
    """Whether there need be no body: every field of `takes` has a default."""
    answer: Callable[[Ask, Any], Answer] | None = None
    """Makes the answer of what the handler's command returned, which is kept under an Idempotency-Key; None: the
    handler answers."""

    @property
    def changes(self) -> bool:
        """Whether an Idempotency-Key means something here."""
        return self.takes is not None or self.keyed


class HttpApp:
    """An ASGI application of one service."""

    def __init__(
        self,
        service: str,
        operations: Sequence[Operation],
        refusals: Refusals,
        metrics: Metrics,
        guard: Guard,
        spans: Spans | None = None,
    ) -> None:
        """`guard`: who comes in. `spans`: where each request is told, when somebody asked for it."""
        self.service, self.operations = service, tuple(operations)
        self._guard = guard
        self._refusals = {**ALWAYS, **refusals}
        self._metrics, self._spans = metrics, spans
        by_path: dict[str, dict[str, Operation]] = {}
        for operation in operations:
            by_path.setdefault(operation.path, {})[operation.method] = operation
        self._exact: dict[str, _Resource] = {}
        self._patterns: list[tuple[re.Pattern[str], _Resource]] = []
        for path, methods in by_path.items():
            resource = _Resource(self, methods)
            if "{" in path:
                self._patterns.append((compile_path(path)[0], resource))
            else:
                self._exact[path] = resource
        self._measured: dict[tuple[str, int], tuple[Counter, Histogram]] = {}

    def parted(self, door: Callable[[Guard], Guard]) -> tuple["HttpApp", "HttpApp"]:
        """What everybody may ask, and what services ask each other, with `door` before ours: for two listeners."""
        outside = [one for one in self.operations if not one.path.startswith(INSIDE)]
        inside = [one for one in self.operations if one.path.startswith((INSIDE, ALSO_INSIDE))]
        rest = self._refusals, self._metrics
        return (
            HttpApp(self.service, outside, *rest, self._guard, self._spans),
            HttpApp(self.service, inside, *rest, door(self._guard), self._spans),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one request."""
        if scope["type"] != "http":
            return
        path = scope["path"]
        if len(path) > 1 and path.endswith("/"):
            path = path.rstrip("/") or "/"
            scope = {**scope, "path": path}
        resource = self._exact.get(path)
        if resource is None:
            for pattern, candidate in self._patterns:
                if found := pattern.match(path):
                    resource, scope = candidate, {**scope, "path_params": found.groupdict()}
                    break
        await (resource or self._nothing_here)(scope, receive, send)

    async def serve(
        self, operation: Operation | None, handler: Handler, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Answer one request with `handler`: its trace, its answer or problem, its metrics and span."""
        began = time.perf_counter()

        def answered(status: int) -> None:
            if span is not None:
                _end(span, ask, name, status)
            requests, seconds = self._counters(name, status)
            requests.inc()
            seconds.observe(time.perf_counter() - began)

        ask = Ask(scope, receive, self._guard.trusts)
        name = f"{operation.method} {operation.path}" if operation else "none"
        trace = trace_from(ask.headers.get("traceparent"), ask.headers.get("x-request-id"))
        span = None
        if self._spans is not None:
            span = self._spans.begin(Kind.SERVER, name, trace, ask.headers.get("traceparent"))
            trace = span.trace
        before, nobody_yet = trace_now.set(trace), acting.set(NOBODY_YET)
        try:
            answer = await self._answer(ask, operation, handler)
            personal = operation is not None and not operation.rule.public
            if operation is not None and operation.streams and answer.status == 200:
                answered(answer.status)  # its beginning is the answer; how long it goes on says nothing of us
                still = partial(self._guard.still_admits, ask.principal)
                await _stream(answer, ask, trace, scope, receive, send, still=still)
                return
            await _send(answer, ask, trace, personal, send)
        finally:
            trace_now.reset(before)
            acting.reset(nobody_yet)
        answered(answer.status)

    def _counters(self, name: str, status: int) -> tuple[Counter, Histogram]:
        """The two counters of an operation and status, looked up once."""
        found = self._measured.get((name, status))
        if found is None:
            metrics = self._metrics
            found = (
                metrics.requests.labels(self.service, name, status),
                metrics.request_seconds.labels(self.service, name),
            )
            self._measured[name, status] = found
        return found

    async def _answer(self, ask: Ask, operation: Operation | None, handler: Handler) -> Answer:
        try:
            ask.must_be_clear()
            rule, pace = _asked(ask, operation)
            await self._guard.admit(ask, rule, pace)
            acting.set(Acting(ask.principal, ask.whose))
            media = ask.event_stream if operation is not None and operation.streams else None
            if operation is None or operation.method != "GET":
                _ = ask.media  # refused before anything changes, or is looked for
            keyed = operation is not None and operation.changes
            if keyed:
                _ = ask.key  # a key that is none is refused even where nothing changes
            answer = await _run(ask, operation, handler, keyed)
            return answer if answer.media else msgspec.structs.replace(answer, media=media or ask.media)
        except Replay as kept:
            headers = {**msgspec.json.decode(kept.headers), "Idempotent-Replayed": "true"}
            return Answer(kept.status, msgspec.Raw(kept.content), headers, ask.media)
        except Exception as failure:
            return self._problem(ask, failure)

    def _problem(self, ask: Ask, failure: Exception) -> Answer:
        problem = failure if isinstance(failure, Problem) else None
        if problem is None:
            type = self._refusals.get(failure.__class__)
            if type is None:
                log.error("a request failed", service=self.service, path=ask.path, exc_info=failure)
                type, facts = INTERNAL, {}
            else:
                facts = {name: value for name, value in vars(failure).items() if not name.startswith("_")}
            problem = Problem(type, facts, retry_after_s=facts.pop("retry_after_s", None))
        self._metrics.refusals.labels(self.service, problem.type.slug).inc()
        headers = dict(problem.headers)
        if problem.type.status == 401:
            headers.setdefault("WWW-Authenticate", problem.type.challenge)
        if problem.retry_after_s is not None:
            headers["Retry-After"] = str(problem.retry_after_s)
        language = preferred_language(ask.headers.get("accept-language", ""))
        headers["Content-Language"] = language
        return Answer(problem.type.status, problem.body(language, ask.path), headers, MEDIA_TYPE)

    async def _nothing_here(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def refuse(ask: Ask) -> Answer:
            raise Problem(NOT_FOUND, {"path": ask.path})

        await self.serve(None, refuse, scope, receive, send)


class _Resource:
    """What stands at one path: a handler per method."""

    def __init__(self, app: HttpApp, methods: Mapping[str, Operation]) -> None:
        self._app, self._methods = app, methods
        allowed = set(methods) | {"OPTIONS"} | ({"HEAD"} if "GET" in methods else set())
        self._allow = ", ".join(sorted(allowed))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method = scope["method"]
        operation = self._methods.get("GET" if method == "HEAD" else method)
        if operation is not None:
            await self._app.serve(operation, operation.handler, scope, receive, send)
        else:
            await self._app.serve(None, self._other, scope, receive, send)

    async def _other(self, ask: Ask) -> Answer:
        if ask.method == "OPTIONS":
            return Answer(200, headers={"Allow": self._allow})
        facts = {"path": ask.path, "method": ask.method[:20], "allow": self._allow}
        raise Problem(METHOD_NOT_ALLOWED, facts, headers={"Allow": self._allow})


def _asked(ask: Ask, operation: Operation | None) -> tuple[Rule, Pace]:
    """Who may ask for this, and how often. Where there is no operation a stranger learns no more than that by reading,
    and nothing at all by writing."""
    reads = ask.method in ("GET", "HEAD", "OPTIONS")
    pace = READS if reads else WRITES
    if operation is None:
        return PUBLIC if reads else SIGNED_IN, pace
    return operation.rule, operation.pace or pace


async def _run(ask: Ask, operation: Operation | None, handler: Handler, keyed: bool) -> Answer:
    """What the handler answers, or what is made of its command's result; where that was kept under the key, this."""
    make = operation.answer if operation is not None else None
    if make is None:
        answer: Answer = await handler(ask)
        return answer
    key = await ask.idempotency_key(partial(make, ask)) if keyed and ask.key is not None else None
    if key is not None:
        acting.set(Acting(ask.principal, ask.whose, key))
    result = await handler(ask)
    return ask.answered or make(ask, result)


def _end(span: Span, ask: Ask, name: str, status: int) -> None:
    span.end(
        {
            "http.request.method": ask.method,
            "http.route": name.partition(" ")[2],
            "url.path": ask.path,
            "http.response.status_code": status,
            "gbike.request_id": span.trace.request_id,
        },
        failed=status >= 500,
    )


async def _stream(
    answer: Answer, ask: Ask, trace: Trace, scope: Scope, receive: Receive, send: Send, *, still: Callable[[], bool]
) -> None:
    try:
        headers = _headers(answer, ask, trace, personal=True)
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        if ask.method == "HEAD":
            await send({"type": "http.response.body", "body": b""})
        else:
            await send_pieces(answer.content, scope, receive, send, still=still)
    finally:
        answer.content.close()


async def _send(answer: Answer, ask: Ask, trace: Trace, personal: bool, send: Send) -> None:
    empty = answer.content is None
    body = (
        b"" if empty else answer.content if isinstance(answer.content, bytes) else msgspec.json.encode(answer.content)
    )
    headers = _headers(answer, ask, trace, personal)
    if answer.status != 204:
        headers.append((b"content-length", str(len(body)).encode()))
    start: Message = {"type": "http.response.start", "status": answer.status, "headers": headers}
    await send(start)
    await send({"type": "http.response.body", "body": b"" if ask.method == "HEAD" else body})


def _headers(answer: Answer, ask: Ask, trace: Trace, personal: bool) -> list[tuple[bytes, bytes]]:
    media = answer.media or "application/json"
    guards: Iterable[tuple[bytes, bytes]] = protecting(media, personal=personal, over_tls=ask.scheme == "https")
    headers = [(b"x-request-id", trace.request_id.encode()), (b"traceparent", trace.traceparent.encode())]
    if answer.headers:
        own = {name.lower().encode(): value.encode() for name, value in answer.headers.items()}
        headers += own.items()
        guards = [guard for guard in guards if guard[0] not in own]
    headers += guards
    if answer.content is not None:
        headers.append((b"content-type", media.encode()))
    return headers
