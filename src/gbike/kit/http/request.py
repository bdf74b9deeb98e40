"""The request as a handler sees it, and its response: one resource in the original's HAL, with the client's address."""

import hashlib
import re
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Any, TypeVar
from urllib.parse import parse_qsl, quote

import msgspec
from starlette.types import Receive, Scope

from gbike.kit.auth.addresses import origin
from gbike.kit.auth.principal import ANONYMOUS, IdempotencyKey, Kept, OwnerScope, Principal
from gbike.kit.http import problems, streams
from gbike.kit.http.fields import invalid, read_body
from gbike.kit.numbers import MAX_ID
from gbike.kit.storage.idempotency import hashes_of
from gbike.kit.storage.listing import Page
from gbike.kit.telemetry import TRACEPARENT, Trace

MAX_BODY = 64 * 1024
MAX_PAGE_SIZE = 1000
MAX_VISITORS_PAGE_SIZE = 100
MAX_QUERY = 50
MAX_PAGE = 1_000_000
HAL_JSON, JSON = "application/hal+json;charset=UTF-8", "application/json;charset=UTF-8"
CERTIFIED = "gbike.certified"
"""Where a server notes, in the state of a request, which services the client's certificate is for."""
ONLY_ONCE = ("authorization", "host", "content-type", "idempotency-key")
"""Headers that are no lists: of two, one reader believes the first and the next one the last."""
KEY = re.compile(r"[!-~]{1,255}")
_SECOND_TOKEN = re.compile(r",\s*bearer\s", re.IGNORECASE)
_WEIGHT = re.compile(r"q\s*=\s*([01](?:\.[0-9]{0,3})?)")
_TAKES = {
    HAL_JSON: {
        "application/hal+json": 4,
        "application/problem+json": 4,
        "application/*+json": 3,
        "application/*": 2,
        "*/*": 1,
    },
    JSON: {"application/json": 4, "application/*": 2, "*/*": 1},
}
"""What a client may write in `Accept` for each of our forms, and which of two counts for it: the more exact one."""
MOST_ACCEPT = 1_000
"""Characters of `Accept` that are read; 32 KB of commas would take as long as 30 requests, with no pace to pay."""
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")
_AUTHORITY = re.compile(r"[A-Za-z0-9.\-_:\[\]]{1,255}")

B = TypeVar("B", bound=msgspec.Struct)
Shown = Callable[[Any], msgspec.Struct]
"""Makes the resource that clients see."""


class ResourceKind(msgspec.Struct, frozen=True):
    """What a resource is called. `id_field`: the field with its number; `finders`: its searches, their parameters."""

    collection: str
    item: str
    id_field: str
    finders: tuple[tuple[str, str], ...] = ()
    at: str = ""
    """Its path, where that is not its name."""

    @property
    def path(self) -> str:
        return self.at or f"/{self.collection}"


def item(kind: ResourceKind, base: str, resource: msgspec.Struct) -> dict[str, Any]:
    """One resource: its fields, then `self` and its own name as links."""
    fields: dict[str, Any] = {name: getattr(resource, name) for name in resource.__struct_fields__}
    named = fields[kind.id_field]
    here = {
        "href": f"{base}{kind.at or '/' + kind.collection}/{quote(named, safe='') if isinstance(named, str) else named}"
    }
    fields["_links"] = {"self": here, kind.item: here}
    return fields


class Response(msgspec.Struct, frozen=True):
    """A status, what to send as JSON (None: an empty body), and headers. `media` None: HAL, or JSON where preferred."""

    status: int
    content: Any = None
    headers: dict[str, str] = {}
    media: str | None = None
    goes_on: bool = False
    """Whether its content is a Stream that is of use only whole (kit/http/streams.py)."""


