"""The OpenAPI 3.1 document of a service, from its table of operations: what is routed is what is described."""

import inspect
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from gbike import ABOUT as WHAT_IT_IS_FOR
from gbike.kit.http import problems
from gbike.kit.http.fields import plain_fields
from gbike.kit.http.filters import EXPORT, PAGING
from gbike.kit.http.streams import MEDIA as STREAM
from gbike.kit.numbers import MAX_ID

if TYPE_CHECKING:
    from gbike.kit.http.app import Operation

REF = "#/components/schemas/{name}"
LINK = {"type": "object", "properties": {"href": {"type": "string"}}, "required": ["href"]}
LINKS = {
    "type": "object",
    "required": ["_links"],
    "properties": {"_links": {"type": "object", "additionalProperties": LINK}},
}
MEDIA = ("application/hal+json", "application/json")
PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance", "correlation_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "correlation_id": {"type": "string"},
    },
}
TEXT = {"type": "string"}
_DONE = {201: "made", 202: "taken, and under way"}
NEAR = "degrees north and east, as 37.3670,127.1083: what is near this place comes first"
SEARCHED = "only names that have this text in them, in whatever case and spelling"
_DEGREES = r"-?({}(\.[0-9]{{1,20}})?|{}(\.0{{1,20}})?)"
PLACE = {
    "type": "string",
    "pattern": f"^{_DEGREES.format('[0-8]?[0-9]', '90')},{_DEGREES.format('(1[0-7][0-9]|[0-9]{1,2})', '180')}$",
}
KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "One request's own key: the same request sent again has its effect once and gets the same answer.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}
"""Named in the description of each operation and not among its parameters: a key belongs to one body, which JSON Schema
can't say, and tools that make requests from a list of parameters send one key with many bodies."""
ACCESS = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "The access token of POST /sessions.",
}
ALWAYS_SENT = {
    "X-Request-Id": {"description": "this request in every log, call and event; the client's own when it sent one"},
    "traceparent": {"description": "the W3C trace that this request belongs to"},
}
LOCATION = {"description": "where the resource is", "required": True}
RETRY_AFTER = {"description": "seconds to wait before the next try"}
ABOUT = f"""{WHAT_IT_IS_FOR}

Numbers and booleans may also be sent as strings. Unknown fields are ignored. Every refusal is
`application/problem+json` with a stable `type`, in Korean when `Accept-Language` asks for it; `/docs/status-codes`
lists them all. A wrong method is 405 with `Allow`. Collections are HAL pages: `page`, `size` (20, at most 1000) and
`sort=field[,asc|desc]`, which may be repeated. With `format=csv` the whole list is sent as a file, in UTF-8 or with
`encoding=cp949`. A parameter that a collection does not have is 422."""

PAGE = {
    "type": "object",
    "properties": {
        "more": {"type": "boolean", "description": "there are more than totalElements: nobody has counted them"}
    },
    "additionalProperties": {"type": "integer"},
}


def document(service: str, operations: Sequence["Operation"], *, demo: bool = False) -> dict[str, Any]:
    """The OpenAPI document of `operations`. `demo`: it is open, so no operation takes a token."""
    shown = [operation for operation in operations if not operation.hidden]
    paths: dict[str, dict[str, Any]] = {}
    for operation in shown:
        described = _operation(operation)
        if not (demo or operation.rule.public):
            described["security"] = [*([{}] if operation.rule.visitors else []), {"accessToken": []}]
        paths.setdefault(_plain(operation.path), {})[operation.method.lower()] = described
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "gbike" if service == "gbike" else f"gbike {service}",
            "version": "1",
            "description": ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "tags": [{"name": tag} for tag in dict.fromkeys(_tag(operation) for operation in shown)],
        "paths": paths,
        "components": {
            "schemas": {"Links": LINKS, "Problem": PROBLEM, **_schemas(shown)},
            "headers": {
                **{name: {**header, "schema": TEXT} for name, header in ALWAYS_SENT.items()},
                "Location": {**LOCATION, "schema": TEXT},
                "Retry-After": {**RETRY_AFTER, "schema": TEXT},
            },
            "parameters": {"IdempotencyKey": KEY},
            **({} if demo else {"securitySchemes": {"accessToken": ACCESS}}),
        },
    }


