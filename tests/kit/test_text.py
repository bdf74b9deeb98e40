"""Text that people wrote: what can't be seen goes when it comes in, and no export runs in a spreadsheet."""

from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from gbike.kit.http.fields import Reason, Text, read_body
from gbike.kit.http.problems import Problem
from gbike.kit.text import UNCLEAN, cell, clean


class Note(msgspec.Struct, frozen=True):
    """What somebody writes."""

    place: Text | None = None
    why: Reason | msgspec.UnsetType = msgspec.UNSET


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("분당_정자역_1구역", "분당_정자역_1구역"),
        (" Café, ½ · 가 ", " Café, ½ · 가 "),
        ("dock\u202egpj.exe", "dockgpj.exe"),
        ("\u2066dock\u2069\u200e\u200f\u061c", "dock"),
        ("do\u200bc\u200dk\ufeff\u00ad", "dock"),
        ("do\x1b[31mck\x07\x7f\x9b", "do[31mck"),
        ("two\r\nlines\tand\u2028more", "two lines and more"),
        ("\u3164dock\u115f\uffa0\u2800", "dock"),
        ("dock\U000e0041\ufe0f", "dock"),
    ],
)
def test_what_can_not_be_seen_is_dropped_when_it_comes_in(typed: str, kept: str) -> None:
    assert clean(typed) == kept
    assert read_body(msgspec.json.encode({"place": typed, "why": f"x{typed}"}), Note) == Note(kept, f"x{kept}")


def test_a_look_finds_just_what_is_not_clean() -> None:
    every = [chr(at) for at in range(0x110000)]
    assert [char for char in every if UNCLEAN.search(char)] == [char for char in every if clean(char) != char]


@pytest.mark.parametrize("typed", ["\u200b\u3164", "\u008a\u008a", " \t", "\U000e0041", ""])
def test_a_reason_of_nothing_that_can_be_seen_is_none(typed: str) -> None:
    with pytest.raises(Problem) as refused:
        read_body(msgspec.json.encode({"why": typed}), Note)
    assert refused.value.facts["errors"] == [{"field": "why", "reason": "has nothing that can be seen"}]
    schema = msgspec.json.schema(Note)["$defs"]["Note"]
    assert not Draft202012Validator(schema).is_valid({"why": typed})


@pytest.mark.parametrize(
    ("value", "exported"),
    [
        ("=1+1", "'=1+1"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "' =1"),
        ("\r=1", "' =1"),
        ("\u200b=1", "'=1"),
        ("  =1", "'  =1"),
        ("＝1+1", "'＝1+1"),
        ("＋1+1", "'＋1+1"),
        ("－a", "'－a"),
        ("＠a", "'＠a"),
        ("+821012345678", "+821012345678"),
        ("-5", "-5"),
        ("정자역=1", "정자역=1"),
        (-5, -5),
        (37.25, 37.25),
        (None, None),
        (True, True),
    ],
)
def test_no_cell_of_an_export_is_a_formula_and_numbers_stay(value: Any, exported: Any) -> None:
    assert cell(value) == exported
    assert type(cell(value)) is type(value)
