"""A service's HTTP application: a table of operations, and one way for every request through it.

Guard, trace, limits, metrics and problems are the same for all; a handler parses, calls one use case and answers.
"""

import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, Protocol

import msgspec
from prometheus_client import Counter, Histogram
from starlette.routing import compile_path
from starlette.types import ASGIApp, Receive, Scope, Send

from gbike.kit.auth.limits import READS, WRITES, Pace
from gbike.kit.auth.principal import ANONYMOUS, DEMO, Acting, KeysUnavailable, OwnerScope, Principal, acting
from gbike.kit.auth.rules import PUBLIC, SIGNED_IN, Rule
from gbike.kit.http import problems
from gbike.kit.http.fields import invalid
from gbike.kit.http.filters import EXPORT, PAGING, Filter, read_export, read_filters
from gbike.kit.http.looks import Looks
from gbike.kit.http.protection import protecting
from gbike.kit.http.request import KEY, Request, Response, event_stream, preferred_media, trace_from
from gbike.kit.http.streams import LINE, Line, Stream, send_pieces
from gbike.kit.storage.idempotency import KeyInFlight, KeyReused, Replay
from gbike.kit.store import StoreUnavailable
from gbike.kit.telemetry import Facts, Metrics, Span, SpanKind, Spans, Trace, log, trace_now


class Guard(Protocol):
    """Decides who comes in."""

    def trusts(self, address: str) -> bool:
        """Whether the peer at `address` is believed when it says for whom and under which name it asks."""

    async def admit(self, request: Request, rule: Rule, pace: Pace) -> None:
        """Put principal and reach on the request. Raises Problem (401, 403, 429) or KeysUnavailable."""

    def still_admits(self, principal: Principal) -> bool:
        """Whether who came in may hear on, in an answer that goes on."""


class NoAuth:
    """The demo's: everybody may do everything, and is the principal `demo`."""

    def trusts(self, address: str) -> bool:
        """See Guard.trusts: the demo is on loopback only."""
        return True

    async def admit(self, request: Request, rule: Rule, pace: Pace) -> None:
        request.principal, request.owner = DEMO, OwnerScope.ALL

    def still_admits(self, principal: Principal) -> bool:
        return True


NO_AUTH = NoAuth()
SAYS_DEMO = (b"x-gbike-mode", b"demo")
"""A header of every answer where the door is open: nobody should take an open system for a secure one."""
INSIDE = "/internal/"
"""What services ask each other; nobody else, and the gateway leads nobody there."""
ALSO_INSIDE = "/.well-known/"
"""Keys that are published: who believes them must be sure whose they are."""

NOBODY_YET = Acting(ANONYMOUS, OwnerScope.NONE)
"""Until the guard has let somebody in."""
Handler = Callable[[Request], Awaitable[Any]]
"""Answers the request, or what its operation's `answer` makes an answer of."""
Refusals = Mapping[type[Exception], problems.ProblemType]
Headers = list[tuple[bytes, bytes]]

ALWAYS: Refusals = {
    StoreUnavailable: problems.UNAVAILABLE,
    KeyReused: problems.KEY_REUSED,
    KeyInFlight: problems.KEY_IN_FLIGHT,
    KeysUnavailable: problems.KEYS_AWAY,
}


