"""The page of ASVS has each item of levels 1 and 2 once, and every file that it names is there."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/guide/security-asvs.md"
ITEMS = {
    "1.1": 2, "1.2": 9, "1.3": 11, "1.4": 3, "1.5": 2, "2.1": 3, "2.2": 3, "2.3": 4, "2.4": 1, "3.2": 2, "3.3": 4,
    "3.4": 6, "3.5": 5, "3.7": 2, "4.1": 3, "4.2": 1, "4.3": 2, "4.4": 4, "5.1": 1, "5.2": 3, "5.3": 2, "5.4": 3,
    "6.1": 3, "6.2": 12, "6.3": 4, "6.4": 4, "6.5": 5, "6.6": 3, "6.8": 4, "7.1": 3, "7.2": 4, "7.3": 2, "7.4": 5,
    "7.5": 2, "7.6": 2, "8.1": 2, "8.2": 3, "8.3": 1, "8.4": 1, "9.1": 3, "9.2": 4, "10.1": 2, "10.2": 2, "10.3": 4,
    "10.4": 11, "10.5": 5, "10.6": 2, "10.7": 3, "11.1": 2, "11.2": 3, "11.3": 3, "11.4": 4, "11.5": 1, "11.6": 1,
    "12.1": 3, "12.2": 2, "12.3": 4, "13.1": 1, "13.2": 5, "13.3": 2, "13.4": 5, "14.1": 2, "14.2": 4, "14.3": 3,
    "15.1": 3, "15.2": 3, "15.3": 7, "16.1": 1, "16.2": 5, "16.3": 4, "16.4": 3, "16.5": 3, "17.1": 1, "17.2": 4,
    "17.3": 2,
}  # fmt: skip
"""ASVS 5.0.0: of each section so many items, from 1 on, are of level 1 or 2; those of level 3 follow them."""


def rows(heading: str) -> list[tuple[str, str]]:
    """The lines of a part of the page: items, and what is said of them."""
    part = PAGE.read_text("utf-8").partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^- ([\d., –]+[\d])(?::| )(.+)$", part, re.MULTILINE)


def numbers(cell: str) -> Iterator[str]:
    """`1.2.6–1.2.8, 1.3.1` one by one."""
    for part in cell.split(", "):
        first, _, last = part.partition("–")
        section, _, begin = first.rpartition(".")
        for number in range(int(begin), int((last or first).rpartition(".")[2]) + 1):
            yield f"{section}.{number}"


def test_each_item_of_levels_1_and_2_is_judged_once() -> None:
    assert sum(ITEMS.values()) == 253
    wanted = {f"{section}.{number}" for section, most in ITEMS.items() for number in range(1, most + 1)}
    parts = ("Met in part, or not", "Met", "Not applicable")
    found = Counter(number for part in parts for items, _ in rows(part) for number in numbers(items))
    assert set(found) == wanted
    assert set(found.values()) == {1}


def test_what_is_not_met_says_how_far_and_why() -> None:
    judged = rows("Met in part, or not")
    assert judged
    assert [items for items, told in judged if not re.match(r"\((part|no)\) .+: .+", told)] == []


def test_every_file_that_is_named_is_there() -> None:
    named = set(re.findall(r"`([\w.-]+/[\w./-]+)`", PAGE.read_text("utf-8")))
    assert len(named) > 100
    missing = [name for name in named if not any((ROOT / place / name).exists() for place in (".", "src/gbike"))]
    assert sorted(missing) == []
