"""Which column is what: known by its name, or told by hand."""

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence

from gbike.kit.text import clean
from gbike.services.bike.importing.sheet import FIELDS, Question

_NAMES = {
    "bikeid": "bikeid bike number id vehicleid 번호 자전거 자전거번호",
    "label": "label 라벨 자전거라벨 표지",
    "location": "location place zone stationname 위치 장소 구역 대여소 대여소명 대여소이름",
    "station": "stationid stationnumber stationno 대여소번호 대여소id",
    "batterylevel": "batterylevel battery 배터리 배터리잔량 배터리레벨",
    "lat": "lat latitude 위도",
    "lon": "lon lng longitude 경도",
    "status": "status 상태",
}
_FIELD_OF = {name: field for field, names in _NAMES.items() for name in names.split()}
_IN_BRACKETS = re.compile(r"\(.*?\)|\[.*?\]|\{.*?\}|<.*?>")
_NO_MATTER = re.compile(r"[\s_\-()\[\]{}<>%]+")


def known(name: str) -> str | None:
    """The field that a column of this name is; None: unknown."""
    plain = clean(unicodedata.normalize("NFKC", name)).lower()
    short = _NO_MATTER.sub("", _IN_BRACKETS.sub("", plain))
    return _FIELD_OF.get(short) or _FIELD_OF.get(_NO_MATTER.sub("", plain))


def head_of(cells: Sequence[str]) -> tuple[str, ...]:
    """The columns' names, each once, without the empty ones at the end."""
    names = [" ".join(clean(cell).split()) for cell in cells]
    while names and not names[-1]:
        names.pop()
    seen: Counter[str] = Counter()
    head = []
    for at, name in enumerate(names, 1):
        seen[name] += 1
        one = name if seen[name] == 1 else f"{name} ({seen[name]})"
        head.append(one if name else f"#{at}")
    return tuple(head)


def fields_of(head: Sequence[str], columns: Mapping[str, str]) -> tuple[tuple[str | None, ...], tuple[Question, ...]]:
    """What each column is, and what must be asked; `columns`: what was told by hand, a field or "" (not read)."""
    names = frozenset(head)
    fields = [_told(columns[name]) if name in columns else known(_first(name, names)) for name in head]
    questions = []
    for field in FIELDS:
        named = tuple(name for name, one in zip(head, fields, strict=True) if one == field)
        if len(named) > 1:
            questions.append(Question("two-columns", field, named))
    if not {"bikeid", "label"}.intersection(fields):
        questions.append(Question("no-number", "bikeid", tuple(head)))
    return tuple(fields), tuple(questions)


def _told(field: str) -> str | None:
    return field if field in FIELDS else None


def _first(name: str, head: frozenset[str]) -> str:
    """The name as it stands in the file: "lat (2)" is a second "lat"."""
    bare = re.sub(r" \([0-9]+\)$", "", name)
    return bare if bare in head else name
