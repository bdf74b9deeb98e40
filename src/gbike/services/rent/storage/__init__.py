"""Rents in SQL. Every change of state names the state it comes from, and the row count decides."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from msgspec import UNSET

from gbike.contracts.events import EVENTS
from gbike.contracts.rent import RentCancelled, Rented, Returned
from gbike.kit.access.principal import EVERYBODYS, Whose
from gbike.kit.clock import latest, rfc3339
from gbike.kit.erasure import remember, share, take_out
from gbike.kit.housekeeping import DAY_MS, Keeping
from gbike.kit.http.hal import Page
from gbike.kit.listing import Listing, list_page, owned
from gbike.kit.once import Once, once_only, release
from gbike.kit.personal import Holding
from gbike.kit.store import Reading, Row, Store, Tx
from gbike.services.rent.domain import (
    CancelledRent,
    GivenUp,
    Handback,
    KnownRent,
    Moment,
    NoSuchRent,
    OpenRent,
    PendingRent,
    Place,
    RentIsCancelled,
    RentIsReturned,
    RentRefused,
    ReturnedRent,
    Tap,
    end,
    give_back,
)
from gbike.services.rent.storage.clockwatch import ClockWatch
from gbike.services.rent.storage.standing import judge, lock_rider

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
_RIDES = Listing(_SELECT, _SORTABLE, "rentid", "WHERE status IN ('rented', 'returned')", (), ("rented", "returned"))
_BY_STATUS = {
    status: Listing(_SELECT, _SORTABLE, "rentid", f"WHERE status = '{status}'", (), (status,)) for status in STATUSES
}

_OVERDUE = "status = 'pending' AND (deadline_ms < ? OR deadline_ms > ?)"
"""Past its deadline, or further from it than any may be: then the clock was set back since."""
_OF_SOMEBODY = "NOT EXISTS (SELECT 1 FROM erased WHERE erased.userid = rents.userid)"
_PLACED = (
    f"endlocation = CASE WHEN {_OF_SOMEBODY} THEN CAST(? AS TEXT) END,"
    f" lat = CASE WHEN {_OF_SOMEBODY} THEN CAST(? AS DOUBLE PRECISION) END,"
    f" lon = CASE WHEN {_OF_SOMEBODY} THEN CAST(? AS DOUBLE PRECISION) END"
)
"""Of whom was erased no place is kept, whoever returns the bike for them."""


class SqlRents:
    """Rents (ports) over a Store."""

    def __init__(
        self,
        store: Store,
        patience_ms: int,
        most_open: int,
        *,
        offline_ms: int = 300_000,
        watch: ClockWatch | None = None,
    ) -> None:
        """`patience_ms`: how long a rent may stay pending. `most_open`: open rents per rider, 0 for no limit.
        `offline_ms`: how long ago a tap without a line may be. `watch`: what says whether the clock is right."""
        self._store, self._patience_ms, self._most_open = store, patience_ms, most_open
        self._offline_ms, self._watch = offline_ms, watch

    async def answered_before(self, once: Once | None) -> None:
        """See Rents.answered_before."""
        if once is not None:
            await self._store.read(once.check)

    async def begin(self, userid: int, bikeid: int, once: Once | None) -> PendingRent:
        """See Rents.begin."""
        if self._watch is not None:
            await self._watch.check()
        args = (userid, bikeid, self._patience_ms, once, self._most_open)
        return await self._store.write(begin, *args, key=f"user:{userid}")

    async def open(self, pending: PendingRent, once: Once | None) -> OpenRent:
        """See Rents.open."""
        return await self._store.write(open_rent, pending, self._most_open, once, key=f"user:{pending.userid}")

    async def cancel(self, pending: PendingRent, reason: str, *, bike_may_be_reserved: bool) -> None:
        """See Rents.cancel."""
        await self._store.write(cancel, pending.rentid, reason, bike_may_be_reserved, key=f"user:{pending.userid}")

    async def give_back(self, rentid: int, told: Handback, whose: Whose, once: Once | None) -> ReturnedRent:
        """See Rents.give_back."""
        tap = None if told.tapped_ms is None else Tap(told.tapped_ms, self._offline_ms)
        args = (rentid, told.place, whose, tap)
        return await self._store.write(once_only, once, returned, *args, key=f"rent:{rentid}")

    async def end(self, rentid: int, at_ms: int | None, reason: str, once: Once | None) -> ReturnedRent:
        """See Rents.end."""
        return await self._store.write(once_only, once, ended_by_admin, rentid, at_ms, reason, key=f"rent:{rentid}")

    async def one(self, rentid: int, whose: Whose) -> KnownRent:
        """See Rents.one."""
        return await self._store.read(load, rentid, whose)

    async def page(self, page: Page, status: str | None, whose: Whose) -> tuple[list[KnownRent], int]:
        """One page of the rents of a status, or of all that began, and how many there are."""
        listing = _BY_STATUS[status] if status else _RIDES
        return await list_page(self._store, owned(listing, whose, "userid"), page, _rent)

    async def sweep(self, most: int) -> int:
        """Cancel up to `most` rents that are pending past their deadline; answers how many."""
        return await self._store.write(sweep, most, self._patience_ms)


def begin(tx: Tx, userid: int, bikeid: int, patience_ms: int, once: Once | None, most_open: int = 0) -> PendingRent:
    """A PENDING rent with its deadline, and its key held, if the rider may begin a ride."""
    try:
        judge(tx, userid, most_open)
    except RentRefused:
        if once is not None:
            once.check(tx)  # who rented by this very request is answered so, and not that they have a bike already
        raise
    if once is not None:
        once.hold(tx)
    row = tx.one(
        "INSERT INTO rents (userid, bikeid, status, deadline_ms, once_key) VALUES (?, ?, 'pending', ?, ?)"
        " RETURNING rentid",
        (userid, bikeid, tx.now_ms + patience_ms, once.key if once else None),
    )
    assert row is not None
    return PendingRent(row[0], userid, bikeid)


def open_rent(tx: Tx, pending: PendingRent, most_open: int, once: Once | None) -> OpenRent:
    """PENDING → OPEN, if the rider may still begin a ride."""
    judge(tx, pending.userid, most_open)
    rent = OpenRent(pending.rentid, pending.userid, pending.bikeid, tx.now_ms, *tx.boot)
    opened = tx.execute(
        "UPDATE rents SET status = 'rented', started_ms = ?, start_bootid = ?, start_boot_ms = ?"
        " WHERE rentid = ? AND status = 'pending'",
        (rent.started_ms, rent.bootid, rent.boot_ms, rent.rentid),
    )
    if not opened:
        raise GivenUp(pending.bikeid)
    tx.count("rented")
    tx.say(
        Rented(rentid=rent.rentid, userid=rent.userid, bikeid=rent.bikeid, status="rented", starttime=rent.started_ms)
    )
    if _is_anothers(tx, rent.userid):
        tx.audit("rented for another", f"user:{rent.userid}", after={"rentid": rent.rentid, "bikeid": rent.bikeid})
    if once is not None:
        once.keep(tx, rent)
    return rent


def cancel(tx: Tx, rentid: int, reason: str, bike_may_be_reserved: bool) -> bool:
    """PENDING → CANCELLED; a rent that is no longer pending stays as it is: False."""
    row = tx.one(
        "UPDATE rents SET status = 'cancelled', reason = ?, ended_ms = ? WHERE rentid = ? AND status = 'pending'"
        " RETURNING userid, bikeid, once_key",
        (reason, tx.now_ms, rentid),
    )
    if row is None:
        return False
    userid, bikeid, key = row
    tx.count("cancelled")
    if key is not None:
        release(tx, key)
    if bike_may_be_reserved:
        tx.say(RentCancelled(rentid=rentid, userid=userid, bikeid=bikeid, reason=reason))
    return True


def returned(tx: Tx, rentid: int, place: Place, whose: Whose, tap: Tap | None = None) -> ReturnedRent:
    """OPEN → RETURNED, once; the same result again afterwards."""
    match load(tx, rentid, whose):
        case ReturnedRent(userid=userid):
            share(tx, [userid])  # the answer, with its place, may be kept under a key: it is read again
            before = load(tx, rentid, whose)
            assert isinstance(before, ReturnedRent)
            return before
        case CancelledRent():
            raise RentIsCancelled(rentid)
        case OpenRent() as open_one:
            over = _close(tx, give_back(open_one, Moment(tx.now_ms, *tx.boot), place, tap))
    if over is None:  # somebody else returned it since we looked
        return returned(tx, rentid, place, whose, tap)
    if _is_anothers(tx, over.userid):
        tx.audit("returned for another", f"user:{over.userid}", after={"rentid": rentid, "bikeid": over.bikeid})
    return over


def ended_by_admin(tx: Tx, rentid: int, at_ms: int | None, reason: str) -> ReturnedRent:
    """OPEN → RETURNED, now or at an earlier moment, with the reason on record."""
    match load(tx, rentid, EVERYBODYS):
        case ReturnedRent():
            raise RentIsReturned(rentid)
        case CancelledRent():
            raise RentIsCancelled(rentid)
        case OpenRent() as open_one:
            over = _close(tx, end(open_one, Moment(tx.now_ms, *tx.boot), at_ms))
    if over is None:  # the rider returned it since we looked
        raise RentIsReturned(rentid)
    ride = {"rentid": rentid, "bikeid": over.bikeid}
    tx.audit("ride ended", f"user:{over.userid}", after={**ride, "endtime": rfc3339(over.ended_ms), "reason": reason})
    return over


def _close(tx: Tx, rent: ReturnedRent) -> ReturnedRent | None:
    """Write down that a ride is over and say Returned; None when it is not open any more."""
    share(tx, [rent.userid])
    place = rent.place
    ended = tx.one(
        f"UPDATE rents SET status = 'returned', ended_ms = ?, endedby = ?, clocksuspect = ?, {_PLACED}"
        " WHERE rentid = ? AND status = 'rented' RETURNING endlocation, lat, lon",
        (
            *(rent.ended_ms, rent.endedby, int(rent.clocksuspect)),
            *(place.endlocation, place.lat, place.lon, rent.rentid),
        ),
    )
    if ended is None:
        return None
    rent = replace(rent, place=Place(*ended))
    tx.count("rented", -1)
    tx.count("returned")
    if rent.clocksuspect:
        tx.count(SUSPECT)
    tx.say(
        Returned(
            rentid=rent.rentid,
            userid=rent.userid,
            bikeid=rent.bikeid,
            status="returned",
            endtime=rent.ended_ms,
            endlocation=rent.place.endlocation,
            starttime=rent.started_ms,
            lat=rent.place.lat,
            lon=rent.place.lon,
            endedby=rent.endedby or UNSET,
            clocksuspect=rent.clocksuspect or UNSET,
        )
    )
    return rent


def forget(tx: Tx, userid: int) -> None:
    """Where this rider's rides ended is known no more, nor will it be; and no ride of theirs begins."""
    lock_rider(tx, userid)
    remember(tx, userid)
    tx.execute(
        "UPDATE rents SET endlocation = NULL, lat = NULL, lon = NULL WHERE userid = ?"
        " AND (endlocation IS NOT NULL OR lat IS NOT NULL OR lon IS NOT NULL)",
        (userid,),
    )
    take_out(tx, "userid", [userid], EVENTS)


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


