"""No bike stands where nobody measured it (I25): every change of where a bike is against who told it what.

A trigger in bike's database writes down each change, with the places that were known then; the request that is behind
it says what was told, and from where in truth.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from unicodedata import normalize

import msgspec

from dev.simulation.history import Attempt
from dev.simulation.town import FRESH, OLD, Point, Telling, apart_m
from gbike.kit.positions import OLD_MS
from gbike.kit.store import Reading

SLACK_M = 1.0
"""What rounding to six decimals may take."""


@dataclass(frozen=True)
class Stand:
    """Where a bike is, as bike has it."""

    text: str | None = None
    point: Point | None = None
    stale: bool = False

    def __str__(self) -> str:
        return f"{self.text!r}:{'was at ' if self.stale else ''}{self.point}"


NOWHERE = Stand()
Places = Mapping[str, Point]
Marks = dict[str, int | None]
_MOVED = "SELECT * FROM temp.moved ORDER BY rowid"


def wrong_with_places(attempts: list[Attempt], readings: Mapping[str, Reading], steady: bool) -> Iterator[str]:
    """Every bike that is where nobody measured it, lost its point, was not put where it was told to be or still tells
    where a rider was who is erased; every place that is where no staff was. `steady`: nobody set a clock, so that the
    age of a position is what it seems."""
    bike, riders = readings["bike"], dict[int, int](readings["rent"].all("SELECT rentid, userid FROM rents"))
    by_number, causes = {attempt.request_id: attempt for attempt in attempts}, _causes(bike)
    erased = {row[0] for row in bike.all("SELECT userid FROM erased")}
    stands, marks = dict[int, Stand](), dict[int, Marks]()
    for bikeid, version, *kept, places, known_erased, left_by, point_of in bike.all(_MOVED):
        old, stand = stands.get(bikeid, NOWHERE), _stand(*kept)
        attempt = by_number.get(causes.get((bikeid, version), ""))
        told = None if attempt is None else _telling(attempt, riders)
        known = {key: (lat, lon) for key, (lat, lon) in msgspec.json.decode(places).items()}
        gone = msgspec.json.decode(known_erased)
        if (bikeid, version) not in causes:
            allowed = _forgotten(old, left_by in gone, point_of in gone)
        elif told is None or told.by in gone:
            allowed = [old]
        else:
            allowed = _outcomes(old, told, known, attempt if steady else None)
            allowed += [old] if told.by in erased else []  # rent may have heard of that before
        if stand not in allowed:
            yield f"I25 bike {bikeid} {_how(old, stand, told, known)}: {stand}, was {old}, told {told}, so {allowed[0]}"
        stands[bikeid] = stand
        sure = stand != old or told is None or told.by not in erased
        marks[bikeid] = _owners(marks.get(bikeid, {}), old, stand, told, sure=sure)
    for bikeid, of in marks.items():
        for what in [what for what, userid in of.items() if userid in erased]:
            yield f"I25 bike {bikeid} still has a {what} of rider {of[what]}, who is erased: {stands[bikeid]}"
    yield from _taught(attempts, bike)


def _telling(attempt: Attempt, riders: Mapping[int, int]) -> Telling | None:
    """What was told of a bike; whoever sends a return tells it for the rent's rider."""
    told: Telling | None = attempt.facts.get("told")
    rentid = attempt.facts.get("rentid")
    return told if told is None or rentid is None else replace(told, by=riders[rentid])


def _causes(bike: Reading) -> Mapping[tuple[int, int], str]:
    """Which request changed a bike, by the bike and its version; what is not in it is an erasure's."""
    found = dict[tuple[int, int], str]()
    for headers, value in bike.all("SELECT headers, value FROM outbox"):
        fact = msgspec.json.decode(value)
        if fact["bikeid"]:
            found[fact["bikeid"], fact.get("version", 1)] = msgspec.json.decode(headers)["correlationid"]
    return found


def _stand(text: str | None, lat: float | None, lon: float | None, stale: int) -> Stand:
    return Stand(text, None if lat is None or lon is None else (lat, lon), bool(stale))


def _name(text: str | None) -> str:
    return " ".join(normalize("NFC", text or "").split()).casefold()


