"""The fleet in SQL. What may meet another rider's wish is conditional: the row count decides, not a look before."""

import dataclasses
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from gbike.contracts.bike import ChkAndUpdatedStatus, RegisteredBike, UpdatedBike, UpdatedBikeState
from gbike.contracts.events import EVENTS
from gbike.kit.acting import IdempotencyKey as Once
from gbike.kit.clock import Clock
from gbike.kit.erasure import remember, take_out
from gbike.kit.housekeeping import DAY_MS, Keeping
from gbike.kit.http.hal import Page
from gbike.kit.idempotency import once_only
from gbike.kit.listing import Listing, list_page
from gbike.kit.personal import Holding
from gbike.kit.store import Facts, Reading, Row, Store, Tx
from gbike.services.bike.domain import (
    Bike,
    BikeExists,
    BikeNotAvailable,
    NoSuchBike,
    Place,
    RentWasCancelled,
    Status,
    TooLate,
)

VERSIONS = Path(__file__).parent / "versions"
HOLDS = (
    Holding("bikes_left", ("bikeid", "location", "lat", "lon"), "FROM bikes WHERE left_by = ? ORDER BY bikeid"),
    Holding("rents_over", ("rentid", "at_ms"), "FROM tombstones WHERE userid = ? ORDER BY rentid"),
)
COUNTED = {"bikes": "SELECT count(*) FROM bikes WHERE retired = 0"}
_COLUMNS = "bikeid, location, lat, lon, batterylevel, rentid, held, broken, retired, version, seen_ms"
TOMBSTONES = Keeping(
    7 * DAY_MS,
    "DELETE FROM tombstones WHERE at_ms < ? AND rentid IN (SELECT rentid FROM tombstones ORDER BY rentid LIMIT ?)",
)
"""A tombstone must outlive every reservation that is still on its way; those have a deadline of seconds. It tells
whose ride it was for as long as what was said of the ride is kept (kit/housekeeping.py), so that it can be found."""
NO_SUCH_BIKE = "bike-unknown"
"""A refusal on a tombstone that is no status of a bike."""
_LISTED = Listing(
    select=f"SELECT {_COLUMNS} FROM bikes",
    sortable={
        "bikeid": "bikeid",
        "location": "location",
        "batterylevel": "batterylevel",
        "status": "CASE WHEN rentid IS NOT NULL OR held = 1 THEN 2 WHEN broken = 1 THEN 0 ELSE 1 END",
    },
    order="bikeid",
    where="WHERE retired = 0",
    counters=("bikes",),
)
_SAID = Listing("SELECT id, headers, value FROM outbox", {}, "id DESC", "WHERE key = ?", counters=None)


class SaidOf(msgspec.Struct, frozen=True):
    """An event about a bike."""

    number: int
    at: str
    facts: dict[str, Any]


_IN_STATE = {
    Status.AVAILABLE: "rentid IS NULL AND held = 0 AND broken = 0",
    Status.IN_USE: "(rentid IS NOT NULL OR held = 1)",
    Status.BROKEN: "rentid IS NULL AND held = 0 AND broken = 1",
}
_DISTANCE = "CASE WHEN lat IS NULL OR lon IS NULL THEN 1 ELSE 0 END, (lat - ?) * (lat - ?) + (lon - ?) * (lon - ?) * ?"
"""Squared, in degrees of latitude; a degree of longitude is shorter by the last factor. Good within a town."""


