"""A path as a person reads it: who said what, when, because of what, and who has handled it."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from rich.cells import cell_len

from gbike.app.event_map import spoken
from gbike.app.trace import NEWEST, Handling, Path, Said

WHEN, SINCE = 23, 12
"""Widths of the first two columns: a moment, and the time since the beginning."""
NOBODY = "nobody listens · 듣는 곳 없음"


def page(path: Path) -> Iterator[str]:
    """The lines of a path that is not empty."""
    began_ms = path.said[0].at_ms
    roots = _roots(path.said)
    yield f"{path.name}: requests · 요청 {len(roots)}, events · 이벤트 {len(path.said)}, {_counts(path.said)}"
    if path.more:
        yield f"there are more events than the {len(path.said)} shown · {len(path.said)}개만 표시"
    yield ""
    yield _columns("when · 시각", "+ms · 경과", "said by, event, about → handled · 말한 곳, 이벤트, 대상 → 처리")
    for head, said in roots:
        yield _columns(_moment(said[0].at_ms), _since(said[0].at_ms, began_ms), head)
        for one, branch in _tree(said, path.said):
            told = f"{branch}{spoken(one.service)} {one.type} {one.key} → {_handled(one)}"
            yield _columns(_moment(one.at_ms), _since(one.at_ms, began_ms), told)


def nothing(path: Path) -> str:
    """What is said when there is no path."""
    return (
        f"nothing is known of {path.name}: no rent, request, trace or message of that name is among the newest"
        f" {NEWEST:,} messages of each service (they are kept for 7 days) · {path.name}에 대한 기록이 없습니다"
    )


def _counts(said: Sequence[Said]) -> str:
    all_of_them = [handling for one in said for handling in one.handled]
    dead = sum(handling.why is not None for handling in all_of_them)
    waiting = sum(handling.at_ms is None for handling in all_of_them)
    handled = len(all_of_them) - dead - waiting
    return f"handled · 처리 {handled}, waiting · 대기 {waiting}, set aside · 실패 {dead}"


def _roots(said: Sequence[Said]) -> list[tuple[str, list[Said]]]:
    """What begins a tree, under a line for the request, or for the message that is not kept any more."""
    known = {one.id for one in said}
    groups: dict[str, list[Said]] = {}
    for one in said:
        if one.cause not in known:
            groups.setdefault(_head(one), []).append(one)
    return list(groups.items())


def _head(said: Said) -> str:
    if said.cause:
        return f"message · 메시지 {said.cause} (no longer kept · 보관 기간 지남)"
    if not said.trace_id:
        return "no request: a sweeper or timer · 요청 없음"
    return f"request · 요청 {said.headers.correlationid} (trace {said.trace_id})"


def _tree(roots: Sequence[Said], said: Sequence[Said], before: str = "") -> Iterator[tuple[Said, str]]:
    """Each message below `roots`, a cause before what it caused, with the branch it hangs on."""
    for number, one in enumerate(roots):
        last = number == len(roots) - 1
        yield one, before + ("└─ " if last else "├─ ")
        caused = [other for other in said if other.cause == one.id]
        yield from _tree(caused, said, before + ("   " if last else "│  "))


def _handled(said: Said) -> str:
    if not said.handled:
        return NOBODY
    told = ", ".join(_one(handling, said) for handling in said.handled)
    return told if said.published_ms is not None else f"{told} (not on the bus yet · 발행 전)"


def _one(handling: Handling, said: Said) -> str:
    service = spoken(handling.service)
    if handling.why is not None:
        return f"{service} SET ASIDE · 실패 [{said.id}]: {handling.why}"
    if handling.at_ms is None:
        return f"{service} WAITING · 대기"
    return f"{service} {_since(handling.at_ms, said.at_ms).strip()}"


def _moment(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).astimezone().isoformat(" ", "milliseconds")[:WHEN]


def _since(ms: int, began_ms: int) -> str:
    return f"{ms - began_ms:+,} ms"


def _columns(when: str, since: str, told: str) -> str:
    return f"{when}{' ' * (WHEN - cell_len(when))} {' ' * (SINCE - cell_len(since))}{since}  {told}"