class Upload(msgspec.Struct, frozen=True):
    """A file that an operation takes as it is, whatever its type: how many bytes, within how many seconds, and what may
    be said of it in the query, by name."""

    most_bytes: int
    within_s: int
    texts: Mapping[str, str] = {}
    patterns: Mapping[str, str] = {}
    """Of those texts that are not free, by name."""
    example: str = ""

    def admit(self, request: Request) -> None:
        """Take this much of who was let in, also from the connection under the request."""
        request.most_body = self.most_bytes
        line: Line | None = request.scope.get(LINE)
        if line is not None:
            line.expect(self.most_bytes, self.within_s)


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
    finds: Mapping[str, Mapping[str, Any]] = {}
    """What a finder of a text is given in the query, with its schema; `patterns`: of the texts in its path."""
    patterns: Mapping[str, str] = {}
    paged: bool = False
    filters: Mapping[str, Filter] = {}
    """What may be asked for in the query; the handler finds it, read, in `request.wanted`."""
    near: bool = False
    """Whether the list can begin with what is near a place: `near=lat,lon`."""
    searched: bool = False
    """Whether the list can be narrowed to names that have a text in them: `q=text`."""
    refusals: tuple[problems.ProblemType, ...] = ()
    keyed: bool = False
    """Whether it heeds an Idempotency-Key; what takes a body does."""
    hidden: bool = False
    example: Mapping[str, Any] = {}
    streams: bool = False
    """Whether the answer goes on: its content is a Stream (kit/http/streams.py)."""
    pace: Pace | None = None
    """How often one may ask; None: as for other readings or writings."""
    may_be_empty: bool = False
    """Whether there need be no body: every field of `takes` has a default."""
    upload: Upload | None = None
    """The file that is its body."""
    looks: str = ""
    """What is seen of one person: who may see everybody's leaves an audit row for it (kit/http/looks.py)."""
    looks_at: str = ""
    """The row's subject, where many are seen with their names."""
    one_by: tuple[str, ...] = ()
    """What narrows a list to one person's, beside `userid`."""
    respond: Callable[[Request, Any], Response] | None = None
    """Makes the answer of what the handler returned, which an Idempotency-Key keeps; None: the handler answers."""
    known: frozenset[str] | None = None
    """All that may stand in the query of a list or a search; None: of others, where what is unknown is ignored."""

    def __post_init__(self) -> None:
        if self.takes is not None or self.upload is not None:
            msgspec.structs.force_setattr(self, "keyed", True)
        if self.method == "GET" and (self.paged or self.finder or self.finds):
            known = {*self.filters, *self.finds, *((*PAGING, *EXPORT) if self.paged else ())}
            known |= {name for name in (self.finder, "near" * self.near, "q" * self.searched) if name}
            msgspec.structs.force_setattr(self, "known", frozenset(known))


