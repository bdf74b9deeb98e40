"""Rents in SQL. Every change of state names the state it comes from, and the row count decides."""

from collections.abc import Iterable
from pathlib import Path

from gbike.kit.clock import latest
from gbike.kit.privacy.personal_data import PersonalData
from gbike.kit.storage.listing import Listing
from gbike.kit.storage.retention import DAY_MS, RetentionRule
from gbike.kit.store import Reading, Row, Tx
from gbike.services.rent import domain

VERSIONS = Path(__file__).parent / "versions"
PERSONAL_DATA = (
    PersonalData(
        "rents",
        (
            *("rentid", "bikeid", "status", "started_ms", "ended_ms", "endlocation", "lat", "lon", "endedby"),
            *("began_at", "began_lat", "began_lon"),
        ),
        "FROM rents WHERE userid = ? ORDER BY rentid",
    ),
    PersonalData(
        "standings", ("mayrent", "reasons", "missing_krw", "blockeduntil_ms"), "FROM standings WHERE userid = ?"
    ),
)
STATUSES = ("rented", "returned", "cancelled")
COUNTED = {status: f"SELECT count(*) FROM rents WHERE status = '{status}'" for status in STATUSES}
HALF_WAY = "SELECT count(*) FROM rents WHERE status = 'pending'"
SUSPECT = "clocksuspect"
"""The counter of rides whose clocks disagree."""
AMONG = 1_000
"""Rents, the last ones by number, among which the newest moment is looked for: their index has no other order."""
_COLUMNS = (
    "rentid, userid, bikeid, status, started_ms, ended_ms, endlocation, lat, lon, reason,"
    " start_bootid, start_boot_ms, endedby, clocksuspect, noposition, voided, began_at, began_lat, began_lon"
)
_SELECT = f"SELECT {_COLUMNS} FROM rents"
_LOAD = f"{_SELECT} WHERE rentid = ? AND status <> 'pending' AND userid = coalesce(?, userid)"
_SORTABLE = {
    "rentid": "rentid",
    "userid": "userid",
    "bikeid": "bikeid",
    "status": "status",
    "starttime": "started_ms",
    "endtime": "ended_ms",
    "endlocation": "endlocation",
}

_OVERDUE = "status = 'pending' AND (deadline_ms < ? OR deadline_ms > ?)"
"""Past its deadline, or further from it than any may be: then the clock was set back since."""
_OF_SOMEBODY = "NOT EXISTS (SELECT 1 FROM erased WHERE erased.userid = rents.userid)"
_LATE = "status = 'rented' AND started_ms <= ?"
_TO_REMIND = f"reminded = 0 AND {_OF_SOMEBODY}"
_PLACED = (
    f"endlocation = CASE WHEN {_OF_SOMEBODY} THEN CAST(? AS TEXT) END,"
    f" lat = CASE WHEN {_OF_SOMEBODY} THEN CAST(? AS DOUBLE PRECISION) END,"
    f" lon = CASE WHEN {_OF_SOMEBODY} THEN CAST(? AS DOUBLE PRECISION) END"
)
"""Erased riders: never store the return location."""
_NOT_BEGUN = "began_at = NULL, began_lat = NULL, began_lon = NULL"


def add(tx: Tx, userid: int, bikeid: int, *, deadline_ms: int) -> domain.PendingRent:
    row = tx.one(
        "INSERT INTO rents (userid, bikeid, status, deadline_ms, once_key) VALUES (?, ?, 'pending', ?, ?)"
        " RETURNING rentid",
        (userid, bikeid, deadline_ms, tx.key.key if tx.key else None),
    )
    assert row is not None
    return domain.PendingRent(row[0], userid, bikeid)


def open_pending(tx: Tx, rent: domain.OpenRent) -> bool:
    """PENDING → OPEN; False: it is not pending."""
    at = rent.began
    opened = tx.execute(
        "UPDATE rents SET status = 'rented', started_ms = ?, start_bootid = ?, start_boot_ms = ?, began_at = ?,"
        " began_lat = ?, began_lon = ? WHERE rentid = ? AND status = 'pending'",
        (
            *(rent.started_ms, rent.bootid, rent.boot_ms),
            *((at.name, at.lat, at.lon) if at else (None, None, None)),
            rent.rentid,
        ),
    )
    return opened == 1


def cancel_pending(tx: Tx, rentid: int, reason: str) -> tuple[int, int, str | None] | None:
    """PENDING → CANCELLED; answers rider, bike and the key that it holds. None: it is not pending."""
    row = tx.one(
        "UPDATE rents SET status = 'cancelled', reason = ?, ended_ms = ? WHERE rentid = ? AND status = 'pending'"
        " RETURNING userid, bikeid, once_key",
        (reason, tx.now_ms, rentid),
    )
    return (row[0], row[1], row[2]) if row else None


