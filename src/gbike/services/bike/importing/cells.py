"""What cells say of a bike, and what is wrong with them."""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from gbike.kit.numbers import MAX_ID
from gbike.kit.positions import fault
from gbike.kit.text import clean, tidied
from gbike.services.bike.domain import Status, as_label
from gbike.services.bike.importing.sheet import Wanted

MOST_TEXT = 255
_REPEATED = 4_096
"""Places and statuses come again and again."""
STATUSES = {
    **{status.value: status for status in Status},
    "available": Status.AVAILABLE,
    "in use": Status.IN_USE,
    "broken": Status.BROKEN,
}
_NOTHING = {"", "\\n", "null", "-"}
_LOST = re.compile("[\x00\x80-\x84\x86-\x9f\ufffd]|占쏙옙|ï¿½")
"""A letter that another program lost, also as that mark looks when it was read in a wrong encoding once more."""
_WRONGLY_READ_AS = ("cp949", "cp1252")
_HANGUL = re.compile("[가-힣]")
_AS_TEXT = re.compile('="(.*)"|\'([=+@＝＋－＠-].*)')
"""How spreadsheets are made to keep a cell as text, and how our own exports do (kit/text.py)."""
_WHOLE = re.compile(r"([0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.0+)?", re.ASCII)
_DECIMAL = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)?", re.ASCII)


def is_garbled(cells: Sequence[str]) -> bool:
    """Whether letters of a row were lost before it came here, or its UTF-8 was read as something else and saved so."""
    if (text := "".join(cells)).isascii():
        return "\0" in text
    return _LOST.search(text) is not None or any(not cell.isascii() and _is_mojibake(cell) for cell in cells)


@lru_cache(_REPEATED)
def _is_mojibake(cell: str) -> bool:
    """Hangul in UTF-8, read as CP949 (媛뺣궓) or as Windows' Latin (ê°•ë‚¨): nothing else goes back so well."""
    for encoding in _WRONGLY_READ_AS:
        try:
            if _HANGUL.search(cell.encode(encoding).decode("utf-8")):
                return True
        except UnicodeError:
            pass
    return False


def wanted_of(fields: Sequence[str | None], cells: Sequence[str]) -> tuple[Wanted, list[str], list[str]]:
    """What the row wants, its problems and its notes."""
    wanted: dict[str, Any] = {}
    problems: list[str] = []
    for field, cell in zip(fields, cells, strict=False):
        if field is None or cell.lower() in _NOTHING:
            continue
        if not (text := _as_text(cell)):
            continue
        value = _READ[field](text)
        if value is None:
            problems.append(_PROBLEMS[field])
        elif value == "":
            pass  # a place of letters that can't be seen
        elif field == "bikeid" and isinstance(value, str):
            wanted.setdefault("label", value)
        elif field == "station":
            wanted.setdefault("location", value)
        else:
            wanted[field] = value
    notes = _positioned(wanted, problems)
    return Wanted(**wanted), list(dict.fromkeys(problems)), notes


def _positioned(wanted: dict[str, Any], problems: list[str]) -> list[str]:
    """Leaves out a position that is none, and says why."""
    wrong = fault(wanted.get("lat"), wanted.get("lon"))
    if wrong is None:
        return []
    wanted.pop("lat", None)
    wanted.pop("lon", None)
    return [] if "bad-coordinates" in problems else [f"{wrong}-position"]


def _as_text(cell: str) -> str:
    quoted = _AS_TEXT.fullmatch(cell)
    return (quoted[1] or quoted[2] or "").strip() if quoted else cell


def _plain(text: str) -> str:
    return text if text.isascii() else clean(unicodedata.normalize("NFKC", text)).strip()


def _number(text: str) -> int | str | None:
    """A number, else the label that stands in its place: many fleets number their bikes in letters."""
    whole = _WHOLE.fullmatch(plain := _plain(text))
    if whole is None:
        return _label(plain)
    value = int(whole[1].replace(",", "")) if len(whole[1]) < 30 else 0
    return value if 1 <= value <= MAX_ID else None


def _label(text: str) -> str | None:
    return as_label(_plain(text))


@lru_cache(_REPEATED)
def _location(text: str) -> str | None:
    tidy = tidied(clean(text.replace("\0", ""))) or ""
    return tidy if len(tidy) <= MOST_TEXT else None


def _battery(text: str) -> int | None:
    value = _decimal(text.removesuffix("%").rstrip())
    return int(value) if value is not None and value.is_integer() and 0 <= value <= 100 else None


def _decimal(text: str) -> float | None:
    return float(plain.replace(",", ".")) if _DECIMAL.fullmatch(plain := _plain(text)) else None


def _status(text: str) -> Status | None:
    return STATUSES.get(text.lower())


_READ: Mapping[str, Callable[[str], Any]] = {
    "bikeid": _number,
    "label": _label,
    "location": _location,
    "station": _location,
    "batterylevel": _battery,
    "lat": _decimal,
    "lon": _decimal,
    "status": _status,
}
_PROBLEMS = {
    "bikeid": "bad-number",
    "label": "bad-label",
    "location": "long-place",
    "station": "long-place",
    "batterylevel": "bad-battery",
    "lat": "bad-coordinates",
    "lon": "bad-coordinates",
    "status": "bad-status",
}
