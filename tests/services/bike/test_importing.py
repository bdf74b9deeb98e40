"""Files of bikes as people of this trade have them: what is read of each, and what is said of what can't be."""

import csv
import io
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Literal
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gbike.services.bike.domain import Status
from gbike.services.bike.importing import Question, SheetRow, Unreadable, Wanted, read
from tests.services.bike.faulty_fleet import KINDS, Expected, faulty_fleet
from tests.services.lone import examples

KOREAN = "자전거번호,대여소명,배터리(%),위도,경도\n7,강남역 1번출구,80,37.4979,127.0276\n"


def rows(text: str | bytes, columns: Mapping[str, str] | None = None) -> list[SheetRow]:
    return list(read(text if isinstance(text, bytes) else text.encode(), columns or {}).rows)


def bikes(text: str | bytes) -> list[int | str | None]:
    return [row.wanted.bikeid or row.wanted.label for row in rows(text) if not row.problems]


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", b""),
        ("utf-8", b"\xef\xbb\xbf"),
        ("cp949", b""),
        ("utf-16-le", b""),
        ("utf-16-be", b""),
        ("utf-16-le", b"\xff\xfe"),
        ("utf-16-be", b"\xfe\xff"),
    ],
)
def test_a_file_is_read_in_the_encoding_it_was_saved_in(encoding: str, mark: bytes) -> None:
    sheet = read(mark + KOREAN.encode(encoding), {})
    assert (sheet.encoding, sheet.separator, sheet.format) == (encoding, ",", "csv")
    wanted = Wanted(bikeid=7, location="강남역 1번출구", batterylevel=80, lat=37.4979, lon=127.0276)
    assert list(sheet.rows) == [SheetRow(2, ("7", "강남역 1번출구", "80", "37.4979", "127.0276"), wanted)]


def test_an_unclosed_quote_is_an_error_of_its_row_alone() -> None:
    read_rows = rows('bikeid,location,batterylevel\n1,"강남,80\n2,"서초",70\n3,양재,60\n')
    assert [(row.line, row.wanted.bikeid, row.problems) for row in read_rows] == [
        (2, 1, ("unclosed-quote",)),
        (3, 2, ()),
        (4, 3, ()),
    ]


def test_a_quote_that_is_never_closed_costs_its_row_however_it_goes_on() -> None:
    """Each of these made one reader or another swallow the bikes below."""
    for opened in ('"강남', '"강남"역', '"강남""', '""강남'):
        for below in ("2,서초,70", '2,"서초",70', '2,"서초, 1번",70', '2,"서""초",70', '"2","서초","70"'):
            assert bikes(f"bikeid,location,batterylevel\n1,{opened},80\n{below}\n3,양재,60") == [2, 3], (opened, below)


def test_a_quoted_cell_of_several_lines_is_one_cell() -> None:
    text = 'bikeid,"location\n(name)",batterylevel\n1,"강남\n\n2,서초",80\n3,양재,60\n'
    assert [(row.line, row.wanted.location) for row in rows(text)] == [(3, "강남 2,서초"), (6, "양재")]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_file_is_read_whatever_separates_its_cells_and_lines(separator: str, end: str) -> None:
    lines = ["", "  ", "sep=" + separator, "", "번호,위치,위도,경도".replace(",", separator), "", "7,강남,37,127"]
    text = end.join(lines[:-1]) + end + lines[-1].replace(",", separator)
    for body in (text, end.join([*lines[4:6], lines[6].replace(",", separator)])):
        sheet = read(body.encode(), {})
        assert (sheet.separator, [row.wanted.lat for row in sheet.rows]) == (separator, [37.0])
    assert [row.line for row in rows(text)] == [7]


def test_any_sign_that_the_file_names_separates_its_cells() -> None:
    assert bikes("sep=|\nid|lat|lon\n7|1|2") == [7]
    assert bikes("\ufeffsep=|\nid|lat|lon\n7|1|2") == [7]


def test_what_separates_is_told_by_the_columns_that_are_known() -> None:
    assert bikes("bikeid,battery (%; rounded),note\n7,80,a;b\n") == [7]
    assert bikes("bikeid;battery (%, rounded);note\n7;80;a,b\n") == [7]
    sheet = read(b"Rad,Ort;Platz\n7,x\n", {"Rad": "bikeid"})
    assert [row.wanted.bikeid for row in sheet.rows] == [7]