def sweep(tx: Tx, most: int, patience_ms: int) -> int:
    """Cancel what is pending past its deadline: the process that began it died, or lost its way."""
    late = tx.all(
        f"SELECT rentid FROM rents WHERE {_OVERDUE} ORDER BY deadline_ms LIMIT ?",
        (tx.now_ms, latest(tx.now_ms, patience_ms), most),
    )
    return sum(cancel(tx, rentid, "Swept", bike_may_be_reserved=True) for (rentid,) in late)


def load(read: Reading, rentid: int, whose: Whose) -> KnownRent:
    """The rent. Raises NoSuchRent, also for another's and while it is pending."""
    theirs, number = whose.sql("userid")
    row = read.one(f"{_SELECT} WHERE rentid = ? AND status <> 'pending'{theirs}", (rentid, *number))
    if row is None:
        raise NoSuchRent(rentid)
    return _rent(row)


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


def overdue(read: Reading, now_ms: int, patience_ms: int) -> int:
    """How many rents are pending past their deadline: the sweeper is about to cancel them."""
    row = read.one(f"SELECT count(*) FROM rents WHERE {_OVERDUE}", (now_ms, latest(now_ms, patience_ms)))
    return int(row[0]) if row else 0


def _is_anothers(tx: Tx, userid: int) -> bool:
    """Whether somebody acts for somebody else; in the demo nobody is known, so nobody is somebody else."""
    return tx.by.userid is not None and tx.by.userid != userid


def _rent(row: Row) -> KnownRent:
    rentid, userid, bikeid, status, started_ms, ended_ms, endlocation, lat, lon, reason, *later = row
    bootid, boot_ms, endedby, suspect = later
    if status == "rented":
        return OpenRent(rentid, userid, bikeid, started_ms, bootid or "", boot_ms or 0)
    if status == "returned":
        place = Place(endlocation, lat, lon)
        return ReturnedRent(rentid, userid, bikeid, started_ms, ended_ms, place, endedby, bool(suspect))
    return CancelledRent(rentid, userid, bikeid, reason)
