"""`read`: a file of bikes, whatever it is, to its rows."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial

from gbike.services.bike.importing import cells, gbfs
from gbike.services.bike.importing.columns import fields_of, head_of
from gbike.services.bike.importing.decoding import decode
from gbike.services.bike.importing.records import Record, lines_of, records, separator_of
from gbike.services.bike.importing.sheet import MOST_COLUMNS, MOST_ROWS, Question, Sheet, SheetRow, Unreadable


def read(data: bytes, columns: Mapping[str, str]) -> Sheet:
    """The bikes of a file; `columns`: what columns are that nobody knows by their names, or "" for one that is not to
    be read, by the names of `Sheet.head`. Raises Unreadable."""
    text, encoding = decode(data)
    if not text.strip():
        raise Unreadable("empty-file", {})
    if text.lstrip().startswith("{"):
        vehicles = gbfs.vehicles_of(text)
        _bounded(len(vehicles))
        fields, questions = fields_of(gbfs.HEAD, columns)
        rows_of = partial(_rows, partial(gbfs.records, vehicles), fields, questions, mixed=True)
        return Sheet(
            encoding=encoding,
            separator="",
            format="gbfs",
            head=gbfs.HEAD,
            fields=fields,
            questions=questions,
            lines=len(vehicles),
            rows_of=rows_of,
        )
    lines = lines_of(text)
    separator, at = separator_of(lines, tuple(columns))
    first = next(records(lines, at, separator, None), None)
    if first is None:
        raise Unreadable("empty-file", {})
    head = head_of(first.cells)
    if len(head) > MOST_COLUMNS:
        raise Unreadable("too-many-columns", {"most": MOST_COLUMNS})
    body = first.line - 1 + first.lines
    _bounded(len(lines) - body)
    fields, questions = fields_of(head, columns)
    found = partial(records, lines, body, separator, len(head))
    if next(found(), None) is None:
        raise Unreadable("empty-file", {})
    rows_of = partial(_rows, found, fields, questions)
    return Sheet(
        encoding=encoding,
        separator=separator,
        format="csv",
        head=head,
        fields=fields,
        questions=questions,
        lines=len(lines) - body,
        rows_of=rows_of,
    )


def _rows(
    found: Callable[[], Iterable[Record]],
    fields: Sequence[str | None],
    questions: Sequence[Question],
    *,
    mixed: bool = False,
) -> Iterator[SheetRow]:
    """`mixed`: numbers and labels may stand in one column. Else what its first row has there, all have: letters among
    numbers are a slip, and no bike's label."""
    asked = {question.field for question in questions}
    if asked & {"lat", "lon"}:
        asked |= {"lat", "lon"}
    told = [None if field in asked else field for field in fields]
    of_numbers: bool | None = None
    seen: set[int | str | None] = {None}
    for record in found():
        sent = record.cells
        wanted, problems, notes = cells.wanted_of(told, sent)
        if of_numbers is None and (wanted.bikeid or wanted.label):
            of_numbers = not mixed and wanted.bikeid is not None
        if of_numbers and wanted.bikeid is None and "bikeid" in told and "label" not in told:
            wanted = wanted._replace(label=None)
        if not asked and wanted.bikeid is None and wanted.label is None and "bad-label" not in problems:
            problems = list(dict.fromkeys(["bad-number", *problems]))
        if any(sent[len(fields) :]):
            problems.append("too-many-fields")
        if cells.is_garbled(sent):
            problems.insert(0, "garbled")
        if record.unclosed:
            problems.insert(0, "unclosed-quote")
        names = (wanted.bikeid, wanted.label)
        if not problems:
            if not seen.isdisjoint(name for name in names if name is not None):
                problems.append("twice")
            seen.update(names)
        if problems:
            notes = []
        yield SheetRow(record.line, _squared(sent, len(fields)), wanted, tuple(problems), tuple(notes))


def _squared(sent: list[str], width: int) -> tuple[str, ...]:
    """As many cells as there are columns, or more where something stands in them."""
    while len(sent) > width and not sent[-1]:
        sent.pop()
    return (*sent, *[""] * (width - len(sent)))


def _bounded(rows: int) -> None:
    if rows > MOST_ROWS:
        raise Unreadable("too-many-rows", {"most": MOST_ROWS})
