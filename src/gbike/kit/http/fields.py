"""What a client may send in a body: msgspec Structs, with numbers and booleans also as strings.

The original's scripts send every value as a string (`"userid": "1"`). A field of a number takes the number or its plain
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
from gbike.kit.text import UNSEEN, clean

CLEANED: dict[str, Any] = {"cleaned": True}
"""On a text that others are shown: what can't be seen of it is dropped when it comes in (kit/text.py)."""
NOT_ZERO = {"not": {"const": 0}}
"""In the schema of a number that is never 0; whoever takes it refuses 0."""

Id = Annotated[int, Meta(ge=1, le=MAX_ID, description="a public number, never reused")]
Text = Annotated[str, Meta(max_length=255, pattern=r"^[^\x00]*$", description="free text", extra=CLEANED)]
Percent = Annotated[int, Meta(ge=0, le=100, description="percent")]
Amount = Annotated[int, Meta(ge=1, le=MAX_WON, description="whole won (KRW)")]
Difference = Annotated[
    int, Meta(ge=-MAX_WON, le=MAX_WON, description="whole won (KRW), never 0", extra_json_schema=NOT_ZERO)
]
Latitude = Annotated[float, Meta(ge=-90, le=90, description="degrees north, WGS 84")]
Longitude = Annotated[float, Meta(ge=-180, le=180, description="degrees east, WGS 84")]
Degrees = Annotated[float, Meta(description="degrees, WGS 84; what is no position is taken as none, and said so")]
Metres = Annotated[float, Meta(description="metres")]
Instant = Annotated[datetime, Meta(tz=True, description="a moment with its offset from UTC, RFC 3339")]
SEEN = rf"[^\s\x00{UNSEEN}]"
"""In the pattern of a text that is cleaned and must not be empty: a character that stays."""
Reason = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=255,
        pattern=rf"^[^\x00]*{SEEN}[^\x00]*$",
        description="why; kept on record",
        extra=CLEANED,
    ),
]
Name = Annotated[
    str,
    Meta(min_length=1, max_length=255, pattern=rf"^[^\x00]*{SEEN}[^\x00]*$", description="a name", extra=CLEANED),
]

MAX_DEPTH = 32
"""Of objects and lists in each other; a body of ours has two or three. How many Python can read differs by version."""

MOST_SHOWN = 40
"""Characters of a refused value that its refusal repeats."""

B = TypeVar("B", bound=msgspec.Struct)
T = TypeVar("T")


@cache
def text_pattern(kind: type, low: float | None, high: float | None, zero: bool = True) -> str:
    """The texts that stand for a value of a numeric or boolean field; `zero`: 0 is one, where the bounds have it."""
    if kind is bool:
        return r"^(true|false)$"
    if kind is float and high is None:
        return r"^-?[0-9]{1,15}(\.[0-9]{1,20})?$"
    if kind is float:
        whole = r"[0-8]?[0-9]" if high == 90 else r"1[0-7][0-9]|[0-9]{1,2}"
        return rf"^-?(({whole})(\.[0-9]{{1,10}})?|{int(high or 0)})$"
    top = str(int(high or 0))
    first = "[1-9]" if not zero or (low and low > 0) else "0|[1-9]"
    sign = "-?" if low and low < 0 else ""
    return rf"^{sign}({first}[0-9]{{0,{len(top) - 2}}}|{top})$"


class Plain(msgspec.Struct, frozen=True):
    """How the text of one field is turned into its value, and what is told when it is none: English, Korean."""

    kind: type
    pattern: str
    nullable: bool
    rule: tuple[str, str]


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
            found[field.encode_name] = Plain(kind, pattern, nullable, _rule(kind, low, high, zero))
    return found


@cache
def cleaned_fields(struct: type[msgspec.Struct]) -> tuple[str, ...]:
    """The fields of `struct` that are cleaned when they come in."""
    hints = get_type_hints(struct, include_extras=True)
    metas = [(field.encode_name, _look(hints[field.name])[1]) for field in msgspec.structs.fields(struct)]
    return tuple(name for name, meta in metas if meta is not None and meta.extra == CLEANED)


