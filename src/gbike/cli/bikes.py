"""`gbike bikes import FILE`: the bikes of a file, as the console imports them; beside a running gbike, which works the
file off, or on the stopped folder, where this command does."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, NamedTuple

import msgspec
import typer

from gbike.cli import DATA, Data, StoreUrl, group, settings_given
from gbike.run import CannotDo
from gbike.run.import_verbs import import_verbs
from gbike.run.open_stores import StoreLocation
from gbike.run.orders import give, is_running
from gbike.services.bike.domain.imports import Import, ImportedRow
from gbike.services.bike.http.imports import MOST_BYTES, questions_of
from gbike.services.bike.importing import FIELDS
from gbike.services.bike.importing.texts import TEXTS
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
    alone = not where.stores() and not is_running(where)
    verb = "import-bikes-alone" if alone else "import-bikes"
    with _a_file(order.file) as file:
        told = msgspec.json.encode((str(file), order.dryrun, order.existing, dict(order.columns))).decode()
        [done] = give(where, env, import_verbs, [(verb, told)], command="gbike bikes import")
    if not done.ok:
        raise CannotDo(done.said)
    while True:
        with where.readings() as stores:
            job = load_import(stores[BIKE], int(done.said))
        progress(job)
        if job.state in ("done", "refused"):
            return job
        time.sleep(POLL_S)


@contextmanager
def _a_file(path: Path) -> Iterator[Path]:
    """The file by its whole name. What comes from another program, as by `<(unzip -p bikes.zip)`, is there for this
    process only, so it is copied."""
    if path.is_file() or path.is_dir() or not path.exists():
        yield path.resolve()
        return
    with TemporaryDirectory(prefix="gbike-") as folder, path.open("rb") as pipe:
        copy = Path(folder, path.name)
        copy.write_bytes(pipe.read(MOST_BYTES + 1))
        yield copy


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


def _progress(job: Import) -> None:
    print(
        f"\r{job.done}/{job.rows} {job.name}", end="" if job.state in ("waiting", "running") else "\n", file=sys.stderr
    )


def _quiet(_job: Import) -> None:
    pass