def _outcomes(old: Stand, told: Telling, known: Places, attempt: Attempt | None) -> list[Stand]:
    """Where a bike may be once it was told. `attempt` None: clocks were set, and any age may seem any other."""
    return [_told(old, told, known, told.point if believed else None) for believed in _believed(told, known, attempt)]


def _believed(told: Telling, known: Places, attempt: Attempt | None) -> tuple[bool, ...]:
    """Whether the position counts; both where it depends on how long the request was on its way."""
    if told.kind in ("far", "swapped") and not known and told.point is not None and abs(told.point[0]) <= 90:
        return (True,)  # nothing is known to be far from
    if told.kind not in (FRESH, OLD):
        return (False,)
    if "measuredat" not in told.body:
        return (True,)
    if attempt is None:
        return (True, False)
    if told.kind == OLD:
        return (False,)
    if "tappedat" in attempt.facts:  # however late it comes, it is as old as it was at the tap
        return (True,)
    late_ms = (attempt.ended - attempt.facts["asked_s"]) * 1000
    return (True,) if attempt.kind == "ok" and told.age_ms + late_ms < OLD_MS else (True, False)


def _told(old: Stand, told: Telling, known: Places, measured: Point | None) -> Stand:
    """Where a bike is once somebody told it: a position counts, else a place's name; another text makes it stale."""
    text = told.text or old.text
    if measured is not None:
        return Stand(text, measured)
    if told.text is None:
        return old
    repeated = told.by is None and old.text is not None and _name(old.text) == _name(told.text)
    if repeated and old.point is not None and not old.stale:
        return Stand(text, old.point)
    named = known.get(_name(told.text))
    if named is not None:
        return Stand(text, named)
    return Stand(text, old.point, old.point is not None and (old.stale or not repeated))


def _forgotten(old: Stand, text: bool, point: bool) -> list[Stand]:
    """Of a rider who is forgotten no text is left, and of a point its neighbourhood: one after the other."""
    left = [Stand(None, old.point, old.stale)] if text else []
    if point and old.point is not None:
        lat, lon = old.point
        near = (_rounded(lat), _rounded(lon))
        left.append(Stand(old.text, near, old.stale))
    return left or [old]


def _rounded(degrees: float) -> float:
    """To 0.01°, halves away from zero as SQLite has them; Python's go to the even neighbour."""
    return math.copysign(math.floor(abs(degrees) * 100 + 0.5) / 100, degrees)


def _how(old: Stand, stand: Stand, told: Telling | None, known: Places) -> str:
    """What is wrong with where a bike is."""
    if old.point is not None and stand.point is None:
        return "lost its point"
    if stand.point is None or stand.stale or stand == old:
        return "is not where it was told to be"
    measured = told is not None and told.kind == FRESH and apart_m(stand.point, told.stood) <= told.bound_m + SLACK_M
    named = stand.point == known.get(_name(stand.text))
    return "is not where it was told to be" if measured or named else "is at a point where nobody measured it"


def _owners(marks: Marks, old: Stand, stand: Stand, told: Telling | None, *, sure: bool) -> Marks:
    """Whose the text and the point are that a bike has now; not `sure`: what was told may have come without them."""
    if told is None or told.by is None:
        text, point = stand.text != old.text, stand.point != old.point
    else:
        text = told.text is not None
        point = not stand.stale and stand.point is not None and (text or stand.point == told.point)
    by = told.by if told is not None and sure else None
    return {**marks, **({"text": by} if text else {}), **({"point": by} if point else {})}


def _taught(attempts: list[Attempt], bike: Reading) -> Iterator[str]:
    """A place is where staff were who named it: no rider moves one, nor does a report."""
    others = [attempt for attempt in attempts if attempt.op != "report"]
    staff = [told for attempt in others if (told := attempt.facts.get("told")) is not None and told.by is None]
    seen = {(_name(told.text), told.point) for told in staff if told.kind == FRESH}
    for key, lat, lon in bike.all("SELECT key, lat, lon FROM places WHERE lat IS NOT NULL"):
        if (key, (lat, lon)) not in seen:
            yield f"I25 the place {key} is at {lat}, {lon}, where no staff was"