def _tag(operation: "Operation") -> str:
    return operation.path.split("/")[1]


def _id(operation: "Operation") -> str:
    words = re.findall(r"[A-Za-z]+", _plain(operation.path))
    return operation.method.lower() + "".join(word[0].upper() + word[1:] for word in words)


def _headers(*more: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in (*more, *ALWAYS_SENT)}


def _plain(path: str) -> str:
    return re.sub(r"\{(\w+):\w+\}", r"{\1}", path)


def _operation(operation: "Operation") -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": _id(operation),
        "tags": [_tag(operation)],
        "summary": operation.summary,
        "description": _about(operation),
        "parameters": _parameters(operation),
        "responses": {str(status): _answer(operation, status, shape) for status, shape in operation.answers.items()},
    }
    if operation.takes is not None:
        schema = {"$ref": REF.format(name=operation.takes.__name__)}
        body = {"schema": schema, **({"example": dict(operation.example)} if operation.example else {})}
        described["requestBody"] = {"required": not operation.may_be_empty, "content": {"application/json": body}}
    if operation.upload is not None:
        bytes_ = {"schema": {"type": "string", "format": "binary"}}
        content = {"text/csv": {**bytes_, "example": operation.upload.example}, "application/octet-stream": bytes_}
        described["requestBody"] = {"required": True, "content": content}
    for problem in problems_of(operation):
        answer = described["responses"].setdefault(
            str(problem.status),
            {
                "description": "",
                "headers": _headers(),
                "content": {"application/problem+json": {"schema": {"$ref": REF.format(name="Problem")}}},
            },
        )
        answer["description"] = (answer["description"] + " · " if answer["description"] else "") + problem.title_en
        if problem.retry_after_s is not None:
            answer["headers"] = _headers("Retry-After")
    return described


def _about(operation: "Operation") -> str:
    paged = "A HAL page. " if operation.paged else ""
    key = "Takes an `Idempotency-Key` header: see `components/parameters/IdempotencyKey`. " if operation.keyed else ""
    takes = (inspect.getdoc(operation.takes) or "") if operation.takes else ""
    return f"{operation.summary}. {paged}{key}{takes}".strip()


def problems_of(operation: "Operation") -> list[problems.ProblemType]:
    """What an operation may be refused with, by status: what any such is, and what its table says."""
    found = [p for p in problems.EVERYWHERE if p.status in (404, 406) and p.slug != "gone"]
    found += [problems.SENT_TWICE, problems.INTERNAL, problems.UNAVAILABLE, problems.STOPPED]
    found += (
        [problems.TOO_MANY]
        if operation.rule.public
        else [problems.TOO_MANY, problems.UNAUTHENTICATED, problems.FORBIDDEN, problems.KEYS_AWAY]
    )
    if operation.streams:
        found = [p for p in found if p.status != 406]
    if operation.takes is not None:
        found += [p for p in problems.EVERYWHERE if p.status in (400, 408, 413, 415)]
    if operation.upload is not None:
        found += [p for p in problems.EVERYWHERE if p.status in (408, 413)]
    if operation.keyed:
        found += [problems.KEY_REUSED, problems.KEY_IN_FLIGHT]
    asked = operation.finder or operation.finds or operation.filters or operation.paged
    if operation.keyed or "{" in operation.path or asked:
        found += [p for p in problems.EVERYWHERE if p.slug == "invalid-request"]
    return sorted({p.slug: p for p in [*found, *operation.refusals]}.values(), key=lambda p: (p.status, p.slug))