class Request:
    """One request."""

    principal: Principal = ANONYMOUS
    owner: OwnerScope = OwnerScope.NONE
    """Owner scope, set by the guard when it has admitted the request."""
    answered: Response | None = None
    """What was kept under its Idempotency-Key just now."""

    wanted: Mapping[str, Any] = {}
    """What the filters of its operation read in the query."""
    export: Mapping[str, Any] = {}
    """How a list is wanted as a file; empty: it is not."""
    columns: tuple[str, ...] = ()
    """The fields of what its operation lists."""

    whose: int | None = None
    """Of whom the answer is, where neither the path nor the answer tells."""
    only_looked = False
    """Whether it could have changed something, and only looks."""

    most_body = MAX_BODY
    """Bytes that its body may have, set when it has been admitted."""

    def __init__(self, scope: Scope, receive: Receive, trusts: Callable[[str], bool]) -> None:
        """`trusts`: whether the peer at an address is believed about the address that the client used."""
        self.scope, self.receive = scope, receive
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.path_params: Mapping[str, str] = scope.get("path_params", {})
        sent: list[tuple[bytes, bytes]] = scope["headers"]
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in sent}
        self.headers = headers
        twice: Collection[str] = _join(sent, headers) if len(headers) < len(sent) else ()
        self.sent_twice = next((name for name in ONLY_ONCE if name in twice), "") if twice else ""
        """A header that may be there once and is there twice, also where a proxy made one of two."""
        if not self.sent_twice and _SECOND_TOKEN.search(headers.get("authorization", "")):
            self.sent_twice = "authorization"
        self.key = headers.get("idempotency-key")
        """The Idempotency-Key as it was sent."""
        self.peer: str = (scope.get("client") or ("",))[0]
        """The address at the other end of the connection."""
        self._trusts = trusts
        self.scheme: str = scope.get("scheme", "http")
        """http or https, as the client used it. Of several proxies the first one's word is about the client."""
        host = headers.get("host", "")
        if ("x-forwarded-proto" in headers or "x-forwarded-host" in headers) and trusts(self.peer):
            given = headers.get("x-forwarded-proto", "").partition(",")[0].strip().lower()
            self.scheme = given if given in ("http", "https") else self.scheme
            host = headers.get("x-forwarded-host", "").partition(",")[0].strip() or host
        self.base = _base(self.scheme, host)
        """The address the client used, without a path: from Forwarded headers of a trusted proxy, else Host. Empty
        where they name none: then links are paths."""
        self._raw: bytes | None = None

    @cached_property
    def query(self) -> list[tuple[str, str]]:
        """The query as pairs. Raises Problem 422 when there are more than MAX_QUERY."""
        text = self.scope.get("query_string", b"").decode("latin-1")
        try:
            return parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_QUERY) if text else []
        except ValueError:
            raise invalid("query", f"at most {MAX_QUERY} parameters") from None

    @property
    def wants_a_file(self) -> bool:
        """Whether it asks for a list as a file, before anybody has looked whether it asks well."""
        try:
            return self.first("format") is not None
        except problems.Problem:
            return False

    @property
    def origin(self) -> str:
        """The address of who asks, as far as it can be believed."""
        return origin(self.peer, self.headers.get("x-forwarded-for"), self._trusts)

    @property
    def certified(self) -> frozenset[str]:
        """The services that the certificate at the other end is for; none without mutual TLS."""
        services: frozenset[str] = self.scope.get("state", {}).get(CERTIFIED, frozenset())
        return services

    def must_cover(self, number: int) -> None:
        """Raises Problem 403 when it is about somebody else's things than the principal may touch."""
        if self.owner.only not in (None, number):
            raise problems.Problem(problems.FORBIDDEN)

    def id(self, name: str) -> int:
        """The number in the path, or what a finder is given in the query. Raises Problem 422, or 404: there are no
        searches."""
        text = self.path_params.get(name) or self.first(name)
        if text is None:
            raise invalid(name, "this search needs it")
        if text == "search" and name in self.path_params:
            raise problems.Problem(problems.NOT_FOUND, {"path": self.path})
        if not re.fullmatch(r"[0-9]{1,16}", text) or not 1 <= int(text) <= MAX_ID:
            raise invalid(
                name,
                f"{text[:40]!r} is not a whole number from 1 to {MAX_ID}",
                f"{text[:40]!r}: 1에서 {MAX_ID}까지의 정수여야 해요",
            )
        return int(text)

    def first(self, name: str) -> str | None:
        return next((value for key, value in self.query if key == name), None)

    def near(self) -> tuple[float, float] | None:
        """The place that `near=lat,lon` names, None without. Raises Problem 422."""
        text = self.first("near")
        if text is None:
            return None
        found = re.fullmatch(r"(-?[0-9]{1,3}(?:\.[0-9]{1,20})?),(-?[0-9]{1,3}(?:\.[0-9]{1,20})?)", text)
        lat, lon = map(float, found.groups()) if found else (91.0, 0.0)
        if abs(lat) > 90 or abs(lon) > 180:
            raise invalid(
                "near",
                f"{text[:40]!r} is not degrees north and east, as 37.3670,127.1083",
                f"{text[:40]!r}: 북위와 동경이어야 해요, 예: 37.3670,127.1083",
            )
        return lat, lon

    def page(self) -> Page:
        """What `page`, `size` and `sort` ask for. As the original: what makes no sense is the default."""
        size = _whole(self.first("size"), 20)
        most = MAX_VISITORS_PAGE_SIZE if self.principal is ANONYMOUS else MAX_PAGE_SIZE
        size = min(size, most) if size >= 1 else 20
        number = min(max(_whole(self.first("page"), 0), 0), MAX_PAGE)
        sort = []
        for value in [value for key, value in self.query if key == "sort"][:5]:
            *names, last = value.split(",")
            direction = last.lower() if last.lower() in ("asc", "desc") else None
            names = names if direction else [*names, last]
            sort += [(name, direction == "desc") for name in names if name]
        return Page(number, size, tuple(sort), tuple((k, v) for k, v in self.query if len(v) <= 255))

    async def body(self, struct: type[B]) -> B:
        """The body as `struct`. Raises Problem 400, 413, 415 or 422."""
        if self.headers.get("content-type", "application/json") != "application/json":
            self._refuse_other_types()
        raw = self._raw or await self.raw()
        if not raw:
            raise problems.Problem(problems.MALFORMED, {"why": "the body is empty"})
        return read_body(raw, struct)

    def _refuse_other_types(self) -> None:
        given = self.headers.get("content-type", "application/json").split(";")[0].strip().lower()
        if given not in ("application/json", "") and not (given.startswith("application/") and given.endswith("+json")):
            raise problems.Problem(problems.UNSUPPORTED_TYPE, {"given": given[:100]})
        if given == "application/json-patch+json":
            raise problems.Problem(problems.UNSUPPORTED_TYPE, {"given": given})

    async def body_if_any(self, struct: type[B]) -> B:
        """The same; with no body at all, what the defaults of `struct` say."""
        return await self.body(struct) if await self.raw() else struct()

    def found(self, kind: ResourceKind, resource: msgspec.Struct) -> Response:
        """200 with one resource; as the original, the answer to a PUT says where it is."""
        content = item(kind, self.base, resource)
        return Response(200, content, {"Location": content["_links"]["self"]["href"]} if self.method == "PUT" else {})

    async def raw(self) -> bytes:
        """The bytes of the body. Raises Problem 413 above `most_body`, 408 when it broke off."""
        if self._raw is None:
            announced = self.headers.get("content-length", "0")
            if announced.isdecimal() and (len(announced) > 18 or int(announced) > self.most_body):
                raise problems.Problem(problems.TOO_LARGE, {"most_bytes": self.most_body})
            parts, size = [], 0
            more = True
            while more:
                message = await self.receive()
                if message["type"] == "http.disconnect":
                    raise problems.Problem(
                        problems.TOO_SLOW
                    )  # the client is gone; what has come of its body is not its wish
                part = message.get("body", b"")
                parts.append(part)
                size += len(part)
                more = message.get("more_body", False)
                if size > self.most_body:
                    raise problems.Problem(problems.TOO_LARGE, {"most_bytes": self.most_body})
            self._raw = b"".join(parts)
        return self._raw

    async def idempotency_key(self, key: str, render: Callable[[Any], Response], *, json: bool) -> IdempotencyKey:
        """What an Idempotency-Key means of this request; it keeps what `render` makes of a result. `json`: whether it
        needs a body, whose type is told before its size, as without a key. Raises Problem 408, 413 or 415."""
        scope = hashlib.sha256(f"{self.principal.name}\n{self.method}\n{self.path}\n{key}".encode()).hexdigest()
        try:
            body = await self.raw()
        except problems.Problem:
            if json:
                self._refuse_other_types()
            raise
        if self.most_body > MAX_BODY:  # a file: its bytes are what it means, together with what is asked of it
            meant = raw = hashlib.sha256(self.scope.get("query_string", b"") + b"\n" + body).hexdigest()
        else:
            meant, raw = hashes_of(body)

        def kept(result: Any) -> Kept:
            self.answered = render(result)
            return (
                self.answered.status,
                msgspec.json.encode(self.answered.content),
                msgspec.json.encode(self.answered.headers),
            )

        return IdempotencyKey(scope, meant, kept, older_hash=raw)


