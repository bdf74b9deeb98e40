"""The fleet in SQL. What may meet another rider's wish is conditional: the row count decides, not a look before."""

from collections.abc import Iterable
from dataclasses import replace as replace_bike
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from gbike.kit.numbers import MAX_ID
from gbike.kit.positions import narrowing
from gbike.kit.privacy.personal_data import PersonalData
from gbike.kit.storage.listing import Listing
from gbike.kit.storage.retention import DAY_MS, RetentionRule
from gbike.kit.store import Reading, Row, Tx
from gbike.kit.text import natural, same_name
from gbike.services.bike.domain import Bike, Location, NoSuchBike, NoSuchLabel, Point, Sighting, Status
from gbike.services.bike.storage import holds

VERSIONS = Path(__file__).parent / "versions"
PERSONAL_DATA = (
    PersonalData("bikes_left", ("bikeid", "location"), "FROM bikes WHERE left_by = ? ORDER BY bikeid"),
    PersonalData(
        "bikes_seen",
        ("bikeid", "lat", "lon", "point_at_ms", "point_by", "accuracy_m", "stale"),
        "FROM bikes WHERE point_of = ? ORDER BY bikeid",
    ),
    holds.PUT_BY,
    PersonalData("rents_over", ("rentid", "at_ms"), "FROM tombstones WHERE userid = ? ORDER BY rentid"),
)
COUNTED = {"bikes": "SELECT count(*) FROM bikes WHERE retired = 0"}
_POINT = "lat, lon, point_at_ms, point_by, accuracy_m, stale"
_COLUMNS = f"bikeid, location, {_POINT}, batterylevel, rentid, held, broken, retired, version, seen_ms, label, due_ms"
_READ = f"{_COLUMNS}, left_by, point_of"
TOMBSTONES = RetentionRule(
    7 * DAY_MS,
    "DELETE FROM tombstones WHERE at_ms < ? AND rentid IN (SELECT rentid FROM tombstones ORDER BY rentid LIMIT ?)",
)
"""A tombstone must outlive every reservation that is still on its way; those have a deadline of seconds. It tells
whose ride it was for as long as what was said of the ride is kept (kit/storage/retention.py), so that it can be
found."""
_FREE = "rentid IS NULL AND held = 0 AND broken = 0"
AVAILABLE = f"{_FREE} AND retired = 0"
"""Of a bike that may be rented."""
CHARGED = "(batterylevel IS NULL OR batterylevel >= ?)"
"""Of a bike that is charged enough to be offered; one whose charge nobody knows is."""
_IN_STATE = {
    Status.AVAILABLE: _FREE,
    Status.IN_USE: "(rentid IS NOT NULL OR held > 0)",
    Status.BROKEN: "rentid IS NULL AND held = 0 AND broken = 1",
}
APART = "(lat - ?) * (lat - ?) + (lon - ?) * (lon - ?) * ?"
"""Squared, in degrees of latitude, `apart_from` a point; a degree of longitude is shorter by the last factor. Good
within a town."""
_DISTANCE = f"CASE WHEN lat IS NULL OR lon IS NULL OR stale = 1 THEN 1 ELSE 0 END, {APART}"


def apart_from(lat: float, lon: float) -> tuple[float, ...]:
    """The parameters of APART."""
    return lat, lat, lon, lon, narrowing(lat)


def load(read: Reading, bikeid: int) -> Bike:
    """The bike. Raises NoSuchBike."""
    row = read.one(f"SELECT {_READ} FROM bikes WHERE bikeid = ?", (bikeid,))
    if row is None:
        raise NoSuchBike(bikeid)
    return _bike(row)


def of_label(read: Reading, label: str) -> Bike:
    """The bike with this label, in capitals. Raises NoSuchLabel."""
    row = read.one(f"SELECT {_READ} FROM bikes WHERE label = ?", (label,))
    if row is None:
        raise NoSuchLabel(label)
    return _bike(row)


def next_number(read: Reading) -> int:
    """The number above the highest that was ever given; where there is none, the lowest that is free."""
    highest = (read.one("SELECT max(bikeid) FROM bikes") or (None,))[0] or 0
    if highest < MAX_ID:
        return int(highest) + 1
    free = (
        "SELECT min(n) + 1 FROM (SELECT 0 AS n UNION ALL SELECT bikeid FROM bikes) AS one"
        " WHERE NOT EXISTS (SELECT 1 FROM bikes WHERE bikeid = n + 1)"
    )
    return int((read.one(free) or (0,))[0])