class SqlBikes:
    """Bikes (ports) over a Store."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    async def one(self, bikeid: int) -> Bike:
        """See Bikes.one."""
        return await self._store.read(load, bikeid)

    async def page(
        self, page: Page, status: Status | None = None, near: tuple[float, float] | None = None
    ) -> tuple[list[Bike], int]:
        """One page of the bikes that are not retired, all or those of a status, and how many there are. Those `near` a
        place come first, those that stand nobody knows where last."""
        return await list_page(self._store, _narrowed(status, near), page, _bike)

    async def said_of(self, bikeid: int, page: Page) -> tuple[list[SaidOf], int]:
        """One page of what was said of a bike, newest first, and how much there is; it is kept for some days."""
        return await list_page(self._store, replace(_SAID, params=(f"bike:{bikeid}",)), page, _said)

    async def add(self, bike: Bike, once: Once | None) -> Bike:
        """See Bikes.add."""
        return await self._store.write(once_only, once, add, bike, key=f"bike:{bike.bikeid}")

    async def change(self, bikeid: int, decide: Callable[[Bike], Bike], once: Once | None) -> Bike:
        """See Bikes.change."""
        return await self._store.write(once_only, once, change, bikeid, decide, key=f"bike:{bikeid}")

    async def reserve(self, bikeid: int, rentid: int, until_ms: float) -> None:
        """See Bikes.reserve."""
        refusal = await self._store.write(self._reserve, bikeid, rentid, until_ms, key=f"bike:{bikeid}")
        if refusal is not None:
            raise refusal

    async def report(
        self, bikeid: int, reportid: int, decide: Callable[[Bike], Bike], until_ms: float
    ) -> tuple[Bike, int]:
        """See Bikes.report."""
        return await self._store.write(self._report, bikeid, reportid, decide, until_ms, key=f"bike:{bikeid}")

    def _reserve(self, tx: Tx, bikeid: int, rentid: int, until_ms: float) -> Exception | None:
        self._in_time(until_ms)
        return reserve(tx, bikeid, rentid)

    def _report(
        self, tx: Tx, bikeid: int, reportid: int, decide: Callable[[Bike], Bike], until_ms: float
    ) -> tuple[Bike, int]:
        self._in_time(until_ms)
        return report(tx, bikeid, reportid, decide)

    def _in_time(self, until_ms: float) -> None:
        if self._clock.monotonic_ms() >= until_ms:
            raise TooLate


def _narrowed(status: Status | None, near: tuple[float, float] | None) -> Listing:
    listing = _LISTED
    if status is not None:
        where = f"{listing.where} AND {_IN_STATE[status]}"
        listing = replace(listing, where=where, counters=None, whole=True)
    if near is not None:
        lat, lon = near
        narrower = math.cos(math.radians(lat)) ** 2
        ordered = {"order": f"{_DISTANCE}, {listing.order}", "order_params": (lat, lat, lon, lon, narrower)}
        listing = replace(listing, whole=True, **ordered)
    return listing


def load(read: Reading, bikeid: int) -> Bike:
    """The bike. Raises NoSuchBike."""
    row = read.one(f"SELECT {_COLUMNS} FROM bikes WHERE bikeid = ?", (bikeid,))
    if row is None:
        raise NoSuchBike(bikeid)
    return _bike(row)


def add(tx: Tx, bike: Bike) -> Bike:
    """Keep a new bike and say so. Raises BikeExists."""
    place = bike.place
    kept = tx.execute(
        f"INSERT INTO bikes ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, NULL, ?, ?, 0, 1, ?) ON CONFLICT (bikeid) DO NOTHING",
        (
            *(bike.bikeid, place.location, place.lat, place.lon, bike.batterylevel),
            *(int(bike.held), int(bike.broken), tx.now_ms),
        ),
    )
    if not kept:
        raise BikeExists(bike.bikeid)
    tx.count("bikes")
    tx.say(
        RegisteredBike(
            bikeid=bike.bikeid,
            status=bike.status,
            location=place.location,
            batterylevel=bike.batterylevel,
            lat=place.lat,
            lon=place.lon,
        )
    )
    tx.audit("bike registered", f"bike:{bike.bikeid}", after=_state(bike))
    return bike


def change(tx: Tx, bikeid: int, decide: Callable[[Bike], Bike]) -> Bike:
    """Load, decide, keep, say. A change that changes nothing says nothing; a bike that another writer changed between
    our look and our write is looked at again."""
    kept = None
    while kept is None:
        before = load(tx, bikeid)
        before = dataclasses.replace(before, rent_over=_is_over(tx, before.rentid))
        after = decide(before)
        if after == before:
            return before
        kept = _keep(tx, before, after)
    if after.retired and not before.retired:
        tx.count("bikes", -1)
    freed_of = before.rentid if kept.rentid is None else None
    tx.say(_updated(kept, freed_of))
    if freed_of is not None:
        tx.audit("bike freed", f"bike:{bikeid}", {"rentid": freed_of}, {"rentid": None})
    action = "bike retired" if kept.retired and not before.retired else "bike changed"
    moved = {"moved": True} if kept.place != before.place else {}
    tx.audit(action, f"bike:{bikeid}", _state(before), {**_state(kept), **moved})
    return kept


def reserve(tx: Tx, bikeid: int, rentid: int) -> Exception | None:
    """Give the bike to the rent, or answer the refusal, whose tombstone is kept in this same transaction."""
    tx.lock(_life_of(rentid))
    buried = tx.one("SELECT refusal FROM tombstones WHERE rentid = ?", (rentid,))
    if buried is not None:
        return _refused(bikeid, rentid, buried[0])
    row = tx.one(
        "UPDATE bikes SET rentid = ?, version = version + 1, seen_ms = ? WHERE bikeid = ?"
        " AND rentid IS NULL AND held = 0 AND broken = 0 AND retired = 0 RETURNING version",
        (rentid, tx.now_ms, bikeid),
    )
    if row is not None:
        tx.say(ChkAndUpdatedStatus(bikeid=bikeid, status=Status.IN_USE, rentid=rentid, version=row[0]))
        return None
    try:
        bike = load(tx, bikeid)
    except NoSuchBike as unknown:
        _bury(tx, rentid, refusal=NO_SUCH_BIKE)
        return unknown
    if bike.rentid == rentid:
        return None
    _bury(tx, rentid, refusal=bike.status)
    return BikeNotAvailable(bikeid, bike.status)


def release(tx: Tx, bikeid: int, rentid: int, userid: int | None, place: Place) -> bool:
    """The rent is over or cancelled: tombstone first, then free the bike if it is still this rent's (fencing). Answers
    whether it was."""
    tx.lock(_life_of(rentid))  # or a reservation that is not committed yet sees no tombstone and isn't seen either
    _bury(tx, rentid, userid)
    told = int(place.location is not None or place.lat is not None or place.lon is not None)
    row = tx.one(
        "UPDATE bikes SET rentid = NULL, version = version + 1, seen_ms = ?, location = coalesce(?, location),"
        " lat = CASE WHEN ? = 1 THEN ? ELSE lat END, lon = CASE WHEN ? = 1 THEN ? ELSE lon END,"
        " left_by = CASE WHEN ? = 1 THEN ? ELSE left_by END"
        f" WHERE bikeid = ? AND rentid = ? RETURNING {_COLUMNS}",
        (tx.now_ms, place.location, told, place.lat, told, place.lon, told, userid, bikeid, rentid),
    )
    if row is not None:
        tx.say(_updated(_bike(row), rentid))
    return row is not None


def free(tx: Tx, bikeid: int, rentid: int, userid: int | None) -> bool:
    """For `gbike repair`: free a bike that carries the number of a rent which is over; False when it carries another
    or none."""
    freed = release(tx, bikeid, rentid, userid, Place())
    if freed:
        tx.audit("bike freed", f"bike:{bikeid}", {"rentid": rentid}, {"rentid": None})
    return freed


def report(tx: Tx, bikeid: int, reportid: int, decide: Callable[[Bike], Bike]) -> tuple[Bike, int]:
    """Apply a report unless a newer one was: reports may come late, doubled and out of order. Answers the bike, and the
    newest report that changed it, 0 when none ever did."""
    row = tx.one(
        "UPDATE bikes SET reportid = ?, seen_ms = ? WHERE bikeid = ? AND reportid < ?"
        f" RETURNING changed_reportid, {_COLUMNS}",
        (reportid, tx.now_ms, bikeid, reportid),
    )
    if row is None:
        return load(tx, bikeid), _changed_by(tx, bikeid)
    changedby, before = row[0], _bike(row[1:])
    after = decide(before)
    if after != before:
        changedby = reportid
        tx.execute("UPDATE bikes SET changed_reportid = ? WHERE bikeid = ?", (reportid, bikeid))
    kept = _keep(tx, before, after)
    assert kept is not None  # the row is ours since its reportid was
    usable = not after.broken if after.broken != before.broken else None
    tx.say(
        UpdatedBikeState(
            bikeid=bikeid,
            status=kept.status,
            batterylevel=kept.batterylevel,
            usableyn=usable,
            reportid=reportid,
            version=kept.version,
        )
    )
    return kept, changedby


def forget(tx: Tx, userid: int) -> None:
    """Where this rider's rides ended is known no more: a bike that still stands there is somewhere near, to within
    0.01° (about 1 km), until somebody says where."""
    remember(tx, userid)
    tx.execute(
        "UPDATE bikes SET location = NULL, lat = round(lat * 100) / 100, lon = round(lon * 100) / 100,"
        " left_by = NULL, version = version + 1 WHERE left_by = ?",
        (userid,),
    )
    take_out(tx, "userid", [userid], EVENTS)
    take_out(tx, "rentid", [r for (r,) in tx.all("SELECT rentid FROM tombstones WHERE userid = ?", (userid,))], EVENTS)


def _said(row: Row) -> SaidOf:
    return SaidOf(row[0], msgspec.json.decode(row[1])["ce_time"], msgspec.json.decode(row[2]))


def how_many(read: Reading) -> dict[str, int]:
    """How many bikes are in which state; a retired one counts only while it is reserved. Looks at every bike."""
    states = {
        "reserved": "rentid IS NOT NULL",
        "held": "rentid IS NULL AND retired = 0 AND held = 1",
        "broken": "rentid IS NULL AND retired = 0 AND held = 0 AND broken = 1",
        "available": "rentid IS NULL AND retired = 0 AND held = 0 AND broken = 0",
    }
    counts = ", ".join(f"count(*) FILTER (WHERE {state})" for state in states.values())
    return dict(zip(states, read.one(f"SELECT {counts} FROM bikes") or (), strict=True))


def facts(read: Reading) -> Iterable[tuple[int, int | None, bool, bool]]:
    """For `gbike verify`: bikeid, rentid, out of service, retired; by bikeid."""
    sql = "SELECT bikeid, rentid, held + broken > 0, retired FROM bikes ORDER BY bikeid"
    return ((row[0], row[1], bool(row[2]), bool(row[3])) for row in read.each(sql))


def lost(read: Reading) -> dict[int, int]:
    """For `gbike verify`: bikes that carry the number of a rent with a tombstone, and that number."""
    sql = "SELECT bikeid, bikes.rentid FROM bikes JOIN tombstones ON tombstones.rentid = bikes.rentid ORDER BY bikeid"
    return {row[0]: row[1] for row in read.each(sql)}


def _keep(tx: Tx, before: Bike, after: Bike) -> Bike | None:
    """The bike as it is kept; None when it is not as it was `before`."""
    place = after.place
    row = tx.one(
        "UPDATE bikes SET location = ?, lat = ?, lon = ?, batterylevel = ?, held = ?, broken = ?, retired = ?,"
        " rentid = ?, left_by = CASE WHEN ? = 1 THEN NULL ELSE left_by END,"
        f" version = version + 1 WHERE bikeid = ? AND version = ? RETURNING {_COLUMNS}",
        (
            *(place.location, place.lat, place.lon, after.batterylevel),
            *(int(after.held), int(after.broken), int(after.retired), after.rentid, int(place != before.place)),
            *(after.bikeid, before.version),
        ),
    )
    return _bike(row) if row else None


def _life_of(rentid: int) -> str:
    return f"rent:{rentid}"


def _bury(tx: Tx, rentid: int, userid: int | None = None, refusal: str | None = None) -> None:
    tx.execute(
        "INSERT INTO tombstones (rentid, at_ms, userid, refusal) VALUES (?, ?, ?, ?) ON CONFLICT (rentid) DO UPDATE"
        " SET userid = coalesce(excluded.userid, tombstones.userid)",
        (rentid, tx.now_ms, userid, refusal),
    )


def _is_over(read: Reading, rentid: int | None) -> bool:
    """Whether a rent has a tombstone; a tombstone that is there stays there for days."""
    return rentid is not None and read.one("SELECT 1 FROM tombstones WHERE rentid = ?", (rentid,)) is not None


def _refused(bikeid: int, rentid: int, refusal: str | None) -> Exception:
    """What a rent with a tombstone is answered. A request that the network delivered twice meets the tombstone of its
    own refusal, and its rider is told what the first one was told."""
    if refusal is None:
        return RentWasCancelled(rentid)
    return NoSuchBike(bikeid) if refusal == NO_SUCH_BIKE else BikeNotAvailable(bikeid, refusal)


def _changed_by(read: Reading, bikeid: int) -> int:
    row = read.one("SELECT changed_reportid FROM bikes WHERE bikeid = ?", (bikeid,))
    return int(row[0]) if row else 0


def _state(bike: Bike) -> Facts:
    """What an audit row tells of a bike: where it stands is not in it."""
    return {"status": bike.status, "batterylevel": bike.batterylevel, "held": bike.held, "broken": bike.broken}


def _updated(bike: Bike, rentid: int | None = None) -> UpdatedBike:
    place = bike.place
    return UpdatedBike(
        bikeid=bike.bikeid,
        status=bike.status,
        location=place.location,
        batterylevel=bike.batterylevel,
        lat=place.lat,
        lon=place.lon,
        retired=bike.retired,
        rentid=rentid,
        version=bike.version,
    )


def _bike(row: Row) -> Bike:
    bikeid, location, lat, lon, battery, rentid, held, broken, retired, version, seen_ms = row
    place, marks = Place(location, lat, lon), (bool(held), bool(broken), bool(retired))
    return Bike(bikeid, place, battery, rentid, *marks, version, seen_ms)
