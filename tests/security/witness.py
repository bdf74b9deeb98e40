"""Stands before a secure gbike and holds every answer against the table: who got what they may not have?"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.security.people import EVERYWHERE
from tests.security.table import COLUMNS, expected

REFUSALS = ("401", "403", "404")
LIMITED = ("own", "403", "404")
"""What others' cells say where people see and change what is their own only."""


class Person(NamedTuple):
    """Who asks: a column of the table, and the numbers that are theirs."""

    column: str
    userid: int = 0
    managerid: int = 0


NOBODY = Person("anonymous")


class Witness:
    """An app that lets everything through and remembers what must not have been."""

    def __init__(self, app: ASGIApp, people: Mapping[bytes, Person]) -> None:
        """`people`: by the whole Authorization header that is theirs."""
        self._app, self._people = app, people
        self._rows = [
            (route.partition(" ")[0], _pattern(route.partition(" ")[2]), dict(zip(COLUMNS, row.split(), strict=True)))
            for service in EVERYWHERE
            for route, row in expected(service).items()
        ]
        self._rows.sort(key=lambda row: "?P" in row[1].pattern)  # `search` is no number
        self.seen: Counter[tuple[str, str]] = Counter()
        """How often somebody got something (`2xx`), was refused (`4xx`), or met a failure (`5xx`)."""
        self.wrong: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one request."""
        found: dict[str, Any] = {"status": 0, "body": b""}

        async def heard(message: Message) -> None:
            found["status"] = message.get("status", found["status"])
            found["body"] += message.get("body", b"")
            await send(message)

        await self._app(scope, receive, heard)
        person = self._people.get(dict(scope["headers"]).get(b"authorization", b""), NOBODY)
        self.seen[person.column, f"{found['status'] // 100}xx"] += 1
        if (why := self._judge(scope, person, found["status"], found["body"])) is not None:
            asked = f"{scope['method']} {scope['path']}?{scope['query_string'].decode()}"
            self.wrong.append(f"{asked} as {person.column}: {why}: {found['status']} {found['body'][:200]!r}")

    def _judge(self, scope: Scope, person: Person, status: int, body: bytes) -> str | None:
        """What is wrong with an answer."""
        if status >= 500:
            return "failed"
        if status >= 300 or scope["method"] == "OPTIONS":
            return None
        method, path = scope["method"].replace("HEAD", "GET"), scope["path"].rstrip("/") or "/"
        for known, pattern, cells in self._rows:
            if known == method and (match := pattern.fullmatch(path)):
                return _against(cells, person, match.groupdict(), body)
        return "is not in the table"


def _against(cells: Mapping[str, str], person: Person, path: Mapping[str, str], body: bytes) -> str | None:
    if cells[person.column] in REFUSALS:
        return "the table says no"
    if cells.get(f"other {person.column}") not in LIMITED:
        return None
    named = [*_numbers(msgspec.json.decode(body or b"null")), *((n, int(v)) for n, v in path.items() if n != "rentid")]
    others = {(name, number) for name, number in named if number != getattr(person, name, number)}
    return f"theirs are {sorted(others)}" if others else None


def _numbers(answer: Any) -> Iterator[tuple[str, int]]:
    """Whose things an answer shows, wherever it says so."""
    if isinstance(answer, dict):
        for name in ("userid", "managerid"):
            if answer.get(name) is not None:
                yield name, answer[name]
    for each in answer.values() if isinstance(answer, dict) else answer if isinstance(answer, list) else ():
        yield from _numbers(each)


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{(\w+)(?::\w+)?\\}", r"(?P<\1>[^/]+)", re.escape(path)), re.IGNORECASE)