class HttpApp:
    """An ASGI application of one service."""

    watching: ClassVar[list[Callable[[Operation, Response], None]]] = []
    """Are told what each operation answers: tests, which judge whether it says so."""

    def __init__(
        self,
        service: str,
        operations: Sequence[Operation],
        refusals: Refusals,
        metrics: Metrics,
        guard: Guard,
        *,
        spans: Spans | None = None,
        looks: Looks | None = None,
    ) -> None:
        """`guard`: who comes in. `spans`: where each request is told, when somebody asked for it. `looks`: where it is
        put on record who was seen."""
        self.service, self.operations = service, tuple(operations)
        self._guard = guard
        self._marks = [SAYS_DEMO] if isinstance(guard, NoAuth) else []
        self._refusals = {**ALWAYS, **refusals}
        self._metrics, self._spans = metrics, spans
        self._looks = looks
        by_path: dict[str, dict[str, Operation]] = {}
        for operation in operations:
            by_path.setdefault(operation.path, {})[operation.method] = operation
        self._exact: dict[str, _Resource] = {}
        self._patterns: list[tuple[re.Pattern[str], _Resource]] = []
        for path, methods in by_path.items():
            heads = {"HEAD": methods["GET"]} if "GET" in methods else {}
            resource = _Resource({**methods, **heads}, ", ".join(sorted({*methods, *heads, "OPTIONS"})))
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
            HttpApp(self.service, outside, *rest, self._guard, spans=self._spans, looks=self._looks),
            HttpApp(self.service, inside, *rest, door(self._guard), spans=self._spans, looks=self._looks),
        )

    def refusing(self, type: problems.ProblemType, facts: Mapping[str, Any] | None = None) -> ASGIApp:
        """An application that refuses everything, and is guarded, measured and traced as this one."""

        async def refuse(_ask: Request) -> Response:
            raise problems.Problem(type, facts)

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http":
                await self._serve(Request(scope, receive, self._guard.trusts), None, refuse, send)

        return answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
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
        operation = resource.operations.get(scope["method"]) if resource else None
        handler = operation.handler if operation else partial(_no_operation, resource)
        await self._serve(Request(scope, receive, self._guard.trusts), operation, handler, send)

    async def _serve(self, request: Request, operation: Operation | None, handler: Handler, send: Send) -> None:
        """Answer one request with `handler`: its trace, its answer or problem, its metrics and span."""
        began = time.perf_counter()
        name = f"{operation.method} {operation.path}" if operation else "none"
        trace = trace_from(request.headers.get("traceparent"), request.headers.get("x-request-id"))
        span = None
        if self._spans is not None:
            span = self._spans.begin(SpanKind.SERVER, name, trace, request.headers.get("traceparent"))
            trace = span.trace
        before, nobody_yet = trace_now.set(trace), acting.set(NOBODY_YET)
        try:
            response = await self._answer(request, operation, handler)
            if operation is not None:
                for told in self.watching:
                    told(operation, response)
            headers = _headers(response, request, trace, personal=operation is not None and not operation.rule.public)
            if operation is not None and response.status == 200 and (operation.streams or response.goes_on):
                self._count(request, name, response.status, began, span)  # how long it goes on says nothing of us
                await self._stream(response, headers + self._marks, request, send)
                return
            content = response.content
            body = b"" if content is None else content if isinstance(content, bytes) else msgspec.json.encode(content)
            if response.status != 204:
                headers.append((b"content-length", str(len(body)).encode()))
            await send({"type": "http.response.start", "status": response.status, "headers": headers + self._marks})
            await send({"type": "http.response.body", "body": b"" if request.method == "HEAD" else body})
        finally:
            trace_now.reset(before)
            acting.reset(nobody_yet)
        self._count(request, name, response.status, began, span)

    async def _answer(self, request: Request, operation: Operation | None, handler: Handler) -> Response:
        """What `handler` answers to whom the guard lets in, or the problem that anything here raised. Where there is no
        operation a stranger learns no more than that by reading, and nothing at all by writing."""
        accept = request.headers.get("accept", "*/*")
        try:
            if request.sent_twice:
                raise problems.Problem(problems.SENT_TWICE, {"header": request.sent_twice})
            reads = request.method in ("GET", "HEAD", "OPTIONS")
            rule = operation.rule if operation else PUBLIC if reads else SIGNED_IN
            pace = operation.pace if operation else None
            if operation is not None and operation.paged and request.wants_a_file:
                reads, rule = False, msgspec.structs.replace(rule, visitors=False)  # who takes a list goes on record
            await self._guard.admit(request, rule, pace or (READS if reads else WRITES))
            acting.set(Acting(request.principal, request.owner))
            if operation is not None and operation.upload is not None:
                operation.upload.admit(request)
            if operation is not None and (operation.filters or operation.known is not None):
                request.wanted = read_filters(request.query, operation.filters, operation.known)
            if operation is not None and operation.paged:
                request.export = read_export(request.query)
                request.columns = operation.answers[200][0].__struct_fields__
            media = None
            if operation is None or operation.method != "GET":
                media = preferred_media(accept)  # refused before anything changes, or is looked for
            elif operation.streams:
                media = event_stream(accept)
            make = operation.respond if operation else None
            if request.key is not None and operation and operation.keyed:
                if not KEY.fullmatch(request.key):  # refused even where nothing changes
                    raise invalid("Idempotency-Key", "1 to 255 visible ASCII characters")
                if make is not None:
                    json = operation.takes is not None and not operation.may_be_empty
                    key = await request.idempotency_key(request.key, partial(make, request), json=json)
                    acting.set(Acting(request.principal, request.owner, key))
            result = await handler(request)
            response: Response = result if make is None else request.answered or make(request, result)
            looks = self._looks if operation is not None and operation.looks and request.owner.only is None else None
            if looks is not None and operation is not None and (operation.method == "GET" or request.only_looked):
                look = request.principal.name, operation.looks, getattr(result, "userid", 0)
                if looks.until.get(look, 0.0) < (now_s := time.monotonic()):  # polls are known: seen without a call
                    await looks.at(request, operation, result, response, now_s)
            if response.media is not None:
                return response
            return Response(response.status, response.content, response.headers, media or preferred_media(accept))
        except Replay as kept:
            headers = {**msgspec.json.decode(kept.headers), "Idempotent-Replayed": "true"}
            return Response(kept.status, msgspec.Raw(kept.content), headers, preferred_media(accept))
        except Exception as failure:
            return self._problem(request, failure)

    def _problem(self, request: Request, failure: Exception) -> Response:
        problem = failure if isinstance(failure, problems.Problem) else None
        if problem is None:
            type = self._refusals.get(failure.__class__)
            if type is None:
                log.error("a request failed", service=self.service, path=request.path, exc_info=failure)
                type, facts = problems.INTERNAL, {}
            else:
                facts = {name: value for name, value in vars(failure).items() if not name.startswith("_")}
            problem = problems.Problem(type, facts, retry_after_s=facts.pop("retry_after_s", None))
        self._metrics.refusals.labels(self.service, problem.type.slug).inc()
        headers = dict(problem.headers)
        if problem.type.status == 401:
            headers.setdefault("WWW-Authenticate", problem.type.challenge)
        if problem.retry_after_s is not None:
            headers["Retry-After"] = str(problem.retry_after_s)
        language = problems.preferred_language(request.headers.get("accept-language", ""))
        headers["Content-Language"] = language
        return Response(problem.type.status, problem.body(language, request.path), headers, problems.MEDIA_TYPE)

    def _count(self, request: Request, name: str, status: int, began: float, span: Span | None) -> None:
        """Measure one answer, and end its span. The two counters of an operation and status are looked up once."""
        if span is not None:
            facts: Facts = {
                "http.request.method": request.method,
                "http.route": name.partition(" ")[2],
                "url.path": request.path,
                "http.response.status_code": status,
                "gbike.request_id": span.trace.request_id,
            }
            span.end(facts, failed=status >= 500)
        found = self._measured.get((name, status))
        if found is None:
            requests = self._metrics.requests.labels(self.service, name, status)
            found = self._measured[name, status] = requests, self._metrics.request_seconds.labels(self.service, name)
        found[0].inc()
        found[1].observe(time.perf_counter() - began)

    async def _stream(self, response: Response, headers: Headers, request: Request, send: Send) -> None:
        stream: Stream = response.content
        try:
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            if request.method == "HEAD":
                await send({"type": "http.response.body", "body": b""})
            else:
                await send_pieces(
                    stream,
                    request.scope,
                    request.receive,
                    send,
                    still=partial(self._guard.still_admits, request.principal),
                    whole=response.goes_on,
                )
        finally:
            stream.close()


