"""`gbike bikes import FILE`: the bikes of a file, as the console imports them; beside a running gbike, which works the
file off, or on the stopped folder, where this command does."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec
import typer

from gbike.cli import DATA, Data, StoreUrl, group, settings_given
from gbike.kit.away import one_at_a_time
from gbike.kit.http.problems import Problem
from gbike.run import CannotDo
from gbike.run.control import Verb
from gbike.run.open_stores import StoreLocation
from gbike.run.orders import OpenServices, give, is_running
from gbike.services.bike.domain import Import, ImportedRow, TooManyImports
from gbike.services.bike.http.imports import MOST_BYTES, questions_of, unreadable
from gbike.services.bike.http.imports import TEXTS as PROBLEMS
from gbike.services.bike.importing import FIELDS, Unreadable
from gbike.services.bike.importing.texts import TEXTS
from gbike.services.bike.saga import Imports, SentFile
from gbike.services.bike.storage.imports import load_import, some_rows

BIKE = "bike"
MOST_TOLD = 20
"""Rows with a problem that are told of; all of them are in the console."""
POLL_S = 0.3
"""Between two looks at how far it is."""

bikes_verb = group("Bikes, for the operator.")


class Order(NamedTuple):
    """What is to be imported, and how."""

    file: Path
    dryrun: bool
    existing: str
    columns: Mapping[str, str]


@bikes_verb.callback()
def _bikes() -> None:
    """Bikes, for the operator."""


@bikes_verb.command("import")
def bikes_import(
    *,
    file: Annotated[Path, typer.Argument(help="CSV (UTF-8, CP949, UTF-16) or a GBFS feed of bikes")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="show what would become of each row, write nothing")
    ] = False,
    change: Annotated[bool, typer.Option("--change", help="change the bikes that there are already")] = False,
    column: Annotated[
        list[str] | None, typer.Option("--column", help=f"name=field, field: {', '.join(FIELDS)}, or none of them")
    ] = None,
    data: Data = DATA,
    store: StoreUrl = "",
) -> None:
    """Register the bikes of a file; a row with a problem stops no other."""
    order = Order(file, dry_run, "change" if change else "keep", _columns(column or []))
    where = StoreLocation(data, store, BIKE)
    job = do(where, settings_given(), order, _progress if sys.stderr.isatty() else _quiet)
    typer.echo("\n".join(to_lines(job, _rows(where, job.importid))))
    raise typer.Exit(1 if job.refused or job.state == "refused" else 0)


def do(where: StoreLocation, env: Mapping[str, str], order: Order, progress: Callable[[Import], None]) -> Import:
    """Import a file; answers how it ended. `progress`: is told how far it is. Raises CannotDo."""
    told = msgspec.json.encode((str(order.file.resolve()), order.dryrun, order.existing, dict(order.columns))).decode()
    alone = not where.stores() and not is_running(where)
    [done] = give(
        where, env, verbs, [("import-bikes-alone" if alone else "import-bikes", told)], command="gbike bikes import"
    )
    if not done.ok:
        raise CannotDo(done.said)
    while True:
        with where.readings() as stores:
            job = load_import(stores[BIKE], int(done.said))
        progress(job)
        if job.state in ("done", "refused"):
            return job
        time.sleep(POLL_S)


def verbs(services: OpenServices) -> dict[str, Verb]:
    """What can be asked of whoever has the stores open; each answers the number of the import."""

    async def begin(told: str) -> str:
        return str((await _begin(_imports(services), told)).importid)

    async def alone(told: str) -> str:
        imports = _imports(services)
        begun = await _begin(imports, told)
        while await imports.step():
            pass
        return str(begun.importid)

    return {"import-bikes": begin, "import-bikes-alone": alone}


def _imports(services: OpenServices) -> Imports:
    return Imports(services.store(BIKE), one_at_a_time("files"), lambda: None)


async def _begin(imports: Imports, told: str) -> Import:
    path, dryrun, existing, columns = msgspec.json.decode(told, type=tuple[str, bool, str, dict[str, str]])
    try:
        return await imports.begin(SentFile(*_file(Path(path)), dryrun, existing, columns))
    except Unreadable as wrong:
        raise CannotDo(_both(unreadable(wrong))) from None
    except TooManyImports as full:
        raise CannotDo(_both(Problem(PROBLEMS["too-many-imports"], {"most": full.most}))) from None


def _file(path: Path) -> tuple[bytes, str]:
    """The bytes of a file, and its name. Raises CannotDo, OSError."""
    if path.stat().st_size > MOST_BYTES:
        raise CannotDo(f"{path} has more than {MOST_BYTES} bytes: send it in parts · 파일이 너무 커요. 나누어 주세요")
    return path.read_bytes(), path.name


def _rows(where: StoreLocation, importid: int) -> list[ImportedRow]:
    """The first rows that something is wrong with."""
    with where.readings() as stores:
        return some_rows(stores[BIKE], importid, "refused", MOST_TOLD)


def to_lines(job: Import, refused: list[ImportedRow]) -> Iterator[str]:
    """How an import ended, and what is wrong with the first rows."""
    for question in questions_of(job):
        names = ", ".join(question.columns)
        yield f"which column is {question.field}? · 어느 열이 {question.field}인가요? {names}  (--column 'name=field')"
    for row in refused:
        english, korean = (", ".join(words) for words in zip(*(TEXTS[code] for code in row.problems), strict=True))
        yield f"line {row.line}: {english} · {row.line}번째 줄: {korean}"
    if job.refused > len(refused):
        more = job.refused - len(refused)
        yield f"and {more} rows more · 그 밖에 {more}줄"
    would = "would be " if job.dryrun else ""
    yield (
        f"import {job.importid}: {would}{job.registered} registered, {job.changed} changed, {job.unchanged} unchanged,"
        f" {job.refused} refused of {job.done}"
        f" · {'미리 보기: ' if job.dryrun else ''}등록 {job.registered}, 변경 {job.changed}, 그대로 {job.unchanged},"
        f" 거절 {job.refused}"
    )


def _columns(told: list[str]) -> dict[str, str]:
    """What columns are: name=field each. Raises CannotDo."""
    columns = {}
    for one in told:
        name, equals, field = one.rpartition("=")
        if not equals or field not in ("", *FIELDS):
            raise CannotDo(f"--column {one}: write name=field, where field is one of {', '.join(FIELDS)}")
        columns[name] = field
    return columns


def _both(problem: Problem) -> str:
    english, korean = problem.body("en", ""), problem.body("ko", "")
    return f"{english['detail']} · {korean['detail']}"


def _progress(job: Import) -> None:
    print(
        f"\r{job.done}/{job.rows} {job.name}", end="" if job.state in ("waiting", "running") else "\n", file=sys.stderr
    )


def _quiet(_job: Import) -> None:
    pass
