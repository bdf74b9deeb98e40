"""Text to records: the lines that belong together, cut into cells by the standard library's csv, strictly."""

import csv
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from gbike.services.bike.importing.columns import known

_LINE = re.compile("[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
"""Only these three end a line: str.splitlines knows seven more, which may stand in a cell."""
_SEP = re.compile('"?sep=(.)"?[;,\t]*', re.IGNORECASE)
_SEPARATORS = (";", "\t", ",")
_MOST_LINES = 100
"""Of one quoted cell; a quote that is open for longer was never closed."""


class Record(NamedTuple):
    """One record; unclosed: a quote of its line is never closed, so it is cut without regard to quotes."""

    line: int
    """Counts from 1."""
    cells: list[str]
    lines: int = 1
    """How many lines it has."""
    unclosed: bool = False


def lines_of(text: str) -> list[str]:
    """The lines, each with its end."""
    return _LINE.findall(text)


def separator_of(lines: Sequence[str], told: Sequence[str]) -> tuple[str, int]:
    """What separates the cells, and where the head is in `lines`, after blank lines and `sep=`; `told`: columns that
    are known beside those of the trade. With the most known columns it wins, then with the most columns."""
    at = _next(lines, 0)
    if at < len(lines) and (named := _SEP.fullmatch(lines[at].strip(" \r\n"))):
        return named[1], _next(lines, at + 1)

    def fits(separator: str) -> tuple[int, int]:
        cells = _record(lines, at, separator, None)[0] or []
        return sum(cell in told or known(cell) is not None for cell in cells), len(cells)

    return max(_SEPARATORS, key=fits), at


def records(lines: Sequence[str], at: int, separator: str, width: int | None) -> Iterator[Record]:
    """The records from `at` on, without blank ones, their cells without blanks around them. `width`: how many cells a
    record of several lines must have, lest a quote that somebody forgot swallows the next bikes; None: any. After an
    unclosed quote it goes on with the line below."""
    while at < len(lines):
        taken, unclosed = 1, False
        cells = lines[at].split(separator)
        if '"' in lines[at]:
            found, taken = _record(lines, at, separator, width)
            cells, unclosed = found or cells, found is None
        cells = [cell.strip() for cell in cells]
        if any(cells):
            yield Record(at + 1, cells, taken, unclosed)
        at += taken


def _record(lines: Sequence[str], at: int, separator: str, width: int | None) -> tuple[list[str] | None, int]:
    """The cells of the record that begins at a line, and how many lines it has; None: a quote in it is not closed."""
    reader = csv.reader(lines[at : at + _MOST_LINES], delimiter=separator, skipinitialspace=True, strict=True)
    try:
        cells = next(reader, [])
    except csv.Error:
        return None, 1
    if reader.line_num > 1 and width is not None and (len(cells) < width or any(cells[width:])):
        return None, 1
    return cells, reader.line_num


def _next(lines: Sequence[str], at: int) -> int:
    """The next line that is not blank."""
    while at < len(lines) and not lines[at].strip():
        at += 1
    return at