def add(tx: Tx, bike: Bike) -> bool:
    """A new bike; False: there is one with its number."""
    kept = tx.execute(
        f"INSERT INTO bikes ({_COLUMNS}, place_sort) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, ?, ?, 0, 1, ?, ?, ?, ?)"
        " ON CONFLICT (bikeid) DO NOTHING",
        (
            *(bike.bikeid, bike.place.location, *_columns(bike.place.point), bike.batterylevel),
            *(bike.held, int(bike.broken), tx.now_ms, bike.label, bike.due_ms, natural(bike.place.location)),
        ),
    )
    if kept == 1:
        holds.write(tx, bike)
    return kept == 1


def reserve(tx: Tx, bikeid: int, rentid: int, offer_from: int) -> Row | None:
    """Give the bike to the rent if it is available and charged enough; answers its version, the text and the point of
    its place. None: it is not."""
    present = "CASE WHEN stale = 0 THEN lat END, CASE WHEN stale = 0 THEN lon END"
    return tx.one(
        "UPDATE bikes SET rentid = ?, version = version + 1, seen_ms = ? WHERE bikeid = ?"
        f" AND {AVAILABLE} AND {CHARGED} RETURNING version, location, {present}",
        (rentid, tx.now_ms, bikeid, offer_from),
    )


def release(tx: Tx, bikeid: int, rentid: int, userid: int | None, seen: Sighting) -> Bike | None:
    """Free the bike where it was seen, in one statement: staff may change it meanwhile. None: it is not the rent's."""
    sets, params = "rentid = NULL, version = version + 1, seen_ms = ?", list[Any]([tx.now_ms])
    if seen.text is not None:
        sets += ", location = ?, place_sort = ?, left_by = ?"
        params += [seen.text, natural(seen.text), userid]
    if seen.point is not None:
        sets += f", ({_POINT}, point_of) = (?, ?, ?, ?, ?, ?, ?)"
        params += [*_columns(seen.point), userid]
    elif seen.text is not None:
        sets += ", stale = CASE WHEN lat IS NULL THEN 0 ELSE 1 END"
    row = tx.one(
        f"UPDATE bikes SET {sets} WHERE bikeid = ? AND rentid = ? RETURNING {_READ}", (*params, bikeid, rentid)
    )
    return _bike(row) if row else None


def mark_broken(tx: Tx, bikeid: int) -> Bike | None:
    """The bike, which is not to be ridden any more; None: there is none."""
    row = tx.one(f"UPDATE bikes SET broken = 1, version = version + 1 WHERE bikeid = ? RETURNING {_READ}", (bikeid,))
    return _bike(row) if row else None


def take_report(tx: Tx, bikeid: int, reportid: int) -> tuple[int, Bike | None]:
    """Note the report; answers which one changed the bike last, and the bike. None: a newer one, or no bike."""
    row = tx.one(
        "UPDATE bikes SET reportid = ?, seen_ms = ? WHERE bikeid = ? AND reportid < ?"
        f" RETURNING changed_reportid, {_READ}",
        (reportid, tx.now_ms, bikeid, reportid),
    )
    return (row[0], _bike(row[1:])) if row else (0, None)


def set_changed_by(tx: Tx, bikeid: int, reportid: int) -> None:
    tx.execute("UPDATE bikes SET changed_reportid = ? WHERE bikeid = ?", (reportid, bikeid))


def changed_by(read: Reading, bikeid: int) -> int:
    """The newest report that changed the bike, 0 when none ever did."""
    row = read.one("SELECT changed_reportid FROM bikes WHERE bikeid = ?", (bikeid,))
    return int(row[0]) if row else 0


def forget_places(tx: Tx, userid: int) -> None:
    """Where a rider left bikes: one that stands there, or was seen there last, is somewhere near, to within 0.01°
    (about 1 km), until somebody says where; nothing tells when it was seen, or how."""
    tx.execute(
        "UPDATE bikes SET location = NULL, place_sort = NULL, left_by = NULL, version = version + 1 WHERE left_by = ?",
        (userid,),
    )
    tx.execute(
        "UPDATE bikes SET lat = round(lat * 100) / 100, lon = round(lon * 100) / 100, point_at_ms = NULL,"
        " point_by = NULL, accuracy_m = NULL, point_of = NULL, version = version + 1 WHERE point_of = ?",
        (userid,),
    )


