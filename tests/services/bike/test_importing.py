"""Files of bikes as people of this trade have them: what is read of each, and what is said of what can't be."""

from collections.abc import Mapping

import pytest

from gbike.services.bike.domain import Status
from gbike.services.bike.importing import Question, SheetRow, Unreadable, Wanted, read

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
