"""/bikes/imports: files of bikes, how far they are, and what became of each row."""

import msgspec

from gbike.contracts import PROBLEM_TEXTS
from gbike.kit.auth.limits import Pace
from gbike.kit.auth.rules import ADMINS
from gbike.kit.clock import rfc3339
from gbike.kit.http.app import Operation, Upload
from gbike.kit.http.fields import invalid
from gbike.kit.http.filters import FLAG, words
from gbike.kit.http.lists import listed
from gbike.kit.http.problems import Problem, catalogue
from gbike.kit.http.request import Request, ResourceKind, Response, item
from gbike.kit.store import Store
from gbike.kit.text import clean
from gbike.services.bike.domain.imports import COUNTS, Import, ImportedRow
from gbike.services.bike.importing import FIELDS, Question, SheetRow, Unreadable
from gbike.services.bike.importing.texts import TEXTS as ROW_TEXTS
from gbike.services.bike.saga import Imports, SentFile
from gbike.services.bike.storage.imports import IMPORTS as LISTED
from gbike.services.bike.storage.imports import load_import, rows_of

BASE = "/bikes/imports"
MOST_BYTES = 16 * 1024 * 1024
"""Of a file: some 200,000 bikes."""
WITHIN_S = 120
"""How long a file may be on its way: 16 MiB at 1 Mbit/s."""
PACE = Pace("imports", 10)
"""Files a minute of one admin."""
MOST_NAMED = 255
MOST_COLUMNS = 200
_ONE = rf'"[^"\\\x00-\x1f]{{0,{MOST_NAMED}}}" *: *"(|{"|".join(FIELDS)})"'
TOLD = rf"^(\{{ *({_ONE}( *, *{_ONE})* *)?\}})?$"
"""What is said of columns, where no name needs an escape."""

TEXTS = catalogue(PROBLEM_TEXTS)
IMPORTS = ResourceKind("imports", "import", "importid")
ROWS = ResourceKind("rows", "row", "line")
EXISTING = ("keep", "change")


class ImportColumn(msgspec.Struct, frozen=True):
    """A column of the file, and what it is taken for; null: it is not read."""

    name: str
    field: str | None


class ImportQuestion(msgspec.Struct, frozen=True):
    """What must be said in `columns` before anything is written: which of the columns is the field."""

    code: str
    field: str
    columns: list[str]


class WantedBike(msgspec.Struct, frozen=True):
    """What a row says of its bike."""

    bikeid: int | None
    label: str | None
    location: str | None
    batterylevel: int | None
    lat: float | None
    lon: float | None
    status: str | None


class FirstRow(msgspec.Struct, frozen=True):
    """One of the first rows: its cells as they stand in the file, and what was read of them."""

    line: int
    cells: list[str]
    bike: WantedBike
    problems: list[str]
    noposition: str | None


class ImportResource(msgspec.Struct, frozen=True):
    """An import as clients see it: `rows` is how many there are at most until it is done, `done` how many are."""

    importid: int
    name: str
    dryrun: bool
    existing: str
    state: str
    encoding: str
    separator: str
    columns: list[ImportColumn]
    questions: list[ImportQuestion]
    rows: int
    done: int
    registered: int
    changed: int
    unchanged: int
    refused: int
    at: str
    doneat: str | None
    first: list[FirstRow]


class RowText(msgspec.Struct, frozen=True):
    """Something about a row, by its code and in words."""

    code: str
    en: str
    ko: str


class ImportRowResource(msgspec.Struct, frozen=True):
    """What became of a row, or would become in a dry run. `noposition`: why its position is none."""

    line: int
    outcome: str
    bikeid: int | None
    label: str | None
    location: str | None
    batterylevel: int | None
    lat: float | None
    lon: float | None
    problems: list[RowText]
    noposition: RowText | None


class ImportHttp:
    """The handlers."""

    def __init__(self, store: Store, imports: Imports) -> None:
        self._store, self._imports = store, imports

    async def begin(self, request: Request) -> Import:
        dryrun, existing = request.wanted.get("dryrun", False), request.wanted.get("existing", "keep")
        name = clean((request.first("name") or "").replace("\x00", "")).strip()[:MOST_NAMED]
        sent = SentFile(await request.raw(), name, dryrun, existing, _columns(request.first("columns")))
        try:
            return await self._imports.begin(sent)
        except Unreadable as wrong:
            raise unreadable(wrong) from None

    async def list(self, request: Request) -> Response:
        return await listed(request, self._store, LISTED, IMPORTS, to_resource, of="/bikes")

    async def show(self, request: Request) -> Response:
        found = await self._store.read(load_import, request.id("importid"))
        return Response(200, item(IMPORTS, request.base + "/bikes", to_resource(found)))

    async def rows(self, request: Request) -> Response:
        outcome = request.wanted.get("outcome")
        found = await self._store.read(load_import, request.id("importid"))
        total = getattr(found, outcome) if outcome else found.done
        of = f"{BASE}/{found.importid}"
        rows = rows_of(found.importid, outcome)
        return await listed(request, self._store, rows, ROWS, _row, of=of, total=total, wanted={})