class _Resource(msgspec.Struct, frozen=True):
    """What stands at one path: an operation for each method, and what `Allow` says."""

    operations: Mapping[str, Operation]
    allow: str


async def _no_operation(resource: _Resource | None, request: Request) -> Response:
    """What is said where nothing stands at a path, or nothing for this method."""
    if resource is None:
        raise problems.Problem(problems.NOT_FOUND, {"path": request.path})
    if request.method == "OPTIONS":
        return Response(200, headers={"Allow": resource.allow})
    facts = {"path": request.path, "method": request.method[:20], "allow": resource.allow}
    raise problems.Problem(problems.METHOD_NOT_ALLOWED, facts, headers={"Allow": resource.allow})


def _headers(response: Response, request: Request, trace: Trace, *, personal: bool) -> Headers:
    media = response.media or "application/json"
    headers = [(b"x-request-id", trace.request_id.encode()), (b"traceparent", trace.traceparent.encode())]
    guards = protecting(page=media.startswith("text/html"), personal=personal, over_tls=request.scheme == "https")
    if response.headers:
        own = {name.lower().encode(): value.encode() for name, value in response.headers.items()}
        headers += own.items()
        headers += (guard for guard in guards if guard[0] not in own)
    else:
        headers += guards
    if response.content is not None:
        headers.append((b"content-type", media.encode()))
    return headers
