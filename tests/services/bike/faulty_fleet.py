"""A file of 50,000 bikes as a fleet of this trade might hand it over, half of its rows with a fault, and what must
become of every row. The same file each time.

Of KINDS, `row` is how such a row stands in the file, with the facts of its bike filled in; a row without a fault is
PLAIN. With a `problem` the row is refused and nothing else is; with a `note` the bike comes without its position;
with neither it comes as if nothing were wrong, but for what `but` says. CP949 has no letter for some faults (U+FFFD,
zero width): those are in test_importing.py.
"""

import random
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from gbike.services.bike.domain import Status
from gbike.services.bike.importing import Wanted

HEAD = "자전거번호,라벨,대여소명,배터리(%),위도,경도,상태"
PLAIN = "{n},{label},{place},{battery},{lat},{lon},{status}"
NOWHERE = {"lat": None, "lon": None}


class Kind(NamedTuple):
    """One kind of fault."""

    name: str
    row: str = PLAIN
    problem: str | None = None
    note: str | None = None
    but: Mapping[str, Any] = {}


NONE = Kind("none")
KINDS = (
    # Refused: the row, and no other.
    Kind("an unclosed quote", '{n},{label},"{place},{battery},{lat},{lon},{status}', "unclosed-quote"),
    Kind("a letter after a quote", '{n},{label},"{spot}"역,{battery},{lat},{lon},{status}', "unclosed-quote"),
    Kind("a cell too many", "{n},{label},{place},{battery},{lat},{lon},{status},메모", "too-many-fields"),
    Kind("a comma in a place without quotes", "{n},{label},{spot}, {k}번출구,{battery},{lat},{lon},{status}",
         "bad-battery bad-status too-many-fields"),
    Kind("no number and no label", ",,{place},{battery},{lat},{lon},{status}", "bad-number"),
    Kind("number 0", "0,,{place},{battery},{lat},{lon},{status}", "bad-number"),
    Kind("a negative number", "-{n},,{place},{battery},{lat},{lon},{status}", "bad-number"),
    Kind("a number with a fraction", "{n}.5,,{place},{battery},{lat},{lon},{status}", "bad-number"),
    Kind("a number beyond 2^53", "9007199254740992,,{place},{battery},{lat},{lon},{status}", "bad-number"),
    Kind("a date for a number", "2026/11/30,,{place},{battery},{lat},{lon},{status}", "bad-number"),
    Kind("a label with a blank", "{n},SPB {n},{place},{battery},{lat},{lon},{status}", "bad-label"),
    Kind("a label without letters", "{n},{n},{place},{battery},{lat},{lon},{status}", "bad-label"),
    Kind("a number twice", "{earlier},,{place},{battery},{lat},{lon},{status}", "twice"),
    Kind("a label twice", "{n},{earlier_label},{place},{battery},{lat},{lon},{status}", "twice"),
    Kind("a label twice, in small letters", "{n},{earlier_small},{place},{battery},{lat},{lon},{status}", "twice"),
    Kind("battery 101", "{n},{label},{place},101,{lat},{lon},{status}", "bad-battery"),
    Kind("a negative battery", "{n},{label},{place},-1,{lat},{lon},{status}", "bad-battery"),
    Kind("battery in words", "{n},{label},{place},가득,{lat},{lon},{status}", "bad-battery"),
    Kind("coordinates in words", "{n},{label},{place},{battery},북위,동경,{status}", "bad-coordinates"),
    Kind("coordinates in minutes", "{n},{label},{place},{battery},37°29',127°01',{status}", "bad-coordinates"),
    Kind("an unknown status", "{n},{label},{place},{battery},{lat},{lon},분실", "bad-status"),
    Kind("a place too long", "{n},{label},{long},{battery},{lat},{lon},{status}", "long-place"),
    Kind("a lost letter, read in CP949", "{n},{label},占쏙옙역,{battery},{lat},{lon},{status}", "garbled"),
    Kind("UTF-8, read in CP949", "{n},{label},媛뺣궓,{battery},{lat},{lon},{status}", "garbled"),
    # Imported without the position.
    Kind("position 0, 0", "{n},{label},{place},{battery},0,0,{status}", note="zero-position", but=NOWHERE),
    Kind("position 0.000, 0.000", "{n},{label},{place},{battery},0.000,0.000,{status}", None, "zero-position", NOWHERE),
    Kind("a latitude alone", "{n},{label},{place},{battery},{lat},,{status}", note="half-position", but=NOWHERE),
    Kind("a longitude alone", "{n},{label},{place},{battery},,{lon},{status}", note="half-position", but=NOWHERE),
    Kind("beyond the globe", "{n},{label},{place},{battery},{lat},1270,{status}", note="far-position", but=NOWHERE),
    Kind("swapped", "{n},{label},{place},{battery},{lon},{lat},{status}", note="swapped-position", but=NOWHERE),
    # Imported as it is meant.
    Kind("quoted", '"{n}","{label}","{place}","{battery}","{lat}","{lon}","{status}"'),
    Kind("a line end in a quoted place", '{n},{label},"{spot}\n{k}번출구",{battery},{lat},{lon},{status}'),
    Kind("doubled quotes", '{n},{label},"{spot} ""{k}""번출구",{battery},{lat},{lon},{status}',
         but={"location": '{spot} "{k}"번출구'}),
    Kind("a comma in a quoted place", '{n},{label},"{spot}, {k}번출구",{battery},{lat},{lon},{status}',
         but={"location": "{spot}, {k}번출구"}),
    Kind("thousands", '"{thousands}",{label},{place},{battery},{lat},{lon},{status}'),
    Kind("leading zeros", "000{n},{label},{place},{battery},{lat},{lon},{status}"),
    Kind("the number kept as text", '="{n}",{label},{place},{battery},{lat},{lon},{status}'),
    Kind("the number as a float", "{n}.0,{label},{place},{battery},{lat},{lon},{status}"),
    Kind("wide digits", "{wide},{label},{place},{battery},{lat},{lon},{status}"),
    Kind("a label for a number", "{label},,{place},{battery},{lat},{lon},{status}", but={"bikeid": None}),
    Kind("a label in small letters", "{n},{small},{place},{battery},{lat},{lon},{status}"),
    Kind("\\N for nothing", "{n},{label},\\N,\\N,\\N,\\N,\\N",
         but={"location": None, "batterylevel": None, "status": None, **NOWHERE}),
    Kind("NULL and - for nothing", "{n},-,NULL,null,-,-,{status}",
         but={"label": None, "location": None, "batterylevel": None, **NOWHERE}),
    Kind("percent", "{n},{label},{place},{battery} %,{lat},{lon},{status}"),
    Kind("a decimal comma", '{n},{label},{place},{battery},"{comma_lat}","{comma_lon}",{status}'),
    Kind("blanks around", " {n} , {label} ,  {place} , {battery}, {lat} ,{lon} , {status} "),
    Kind("blanks within", "{n},{label},{spot}\t{k}번출구,{battery},{lat},{lon},{status}"),
    Kind("a status in English", "{n},{label},{place},{battery},{lat},{lon},Broken", but={"status": Status.BROKEN}),
    Kind("empty cells at the end", "{n},{label},{place},{battery},{lat},{lon},{status},,,"),
    Kind("the row ends early", "{n},{label},{place}", but={"batterylevel": None, "status": None, **NOWHERE}),
    Kind("a blank line above", "\n" + PLAIN),
    Kind("a line of commas above", ",,,,,,\n" + PLAIN),
)  # fmt: skip
SPOTS = ("강남역", "정자역", "서현역", "판교역", "수내역", "미금역", "오리역", "야탑역")
SKIPPED = ("\n", ",,,,,,\n")
"""Lines above a row that are no row."""