def unreadable(wrong: Unreadable) -> Problem:
    """The refusal of a file of which nothing can be read."""
    facts = {name: value for name, value in wrong.details.items() if name != "why"}
    return Problem(TEXTS[f"file-unreadable.{wrong.code}"], {**facts, "why": wrong.code})


def questions_of(job: Import) -> list[Question]:
    """What must be said before anything is written."""
    return msgspec.convert(job.questions, list[Question])


def to_resource(job: Import) -> ImportResource:
    """The import as clients see it."""
    columns = msgspec.convert(job.columns, list[tuple[str, str | None]])
    return ImportResource(
        importid=job.importid,
        name=job.name,
        dryrun=job.dryrun,
        existing=job.existing,
        state=job.state,
        encoding=job.encoding,
        separator=job.separator,
        columns=[ImportColumn(*one) for one in columns],
        questions=[ImportQuestion(one.code, one.field, list(one.columns)) for one in questions_of(job)],
        rows=job.rows,
        done=job.done,
        registered=job.registered,
        changed=job.changed,
        unchanged=job.unchanged,
        refused=job.refused,
        at=rfc3339(job.at_ms),
        doneat=rfc3339(job.done_ms) if job.done_ms is not None else None,
        first=[_first(row) for row in msgspec.convert(job.first, list[SheetRow])],
    )


def _first(row: SheetRow) -> FirstRow:
    note = row.notes[0] if row.notes else None
    return FirstRow(row.line, list(row.cells), WantedBike(*row.wanted), list(row.problems), note)


def _row(row: ImportedRow) -> ImportRowResource:
    return ImportRowResource(
        line=row.line,
        outcome=row.outcome,
        bikeid=row.bikeid,
        label=row.label,
        location=row.location,
        batterylevel=row.batterylevel,
        lat=row.lat,
        lon=row.lon,
        problems=[_told(code) for code in row.problems],
        noposition=_told(row.noposition) if row.noposition else None,
    )


def _told(code: str) -> RowText:
    return RowText(code, *ROW_TEXTS[code])


def _columns(text: str | None) -> dict[str, str]:
    """What columns are said to be. Raises Problem 422."""
    if not text:
        return {}
    try:
        columns = msgspec.json.decode(text, type=dict[str, str])
    except (msgspec.DecodeError, RecursionError):
        columns = {"": "?"}
    fits = len(columns) <= MOST_COLUMNS and all(field in ("", *FIELDS) for field in columns.values())
    if not fits or any(len(name) > MOST_NAMED or "\x00" in name for name in columns):
        fields = ", ".join(FIELDS)
        raise invalid("columns", f'a JSON object of names and fields, as {{"번호": "bikeid"}}; fields: {fields}')
    return columns


def import_operations(store: Store, imports: Imports) -> list[Operation]:
    http = ImportHttp(store, imports)
    one = BASE + "/{importid}"
    upload = Upload(
        MOST_BYTES,
        WITHIN_S,
        texts={
            "columns": 'what columns are, by name, as a JSON object: {"번호": "bikeid"}; "": not read',
            "name": "the file's name, to be shown",
        },
        patterns={"columns": TOLD},
        example="bikeid,location,batterylevel,lat,lon\n1,분당_정자역_1구역,100,37.3670,127.1083\n",
    )
    how = {"dryrun": FLAG, "existing": words(EXISTING)}
    unknown = TEXTS.of("import-unknown")
    return [
        Operation(
            "POST",
            BASE,
            http.begin,
            "R1: register the bikes of a file",
            ADMINS,
            upload=upload,
            filters=how,
            answers={202: ImportResource},
            refusals=TEXTS.of("file-unreadable", "too-many-imports"),
            pace=PACE,
            respond=_taken,
        ),
        Operation("GET", BASE, http.list, "Imports, newest first", ADMINS, answers={200: [ImportResource]}, paged=True),
        Operation(
            "GET", one, http.show, "How far an import is", ADMINS, answers={200: ImportResource}, refusals=unknown
        ),
        Operation(
            "GET",
            one + "/rows",
            http.rows,
            "What became of each row",
            ADMINS,
            answers={200: [ImportRowResource]},
            paged=True,
            filters={"outcome": words(COUNTS)},
            refusals=unknown,
        ),
    ]


def _taken(request: Request, begun: Import) -> Response:
    content = item(IMPORTS, request.base + "/bikes", to_resource(begun))
    return Response(202, content, {"Location": content["_links"]["self"]["href"]})
