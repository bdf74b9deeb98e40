"""Imports in SQL: the file, how far it is worked off, and what became of each row."""

from collections.abc import Mapping, Sequence

import msgspec

from gbike.kit.storage.listing import Listing
from gbike.kit.storage.retention import DAY_MS, RetentionRule
from gbike.kit.store import Reading, Row, Tx
from gbike.services.bike.domain import NoSuchImport
from gbike.services.bike.domain.imports import COUNTS, Import, ImportedRow, NewImport

KEPT_MS = 30 * DAY_MS
"""How long it is kept what became of the rows of a file."""
PART = 256 * 1024
"""Bytes of a file in one row."""
MOST_COLUMNS = 500
"""Names of columns that are remembered; more than that is no trade's."""
RETENTION = (
    RetentionRule(
        0,
        "DELETE FROM import_rows WHERE (importid, line) IN (SELECT import_rows.importid, line FROM import_rows"
        " JOIN imports ON imports.importid = import_rows.importid WHERE until_ms < ? LIMIT ?)",
    ),
    RetentionRule(
        0,
        "DELETE FROM imports WHERE importid IN (SELECT importid FROM imports WHERE until_ms < ? AND NOT EXISTS"
        " (SELECT 1 FROM import_rows WHERE import_rows.importid = imports.importid) LIMIT ?)",
    ),
)
"""An import under way is kept until it is done: its end says until when (`finish`)."""
_NEVER_MS = 2**53
_COLUMNS = (
    "importid, name, dryrun, existing, state, encoding, separator, columns, questions, first, rows, next_row,"
    " registered, changed, unchanged, refused, who, roles, traceparent, requestid, told, at_ms, done_ms"
)
_NAMES = _COLUMNS.split(", ")
_OPEN = "state IN ('waiting', 'running')"


def load_import(read: Reading, importid: int) -> Import:
    """The import. Raises NoSuchImport."""
    row = read.one(f"SELECT {_COLUMNS} FROM imports WHERE importid = ?", (importid,))
    if row is None:
        raise NoSuchImport(importid)
    return _import(row)


def next_import(read: Reading) -> Import | None:
    """The one that is to be worked off: the oldest that is not done."""
    row = read.one(f"SELECT {_COLUMNS} FROM imports WHERE {_OPEN} ORDER BY importid LIMIT 1")
    return _import(row) if row else None


def open_imports(read: Reading) -> int:
    row = read.one(f"SELECT count(*) FROM imports WHERE {_OPEN}")
    return int(row[0]) if row else 0


def add_import(tx: Tx, new: NewImport, state: str) -> Import:
    """A new one, with its file where it is to be worked off."""
    json = {"columns": new.fields, "questions": new.questions, "first": new.first, "told": new.columns}
    values: dict[str, object] = {
        **{"name": new.name, "dryrun": int(new.dryrun), "existing": new.existing, "state": state},
        **{"encoding": new.encoding, "separator": new.separator, "rows": new.rows},
        **{column: msgspec.json.encode(value).decode() for column, value in json.items()},
        **{"who": tx.by.name, "roles": ",".join(sorted(tx.by.roles))},
        **{"traceparent": tx.trace.traceparent, "requestid": tx.trace.request_id},
        **{"at_ms": tx.now_ms, "until_ms": _NEVER_MS if state == "waiting" else tx.now_ms + KEPT_MS},
    }
    marks = ", ".join("?" * len(values))
    sql = f"INSERT INTO imports ({', '.join(values)}) VALUES ({marks}) RETURNING {_COLUMNS}"
    row = tx.one(sql, tuple(values.values()))
    assert row is not None
    if state == "waiting":
        parts = [new.file[at : at + PART] for at in range(0, len(new.file), PART)]
        numbered = [(row[0], number, part) for number, part in enumerate(parts)]
        tx.execute_many("INSERT INTO import_files (importid, part, bytes) VALUES (?, ?, ?)", numbered)
    return _import(row)


def file_of(read: Reading, importid: int) -> bytes:
    """Its file as it was kept; empty when it is not kept any more."""
    parts = read.all("SELECT bytes FROM import_files WHERE importid = ? ORDER BY part", (importid,))
    return b"".join(bytes(part) for (part,) in parts)


def advance(tx: Tx, importid: int, next_row: int, by: int) -> bool:
    """So many rows more are done, if `next_row` is still the next; False: another process was here first."""
    changed = tx.execute(
        f"UPDATE imports SET next_row = next_row + ?, state = 'running' WHERE importid = ? AND next_row = ?"
        f" AND {_OPEN}",
        (by, importid, next_row),
    )
    return changed == 1