def rents_over_of(read: Reading, userid: int) -> list[int]:
    return [row[0] for row in read.all("SELECT rentid FROM tombstones WHERE userid = ?", (userid,))]


def tombstone(read: Reading, rentid: int) -> tuple[bool, str | None]:
    row = read.one("SELECT refusal FROM tombstones WHERE rentid = ?", (rentid,))
    return (True, row[0]) if row else (False, None)


def is_over(read: Reading, rentid: int | None) -> bool:
    """Whether a rent has a tombstone; a tombstone that is there stays there for days."""
    return rentid is not None and tombstone(read, rentid)[0]


def mark_rent_closed(tx: Tx, rentid: int, userid: int | None = None, refusal: str | None = None) -> None:
    """A tombstone for the rent: no bike is reserved for it any more."""
    tx.execute(
        "INSERT INTO tombstones (rentid, at_ms, userid, refusal) VALUES (?, ?, ?, ?) ON CONFLICT (rentid) DO UPDATE"
        " SET userid = coalesce(excluded.userid, tombstones.userid)",
        (rentid, tx.now_ms, userid, refusal),
    )


def how_many(read: Reading) -> dict[str, int]:
    """How many bikes are in which state; a retired one counts only while it is reserved. Looks at every bike."""
    states = {
        "reserved": "rentid IS NOT NULL",
        "held": "rentid IS NULL AND retired = 0 AND held > 0",
        "broken": "rentid IS NULL AND retired = 0 AND held = 0 AND broken = 1",
        "available": AVAILABLE,
    }
    counts = ", ".join(f"count(*) FILTER (WHERE {state})" for state in states.values())
    return dict(zip(states, read.one(f"SELECT {counts} FROM bikes") or (), strict=True))


def rows_for_verify(read: Reading) -> Iterable[Row]:
    """For `gbike verify`: bikeid, rentid, out of service, retired (0 or 1); by bikeid."""
    return read.each("SELECT bikeid, rentid, held + broken > 0, retired FROM bikes ORDER BY bikeid")


def measured(read: Reading) -> Iterable[Row]:
    """For `gbike verify`: bikeid, lat and lon of each bike whose point came with a return, stale or not; by bikeid."""
    return read.each("SELECT bikeid, lat, lon FROM bikes WHERE point_by IN ('rider', 'phone') ORDER BY bikeid")


def lost(read: Reading) -> dict[int, int]:
    """For `gbike verify`: bikes that carry the number of a rent with a tombstone, and that number."""
    sql = "SELECT bikeid, bikes.rentid FROM bikes JOIN tombstones ON tombstones.rentid = bikes.rentid ORDER BY bikeid"
    return {row[0]: row[1] for row in read.each(sql)}


def keep(tx: Tx, before: Bike, after: Bike) -> Bike | None:
    """The bike as it is kept; None when it is not as it was `before`."""
    place = after.place
    renamed, seen = place.location != before.place.location, _where(place.point) != _where(before.place.point)
    row = tx.one(
        f"UPDATE bikes SET location = ?, place_sort = ?, ({_POINT}) = (?, ?, ?, ?, ?, ?), batterylevel = ?, held = ?,"
        " due_ms = ?, broken = ?, retired = ?, rentid = ?, label = ?,"
        " left_by = CASE WHEN ? = 1 THEN NULL ELSE left_by END,"
        " point_of = CASE WHEN ? = 1 THEN NULL ELSE point_of END,"
        f" version = version + 1 WHERE bikeid = ? AND version = ? RETURNING {_READ}",
        (
            *(place.location, natural(place.location), *_columns(place.point), after.batterylevel),
            *(after.held, after.due_ms, int(after.broken), int(after.retired), after.rentid, after.label),
            *(int(renamed), int(seen)),
            *(after.bikeid, before.version),
        ),
    )
    if row is None:
        return None
    if after.holds != before.holds:
        holds.write(tx, after)
    return replace_bike(_bike(row), holds=after.holds)


