"""What a client may send in a body: msgspec Structs, with numbers and booleans also as strings.

The original's scripts send every value as a string (`"bikeid": "1"`). A field of a number takes the number or its plain
decimal text; the same pattern is the rule here and in the OpenAPI schema, so that the two can't disagree.
Unknown and server-owned fields are ignored, as the original did.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from gbike.kit.http.problems import INVALID, MALFORMED, Problem
from gbike.kit.money import MAX_WON
from gbike.kit.numbers import MAX_ID

NOT_ZERO = {"not": {"const": 0}}
"""In the schema of a number that is never 0; whoever takes it refuses 0."""

Id = Annotated[int, Meta(ge=1, le=MAX_ID, description="a public number, never reused")]
Text = Annotated[str, Meta(max_length=255, pattern=r"^[^\x00]*$", description="free text")]
Percent = Annotated[int, Meta(ge=0, le=100, description="percent")]
Amount = Annotated[int, Meta(ge=1, le=MAX_WON, description="whole won (KRW)")]
Balance = Annotated[int, Meta(ge=0, le=MAX_WON, description="whole won (KRW)")]
Difference = Annotated[
    int, Meta(ge=-MAX_WON, le=MAX_WON, description="whole won (KRW), never 0", extra_json_schema=NOT_ZERO)
]
Points = Annotated[int, Meta(ge=0, le=MAX_WON, description="points; one point is worth one won")]
Latitude = Annotated[float, Meta(ge=-90, le=90, description="degrees north, WGS 84")]
Longitude = Annotated[float, Meta(ge=-180, le=180, description="degrees east, WGS 84")]
Instant = Annotated[datetime, Meta(tz=True, description="a moment with its offset from UTC, RFC 3339")]
Reason = Annotated[
    str, Meta(min_length=1, max_length=255, pattern=r"^[^\x00]*[^\s\x00][^\x00]*$", description="why; kept on record")
]

MAX_DEPTH = 32
"""Of objects and lists in each other; a body of ours has two or three. How many Python itself can read differs by its
version."""

B = TypeVar("B", bound=msgspec.Struct)
T = TypeVar("T")


@cache
def text_pattern(kind: type, low: float | None, high: float | None, zero: bool = True) -> str:
    """The texts that stand for a value of a numeric or boolean field; `zero`: 0 is one, where the bounds have it."""
    if kind is bool:
        return r"^(true|false)$"
    if kind is float:
        whole = r"[0-8]?[0-9]" if high == 90 else r"1[0-7][0-9]|[0-9]{1,2}"
        return rf"^-?(({whole})(\.[0-9]{{1,10}})?|{int(high or 0)})$"
    top = str(int(high or 0))
    first = "[1-9]" if not zero or (low and low > 0) else "0|[1-9]"
    sign = "-?" if low and low < 0 else ""
    return rf"^{sign}({first}[0-9]{{0,{len(top) - 2}}}|{top})$"


class Plain(msgspec.Struct, frozen=True):
    """How the text of one field is turned into its value."""

    kind: type
    pattern: str
    nullable: bool


@cache
def plain_fields(struct: type[msgspec.Struct]) -> dict[str, Plain]:
    """The numeric and boolean fields of `struct`."""
    hints = get_type_hints(struct, include_extras=True)
    found = {}
    for field in msgspec.structs.fields(struct):
        kind, meta, nullable = _look(hints[field.name])
        if kind in (int, float, bool):
            low, high, zero = (meta.ge, meta.le, meta.extra_json_schema != NOT_ZERO) if meta else (None, None, True)
            pattern = text_pattern(kind, low, high, zero)
            found[field.encode_name] = Plain(kind, pattern, nullable)
    return found


def _look(hint: Any) -> tuple[type, Meta | None, bool]:
    if get_origin(hint) is Annotated:
        kind, *extras = get_args(hint)
        return kind, next((extra for extra in extras if isinstance(extra, Meta)), None), False
    if get_origin(hint) is Union or type(hint).__name__ == "UnionType":
        options = get_args(hint)
        value = next(o for o in options if o is not type(None) and o is not msgspec.UnsetType)
        kind, meta, _ = _look(value)
        return kind, meta, type(None) in options
    return hint, None, False


def read_body(raw: bytes, struct: type[B]) -> B:
    """The body as `struct`. Raises Problem: MALFORMED when it is no JSON, INVALID when a value does not fit."""
    try:
        given = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
        raise Problem(MALFORMED, {"why": str(wrong) or "too deeply nested"}) from None
    if raw.count(b"{") + raw.count(b"[") > MAX_DEPTH and _depth(given) > MAX_DEPTH:
        raise Problem(MALFORMED, {"why": f"nested more than {MAX_DEPTH} deep"})
    if not isinstance(given, dict):
        raise invalid("body", "the body must be a JSON object")
    for name, plain in plain_fields(struct).items():
        value = given.get(name)
        if isinstance(value, str):
            given[name] = _from_text(name, value, plain)
        elif isinstance(value, float) and plain.kind is int and value.is_integer():
            given[name] = int(value)  # to JSON, 7.0 is a whole number too
    try:
        return msgspec.convert(given, struct)
    except msgspec.ValidationError as wrong:
        reason, _, path = str(wrong).partition(" - at `$.")
        raise invalid(path.rstrip("`") or "body", reason) from None


def _depth(value: Any) -> int:
    """How many objects and lists stand in each other."""
    depth, level = 0, [value]
    while level := [one for one in level if isinstance(one, dict | list)]:
        level = [inner for one in level for inner in (one.values() if isinstance(one, dict) else one)]
        depth += 1
    return depth


def _from_text(name: str, text: str, plain: Plain) -> Any:
    if text == "" and plain.nullable:
        return None
    if not re.fullmatch(plain.pattern, text):
        raise invalid(name, f"{text[:40]!r} is not a value of this field")
    return text == "true" if plain.kind is bool else plain.kind(text)


def invalid(field: str, reason: str) -> Problem:
    """The 422 that names the field and the reason."""
    return Problem(INVALID, {"why": f"{field}: {reason}", "errors": [{"field": field, "reason": reason}]})


def ms_of(moment: datetime) -> int:
    """A moment as whole milliseconds since 1970 UTC."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def sent_or(sent: T | msgspec.UnsetType, kept: T) -> T:
    """What the client sent for a field, or `kept` when it sent nothing."""
    return kept if isinstance(sent, msgspec.UnsetType) else sent