def _rule(kind: type, low: float | None, high: float | None, zero: bool) -> tuple[str, str]:
    if kind is bool:
        return "must be true or false", "true 또는 false여야 해요"
    least, most = int(low or 0), int(high or 0)
    if kind is float and high is None:
        return (
            "must be a number; as text with at most 20 decimals and no exponent",
            "숫자여야 해요. 글자로는 소수점 아래 20자리까지, 지수 표기 없이 보내 주세요",
        )
    if kind is float:
        return (
            f"must be a number from {least} to {most}; as text with at most 10 decimals and no exponent",
            f"{least}에서 {most}까지의 숫자여야 해요. 글자로는 소수점 아래 10자리까지, 지수 표기 없이 보내 주세요",
        )
    never, never_ko = ("", "") if zero else (", not 0", ", 0은 안 돼요")
    return (
        f"must be a whole number from {least} to {most}{never}; as text in plain digits, without exponent or leading 0",
        f"{least}에서 {most}까지의 정수여야 해요{never_ko}. 글자로는 지수 표기나 앞의 0 없이 숫자만 보내 주세요",
    )


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
    fields = plain_fields(struct)
    try:
        given = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
        raise _unreadable(raw, str(wrong), fields) from None
    if raw.count(b"{") + raw.count(b"[") > MAX_DEPTH and _depth(given) > MAX_DEPTH:
        raise Problem(MALFORMED, {"why": f"nested more than {MAX_DEPTH} deep"})
    if not isinstance(given, dict):
        raise invalid("body", "the body must be a JSON object")
    for name, plain in fields.items():
        value = given.get(name)
        if isinstance(value, str):
            given[name] = _from_text(name, value, plain)
        elif isinstance(value, float) and plain.kind is int and value.is_integer():
            given[name] = int(value)  # to JSON, 7.0 is a whole number too
    try:
        read = msgspec.convert(given, struct)
        clear = {name: clean(given[name]) for name in cleaned_fields(struct) if isinstance(given.get(name), str)}
        return read if clear.items() <= given.items() else msgspec.convert({**given, **clear}, struct)
    except msgspec.ValidationError as wrong:
        reason, _, path = str(wrong).partition(" - at `$.")
        name = path.rstrip("`")
        if name in fields:
            raise _unfit(name, given[name], fields[name]) from None
        if name in cleaned_fields(struct) and isinstance(text := given[name], str) and not clean(text).strip():
            raise invalid(name, "has nothing that can be seen", "눈에 보이는 글자를 적어 주세요") from None
        raise invalid(name or "body", reason) from None


def _unreadable(raw: bytes, why: str, fields: dict[str, Plain]) -> Problem:
    """Why a body can't be read. Where it is a number that JSON has not, or that is too large, its field is named."""
    at = re.search(r"invalid character \(byte ([0-9]+)\)", why)
    if at and (no_number := _NO_NUMBER.match(raw, int(at[1]))):
        named = _LAST_NAME.search(raw[: int(at[1])])
        name = named[1].decode("utf-8", "replace")[:100] if named else "body"
        word = no_number[0].decode()
        return Problem(
            MALFORMED,
            {"why": f"{name}: {word} is no number in JSON"},
            korean={"why": f"{name}: {word}은(는) JSON의 숫자가 아니에요"},
        )
    if "out of range" in why:
        for name, value in _each_raw(raw):
            if name in fields and _NUMBER.fullmatch(value):
                try:
                    msgspec.json.decode(value)
                except msgspec.DecodeError:
                    unfit = _unfit(name, msgspec.Raw(value[:MOST_SHOWN]), fields[name])
                    return Problem(MALFORMED, unfit.facts, korean=unfit.korean)
    return Problem(MALFORMED, {"why": why or "too deeply nested"})


def _each_raw(raw: bytes) -> list[tuple[str, bytes]]:
    try:
        return [(name, bytes(value)) for name, value in msgspec.json.decode(raw, type=dict[str, msgspec.Raw]).items()]
    except (msgspec.DecodeError, UnicodeDecodeError):
        return []


_NUMBER = re.compile(rb"-?[0-9][0-9.eE+-]*")
_NO_NUMBER = re.compile(rb"NaN|Infinity", re.IGNORECASE)
_LAST_NAME = re.compile(rb'"([^"\\]*)"\s*:\s*-?$')


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
        raise _unfit(name, text, plain)
    return text == "true" if plain.kind is bool else plain.kind(text)


def _unfit(name: str, value: Any, plain: Plain) -> Problem:
    """The 422 of a value that its field's rule does not allow."""
    shown = repr(value[:MOST_SHOWN]) if isinstance(value, str) else msgspec.json.encode(value).decode()[:MOST_SHOWN]
    rule, rule_ko = plain.rule
    return invalid(name, f"{shown} {rule}", f"{shown}: {rule_ko}")


def invalid(field: str, reason: str, reason_ko: str = "") -> Problem:
    """The 422 that names the field and the reason. `reason_ko`: the same in Korean, where there is one."""

    def facts(reason: str) -> dict[str, Any]:
        return {"why": f"{field}: {reason}", "errors": [{"field": field, "reason": reason}]}

    return Problem(INVALID, facts(reason), korean=facts(reason_ko) if reason_ko else None)


def ms_of(moment: datetime) -> int:
    """A moment as whole milliseconds since 1970 UTC."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def sent_or(sent: T | msgspec.UnsetType, kept: T) -> T:
    """What the client sent for a field, or `kept` when it sent nothing."""
    return kept if isinstance(sent, msgspec.UnsetType) else sent