def end_open(tx: Tx, rent: domain.ReturnedRent) -> tuple[domain.Location, bool] | None:
    """OPEN → RETURNED; answers the place that was kept (how exactly it was measured is not), and whether anybody may
    know of it: the rider is not erased. Forgets where it began. None: it is not open."""
    location = rent.place
    row = tx.one(
        "UPDATE rents SET status = 'returned', ended_ms = ?, endedby = ?, clocksuspect = ?, noposition = ?, voided = ?,"
        f" {_NOT_BEGUN}, {_PLACED} WHERE rentid = ? AND status = 'rented'"
        f" RETURNING endlocation, lat, lon, {_OF_SOMEBODY}",
        (
            *(rent.ended_ms, rent.endedby, int(rent.clocksuspect), rent.noposition, int(rent.voided)),
            *(location.endlocation, location.lat, location.lon, rent.rentid),
        ),
    )
    return (domain.Location(*row[:3]), bool(row[3])) if row else None


def forget_places(tx: Tx, userid: int) -> None:
    tx.execute(
        f"UPDATE rents SET endlocation = NULL, lat = NULL, lon = NULL, {_NOT_BEGUN} WHERE userid = ?"
        " AND (endlocation IS NOT NULL OR lat IS NOT NULL OR lon IS NOT NULL OR began_at IS NOT NULL)",
        (userid,),
    )


TRIES_KEPT = RetentionRule(
    DAY_MS,
    "DELETE FROM rents WHERE ended_ms < ? AND rentid IN"
    " (SELECT rentid FROM rents WHERE status = 'cancelled' ORDER BY rentid LIMIT ?)",
    counter="cancelled",
)
"""A rent that never began is nobody's ride: its rider was told at once, bike is told by an event that the outbox keeps,
and its number never comes again."""


def places_kept(days: int) -> RetentionRule:
    """After so many days only the neighbourhood of a ride's end is kept (0.01°, about 1 km), and no text. Where a
    ride began may be left where an older gbike ended it."""
    return RetentionRule(
        days * DAY_MS,
        "UPDATE rents SET coarse = 1, endlocation = NULL, lat = round(lat * 100) / 100, lon = round(lon * 100) / 100,"
        f" {_NOT_BEGUN} WHERE ended_ms < ? AND rentid IN"
        " (SELECT rentid FROM rents WHERE status = 'returned' AND coarse = 0 ORDER BY rentid LIMIT ?)",
    )


def load(read: Reading, rentid: int) -> domain.KnownRent:
    """The rent. Raises NoSuchRent, also for another's and while it is pending."""
    row = read.one(_LOAD, (rentid, read.owner.only))
    if row is None:
        raise domain.NoSuchRent(rentid)
    return _rent(row)


def rows_for_verify(read: Reading) -> Iterable[Row]:
    """For `gbike verify`: rentid, userid, bikeid, status, started_ms, ended_ms and voided (0 or 1); by rentid."""
    return read.each("SELECT rentid, userid, bikeid, status, started_ms, ended_ms, voided FROM rents ORDER BY rentid")


def ends(read: Reading) -> Iterable[Row]:
    """For `gbike verify`: bikeid, lat and lon of each return with a position, and whether only the neighbourhood of it
    is kept (0 or 1)."""
    return read.each("SELECT bikeid, lat, lon, coarse FROM rents WHERE status = 'returned' AND lat IS NOT NULL")


def clock_suspects(read: Reading) -> Iterable[Row]:
    """For `gbike verify`: rentid, started_ms and ended_ms of each ride whose clocks disagree."""
    return read.each("SELECT rentid, started_ms, ended_ms FROM rents WHERE clocksuspect = 1 ORDER BY rentid")


def how_many(read: Reading) -> dict[str, int]:
    """How many rents there are of each status but pending, and how many of them have clocks that disagree."""
    known: dict[str, int] = {row[0]: row[1] for row in read.all("SELECT name, n FROM counters")}
    return {name: known.get(name, 0) for name in (*STATUSES, SUSPECT)}


def overdue(read: Reading, now_ms: int, stale_after_ms: int, most: int) -> list[int]:
    """The rents that are pending past their deadline, latest last, `most` of them."""
    sql = f"SELECT rentid FROM rents WHERE {_OVERDUE} ORDER BY deadline_ms LIMIT ?"
    return [row[0] for row in read.all(sql, (now_ms, latest(now_ms, stale_after_ms), most))]


def how_many_overdue(read: Reading, now_ms: int, stale_after_ms: int) -> int:
    """How many there are: the sweeper is about to cancel them."""
    row = read.one(f"SELECT count(*) FROM rents WHERE {_OVERDUE}", (now_ms, latest(now_ms, stale_after_ms)))
    return int(row[0]) if row else 0


