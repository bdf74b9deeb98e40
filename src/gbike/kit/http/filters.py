"""What a list may be narrowed by in the query: declared on the operation, described in the OpenAPI document, and read
the same for every list. An unknown name is refused, as a filter that nobody heeds shows what was not asked for."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime, timedelta, timezone
from typing import Any

import msgspec

from gbike.kit.http.fields import MOST_SHOWN, invalid, ms_of
from gbike.kit.http.problems import Problem
from gbike.kit.numbers import MAX_ID

DAYS_OF = timezone(timedelta(hours=9), "KST")
"""Whose midnight a day in a filter begins at."""
MOST_TEXT = 100
"""Characters of a text that is looked for."""
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?([Zz]|[+ -][0-9]{2}:[0-9]{2})"
)
PAGING = {
    "page": "from 0; what is no number is 0",
    "size": "items per page, 20 unless told, 1000 at most",
    "sort": "field[,asc|desc]; an unknown field is ignored",
}
"""What every list takes beside its filters."""

Query = Sequence[tuple[str, str]]


class Filter(msgspec.Struct, frozen=True):
    """How a filter is described, how its text is read (ValueError: it is none), and what is said then: English,
    Korean."""

    schema: Mapping[str, Any]
    read: Callable[[str], Any]
    rule: tuple[str, str]

    def value(self, name: str, text: str) -> Any:
        """What the text stands for. Raises Problem 422."""
        try:
            return self.read(text)
        except ValueError:
            raise _refused(name, text, self.rule) from None


def whole(least: int, most: int) -> Filter:
    """A whole number from `least` to `most`."""

    def read(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,16}", text) or not least <= int(text) <= most:
            raise ValueError
        return int(text)

    rule = f"is not a whole number from {least} to {most}", f"{least}에서 {most}까지의 정수여야 해요"
    return Filter({"type": "integer", "minimum": least, "maximum": most}, read, rule)


def words(choices: Sequence[str], of: Callable[[str], Any] = str) -> Filter:
    """One of `choices`, which `of` makes a value of."""

    def read(text: str) -> Any:
        if text not in choices:
            raise ValueError
        return of(text)

    told = ", ".join(choices)
    return Filter(
        {"type": "string", "enum": list(choices)}, read, (f"is not one of {told}", f"{told} 가운데 하나여야 해요")
    )


def _moment(text: str) -> int:
    if _DAY.fullmatch(text):
        day = date.fromisoformat(text)
        at = datetime(day.year, day.month, day.day, tzinfo=DAYS_OF)
    elif _INSTANT.fullmatch(text):
        at = datetime.fromisoformat(text.upper().replace(" ", "+"))  # a + that nobody escaped is read as a blank
    else:
        raise ValueError
    return ms_of(at)


def _text(text: str) -> str:
    if len(text) > MOST_TEXT:
        raise ValueError
    return text.replace("\x00", "")  # no name has one, and PostgreSQL takes none


NUMBER = whole(1, MAX_ID)
"""What a resource is called by."""
FLAG = words(("true", "false"), lambda word: word == "true")
MOMENT = Filter(
    {
        "type": "string",
        "anyOf": [{"format": "date-time"}, {"format": "date"}],
        "description": "a moment, RFC 3339, or a day: its midnight in Korea",
    },
    _moment,
    (
        "is neither a moment as 2026-11-29T09:30:00Z nor a day as 2026-11-29",
        "2026-11-29 또는 2026-11-29T09:30:00Z처럼 적어 주세요",
    ),
)
"""Read as ms since 1970."""
TEXT = Filter(
    {"type": "string", "maxLength": MOST_TEXT},
    _text,
    (f"has more than {MOST_TEXT} characters", f"{MOST_TEXT}자까지 쓸 수 있어요"),
)
SPAN: Mapping[str, Filter] = {"from": MOMENT, "to": MOMENT}
"""From a moment, included, to another, excluded."""


EXPORT: Mapping[str, Filter] = {"format": words(("csv",)), "encoding": words(("utf-8", "cp949"))}
"""What every list takes, too: all of it as a file."""


def read_filters(query: Query, filters: Mapping[str, Filter], known: Collection[str] | None = None) -> dict[str, Any]:
    """What is asked for, by name. `known`: all that may be there. Raises Problem 422, also for what is asked twice."""
    if known is not None:
        refuse_unknown(query, known)
    wanted: dict[str, Any] = {}
    for name, text in query:
        if name in filters:
            if name in wanted:
                raise invalid(name, "may be there once", "한 번만 쓸 수 있어요")
            wanted[name] = filters[name].value(name, text)
    return wanted


def read_export(query: Query) -> dict[str, Any]:
    """How a list is wanted as a file; empty: it is not. Raises Problem 422."""
    export = read_filters(query, EXPORT)
    return export if "format" in export else {}


def refuse_unknown(query: Query, known: Collection[str]) -> None:
    """Raises Problem 422 for the first parameter that is none of `known`."""
    for name, _ in query:
        if name not in known:
            told = ", ".join(sorted(known)) or "-"
            raise invalid(
                name[:MOST_SHOWN] or "query",
                f"no parameter of this list; there are: {told}",
                f"이 목록에 없는 조건이에요. 쓸 수 있는 것: {told}",
            )


def _refused(name: str, text: str, rule: tuple[str, str]) -> Problem:
    shown = repr(text[:MOST_SHOWN])
    return invalid(name, f"{shown} {rule[0]}", f"{shown}: {rule[1]}")
