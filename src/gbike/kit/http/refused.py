"""Refusals that the server writes itself, as no application has seen the request: problem documents like all others."""

from collections.abc import Sequence
from http import HTTPStatus

import msgspec
from starlette.types import ASGIApp, Receive, Scope, Send

from gbike.kit.http.problems import MEDIA_TYPE, Problem, preferred_language
from gbike.kit.http.protection import protecting
from gbike.kit.http.request import trace_from
from gbike.kit.telemetry import trace_now

Headers = Sequence[tuple[bytes, bytes]]


def refusal(problem: Problem, asked: Headers) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Headers and body of the problem document, for who asked with these headers, as far as they have come."""
    known = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in asked}
    trace = trace_from(known.get("traceparent"), known.get("x-request-id"))
    before = trace_now.set(trace)
    try:
        language = preferred_language(known.get("accept-language", ""))
        body = msgspec.json.encode(problem.body(language, "/"))
    finally:
        trace_now.reset(before)
    headers = [
        (b"x-request-id", trace.request_id.encode()),
        *protecting(),
        (b"content-language", language.encode()),
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    return headers, body


def answering(problem: Problem) -> ASGIApp:

    async def answer(scope: Scope, _receive: Receive, send: Send) -> None:
        headers, body = refusal(problem, scope["headers"])
        await send({"type": "http.response.start", "status": problem.type.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return answer


def written(problem: Problem, asked: Headers, usual: Headers) -> bytes:
    """The whole answer as it is sent, with the `usual` headers before its own."""
    headers, body = refusal(problem, asked)
    status = problem.type.status
    lines = b"".join(name + b": " + value + b"\r\n" for name, value in [*usual, *headers])
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n".encode() + lines + b"\r\n" + body