def to_remind(read: Reading, since_ms: int, most: int) -> list[domain.OpenRent]:
    """The rides under way since then or longer of which nothing was said yet, the longest first, `most` of them."""
    sql = f"SELECT rentid, userid, bikeid, started_ms FROM rents WHERE {_LATE} AND {_TO_REMIND}"
    rows = read.all(f"{sql} ORDER BY started_ms, rentid LIMIT ?", (since_ms, most))
    return [domain.OpenRent(*row) for row in rows]


def mark_reminded(tx: Tx, rentid: int) -> bool:
    """Of this ride it is said that it is overdue; False: it was said, it is over, or its rider is erased."""
    sql = f"UPDATE rents SET reminded = 1 WHERE rentid = ? AND status = 'rented' AND {_TO_REMIND}"
    return tx.execute(sql, (rentid,)) == 1


def how_many_late(read: Reading, since_ms: int) -> int:
    """How many rides have been under way since then or longer."""
    row = read.one(f"SELECT count(*) FROM rents WHERE {_LATE}", (since_ms,))
    return int(row[0]) if row else 0


def standing(tx: Tx, userid: int) -> domain.Standing | None:
    """What userDeposit said last of a rider, or that they were erased; None: nothing was heard."""
    row = tx.one(
        "SELECT 1, 0, '', 0, 0 FROM erased WHERE userid = ? UNION ALL SELECT 0, mayrent, reasons, missing_krw,"
        " coalesce(blockeduntil_ms, 0) FROM standings WHERE userid = ? ORDER BY 1 DESC LIMIT 1",
        (userid, userid),
    )
    if row is None:
        return None
    erased, mayrent, reasons, missing_krw, until_ms = row
    why = tuple(reasons.split(",")) if reasons else ()
    return domain.Standing(bool(mayrent), why, missing_krw, bool(erased), until_ms or None)


def keep_standing(tx: Tx, userid: int, heard: domain.Standing, version: int) -> None:
    """The newest standing of a rider counts, in whatever order they come."""
    tx.execute(
        "INSERT INTO standings (userid, mayrent, reasons, missing_krw, blockeduntil_ms, version)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (userid) DO UPDATE SET mayrent = excluded.mayrent,"
        " reasons = excluded.reasons, missing_krw = excluded.missing_krw, blockeduntil_ms = excluded.blockeduntil_ms,"
        " version = excluded.version WHERE standings.version < excluded.version",
        (userid, int(heard.mayrent), ",".join(heard.reasons), heard.missing_krw, heard.blockeduntil_ms, version),
    )


def open_rents(tx: Tx, userid: int) -> int:
    """How many rides of the rider are under way."""
    row = tx.one("SELECT count(*) FROM rents WHERE userid = ? AND status = 'rented'", (userid,))
    return int(row[0]) if row else 0


def newest(read: Reading) -> int:
    """The newest start or end among the last rents, ms; 0 where there is none."""
    row = read.one(
        "SELECT max(started_ms), max(ended_ms) FROM"
        " (SELECT started_ms, ended_ms FROM rents ORDER BY rentid DESC LIMIT ?) AS latest",
        (AMONG,),
    )
    return max((moment for moment in row if moment is not None), default=0) if row else 0


def _rent(row: Row) -> domain.KnownRent:
    rentid, userid, bikeid, status, started_ms, ended_ms, endlocation, lat, lon, reason, *later = row
    bootid, boot_ms, endedby, suspect, noposition, voided, *at = later
    if status == "rented":
        where = None if at[0] is None else domain.Began(*at)
        bootid, boot_ms = bootid or "", boot_ms or 0
        return domain.OpenRent(rentid, userid, bikeid, started_ms, bootid=bootid, boot_ms=boot_ms, began=where)
    if status == "cancelled":
        return domain.CancelledRent(rentid, userid, bikeid, reason)
    began, location = (rentid, userid, bikeid, started_ms), domain.Location(endlocation, lat, lon)
    how = (endedby, bool(suspect), noposition, bool(voided))
    return domain.ReturnedRent(*began, ended_ms, location, *how)


def _listing(*statuses: str) -> Listing:
    among = ", ".join(f"'{status}'" for status in statuses)
    one = len(statuses) == 1  # SQLite takes an index of one status for = alone
    return Listing(
        _SELECT,
        _SORTABLE,
        "rentid",
        where=f"WHERE status = {among}" if one else f"WHERE status IN ({among})",
        counters=statuses,
        owner="userid",
        make=_rent,
        conditions={
            "from": "started_ms >= ?",
            "to": "started_ms < ?",
            "userid": "userid = ?",
            "bikeid": "bikeid = ?",
            "overdue": _LATE,
        },
        moment="started_ms",
        filled=("rentid", "userid", "bikeid", "starttime"),
    )


RIDES = _listing("rented", "returned")
BY_STATUS = {status: _listing(status) for status in STATUSES}