class Expected(NamedTuple):
    """What must become of a row; wanted None: it is refused."""

    line: int
    kind: str
    problems: tuple[str, ...]
    notes: tuple[str, ...]
    wanted: Wanted | None


@cache
def faulty_fleet(rows: int = 50_000) -> tuple[bytes, tuple[Expected, ...]]:
    """The file, and what must become of each of its rows."""
    texts = [HEAD]
    expected = []
    line = 2
    for n, kind in enumerate(_kinds(rows), 1):
        facts = _facts(n)
        text = kind.row.format(**facts)
        above = next((len(skipped.splitlines()) for skipped in SKIPPED if text.startswith(skipped)), 0)
        wanted = None if kind.problem else _wanted(facts, kind)
        problems, notes = tuple((kind.problem or "").split()), tuple((kind.note or "").split())
        expected.append(Expected(line + above, kind.name, problems, notes, wanted))
        texts.append(text)
        line += text.count("\n") + 1
    return ("\r\n".join(texts) + "\r\n").encode("cp949"), tuple(expected)


def _kinds(rows: int) -> Iterator[Kind]:
    """Every other row has a fault: each kind in turn, in another order every time round."""
    order = random.Random(20)
    left: list[Kind] = []
    for at in range(rows):
        if at % 2 == 0:
            yield NONE
        else:
            left = left or order.sample(KINDS, len(KINDS))
            yield left.pop()


def _facts(n: int) -> dict[str, Any]:
    """Of the bike in row `n`: its number is 100,000 + n, so that the one above a faulty row is of a good one."""
    number, k = 100_000 + n, n % 12 + 1
    lat, lon = f"37.{350_000 + n:06d}", f"127.{100_000 + n:06d}"
    spot = SPOTS[n % len(SPOTS)]
    return {
        "n": number,
        "wide": "".join(chr(ord("０") + int(digit)) for digit in str(number)),
        "thousands": f"{number:,}",
        "label": f"SPB-{number}",
        "small": f"spb-{number}",
        "earlier": number - 1,
        "earlier_label": f"SPB-{number - 1}",
        "earlier_small": f"spb-{number - 1}",
        "spot": spot,
        "k": k,
        "place": f"{spot} {k}번출구",
        "long": spot * 86,
        "battery": n % 101,
        "lat": lat,
        "lon": lon,
        "comma_lat": lat.replace(".", ","),
        "comma_lon": lon.replace(".", ","),
        "status": list(Status)[n % 3].value,
    }


def _wanted(facts: Mapping[str, Any], kind: Kind) -> Wanted:
    but = {
        field: value.format(**facts) if field == "location" and value else value for field, value in kind.but.items()
    }
    plain = Wanted(
        bikeid=facts["n"],
        label=facts["label"],
        location=facts["place"],
        batterylevel=facts["battery"],
        lat=float(facts["lat"]),
        lon=float(facts["lon"]),
        status=Status(facts["status"]),
    )
    return plain._replace(**but)
