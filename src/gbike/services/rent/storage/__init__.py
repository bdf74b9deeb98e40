"""Rents in SQL. Every change of state names the state it comes from, and the row count decides."""

from collections.abc import Iterable
from pathlib import Path

from gbike.kit.clock import latest
from gbike.kit.housekeeping import DAY_MS, Keeping
from gbike.kit.http.hal import Page
from gbike.kit.listing import Listing, list_page
from gbike.kit.personal import Holding
from gbike.kit.store import Reading, Row, Store, Tx
from gbike.services.rent.domain import (
    CancelledRent,
    KnownRent,
    NoSuchRent,
    OpenRent,
    PendingRent,
    Place,
    ReturnedRent,
)

VERSIONS = Path(__file__).parent / "versions"
HOLDS = (
    Holding(
        "rents",
        ("rentid", "bikeid", "status", "started_ms", "ended_ms", "endlocation", "lat", "lon", "endedby"),
        "FROM rents WHERE userid = ? ORDER BY rentid",
    ),
    Holding("standings", ("mayrent", "reasons", "missing_krw"), "FROM standings WHERE userid = ?"),
)
STATUSES = ("rented", "returned", "cancelled")
COUNTED = {status: f"SELECT count(*) FROM rents WHERE status = '{status}'" for status in STATUSES}
HALF_WAY = "SELECT count(*) FROM rents WHERE status = 'pending'"
SUSPECT = "clocksuspect"
"""The counter of rides whose clocks disagree."""
_COLUMNS = (
    "rentid, userid, bikeid, status, started_ms, ended_ms, endlocation, lat, lon, reason,"
    " start_bootid, start_boot_ms, endedby, clocksuspect"
)
_SELECT = f"SELECT {_COLUMNS} FROM rents"
_SORTABLE = {
    "rentid": "rentid",
    "userid": "userid",
    "bikeid": "bikeid",
    "status": "status",
    "starttime": "started_ms",
    "endtime": "ended_ms",
    "endlocation": "endlocation",
}


def _listing(*statuses: str) -> Listing:
    among = ", ".join(f"'{status}'" for status in statuses)
    where = f"WHERE status IN ({among})"
    return Listing(_SELECT, _SORTABLE, "rentid", where=where, counters=statuses, owner="userid")


_RIDES = _listing("rented", "returned")
_BY_STATUS = {status: _listing(status) for status in STATUSES}

_OVERDUE = "status = 'pending' AND (deadline_ms < ? OR deadline_ms > ?)"
"""Past its deadline, or further from it than any may be: then the clock was set back since."""
_OF_SOMEBODY = "NOT EXISTS (SELECT 1 FROM erased WHERE erased.userid = rents.userid)"
_PLACED = (
    f"endlocation = CASE WHEN {_OF_SOMEBODY} THEN CAST(? AS TEXT) END,"
    f" lat = CASE WHEN {_OF_SOMEBODY} THEN CAST(? AS DOUBLE PRECISION) END,"
    f" lon = CASE WHEN {_OF_SOMEBODY} THEN CAST(? AS DOUBLE PRECISION) END"
)
"""Of whom was erased no place is kept, whoever returns the bike for them."""


def add(tx: Tx, userid: int, bikeid: int, *, deadline_ms: int) -> PendingRent:
    """A PENDING rent, which remembers its key."""
    row = tx.one(
        "INSERT INTO rents (userid, bikeid, status, deadline_ms, once_key) VALUES (?, ?, 'pending', ?, ?)"
        " RETURNING rentid",
        (userid, bikeid, deadline_ms, tx.key.key if tx.key else None),
    )
    assert row is not None
    return PendingRent(row[0], userid, bikeid)


def open_pending(tx: Tx, rent: OpenRent) -> bool:
    """PENDING → OPEN; False: it is not pending."""
    opened = tx.execute(
        "UPDATE rents SET status = 'rented', started_ms = ?, start_bootid = ?, start_boot_ms = ?"
        " WHERE rentid = ? AND status = 'pending'",
        (rent.started_ms, rent.bootid, rent.boot_ms, rent.rentid),
    )
    if opened:
        tx.count("rented")
    return opened == 1


def cancel_pending(tx: Tx, rentid: int, reason: str) -> tuple[int, int, str | None] | None:
    """PENDING → CANCELLED; answers rider, bike and the key that it holds. None: it is not pending."""
    row = tx.one(
        "UPDATE rents SET status = 'cancelled', reason = ?, ended_ms = ? WHERE rentid = ? AND status = 'pending'"
        " RETURNING userid, bikeid, once_key",
        (reason, tx.now_ms, rentid),
    )
    if row is None:
        return None
    tx.count("cancelled")
    return row[0], row[1], row[2]


