"""Imports of files of bikes: a file is taken at once, and worked off some rows at a time, whoever is killed between."""

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import NamedTuple

from gbike.kit.auth.principal import Acting, Principal, acting
from gbike.kit.away import Away
from gbike.kit.positions import misplaced
from gbike.kit.store import Store, StoreUnavailable
from gbike.kit.telemetry import Trace, log, trace_now
from gbike.services.bike.commands.imports import (
    begin_an_import,
    give_up_a_row,
    give_up_an_import,
    import_rows,
)
from gbike.services.bike.domain.imports import Import, NewImport
from gbike.services.bike.importing import Sheet, SheetRow, Unreadable, Whole, read
from gbike.services.bike.storage.imports import file_of, next_import, told_columns
from gbike.services.bike.storage.places import is_any_positioned

ROWS = 400
"""Rows of one transaction: a rider's write waits for no more than these."""
FIRST = 10
"""Rows that are shown as they were read, before any is written."""
MOST_SHOWN = 255
"""Letters of a cell that are shown."""


class SentFile(NamedTuple):
    """A file as somebody sent it. `columns`: what they say its columns are."""

    data: bytes
    name: str
    dryrun: bool
    existing: str
    columns: Mapping[str, str]


class _Reading(NamedTuple):
    """A file that is being read: whose, which of its rows is the next, and the rest of them."""

    importid: int
    at: int
    rows: Iterator[SheetRow]


class Imports:
    """Takes files and works them off."""

    def __init__(self, store: Store, away: Away, begun: Callable[[], None]) -> None:
        """`begun`: called for each file that is taken."""
        self._store, self._away = store, away
        self._begun = begun
        self._reading: _Reading | None = None
        self._whole: tuple[int, Whole] | None = None
        self._town = False
        self._most = ROWS

    async def begin(self, sent: SentFile) -> Import:
        """Take a file. Raises Unreadable, TooManyImports."""
        known = await self._store.read(told_columns)
        new = await self._away(_new, sent, {**known, **sent.columns})
        begun = await self._store.write(begin_an_import, new, key="imports")
        self._begun()
        return begun

    async def step(self) -> int:
        """Work off the next rows of the oldest file; answers how many. Of several processes one does it, and two that
        think they are the one do no row twice."""
        job = await self._store.read_as_leader(next_import)
        if job is None:
            self._reading = None
            return 0
        with _on_behalf_of(job):
            return await self._go_on(job)

    async def _go_on(self, job: Import) -> int:
        try:
            rows_left = await self._rows_left(job)
        except Unreadable as wrong:  # it was readable when it came: another gbike took it
            log.error("an import can't go on", importid=job.importid, why=wrong.code)
            await self._store.write(give_up_an_import, job.importid)
            return 1
        rows = list(islice(rows_left, self._most))
        whole = await self._whole_for(job, rows)
        last = len(rows) < self._most
        self._reading = None
        try:
            done = await self._store.write(import_rows, job, rows, last, whole)
        except StoreUnavailable:
            raise
        except Exception as failure:
            if self._most > 1:
                self._most = 1  # to find out which row it is
                return 1
            log.error("a row of an import failed", importid=job.importid, line=rows[0].line, exc_info=failure)
            done = await self._store.write(give_up_a_row, job, rows[0])
        self._most = ROWS
        if done and not last:
            self._reading = _Reading(job.importid, job.done + len(rows), rows_left)
        return max(len(rows), 1)

    async def _rows_left(self, job: Import) -> Iterator[SheetRow]:
        """The rows of its file from the next one on. Raises Unreadable."""
        reading = self._reading
        if reading is not None and (reading.importid, reading.at) == (job.importid, job.done):
            return reading.rows
        packed = await self._store.scan(file_of, job.importid)
        return await self._away(_read_on, packed, job)

    async def _whole_for(self, job: Import, rows: Sequence[SheetRow]) -> Whole:
        """What the whole file tells, looked for when the first of its rows needs it."""
        numbered = all(row.wanted.bikeid is not None or row.problems for row in rows)
        teaches = any(row.wanted.location is not None and row.wanted.lat is not None for row in rows)
        if teaches and not self._town:  # once it is known it stays so
            self._town = await self._store.read(is_any_positioned)
        if numbered and (self._town or not teaches):
            return Whole()
        if self._whole is None or self._whole[0] != job.importid:
            packed = await self._store.scan(file_of, job.importid)
            self._whole = job.importid, await self._away(_whole, packed, job)
        return self._whole[1]


@contextmanager
def _on_behalf_of(job: Import) -> Iterator[None]:
    """What is done of a file is done by whoever sent it, and belongs to the trace of that request."""
    by = Principal(job.who, frozenset(filter(None, job.roles.split(","))))
    before, trace = acting.set(Acting(by)), trace_now.set(Trace(job.traceparent, job.requestid))
    try:
        yield
    finally:
        acting.reset(before)
        trace_now.reset(trace)


def _new(sent: SentFile, columns: Mapping[str, str]) -> NewImport:
    """The file as it is taken. Raises Unreadable."""
    sheet = read(sent.data, columns)
    return NewImport(
        name=sent.name,
        dryrun=sent.dryrun,
        existing=sent.existing,
        told=sent.columns,
        columns=columns,
        encoding=sheet.encoding,
        separator=sheet.separator,
        fields=list(zip(sheet.head, sheet.fields, strict=True)),
        questions=sheet.questions,
        first=_first(sheet),
        rows=sheet.lines,
        file=zlib.compress(sent.data, 1),
    )


def _first(sheet: Sheet) -> list[SheetRow]:
    """With long cells cut: each list of imports has them."""
    rows = islice(sheet.rows, FIRST)
    return [row._replace(cells=tuple(cell[:MOST_SHOWN] for cell in row.cells[: len(sheet.head) + 1])) for row in rows]


def _whole(packed: bytes, job: Import) -> Whole:
    """What the whole file tells. Raises Unreadable."""
    if not packed:
        return Whole()
    wanted = [row.wanted for row in read(zlib.decompress(packed), job.told).rows if not row.problems]
    at = [(one.lat, one.lon) for one in wanted if one.lat is not None and one.lon is not None]
    return Whole(max((one.bikeid or 0 for one in wanted), default=0), _middle(at))


def _middle(at: Sequence[tuple[float, float]]) -> tuple[float, float] | None:
    """The median of positions, if most of them are near it."""
    if not at:
        return None
    norths, easts = sorted(lat for lat, _ in at), sorted(lon for _, lon in at)
    middle = norths[len(at) // 2], easts[len(at) // 2]
    near = sum(misplaced(lat, lon, middle) is None for lat, lon in at)
    return middle if 2 * near > len(at) else None


def _read_on(packed: bytes, job: Import) -> Iterator[SheetRow]:
    """The rows that are not done. Raises Unreadable."""
    if not packed:  # another process did the last of them meanwhile
        return iter(())
    rows = read(zlib.decompress(packed), job.told).rows
    for _ in islice(rows, job.done):
        pass
    return rows
