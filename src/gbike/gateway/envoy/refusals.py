"""What Envoy refuses by itself, in the words of the project: a problem document for each, in Korean or English."""

from collections.abc import Mapping
from typing import Any

import msgspec

from gbike.contracts import PROBLEM_TEXTS
from gbike.gateway.envoy.headers import MODE, PROTECTING, header
from gbike.gateway.envoy.routes import OWN_METHODS
from gbike.kit.http import problems
from gbike.kit.http.request import MAX_BODY

OVERFLOW = problems.catalogue(PROBLEM_TEXTS)["service-busy"]
ANSWER_LOST = problems.catalogue(PROBLEM_TEXTS)["answer-lost"]
PROBLEMS = (OVERFLOW, ANSWER_LOST)
"""The problems that only the gateway answers."""

PATH = "%PATH(NQ:PATH):200%"
FACTS: dict[str, dict[str, Any]] = {
    problems.NOT_FOUND.slug: {"path": PATH},
    problems.METHOD_NOT_ALLOWED.slug: {"path": PATH, "method": "%REQ(:METHOD):20%", "allow": OWN_METHODS},
    problems.TOO_LARGE.slug: {"most_bytes": MAX_BODY},
    problems.STOPPED.slug: {"service": "%UPSTREAM_CLUSTER%"},
    OVERFLOW.slug: {"service": "%UPSTREAM_CLUSTER%"},
    ANSWER_LOST.slug: {"service": "%UPSTREAM_CLUSTER%"},
}
NOTHING: Mapping[str, Any] = {}
KOREAN = {
    "header_filter": {
        "header": {"name": "accept-language", "string_match": {"safe_regex": {"regex": r"(?i)\s*ko\b.*"}}}
    }
}
"""Who puts Korean first. (The services weigh the whole list.)"""


class When(msgspec.Struct, frozen=True):
    """Statuses that Envoy would answer with, from a first to a last, and flags of which it has one: a problem."""

    problem: problems.ProblemType
    first: int
    last: int
    flags: tuple[str, ...] = ()
    at: str = ""
    """Only there, where this many bytes may be sent."""
    most_bytes: int = MAX_BODY


CASES = (
    When(problems.NOT_FOUND, 404, 404),
    When(problems.METHOD_NOT_ALLOWED, 405, 405),
    When(problems.TOO_SLOW, 408, 408),
    When(problems.TOO_LARGE, 413, 413),
    When(problems.TOO_MANY, 429, 429),
    When(problems.HEADERS_TOO_LARGE, 431, 431),
    When(problems.BAD_REQUEST, 400, 499),
    When(OVERFLOW, 503, 503, ("UO",)),
    When(problems.STOPPED, 503, 503, ("UH", "UF")),
    When(ANSWER_LOST, 502, 504),
    When(problems.INTERNAL, 500, 599),
)
"""In the order in which they are tried. What broke off or took too long is a 503 like every other of this house's
refusals that pass with time, and says that nobody knows whether it was done."""


def local_replies(uploads: Mapping[str, int], *, demo: bool) -> dict[str, Any]:
    """`uploads`: how many bytes may be sent to which paths; to every other as many as MAX_BODY."""
    cases = [*(When(problems.TOO_LARGE, 413, 413, at=path, most_bytes=most) for path, most in uploads.items()), *CASES]
    mappers = [_mapper(case, language, demo=demo) for case in cases for language in ("ko", "en")]
    return {"mappers": mappers}


def _mapper(case: When, language: str, *, demo: bool) -> dict[str, Any]:
    problem = case.problem
    headers = [header("content-language", language), header("x-request-id", "%REQ(X-REQUEST-ID):128%")]
    if problem.retry_after_s is not None:
        headers.append(header("retry-after", str(problem.retry_after_s)))
    headers += PROTECTING
    return {
        "filter": _when(case, language),
        "status_code": problem.status,
        "headers_to_add": [*headers, MODE] if demo else headers,
        "body_format_override": {
            "json_format": body(problem, language, {"most_bytes": case.most_bytes} if case.at else {}),
            "content_type": problems.MEDIA_TYPE,
            "omit_empty_values": True,
        },
    }


def body(problem: problems.ProblemType, language: str, known: Mapping[str, Any] = NOTHING) -> dict[str, Any]:
    """The problem document, with Envoy's names for what is only known when it happens."""
    facts = {**FACTS.get(problem.slug, {}), **known}
    title, detail = (problem.title_ko, problem.detail_ko) if language == "ko" else (problem.title_en, problem.detail_en)
    return {
        "type": f"{problems.PAGE}#{problem.slug}",
        "title": title,
        "status": problem.status,
        "detail": detail.format_map(facts),
        "instance": PATH,
        "correlation_id": "%REQ(X-REQUEST-ID):128%",
        **facts,
    }


def _when(case: When, language: str) -> dict[str, Any]:
    filters: list[dict[str, Any]] = [_status("GE", case.first), _status("LE", case.last)]
    if case.flags:
        filters.append({"response_flag_filter": {"flags": case.flags}})
    if case.at:
        path = {"name": ":path", "string_match": {"safe_regex": {"regex": rf"{case.at}(\?.*)?"}}}
        filters.append({"header_filter": {"header": path}})
    if language == "ko":
        filters.append(KOREAN)
    return {"and_filter": {"filters": filters}}


def _status(op: str, value: int) -> dict[str, Any]:
    comparison = {"op": op, "value": {"default_value": value, "runtime_key": "none"}}
    return {"status_code_filter": {"comparison": comparison}}
