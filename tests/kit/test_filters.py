"""What a list may be narrowed by: how each kind is read, and what is refused."""

from datetime import UTC, datetime

import pytest

from gbike.kit.http.filters import FLAG, MOMENT, NUMBER, SPAN, TEXT, Filter, read_filters, refuse_unknown, whole, words
from gbike.kit.http.problems import Problem
from gbike.kit.numbers import MAX_ID


def ms(*when: int) -> int:
    return int(datetime(*when, tzinfo=UTC).timestamp() * 1000)  # type: ignore[misc]


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (NUMBER, "7", 7),
        (NUMBER, "007", 7),
        (NUMBER, str(MAX_ID), MAX_ID),
        (whole(0, 100), "0", 0),
        (FLAG, "true", True),
        (FLAG, "false", False),
        (words(("RENTED", "rented"), str.lower), "RENTED", "rented"),
        (MOMENT, "1970-01-01T00:00:01Z", 1000),
        (MOMENT, "2026-11-29t09:30:00.250z", ms(2026, 11, 29, 9, 30) + 250),
        (MOMENT, "2026-11-29T09:30:00+09:00", ms(2026, 11, 29, 0, 30)),
        (MOMENT, "2026-11-29T09:30:00 09:00", ms(2026, 11, 29, 0, 30)),
        (MOMENT, "2026-11-29", ms(2026, 11, 28, 15)),
        (MOMENT, "0001-01-01", ms(1, 1, 1) - 9 * 3_600_000),
        (TEXT, "정자\x00역", "정자역"),
    ],
)
def test_the_text_of_a_filter_is_read(kind: Filter, text: str, value: object) -> None:
    assert kind.value("what", text) == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        *((NUMBER, text) for text in ("", "0", "-1", "1.0", " 1", "１", "x", "9" * 17, str(MAX_ID + 1))),
        (whole(0, 100), "101"),
        *((FLAG, text) for text in ("", "1", "TRUE", "yes")),
        (words(("rented",)), "Rented"),
        *((MOMENT, text) for text in ("", "today", "2026-11", "2026-13-01", "2026-11-29T09:30", "2026-11-29T09:30:00")),
        *(
            (MOMENT, text)
            for text in ("1764408600", "2026-11-29T25:00:00Z", "20261129", "2026-W48-7", "２０２６-11-29")
        ),
        (TEXT, "x" * 101),
    ],
)
def test_what_is_no_value_of_a_filter_is_a_422_that_names_it(kind: Filter, text: str) -> None:
    with pytest.raises(Problem) as refused:
        kind.value("what", text)
    assert refused.value.type.status == 422
    assert refused.value.facts["errors"][0]["field"] == "what"
    told = refused.value.body("ko", "/")["detail"]
    assert any(way in told for way in ("여야 해요", "주세요", "쓸 수 있어요"))


def test_a_filter_that_is_asked_twice_is_refused_and_not_guessed() -> None:
    assert read_filters([("from", "1970-01-01T00:00:00Z"), ("page", "1")], SPAN) == {"from": 0}
    with pytest.raises(Problem) as refused:
        read_filters([("userid", "1"), ("userid", "2")], {"userid": NUMBER})
    assert refused.value.facts["errors"][0]["field"] == "userid"


def test_an_unknown_parameter_is_named_and_so_are_those_that_there_are() -> None:
    refuse_unknown([("page", "1")], {"page", "status"})
    with pytest.raises(Problem) as refused:
        refuse_unknown([("page", "1"), ("statuss", "x")], {"status", "page"})
    assert refused.value.body("en", "/")["detail"].count("statuss: no parameter of this list; there are: page, status")