def test_two_columns_of_one_field_are_a_question_until_it_is_answered() -> None:
    text = "bikeid;lat;lat;lon;위도\n1;37,5;2;127;3\n"
    sheet = read(text.encode(), {})
    assert sheet.questions == (Question("two-columns", "lat", ("lat", "lat (2)", "위도")),)
    assert [row.wanted.lat for row in sheet.rows] == [None]
    answered = read(text.encode(), {"lat (2)": "", "위도": ""})
    assert answered.questions == ()
    assert [(row.wanted.lat, row.wanted.lon) for row in answered.rows] == [(37.5, 127.0)]


def test_a_file_that_can_not_be_read_says_why() -> None:
    for data, code in [
        (b"", "empty-file"),
        (b"bikeid\n", "empty-file"),
        (b"PK\x03\x04rest", "spreadsheet-file"),
        (b"bikeid,location\n1,\xff\xfe\xff\n", "unknown-encoding"),
        (b'{"data": {}}', "not-gbfs"),
        (b"{", "broken-json"),
        (b"bikeid\n" + b"1\n" * 200_001, "too-many-rows"),
    ]:
        with pytest.raises(Unreadable) as refused:
            read(data, {})
        assert refused.value.code == code


def test_a_feed_of_gbfs_is_read() -> None:
    feed = '{"data":{"bikes":[{"bike_id":"spb-1","lat":37.5,"lon":127,"is_disabled":true,"current_fuel_percent":0.8}]}}'
    wanted = Wanted(label="SPB-1", batterylevel=80, lat=37.5, lon=127.0, status=Status.BROKEN)
    assert [row.wanted for row in rows(feed)] == [wanted]


def test_of_a_faulty_fleet_becomes_what_its_table_says() -> None:
    data, expected = faulty_fleet(6_000)
    found = [
        Expected(row.line, of.kind, row.problems, row.notes, None if row.problems else row.wanted)
        for row, of in zip(read(data, {}).rows, expected, strict=True)
    ]
    assert {kind.name for kind in KINDS} < {of.kind for of in expected}
    assert [(row, of) for row, of in zip(found, expected, strict=True) if row != of][:5] == []


def test_a_second_column_of_one_name_is_a_question_too_and_empty_ones_at_the_end_are_none() -> None:
    sheet = read(b"lat,id,,lat,lon,,\n1,7,x,2,3,,\n", {})
    assert sheet.head == ("lat", "id", "#3", "lat (2)", "lon")
    assert sheet.questions == (Question("two-columns", "lat", ("lat", "lat (2)")),)
    assert [(row.wanted, row.problems, row.notes) for row in sheet.rows] == [(Wanted(bikeid=7), (), ())]


def test_a_file_without_a_number_asks_for_it_and_shows_its_rows() -> None:
    text = "명칭,비고\nSPB-1,x\n".encode()
    sheet = read(text, {})
    assert sheet.questions == (Question("no-number", "bikeid", ("명칭", "비고")),)
    assert [(row.cells, row.problems) for row in sheet.rows] == [(("SPB-1", "x"), ())]
    told = read(text, {"명칭": "label", "비고": "location"})
    assert (told.fields, told.questions) == (("label", "location"), ())
    assert [row.wanted for row in told.rows] == [Wanted(label="SPB-1", location="x")]


@pytest.mark.parametrize(
    ("names", "field"),
    [
        ("자전거번호 자전거_번호 bike_id bikeid BIKE-ID Bike[ID] number id 번호 ｂｉｋｅ＿ｉｄ vehicle_id", "bikeid"),
        ("label Label 라벨", "label"),
        ("대여소명 대여소_명 location place zone 위치 장소 구역 위치(대여소)", "location"),
        ("대여소번호 station_id stationId", "station"),
        ("배터리(%) 배터리 battery battery_level Battery(%) 배터리잔량 배터리레벨 batterylevel", "batterylevel"),
        ("위도 lat latitude 위도(WGS84)", "lat"),
        ("경도 lon lng longitude LNG", "lon"),
        ("상태 status", "status"),
    ],
)
def test_the_columns_of_the_trade_are_known(names: str, field: str) -> None:
    for name in names.split():
        assert field in read(f"{name},대여소\n1,2\n".encode(), {}).fields, name


def test_a_station_is_the_place_of_a_bike_that_has_no_other() -> None:
    text = "자전거번호,대여소번호,대여소명\n1,0101,강남\n2,0102,\n"
    assert [row.wanted.location for row in rows(text)] == ["강남", "0102"]


def test_letters_that_were_lost_never_pass() -> None:
    for cell in ("강\ufffd", "占쏙옙", "ï¿½", "媛뺣궓", "ê°•ë‚¨", "a\0b", "\x83"):
        assert [row.problems for row in rows(f"id,location\n1,{cell}\n2,강남")] == [("garbled",), ()], cell
    for cell in ("강남", "Café Müller", "阿里", "하", "😀", "100호", "도착역"):
        assert [row.problems for row in rows(f"id,location\n1,{cell}")] == [()], cell


