"""R1 for many bikes at once: a file of bikes is taken, and worked off some rows at a time."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from gbike.kit import positions
from gbike.kit.storage.idempotency import idempotent
from gbike.kit.store import Facts, Tx
from gbike.kit.text import same_name
from gbike.services.bike.commands import (
    NOTHING_TOLD,
    PLACES,
    change_a_bike,
    claim_the_label,
    hold_the_label,
    judge,
    look,
    register_a_bike,
    register_a_labelled_bike,
    who_has_the_label,
)
from gbike.services.bike.domain import (
    Bike,
    BikeExists,
    LabelTaken,
    Location,
    NoSuchBike,
    Status,
    TooManyImports,
    Whereabouts,
    a_new_bike,
    marked,
    seen_at,
)
from gbike.services.bike.domain.imports import Import, ImportedRow, NewImport
from gbike.services.bike.importing import SheetRow, Wanted, Whole
from gbike.services.bike.storage import imports as storage
from gbike.services.bike.storage import places

MOST_OPEN = 10
"""Imports that may wait for their turn."""
MOST_KEPT = 50
"""Imports of which it is kept what became of their rows."""
Change = Callable[[Bike], Bike]


@idempotent
def begin_an_import(tx: Tx, new: NewImport) -> Import:
    """An operator sends a file of bikes: it is kept until each of its rows is done. With a question open nothing is
    written, so it is refused, unless nothing was to be written anyway. Raises TooManyImports."""
    tx.lock("imports")
    if storage.open_imports(tx) >= MOST_OPEN:
        raise TooManyImports(MOST_OPEN)
    state = "refused" if new.questions and not new.dryrun else "waiting"
    begun = storage.add_import(tx, new, state)
    storage.keep_columns(tx, new.told)
    storage.let_go(tx, MOST_KEPT)
    return begun


def import_rows(tx: Tx, job: Import, rows: Sequence[SheetRow], last: bool, whole: Whole) -> bool:
    """The next rows of a file: for each what becomes of it, and with the `last` ones the end. False: another process
    did them. A bad row stops no other."""
    if not storage.advance(tx, job.importid, job.done, len(rows)):
        return False
    _hold(tx, job, rows)
    storage.keep_rows(tx, job.importid, [_import_a_row(tx, job, row, whole) for row in rows])
    if last:
        _finish(tx, job.importid, "done")
    return True


def _hold(tx: Tx, job: Import, rows: Sequence[SheetRow]) -> None:
    """Places and labels, in the order in which everybody takes them: before any bike's row, which who labels that very
    bike takes after the label."""
    tx.share([PLACES]) if job.dryrun else tx.lock(PLACES)
    for label in sorted({row.wanted.label for row in rows if row.wanted.label is not None}):
        hold_the_label(tx, label)


def give_up_a_row(tx: Tx, job: Import, row: SheetRow) -> bool:
    """The same for one row that something of ours fails at, and nobody knows why: it is refused, so that the others
    go on. Nothing of it is kept: that may be what failed."""
    return import_rows(tx, job, [SheetRow(row.line, (), Wanted(), ("failed",))], False, Whole())


def give_up_an_import(tx: Tx, importid: int) -> None:
    """Its file can't be read any more: what is done stays, the rest is not."""
    _finish(tx, importid, "refused")


def _finish(tx: Tx, importid: int, state: str) -> None:
    done = storage.finish(tx, importid, state)
    action = "bikes tried for import" if done.dryrun else "bikes imported"
    counts = {"registered": done.registered, "changed": done.changed, "unchanged": done.unchanged}
    facts: Facts = {"file": done.name, "rows": done.done, **counts, "refused": done.refused, "state": state}
    tx.audit(action, f"import:{importid}", after=facts)


def _import_a_row(tx: Tx, job: Import, row: SheetRow, whole: Whole) -> ImportedRow:
    wanted = row.wanted
    if row.problems:
        return _told("refused", row, row.problems)
    if wanted.bikeid is None and wanted.label is None:  # which column it is has not been said
        return _told("refused", row, ("bad-number",))
    row = _within_the_town(tx, row, whole)
    row = row._replace(wanted=row.wanted._replace(bikeid=_number_of(tx, wanted)))
    try:
        return _try(tx, job, row) if job.dryrun else _do(tx, job, row, whole.highest)
    except LabelTaken:  # nothing was written: the label is looked at first
        return _told("refused", row, ("label-taken",))


