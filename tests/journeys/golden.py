"""The original's recorded answers, and how ours are compared with them."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from tests.support import Reply

FOLDER = Path(__file__).parents[1] / "golden"
OUR_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
THEIR_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000")
PROBLEM = {"type", "title", "status", "detail", "instance", "correlation_id"}


@dataclass(frozen=True)
class Exchange:
    """One recorded request and the original's answer to it. `at`: when, in seconds since 1970."""

    name: str
    at: int | None
    method: str
    port: int
    path: str
    headers: dict[str, str]
    body: str | None
    status: int
    answer_headers: dict[str, str]
    answer: Any

    @property
    def number(self) -> int:
        return int(self.name[:3])


def exchanges() -> list[Exchange]:
    """Every recorded exchange in order."""
    lines = (FOLDER / "exchanges.jsonl").read_text("utf-8").splitlines()
    return [Exchange(**json.loads(line)) for line in lines]


def kafka_messages() -> list[dict[str, Any]]:
    """Every recorded message of the original's topic in order."""
    return [json.loads(line) for line in (FOLDER / "kafka-messages.jsonl").read_text("utf-8").splitlines()]


def differences(theirs: Exchange, ours: Reply, *, values: bool) -> list[str]:
    """What a client of the original would stumble over. `values`: compare them too, not only names, types and links."""
    if ours.status != theirs.status:
        return [f"status {theirs.status} became {ours.status}: {ours.content[:300]!r}"]
    if ours.status >= 400:
        return problem_faults(ours, theirs.status)
    found = []
    place = theirs.answer_headers.get("location")
    if place is not None and not _same_place(place, ours.headers.get("location", ""), exact=values):
        found.append(f"Location {place} became {ours.headers.get('location')}")
    if theirs.answer is None:
        return found + ["a body where there was none"] * (bool(ours.content) and theirs.method != "OPTIONS")
    if ours.headers["content-type"] != theirs.answer_headers["content-type"]:
        found.append(f"{theirs.answer_headers['content-type']} became {ours.headers['content-type']}")
    return found + _compare("$", theirs.answer, ours.json, values)


def problem_faults(reply: Reply, status: int) -> list[str]:
    """What is wrong with a refusal: it must be a problem document with a named reason (rule `problems`)."""
    if reply.status != status:
        return [f"expected {status}, got {reply.status}: {reply.content[:300]!r}"]
    if reply.headers.get("content-type") != "application/problem+json":
        return [f"a {status} of type {reply.headers.get('content-type')}"]
    missing = PROBLEM - reply.json.keys()
    named = reply.json["type"].startswith("/docs/status-codes#") and reply.json["status"] == status
    return [f"the problem lacks {missing}"] * bool(missing) + ["the problem has no name"] * (not named)


def _compare(at: str, theirs: Any, ours: Any, values: bool) -> list[str]:
    if isinstance(theirs, dict) and isinstance(ours, dict):
        found = []
        for key, value in theirs.items():
            if key == "profile" and at.endswith("_links"):
                continue  # rule `no-profile`
            if key not in ours:
                found.append(f"{at}.{key} is missing")
            elif not (at.endswith("_links") and key == "self" and _own_link(value, ours[key])):
                found += _compare(f"{at}.{key}", value, ours[key], values)
        if at.endswith("_links") and (more := ours.keys() - theirs.keys() - _pages(theirs)):
            found.append(f"{at} has {more} more")
        return found
    if isinstance(theirs, list) and isinstance(ours, list):
        if values and len(theirs) != len(ours):
            return [f"{at}: {len(theirs)} became {len(ours)}"]
        pairs = zip(theirs, ours, strict=False) if values else list(zip(theirs, ours, strict=False))[:1]
        return [fault for i, (a, b) in enumerate(pairs) for fault in _compare(f"{at}[{i}]", a, b, values)]
    return _scalar(at, theirs, ours, values)


def _pages(theirs: dict[str, Any]) -> set[str]:
    """Rule `view-pages`: the view pages here, so it has the links of pages."""
    view = theirs.get("self", {}).get("href", "").partition("?")[0].endswith("/rentAndBillingViews")
    return {"first", "prev", "next", "last"} if view else set()


def _scalar(at: str, theirs: Any, ours: Any, values: bool) -> list[str]:
    if theirs is None or ours is None:
        return [f"{at}: {theirs!r} became {ours!r}"] if values and theirs is not ours else []
    if type(theirs) is not type(ours):
        return [f"{at}: {theirs!r} became {ours!r}"]
    if isinstance(theirs, str) and THEIR_DATE.fullmatch(theirs):  # rule `dates`
        return [] if OUR_DATE.fullmatch(ours) else [f"{at}: {ours!r} is no date"]
    if at.endswith(".href"):
        return [] if _same_place(theirs, ours, values) else [f"{at}: {theirs} became {ours}"]
    if at.endswith((".status", ".rentStatus")) and theirs in ("RENTED", "RETURNED"):
        theirs = theirs.lower()  # rule `rent-words`
    return [f"{at}: {theirs!r} became {ours!r}"] if values and theirs != ours else []


def _same_place(theirs: str, ours: str, exact: bool) -> bool:
    """The same path; the host is the one the client used (rule `hrefs`)."""
    a, b = (unquote(re.sub(r"^https?://[^/]+", "", link)) for link in (theirs, ours))
    if exact:
        return a == b
    b = (
        b if "sort=" in a else re.sub(r"&sort=[^&]*", "", b)
    )  # rule `self-link`: unknown fields to sort by stay in links
    return re.sub(r"-?\d+", "0", a) == re.sub(r"-?\d+", "0", b)


def _own_link(theirs: dict[str, Any], ours: dict[str, Any]) -> bool:
    """Rule `self-link`: the original's own link of a page forgot the page."""
    a, b = (re.sub(r"^https?://[^/]+", "", link["href"]) for link in (theirs, ours))
    return a.split("{")[0].split("?")[0] == b.split("{")[0].split("?")[0] and not re.search(r"/\d+$", a)