def test_a_damaged_file_is_not_taken_for_another_encoding() -> None:
    """CP949 has a letter for nearly every pair of bytes."""
    whole = (KOREAN + "8,서초역,70,37.4,127.0\n").encode()
    with pytest.raises(Unreadable) as refused:
        read(whole.replace("서".encode(), "서".encode()[:2]), {})
    assert (refused.value.code, refused.value.details) == ("unknown-encoding", {"encoding": "utf-8", "line": 3})


def test_letters_that_can_not_be_seen_are_dropped() -> None:
    read_rows = rows("id,location\n1,강\u202e남\x07\n2,\u200b\n")
    assert [row.wanted.location for row in read_rows] == ["강남", None]


def test_the_positions_of_a_feed_follow_the_same_rule() -> None:
    feed = '{"data":{"vehicles":[{"vehicle_id":"7","lat":0,"lon":0,"current_fuel_percent":75},{"lat":1},7]}}'
    assert [(row.line, row.wanted.bikeid, row.problems) for row in rows(feed)] == [
        (1, 7, ("bad-battery",)),
        (2, None, ("bad-number",)),
        (3, None, ("bad-number",)),
    ]
    three = '{"data":{"vehicles":[{"vehicle_id":"7","lat":0,"lon":0,"station_id":"s","is_reserved":true}]}}'
    wanted = Wanted(bikeid=7, location="s", status=Status.IN_USE)
    assert [(row.wanted, row.notes) for row in rows(three)] == [(wanted, ("zero-position",))]


CELLS = st.text(st.sampled_from("a1 ,;\t\n\"'\\N=-강남역％"), max_size=8)


@st.composite
def tables(draw: st.DrawFn) -> list[list[str]]:
    width = draw(st.integers(2, 5))
    return draw(st.lists(st.lists(CELLS, min_size=width, max_size=width), max_size=8))


@examples(400)
@given(
    table=tables(),
    separator=st.sampled_from(",;\t"),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "cp949", "utf-16"]),
)
def test_what_a_program_wrote_is_read_as_it_was(
    table: list[list[str]], separator: str, end: str, quoting: Literal[0, 1, 2], encoding: str
) -> None:
    """Whatever is in the cells, however they are written: the same cells, but for blanks around them."""
    if end == "\r":
        quoting = csv.QUOTE_ALL  # else csv.writer leaves a bare \n in a cell
    out = io.StringIO(newline="")
    head: list[Any] = ["bikeid", "label", *["x"] * 3][: len(table[0]) if table else 2]
    csv.writer(out, delimiter=separator, lineterminator=end, quoting=quoting).writerows(
        [head, ["1"] * len(head), *table]
    )
    read_rows = rows(out.getvalue().encode(encoding))[1:]
    sent = [tuple(cell.strip() for cell in row) for row in table]
    assert [row.cells for row in read_rows] == [row for row in sent if any(row)]
    assert all("unclosed-quote" not in row.problems for row in read_rows)


@examples(800)
@given(st.binary(max_size=200) | st.text('",;\n\r=sep id1{}', max_size=60).map(str.encode))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for start in (b"", b"bikeid,lat,lon\n"):
        with suppress(Unreadable):
            list(read(start + data, {}).rows)


def test_what_can_not_be_seen_changes_no_number_and_no_column() -> None:
    sheet = read("\ufeff\ufeff자전거번호\u200b,대여소명\n\ufeff7\u200b,정자역\u200b\n".encode(), {})
    [row] = sheet.rows
    assert (sheet.fields, row.problems) == (("bikeid", "location"), ())
    assert (row.wanted.bikeid, row.wanted.location) == (7, "정자역")


def test_a_place_in_parts_of_letters_is_as_long_as_it_looks() -> None:
    name = "각" * 200
    [row] = read(f"bikeid,location\n1,{normalize('NFD', name)}\n".encode(), {}).rows
    assert (row.wanted.location, row.problems) == (name, ())


@pytest.mark.parametrize(
    ("numbers", "good"),
    [("3001 abc 3002", [3001, 3002]), ("SPB-1 SPB-2 17", ["SPB-1", "SPB-2", 17])],
    ids=["a slip among numbers", "a fleet of labels"],
)
def test_letters_among_numbers_are_no_label(numbers: str, good: list[int | str]) -> None:
    text = "\n".join(["자전거번호", *numbers.split()])

    assert bikes(text) == good
    assert all(row.problems in ((), ("bad-number",)) for row in rows(text))