def keep_rows(tx: Tx, importid: int, rows: Sequence[ImportedRow]) -> None:
    """What became of some rows, and how many of each there are now."""
    tx.execute_many(
        "INSERT INTO import_rows (importid, line, outcome, bikeid, label, location, batterylevel, lat, lon, problems,"
        " noposition) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                *(importid, row.line, row.outcome, row.bikeid, row.label, row.location, row.batterylevel),
                *(row.lat, row.lon, " ".join(row.problems), row.noposition),
            )
            for row in rows
        ],
    )
    outcomes = [row.outcome for row in rows]
    more = ", ".join(f"{count} = {count} + ?" for count in COUNTS)
    tx.execute(f"UPDATE imports SET {more} WHERE importid = ?", (*map(outcomes.count, COUNTS), importid))


def finish(tx: Tx, importid: int, state: str) -> Import:
    """It is over: its file goes, what became of its rows is kept for KEPT_MS."""
    rows = ", rows = next_row" if state == "done" else ""
    row = tx.one(
        f"UPDATE imports SET state = ?, done_ms = ?, until_ms = ?{rows} WHERE importid = ? RETURNING {_COLUMNS}",
        (state, tx.now_ms, tx.now_ms + KEPT_MS, importid),
    )
    assert row is not None
    tx.execute("DELETE FROM import_files WHERE importid = ?", (importid,))  # after its row, which who does rows has
    return _import(row)


def let_go(tx: Tx, most: int) -> None:
    """Of more imports than so many the oldest that are over need not be kept."""
    tx.execute(
        "UPDATE imports SET until_ms = ? WHERE until_ms > ? AND importid IN"
        " (SELECT importid FROM imports WHERE state IN ('done', 'refused') ORDER BY importid DESC LIMIT 1000 OFFSET ?)",
        (tx.now_ms - 1, tx.now_ms, most),
    )


def told_columns(read: Reading) -> dict[str, str]:
    """What columns were said to be by hand, by name."""
    return dict(read.all("SELECT name, field FROM import_columns ORDER BY name LIMIT ?", (2 * MOST_COLUMNS,)))


def keep_columns(tx: Tx, told: Mapping[str, str]) -> None:
    """Remember them, but not what is not to be read; the oldest go where there are too many."""
    for name in sorted(name for name, field in told.items() if not field):
        tx.execute("DELETE FROM import_columns WHERE name = ?", (name,))
    tx.execute_many(
        "INSERT INTO import_columns (name, field, at_ms) VALUES (?, ?, ?)"
        " ON CONFLICT (name) DO UPDATE SET field = excluded.field, at_ms = excluded.at_ms",
        [(name, field, tx.now_ms) for name, field in sorted(told.items()) if field],
    )
    tx.execute(
        "DELETE FROM import_columns WHERE name IN"
        " (SELECT name FROM import_columns ORDER BY at_ms DESC, name LIMIT 1000 OFFSET ?)",
        (MOST_COLUMNS,),
    )


IMPORTS = Listing(
    f"SELECT {_COLUMNS} FROM imports",
    {"importid": "importid"},
    "importid DESC",
    counters=None,
    make=lambda row: _import(row),
)
"""Newest first."""


def rows_of(importid: int, outcome: str | None) -> Listing:
    """What became of the rows, in the order of the file; of all, or of those with an outcome."""
    return Listing(
        "SELECT line, outcome, bikeid, label, location, batterylevel, lat, lon, problems, noposition FROM import_rows",
        {"line": "line", "bikeid": "bikeid"},
        "line",
        "WHERE importid = ? AND outcome = ?" if outcome else "WHERE importid = ?",
        (importid, outcome) if outcome else (importid,),
        counters=None,
        whole=True,
        make=_row,
    )


def some_rows(read: Reading, importid: int, outcome: str, most: int) -> list[ImportedRow]:
    """The first rows with an outcome."""
    listing = rows_of(importid, outcome)
    sql = f"{listing.select} {listing.where} ORDER BY {listing.order} LIMIT ?"
    return [_row(row) for row in read.all(sql, (*listing.params, most))]


def _import(row: Row) -> Import:
    told = dict(zip(_NAMES, row, strict=True))
    done = told.pop("next_row")
    json = {column: msgspec.json.decode(told[column]) for column in ("columns", "questions", "first", "told")}
    return Import(**{**told, **json, "dryrun": bool(told["dryrun"]), "done": done})


def _row(row: Row) -> ImportedRow:
    line, outcome, bikeid, label, location, battery, lat, lon, problems, noposition = row
    place = {"location": location, "lat": lat, "lon": lon}
    told = {"problems": tuple(problems.split()), "noposition": noposition}
    return ImportedRow(line, outcome, bikeid, label, batterylevel=battery, **place, **told)
