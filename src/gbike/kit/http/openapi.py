"""The OpenAPI 3.1 document of a service, from its table of operations: what is routed is what is described."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from gbike.kit.http.fields import MAX_ID, plain_fields
from gbike.kit.http.problems import EVERYWHERE, INTERNAL, KEY_IN_FLIGHT, KEY_REUSED, STOPPED, UNAVAILABLE, ProblemType

if TYPE_CHECKING:
    from gbike.kit.http.app import Operation

REF = "#/components/schemas/{name}"
LINK = {"type": "object", "properties": {"href": {"type": "string"}}, "required": ["href"]}
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


def document(service: str, operations: Sequence["Operation"]) -> dict[str, Any]:
    """The OpenAPI document of `operations`."""
    shown = [operation for operation in operations if not operation.hidden]
    paths: dict[str, dict[str, Any]] = {}
    for operation in shown:
        paths.setdefault(_plain(operation.path), {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"gbike {service}",
            "version": "1",
            "description": "Requests and answers keep the original's fields.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {"schemas": {"Problem": PROBLEM, **_schemas(shown)}},
    }


def _plain(path: str) -> str:
    return re.sub(r"\{(\w+):\w+\}", r"{\1}", path)


def _operation(operation: "Operation") -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": f"{operation.method.lower()}{re.sub(r'[^A-Za-z0-9]+', '_', operation.path)}",
        "summary": operation.summary,
        "parameters": _parameters(operation),
        "responses": {str(status): _answer(operation, status, shape) for status, shape in operation.answers.items()},
    }
    if operation.takes is not None:
        schema = {"$ref": REF.format(name=operation.takes.__name__)}
        described["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    for problem in _problems(operation):
        answer = described["responses"].setdefault(
            str(problem.status),
            {
                "description": "",
                "content": {"application/problem+json": {"schema": {"$ref": REF.format(name="Problem")}}},
            },
        )
        answer["description"] = (answer["description"] + " · " if answer["description"] else "") + problem.title_en
        if problem.retry_after_s is not None:
            answer["headers"] = {"Retry-After": {"schema": {"type": "string"}, "description": "seconds"}}
    return described


def _problems(operation: "Operation") -> list[ProblemType]:
    found = [p for p in EVERYWHERE if p.status in (404, 406) and p.slug != "gone"] + [INTERNAL, UNAVAILABLE, STOPPED]
    if operation.takes is not None:
        found += [p for p in EVERYWHERE if p.status in (400, 413, 415)]
    if operation.changes:
        found += [KEY_REUSED, KEY_IN_FLIGHT]
    if operation.takes is not None or "{" in operation.path or operation.finder:
        found += [p for p in EVERYWHERE if p.slug == "invalid-request"]
    return sorted({p.slug: p for p in [*found, *operation.refusals]}.values(), key=lambda p: (p.status, p.slug))


def _parameters(operation: "Operation") -> list[dict[str, Any]]:
    number = {"type": "integer", "minimum": 1, "maximum": MAX_ID}
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"} if kind == "str" else number}
        for name, _, kind in re.findall(r"\{(\w+)(:(\w+))?\}", operation.path)
    ]
    if operation.finder:
        found.append({"name": operation.finder, "in": "query", "required": True, "schema": number})
    lenient = (
        {"page": "from 0", "size": "up to 1000, 20 unless told", "sort": "field[,asc|desc]"} if operation.paged else {}
    )
    for name, meaning in lenient.items():
        found.append({"name": name, "in": "query", "description": meaning, "schema": {"type": "string"}})
    found += [{"name": name, "in": "query", "schema": {"type": "string"}} for name in operation.filters]
    if operation.changes:
        key = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"}
        found.append({"name": "Idempotency-Key", "in": "header", "schema": key})
    return found


def _answer(operation: "Operation", status: int, shape: Any) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": "done" if status < 300 else "elsewhere"}
    if status == 201:
        answer["headers"] = {"Location": {"schema": {"type": "string"}, "required": True}}
    if shape is not None:
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
                    "page": {"type": "object", "additionalProperties": {"type": "integer"}},
                },
            }
        answer["content"] = {media: {"schema": schema} for media in ("application/hal+json", "application/json")}
    return answer


def _schemas(operations: Sequence["Operation"]) -> dict[str, Any]:
    taken = {o.takes for o in operations if o.takes is not None}
    given = {
        shape[0] if isinstance(shape, list) else shape
        for o in operations
        for shape in o.answers.values()
        if shape is not None
    }
    kinds = sorted(taken | given, key=lambda kind: kind.__name__)
    _, components = msgspec.json.schema_components(kinds, ref_template=REF)
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