def end_open(tx: Tx, rent: ReturnedRent) -> Place | None:
    """OPEN → RETURNED; answers the place that was kept. None: it is not open."""
    place = rent.place
    row = tx.one(
        f"UPDATE rents SET status = 'returned', ended_ms = ?, endedby = ?, clocksuspect = ?, {_PLACED}"
        " WHERE rentid = ? AND status = 'rented' RETURNING endlocation, lat, lon",
        (
            *(rent.ended_ms, rent.endedby, int(rent.clocksuspect)),
            *(place.endlocation, place.lat, place.lon, rent.rentid),
        ),
    )
    if row is None:
        return None
    tx.count("rented", -1)
    tx.count("returned")
    if rent.clocksuspect:
        tx.count(SUSPECT)
    return Place(*row)


def forget_places(tx: Tx, userid: int) -> None:
    """Where a rider's rides ended."""
    tx.execute(
        "UPDATE rents SET endlocation = NULL, lat = NULL, lon = NULL WHERE userid = ?"
        " AND (endlocation IS NOT NULL OR lat IS NOT NULL OR lon IS NOT NULL)",
        (userid,),
    )


TRIES_KEPT = Keeping(
    DAY_MS,
    "DELETE FROM rents WHERE ended_ms < ? AND rentid IN"
    " (SELECT rentid FROM rents WHERE status = 'cancelled' ORDER BY rentid LIMIT ?)",
    counter="cancelled",
)
"""A rent that never began is nobody's ride: its rider was told at once, bike is told by an event that the outbox keeps,
and its number never comes again."""


def places_kept(days: int) -> Keeping:
    """After so many days only the neighbourhood of a ride's end is kept (0.01°, about 1 km), and no text."""
    return Keeping(
        days * DAY_MS,
        "UPDATE rents SET coarse = 1, endlocation = NULL, lat = round(lat * 100) / 100, lon = round(lon * 100) / 100"
        " WHERE ended_ms < ? AND rentid IN"
        " (SELECT rentid FROM rents WHERE status = 'returned' AND coarse = 0 ORDER BY rentid LIMIT ?)",
    )


def load(read: Reading, rentid: int) -> KnownRent:
    """The rent. Raises NoSuchRent, also for another's and while it is pending."""
    theirs, number = read.owner.sql("userid")
    row = read.one(f"{_SELECT} WHERE rentid = ? AND status <> 'pending'{theirs}", (rentid, *number))
    if row is None:
        raise NoSuchRent(rentid)
    return _rent(row)


async def page(store: Store, page: Page, status: str | None) -> tuple[list[KnownRent], int]:
    """One page of the rents of a status, or of all that began, and how many there are."""
    return await list_page(store, _BY_STATUS[status] if status else _RIDES, page, _rent)


def facts(read: Reading) -> Iterable[tuple[int, int, int, str, int | None, int | None, int]]:
    """For `gbike verify`: rentid, userid, bikeid, status, started_ms, ended_ms, deadline_ms; by rentid."""
    sql = "SELECT rentid, userid, bikeid, status, started_ms, ended_ms, deadline_ms FROM rents ORDER BY rentid"
    return ((r[0], r[1], r[2], r[3], r[4], r[5], r[6]) for r in read.each(sql))


def clock_suspects(read: Reading) -> Iterable[tuple[int, int, int]]:
    """For `gbike verify`: rentid, started_ms and ended_ms of each ride whose clocks disagree."""
    sql = "SELECT rentid, started_ms, ended_ms FROM rents WHERE clocksuspect = 1 ORDER BY rentid"
    return ((row[0], row[1], row[2]) for row in read.each(sql))


def how_many(read: Reading) -> dict[str, int]:
    """How many rents there are of each status but pending, and how many of them have clocks that disagree."""
    known: dict[str, int] = {row[0]: row[1] for row in read.all("SELECT name, n FROM counters")}
    return {name: known.get(name, 0) for name in (*STATUSES, SUSPECT)}


def overdue(read: Reading, now_ms: int, patience_ms: int, most: int) -> list[int]:
    """The rents that are pending past their deadline, latest last, `most` of them."""
    sql = f"SELECT rentid FROM rents WHERE {_OVERDUE} ORDER BY deadline_ms LIMIT ?"
    return [row[0] for row in read.all(sql, (now_ms, latest(now_ms, patience_ms), most))]


def how_many_overdue(read: Reading, now_ms: int, patience_ms: int) -> int:
    """How many there are: the sweeper is about to cancel them."""
    row = read.one(f"SELECT count(*) FROM rents WHERE {_OVERDUE}", (now_ms, latest(now_ms, patience_ms)))
    return int(row[0]) if row else 0


def _rent(row: Row) -> KnownRent:
    rentid, userid, bikeid, status, started_ms, ended_ms, endlocation, lat, lon, reason, *later = row
    bootid, boot_ms, endedby, suspect = later
    if status == "rented":
        return OpenRent(rentid, userid, bikeid, started_ms, bootid or "", boot_ms or 0)
    if status == "returned":
        place = Place(endlocation, lat, lon)
        return ReturnedRent(rentid, userid, bikeid, started_ms, ended_ms, place, endedby, bool(suspect))
    return CancelledRent(rentid, userid, bikeid, reason)
