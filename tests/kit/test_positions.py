"""What is no position is told by one rule, and a name's spellings are one name."""

from unicodedata import normalize

import pytest

from gbike.kit.positions import fault
from gbike.kit.text import natural, same_name, tidied


@pytest.mark.parametrize(
    ("lat", "lon", "found"),
    [
        (37.5, 127.0, None),
        (-33.9, 18.4, None),
        (0.0, 32.6, None),
        (51.5, 0.0, None),
        (None, None, None),
        (0.0, 0.0, "zero"),
        (-0.001, 0.002, "zero"),
        (37.5, None, "half"),
        (None, 127.0, "half"),
        (0.0, None, "half"),
        (None, 0.0, "half"),
        (127.0, 37.5, "swapped"),
        (-127.0, -90.0, "swapped"),
        (127.0, 127.0, "far"),
        (37.5, 180.1, "far"),
        (37_500_000.0, 127_000_000.0, "far"),
        (1e308, -1e308, "far"),
    ],
)
def test_what_is_no_position_says_why(lat: float | None, lon: float | None, found: str | None) -> None:
    assert fault(lat, lon) == found


@pytest.mark.parametrize(("age_ms", "found"), [(0, None), (60_000, None), (60_001, "old"), (-60_001, "old")])
def test_a_position_of_another_moment_is_none(age_ms: int, found: str | None) -> None:
    assert fault(37.5, 127.0, age_ms=age_ms) == found


@pytest.mark.parametrize(("accuracy_m", "found"), [(0.0, None), (1_000.0, None), (1_000.1, "coarse"), (-1.0, "coarse")])
def test_a_position_that_is_not_exact_is_none(accuracy_m: float, found: str | None) -> None:
    assert fault(37.5, 127.0, accuracy_m=accuracy_m) == found


def test_the_spellings_of_a_place_are_one_place() -> None:
    spelled = ["도착역", "도착역 ", "\t도착역", normalize("NFD", "도착역")]
    assert {same_name(name) for name in spelled} == {"도착역"}
    assert {tidied(name) for name in spelled} == {"도착역"}
    assert same_name("Dock  7\u00a0B") == same_name("dock 7 b")
    assert same_name("분당_정자역__1구역_") == same_name("분당 정자역 1구역")
    assert same_name("도착역 1") != same_name("도착역1")
    assert (tidied(""), tidied(" \n"), tidied(None), tidied("a  b")) == (None, None, None, "a  b")


def test_numbers_in_names_are_sorted_by_their_size() -> None:
    assert sorted(["100호", "10호", "9호", "1호"], key=lambda name: natural(name) or "") == [
        "1호",
        "9호",
        "10호",
        "100호",
    ]
    assert sorted(["101동 10호", "101동 9호", "99동 1호"], key=lambda name: natural(name) or "") == [
        "99동 1호",
        "101동 9호",
        "101동 10호",
    ]
    assert natural("7") != natural("007")
    assert natural("Dock 7") == natural("dock  7 ")
    assert natural(None) is None