def _parameters(operation: "Operation") -> list[dict[str, Any]]:
    number = {"type": "integer", "minimum": 1, "maximum": MAX_ID}

    def text_of(name: str) -> dict[str, str]:
        return {"type": "string", **({"pattern": operation.patterns[name]} if name in operation.patterns else {})}

    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": text_of(name) if kind else number}
        for name, _, kind in re.findall(r"\{(\w+)(:(\w+))?\}", operation.path)
    ]
    if operation.finder:
        found.append({"name": operation.finder, "in": "query", "required": True, "schema": number})
    for name, schema in operation.finds.items():
        found.append({"name": name, "in": "query", "required": True, "schema": schema})
    for name, meaning in PAGING.items() if operation.paged else ():
        found.append({"name": name, "in": "query", "description": meaning, "schema": TEXT})
    if operation.near:
        found.append({"name": "near", "in": "query", "description": NEAR, "schema": PLACE})
    if operation.searched:
        found.append({"name": "q", "in": "query", "description": SEARCHED, "schema": TEXT})
    for name, one in {**operation.filters, **(EXPORT if operation.paged else {})}.items():
        found.append({"name": name, "in": "query", "schema": dict(one.schema)})
    patterns = operation.upload.patterns if operation.upload is not None else {}
    for name, meaning in operation.upload.texts.items() if operation.upload is not None else ():
        schema = {**TEXT, "pattern": patterns[name]} if name in patterns else TEXT
        found.append({"name": name, "in": "query", "description": meaning, "schema": schema})
    return found


def _answer(operation: "Operation", status: int, shape: Any) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": _DONE.get(status, "done")}
    located = status == 201 or (status == 202 and operation.upload is not None) or operation.method == "PUT"
    answer["headers"] = _headers(*(["Location"] if located else []))
    if operation.streams:
        answer["content"] = {STREAM: {"schema": TEXT}}
    elif shape is None:
        answer["content"] = {media: {"schema": {"$ref": REF.format(name="Links")}} for media in MEDIA}
    else:
        many = isinstance(shape, list)
        name = (shape[0] if many else shape).__name__
        schema: dict[str, Any] = {"$ref": REF.format(name=name)}
        if many:
            schema = {
                "type": "object",
                "required": ["_embedded", "_links"],
                "properties": {
                    "_embedded": {"type": "object", "additionalProperties": {"type": "array", "items": schema}},
                    "_links": {"type": "object", "additionalProperties": LINK},
                    "page": PAGE,
                },
            }
        answer["content"] = {media: {"schema": schema} for media in MEDIA}
        if many and operation.paged:
            answer["content"]["text/csv"] = {"schema": TEXT}
    return answer


def schemas_of(kinds: Sequence[type], ref_template: str) -> dict[str, dict[str, Any]]:
    """The JSON Schema of every kind, by name, without the indentation that Python up to 3.12 leaves in a docstring."""
    _, found = msgspec.json.schema_components(kinds, ref_template=ref_template)
    for schema in found.values():
        if "description" in schema:
            schema["description"] = inspect.cleandoc(schema["description"])
    return found


def _schemas(operations: Sequence["Operation"]) -> dict[str, Any]:
    taken = {o.takes for o in operations if o.takes is not None}
    given = {
        shape[0] if isinstance(shape, list) else shape
        for o in operations
        for shape in o.answers.values()
        if shape is not None
    }
    kinds = sorted(taken | given, key=lambda kind: kind.__name__)
    components = schemas_of(kinds, REF)
    for kind in taken:
        for name, plain in plain_fields(kind).items():
            properties = components[kind.__name__]["properties"]
            options = properties[name].pop("anyOf", None) or [_without_notes(properties[name])]
            pattern = plain.pattern if not plain.nullable else f"^$|{plain.pattern}"
            properties[name] = {**_notes(properties[name]), "anyOf": [*options, {"type": "string", "pattern": pattern}]}
    for kind in given - taken:
        components[kind.__name__].setdefault("properties", {})["_links"] = {
            "type": "object",
            "additionalProperties": LINK,
        }
    return dict(sorted(components.items()))


def _notes(schema: dict[str, Any]) -> dict[str, Any]:
    return {name: schema[name] for name in ("description", "default") if name in schema}


def _without_notes(schema: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in schema.items() if name not in ("description", "default")}
