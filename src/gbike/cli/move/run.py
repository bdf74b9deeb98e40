"""The move from beginning to end: nothing is moved that does not hold every invariant, and what was written is read
again and compared before the databases count as whole."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from gbike.cli import settings_given
from gbike.cli.move import NotTheSame, filling
from gbike.cli.move.screen import Screen
from gbike.cli.move.source import at_rest, must_be_whole
from gbike.cli.move.target import AtUrl, Carried, InFolder
from gbike.cli.up import settings_in
from gbike.cli.verify import VIEW, view_differs
from gbike.kit.audit.chain import head
from gbike.kit.clock import SystemClock
from gbike.kit.storage.postgres.login import POSTGRES
from gbike.kit.storage.retention import DAY_MS
from gbike.kit.store import Reading
from gbike.run.folder.backup import NoData, locked
from gbike.run.folder.data_folder import DataFolder
from gbike.run.folder.data_mode import Mode, mode_of
from gbike.run.invariants import violations
from gbike.run.open_stores import open_readings, open_urls
from gbike.run.registry import specs

AGAIN_MS = 7 * DAY_MS
"""What was published within this time is published to the new log too: every inbox knows it."""

Facts = Sequence[tuple[str, str]]
"""What must be the same on both sides, in words."""


def move_verb(
    source: Annotated[Path, typer.Option("--from", help="the folder of one process, stopped; it stays as it is")],
    to: Annotated[str, typer.Option("--to", help="a new folder for `gbike cluster up`, or postgresql://…")],
) -> None:
    """Bring a stopped one-machine folder into a cluster's PostgreSQL: everything, or nothing."""
    with Screen(Console(stderr=False, highlight=False)) as screen:
        move(DataFolder(source), to, settings_given(), screen)


def move(folder: DataFolder, to: str, env: Mapping[str, str], screen: Screen) -> None:
    """Move a stopped folder into a cluster's folder or server; the folder stays as it is. Raises CannotMove, CannotRun,
    FolderInUse, NoData or NotTheSame."""
    must_be_whole(folder)
    with locked(folder, "gbike move"):
        target = _target(folder, to, env)
        with target.opened() as urls:
            databases = [filling.Database(spec.name, urls[spec.name], spec.versions, _name(folder)) for spec in specs()]
            if filling.filled(databases[0]):
                screen.tell("all rows are there already, from a move that was stopped at its end · 이미 모두 옮겼어요")
            else:
                for one in databases:
                    filling.must_be_free(one)
                with at_rest(folder, env, screen.tell) as copied:
                    target.begin()
                    _fill(copied, databases, screen)
                filling.mark_filled(databases[0])
            told = target.done()
            for one in reversed(databases):
                filling.unmark(one)
    for line in (*told, f"keep {folder.path} as a backup, and never start it again · 예전 폴더는 다시 시작하지 마세요"):
        screen.tell(line)


def _name(folder: DataFolder) -> str:
    return str(folder.path.resolve())


def _target(folder: DataFolder, to: str, env: Mapping[str, str]) -> AtUrl | InFolder:
    if not to or ("://" in to and not to.startswith(POSTGRES)):
        raise NoData(f"--to {to}: write a folder, or postgresql://… · 폴더나 postgresql://… 주소를 쓰세요")
    places = settings_in(folder.path, env)
    carried = Carried(
        source=_name(folder),
        demo=mode_of(folder) is not Mode.SECURE,
        keys=Path(places["GBIKE_ACCOUNT_KEYS"]),
        resets=Path(places["GBIKE_RESET_FILE"]),
    )
    carried.must_have_keys()
    return AtUrl(to, carried) if to.startswith(POSTGRES) else InFolder(Path(to), carried)


def _fill(copied: DataFolder, databases: Sequence[filling.Database], screen: Screen) -> None:
    """Raises CannotMove, or NotTheSame when either side is not as it must be."""
    with open_readings(copied) as readings:
        before = _facts(readings)
        _must_hold("the folder", readings, screen.tell)
    screen.expect(sum(filling.rows_in(copied.store_path(one.service)) for one in databases))
    written = read = filling.NOTHING
    for one in databases:
        filling.prepare(one)
        written += filling.fill(one, copied.store_path(one.service), screen.moved)
        read += filling.look(one)
    with open_urls({one.service: one.url for one in databases}, "the target") as readings:
        after = _facts(readings)
        _must_hold("the target", readings, screen.tell)
    _must_be_the_same((_counted(written), *before), (_counted(read), *after))
    again = sum(filling.publish_since(one, SystemClock().now_ms() - AGAIN_MS) for one in databases)
    for name, value in (_counted(written), *before):
        screen.tell(f"{name}: {value}, the same on both sides")
    screen.tell("verify: 0 violations on both sides · 양쪽 모두 위반 0건")
    screen.tell(f"{again} messages of 7 days are published to the new log · 7일치 메시지를 새 로그에 발행해요")


def _counted(what: filling.Filled) -> tuple[str, str]:
    return "rows · 행", f"{what.rows} of {what.tables} tables, digest {what.digest:032x}"


def _facts(readings: Mapping[str, Reading]) -> Facts:
    """Totals and the ends of the audit chains."""
    heads = {name: head(read) for name, read in readings.items()}
    sums = [(name, _sum(readings[spec.name], sql)) for spec in specs() for name, sql in spec.sums.items()]
    return [*sums, *((f"audit head of {name}", f"{number} {digest}") for name, (number, digest) in heads.items())]


def _sum(read: Reading, sql: str) -> str:
    row = read.one(sql)
    return str(row[0] if row else 0)


def _must_hold(side: str, readings: Mapping[str, Reading], tell: Callable[[str], None]) -> None:
    found = 0
    for violation in violations(readings):
        tell(violation)
        found += 1
    if found := found + asyncio.run(view_differs(readings[VIEW], tell)):
        raise NotTheSame(f"{side} has {found} violations, see above; `gbike repair` mends a folder · 먼저 고쳐 주세요")


def _must_be_the_same(before: Facts, after: Facts) -> None:
    for (name, was), (_, now) in zip(before, after, strict=True):
        if was != now:
            raise NotTheSame(f"{name} was {was} and is {now} in the target, which is left unfinished · 결과가 달라요")
