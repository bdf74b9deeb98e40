"""What a file of bikes is read to."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from gbike.services.bike.domain import Status

FIELDS = ("bikeid", "label", "location", "station", "batterylevel", "lat", "lon", "status")
"""What a column may be. `station`: a station's number or id, the location of a row that names none."""
MOST_ROWS = 200_000
MOST_COLUMNS = 1_000
"""A file with more is no list of bikes."""


@dataclass(eq=False)
class Unreadable(Exception):
    """Nothing of the file can be read.

    empty-file        there is no row in it
    unknown-encoding  neither UTF-8, CP949 nor UTF-16: `line` is the first that does not fit, `encoding` the likeliest
    spreadsheet-file  a workbook (.xlsx, .xls): it must be saved as CSV
    broken-json       it begins as JSON and is none: `why`
    not-gbfs          JSON, but neither free_bike_status nor vehicle_status
    too-many-rows     more than `most`
    too-many-columns  more than `most`
    """

    code: str
    details: Mapping[str, Any]


class Question(NamedTuple):
    """What must be answered by `columns` before anything is written.

    two-columns  each of `columns` would be `field`; answered when all but one are mapped to "" or to another field
    no-number    no column is the bike's number or label; answered when one is mapped to `bikeid` or `label`
    """

    code: Literal["two-columns", "no-number"]
    field: str
    columns: tuple[str, ...]


class Wanted(NamedTuple):
    """What a row says of its bike; None: nothing, or nothing that can be used. The label is in capitals."""

    bikeid: int | None = None
    label: str | None = None
    location: str | None = None
    batterylevel: int | None = None
    lat: float | None = None
    lon: float | None = None
    status: Status | None = None


class SheetRow(NamedTuple):
    """One row of the file; with a problem it is not to be written, with a note it is, without what the note names.

    Problems: garbled · unclosed-quote · too-many-fields · bad-number · bad-label · bad-battery · bad-coordinates ·
    bad-status · long-place · twice (an earlier good row has this number or label).
    Notes: zero-position · half-position · swapped-position · far-position (kit/positions.py; the position is left out).
    """

    line: int
    """Where it begins in the file, as an editor counts from 1; in a GBFS file the bike's place in the list."""
    cells: tuple[str, ...]
    """As they stand in the file, without blanks around them; as many as there are columns, or more."""
    wanted: Wanted
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class Whole(NamedTuple):
    """What only the whole file tells, as far as it is needed."""

    highest: int = 0
    """The highest number in it; what has none comes after it."""
    middle: tuple[float, float] | None = None
    """Where most of its positions are near: where no place is known yet, most rows are right about the town."""


@dataclass(frozen=True)
class Sheet:
    """A file that can be read."""

    encoding: str
    """utf-8 · cp949 · utf-16-le · utf-16-be"""
    separator: str
    """"" in a GBFS file."""
    format: Literal["csv", "gbfs"]
    head: tuple[str, ...]
    """The columns' names, each once: a second "lat" is "lat (2)", a nameless one "#3". `columns` goes by these."""
    fields: tuple[str | None, ...]
    """What each column is, one of FIELDS; None: it is not read."""
    questions: tuple[Question, ...]
    """With one of them open, what rows want of its field is None."""
    lines: int
    """At most so many rows; for progress."""
    rows_of: Callable[[], Iterator[SheetRow]]

    @property
    def rows(self) -> Iterator[SheetRow]:
        """The rows, read one by one as they are taken, from the first on each time; blank lines are none."""
        return self.rows_of()