def _columns(point: Point | None) -> tuple[float | int | str | None, ...]:
    if point is None:
        return (None, None, None, None, None, 0)
    return (point.lat, point.lon, point.at_ms, point.by, point.accuracy_m, int(point.stale))


def _where(point: Point | None) -> tuple[float, float] | None:
    return None if point is None else point.position


def _bike(row: Row) -> Bike:
    bikeid, location, lat, lon, at_ms, by, accuracy_m, stale, battery, *rest = row
    rentid, held, broken, retired, version, seen_ms, label, due_ms, left_by, point_of = rest
    half = lat is None or lon is None  # as an older version took them
    point = None if half else Point(lat, lon, at_ms, by, accuracy_m, stale=bool(stale))
    return Bike(
        bikeid=bikeid,
        place=Location(location, point),
        batterylevel=battery,
        rentid=rentid,
        held=held,
        broken=bool(broken),
        retired=bool(retired),
        version=version,
        seen_ms=seen_ms,
        label=label,
        due_ms=due_ms,
        left_by=left_by,
        point_of=point_of,
    )


def _called(text: str) -> tuple[str, tuple[str, ...]]:
    """Whose number or label begins so, or whose place has it in it."""
    begins = f"{escaped(same_name(text))}%"
    place = "replace(lower(location), '_', ' ') LIKE ? ESCAPE '!'"
    either = f"(CAST(bikeid AS TEXT) LIKE ? ESCAPE '!' OR label LIKE ? ESCAPE '!' OR {place})"
    return either, (begins, begins.upper(), f"%{begins}")


def _offered(asked: tuple[bool, int]) -> tuple[str, tuple[int, ...]]:
    """Those that are offered from a charge on, or the others."""
    wanted, offer_from = asked
    offered, params = (f"{_FREE} AND {CHARGED}", (offer_from,)) if offer_from else (_FREE, ())
    return (offered if wanted else f"NOT ({offered})"), params


def escaped(text: str) -> str:
    """The text in a LIKE … ESCAPE '!', as it is."""
    for sign in "!%_":
        text = text.replace(sign, "!" + sign)
    return text


_LISTED = Listing(
    select=f"SELECT {_READ} FROM bikes",
    sortable={
        "bikeid": "bikeid",
        "location": "place_sort",
        "batterylevel": "batterylevel",
        "status": "CASE WHEN rentid IS NOT NULL OR held > 0 THEN 2 WHEN broken = 1 THEN 0 ELSE 1 END",
    },
    order="bikeid",
    where="WHERE retired = 0",
    counters=("bikes",),
    make=_bike,
    conditions={
        "status": _IN_STATE,
        "q": _called,
        "place": lambda name: ("place_sort = ?", (natural(name),)),
        "batterybelow": "batterylevel < ?",
        "held": {True: "held > 0", False: "held = 0"},
        "offered": _offered,
        "due": "due_ms < ?",
    },
    key="bikeid",
    filled=("bikeid", "status"),
)


_RETIRED = replace(
    _LISTED,
    where="WHERE retired = 1",
    counters=None,
    conditions={
        **_LISTED.conditions,
        "status": {**_IN_STATE, Status.AVAILABLE: "1 = 0", Status.BROKEN: "rentid IS NULL AND held = 0"},
        "offered": lambda asked: ("1 = 0" if asked[0] else "1 = 1", ()),
    },
)


def listing(near: tuple[float, float] | None, *, retired: bool, whole: bool, by_seen: bool) -> Listing:
    """The bikes of the fleet, or those that are `retired`. Those `near` a place come first, those that stand nobody
    knows where last, also where a stale point is known. `whole`: it is narrowed, and not always by an index.
    `by_seen`: it may be sorted by when somebody was at the bike."""
    bikes = replace(_RETIRED if retired else _LISTED, whole=whole or near is not None)
    if by_seen:
        bikes = replace(bikes, sortable={**bikes.sortable, "lastseen": "seen_ms"})
    if near is None:
        return bikes
    return replace(bikes, order=f"{_DISTANCE}, {bikes.order}", order_params=apart_from(*near))


def said_of(bikeid: int) -> Listing:
    """What was said of a bike, newest first, as number, headers and value; it is kept for some days."""
    return Listing(
        "SELECT id, headers, value FROM outbox", {}, "id DESC", "WHERE key = ?", (f"bike:{bikeid}",), counters=None
    )
