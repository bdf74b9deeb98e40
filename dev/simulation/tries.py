"""A bike that was only tried and is no good costs nothing: exactly when the rule says so, and once a day (I30).

Where a ride began is read from what bike's database held when it was reserved, and the rule is applied anew.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec

from dev.simulation.seams import Seam, answering, replaced
from dev.simulation.swarm import Swarm
from dev.simulation.town import apart_m
from gbike.kit.store import Reading
from gbike.kit.text import same_name
from gbike.services.billing import domain as free
from gbike.services.rent import domain as riding

NEAR_M, SLACK_M = 100.0, 1.0
SHORT_MS, AFTER_MS = 180_000, 600_000
Readings = Mapping[str, Reading]
Facts = dict[str, Any]


def wrong_with_tries(readings: Readings) -> Iterator[str]:
    """Every ride that is said to have stayed and moved, or the other way round; every one that is free and should not
    be, or is not and should."""
    erased = {row[0] for reading in readings.values() for row in reading.all("SELECT userid FROM erased")}
    returned = {one["rentid"]: one for one in _said(readings["rent"], "Returned")}
    yield from _stayed(readings["bike"], [one for one in returned.values() if one["userid"] not in erased])
    yield from _free(readings, returned, erased)


def _stayed(bike: Reading, returned: list[Facts]) -> Iterator[str]:
    stands = {(row[0], row[1]): row[2:] for row in bike.all(_STANDS)}
    began = {one["rentid"]: stands[one["bikeid"], one["version"]] for one in _said(bike, "ChkAndUpdatedStatus")}
    for end in returned:
        wanted = _is_where(began[end["rentid"]], end)
        if wanted is not None and end.get("stayed", False) != wanted:
            yield f"I30 rent {end['rentid']} stayed: {end.get('stayed')}, began at {began[end['rentid']]}, ended {end}"


_STANDS = "SELECT bikeid, version, location, lat, lon, stale FROM temp.moved"


def _is_where(began: tuple[Any, ...], end: Facts) -> bool | None:
    """None: so far away that rounding decides."""
    name, lat, lon, stale = began
    if end["endlocation"] and name and same_name(name) == same_name(end["endlocation"]):
        return True
    if end["lat"] is None:
        return not end["endlocation"]
    if lat is None or stale:
        return False
    apart = apart_m((lat, lon), (end["lat"], end["lon"]))
    return None if abs(apart - NEAR_M) < SLACK_M else apart < NEAR_M


def _free(readings: Readings, returned: Mapping[int, Facts], erased: set[int]) -> Iterator[str]:
    made = [(one["userid"], one["bikeid"], one["at"]) for one in _said(readings["bike_manage_app"], "RiderComplained")]
    by_rule = {row[0] for row in readings["billing"].all("SELECT billid FROM corrections WHERE reason = 'complaint'")}
    days, missed = dict[tuple[int, date], int](), dict[tuple[int, date], int]()
    for billid, rentid, userid, started_ms, ended_ms, fee, refunded in readings["billing"].all(_BILLS):
        end, whose = returned[rentid], (userid, _day(ended_ms))
        in_time = (at_ms for rider, bikeid, at_ms in made if (rider, bikeid) == (userid, end["bikeid"]))
        complained = any(started_ms <= at_ms <= ended_ms + AFTER_MS for at_ms in in_time)
        may = end.get("stayed", False) and ended_ms - started_ms <= SHORT_MS and complained
        if billid in by_rule:
            if not may or refunded != fee:
                yield f"I30 bill {billid} is free by the rule, may be: {may}; {refunded} of {fee} won are given back"
            if whose in days:
                yield f"I30 rider {userid} has two free tries on {whose[1]}: bills {days[whose]} and {billid}"
            days[whose] = billid
        elif may and refunded < fee and userid not in erased:
            missed[whose] = billid
    for whose, billid in missed.items():
        if whose not in days:
            yield f"I30 bill {billid} was a try that its rider complained of, and none of {whose[1]} is free"


_BILLS = (
    "SELECT billid, rentid, userid, started_ms, ended_ms, fee, refunded FROM bills"
    " WHERE fee IS NOT NULL ORDER BY billid"
)


def _day(moment_ms: int) -> date:
    """In Korea."""
    return (datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=moment_ms, hours=9)).date()


def _said(reading: Reading, kind: str) -> list[Facts]:
    return [msgspec.json.decode(row[0]) for row in reading.all("SELECT value FROM outbox WHERE type = ?", (kind,))]


TRIES = Swarm(complainers=3, bikes=1, riders=2, actions=14)
ANY_DAY: Seam = replaced(free, "day_of", lambda _original: lambda moment_ms: moment_ms)
"""Each try has a day of its own."""
MOVED: Seam = answering(riding, "stayed", True)
"""A ride stays wherever it ends."""