def trace_from(traceparent: str | None, request_id: str | None) -> Trace:
    """Take over what the client sent when it is well-formed, make what is missing."""
    parent = TRACEPARENT.fullmatch(traceparent or "")
    chance = secrets.token_hex(24)
    trace_id = parent.group(1) if parent else chance[:32]
    span_id = chance[32:48]
    known = request_id if request_id and _REQUEST_ID.fullmatch(request_id) else trace_id
    sampled = "01" if parent is None or int(parent.group(3), 16) & 1 else "00"
    return Trace(f"00-{trace_id}-{span_id}-{sampled}", known)


def showing(kind: ResourceKind, shown: Shown, status: int = 200) -> Callable[[Request, Any], Response]:
    """For an operation: answers with one resource; of a new one, and as the original after a PUT, with its place."""

    def _answer(request: Request, found: Any) -> Response:
        content = item(kind, request.base, shown(found))
        located = status == 201 or request.method == "PUT"
        return Response(status, content, {"Location": content["_links"]["self"]["href"]} if located else {})

    return _answer


@lru_cache(maxsize=256)
def _base(scheme: str, host: str) -> str:
    return f"{scheme}://{host}" if _AUTHORITY.fullmatch(host) else ""


@lru_cache(maxsize=256)
def preferred_media(accept: str) -> str:
    """HAL, or plain JSON where the client likes it better; of two that it likes alike, what it names first, and HAL
    where it names neither. Raises Problem 406 when it takes none of them."""
    best, chosen = (0.0, 0), ""
    given = [part.lower().split(";") for part in (accept[:MOST_ACCEPT].strip() or "*/*").split(",")]
    for media, takes in _TAKES.items():
        exact = place = 0
        weight = 0.0
        for at, (kind, *notes) in enumerate(given):
            if takes.get(kind.strip(), 0) > exact:
                exact, place = takes[kind.strip()], -at
                weight = _weight(notes)
        if weight and (weight, place) > best:
            best, chosen = (weight, place), media
    if not chosen:
        raise problems.Problem(problems.NOT_ACCEPTABLE)
    return chosen


def event_stream(accept: str) -> str:
    """What an answer that goes on is sent as. Raises Problem 406 when the client does not expect one."""
    if streams.MEDIA not in [part.partition(";")[0].strip().lower() for part in accept.split(",")]:
        raise problems.Problem(streams.STREAM_ONLY)
    return streams.MEDIA


def _weight(notes: Sequence[str]) -> float:
    found = (_WEIGHT.fullmatch(note.strip()) for note in notes)
    return next((min(1.0, float(one.group(1))) for one in found if one), 1.0)


def _join(sent: Sequence[tuple[bytes, bytes]], headers: dict[str, str]) -> set[str]:
    """The names that were sent more than once. What they say is one list: a header in lines is a header with commas."""
    lines: dict[str, list[str]] = {}
    for name, value in sent:
        lines.setdefault(name.decode("latin-1"), []).append(value.decode("latin-1"))
    several = {name: ", ".join(values) for name, values in lines.items() if len(values) > 1}
    headers.update(several)
    return set(several)


def _whole(text: str | None, default: int) -> int:
    return int(text) if text and re.fullmatch(r"-?[0-9]{1,9}", text) else default