def _within_the_town(tx: Tx, row: SheetRow, whole: Whole) -> SheetRow:
    """Without its position, where it would teach the first place of all and is far from the file's other rows: they
    would all be far from it."""
    at = row.wanted
    if whole.middle is None or at.lat is None or at.lon is None or at.location is None or places.is_any_positioned(tx):
        return row
    fault = positions.misplaced(at.lat, at.lon, whole.middle)
    return row if fault is None else row._replace(wanted=at._replace(lat=None, lon=None), notes=(f"{fault}-position",))


def _number_of(tx: Tx, wanted: Wanted) -> int | None:
    """The number of the bike that is meant; None: it has a label that no bike has yet."""
    if wanted.bikeid is None and wanted.label is not None:
        owner = who_has_the_label(tx, wanted.label)
        return None if owner is None else owner.bikeid
    return wanted.bikeid


def _do(tx: Tx, job: Import, row: SheetRow, above: int) -> ImportedRow:
    wanted = row.wanted
    told = Whereabouts(wanted.location, wanted.lat, wanted.lon)
    if wanted.bikeid is None:
        made = register_a_labelled_bike(tx, _new(wanted), told, above)
        return _told("registered", row._replace(wanted=wanted._replace(bikeid=made.bikeid)), fault=made.noposition)
    try:
        made = register_a_bike(tx, _new(wanted), told)
    except BikeExists:
        if job.existing == "keep":
            return _told("unchanged", row, ("exists",))
    else:
        return _told("registered", row, fault=made.noposition)
    change = _Change(wanted)
    kept = change_a_bike(tx, wanted.bikeid, change, partial(_news, told), None)
    outcome = "unchanged" if kept.version == change.before.version else "changed"
    return _told(outcome, row, change.problems, kept.noposition)


def _try(tx: Tx, job: Import, row: SheetRow) -> ImportedRow:
    """What would become of the row. Raises LabelTaken."""
    told = Whereabouts(row.wanted.location, row.wanted.lat, row.wanted.lon)
    claim_the_label(tx, _new(row.wanted))
    try:
        before = look(tx, row.wanted.bikeid or 0)
    except NoSuchBike:
        return _told("registered", row, fault=judge(tx, told).fault)
    if job.existing == "keep":
        return _told("unchanged", row, ("exists",))
    change, sighting = _Change(row.wanted), judge(tx, _news(told, before))
    after = change(before)
    same = replace(after, place=seen_at(after.place, sighting)) == before
    return _told("unchanged" if same else "changed", row, change.problems, sighting.fault)


def _news(told: Whereabouts, bike: Bike) -> Whereabouts:
    """What of it is not known of the bike already: a file that comes again teaches nothing."""
    old = bike.place
    named = told.text is None or (old.location is not None and same_name(told.text) == same_name(old.location))
    seen = told.lat is None or (told.lat, told.lon) == (old.lat, old.lon)
    if named and seen:
        return NOTHING_TOLD
    return replace(told, text=None if named else told.text)


class _Change:
    """What a row changes of a bike that there is, but where it is: what the row does not say stays, and nobody's ride
    is touched."""

    before: Bike

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self.problems: tuple[str, ...] = ()

    def __call__(self, bike: Bike) -> Bike:
        self.before, wanted = bike, self._wanted
        self.problems = ()
        if wanted.status is not None and wanted.status is not bike.status:
            if bike.rentid is not None and not bike.rent_over:
                self.problems = ("ridden",)
            else:
                bike = marked(bike, wanted.status)
        battery = bike.batterylevel if wanted.batterylevel is None else wanted.batterylevel
        return replace(bike, batterylevel=battery, label=wanted.label or bike.label)


def _new(wanted: Wanted) -> Bike:
    """Without a number it has 0, until it is given one."""
    status = wanted.status or Status.AVAILABLE
    return a_new_bike(wanted.bikeid or 0, status, Location(), wanted.batterylevel, wanted.label)


def _told(outcome: str, row: SheetRow, problems: Sequence[str] = (), fault: str | None = None) -> ImportedRow:
    """`fault`: why its position is none, by what is known of places."""
    said = row.wanted
    return ImportedRow(
        line=row.line,
        outcome=outcome,
        bikeid=said.bikeid,
        label=said.label,
        location=said.location,
        batterylevel=said.batterylevel,
        lat=said.lat,
        lon=said.lon,
        problems=tuple(problems),
        noposition=row.notes[0] if row.notes else f"{fault}-position" if fault else "",
    )
