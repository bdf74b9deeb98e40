"""Who complains of bikes in a run, and what must be so: a complaint is never lost, takes a bike out exactly when the
rule says so, and bike does it."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import msgspec

from dev.simulation.history import Attempt
from dev.simulation.people import Person
from dev.simulation.seams import Seam, answering, replaced
from dev.simulation.swarm import Swarm
from gbike.kit.store import Reading
from gbike.services.bike import policies
from gbike.services.bike_manage_app.clients import BikeClient
from gbike.services.bike_manage_app.domain import COUNTS_MS, ComplaintKind
from gbike.services.bike_manage_app.storage import complaints

UNKNOWN = 77
"""A bike that nobody registers."""
KINDS = (ComplaintKind.BRAKE, ComplaintKind.DIRTY, ComplaintKind.TYRE, ComplaintKind.SAFETY)


class Complainer(Person):
    """Complains in the name of riders who are on the way, or forgotten, of one bike until it is out, and has it put
    back."""

    async def live(self) -> None:
        """Some bikes, each complained of by a few, at times by one twice."""
        for _ in range(self.swarm.actions // 2):
            await self.pause(8.0)
            bikeid = UNKNOWN if self.rng.random() < 0.1 else self.rng.randint(1, self.swarm.bikes)
            for _ in range(self.rng.randint(1, 3)):
                await self.complain(bikeid)
                await self.pause(2.0)
            body, facts = {"status": "사용가능"}, {"bikeid": bikeid, "status": "사용가능", "told": None}
            back = partial(self.ask, "mark", "bike", "PATCH", f"/bikes/{bikeid}", content=body, key=self.key(), **facts)
            await self.insist(back)

    async def complain(self, bikeid: int) -> Attempt:
        """One complaint; a page sends it until it is answered."""
        facts = {
            "bikeid": bikeid,
            "userid": self.rng.choice((*range(1, self.swarm.riders + 1), 90)),
            "kind": self.rng.choices(KINDS, (4, 4, 4, 1))[0],
        }
        body, key = {**facts, "words": "it squeals"}, self.key()
        send = partial(self.ask, "complain", "bike_manage_app", "POST", "/complaints", content=body, key=key, **facts)
        return await (self.insist(send) if key else send())


def wrong_with_complaints(attempts: list[Attempt], readings: Mapping[str, Reading]) -> Iterator[str]:
    """At rest: what was answered, what is kept, what was said of it, and what bike did."""
    kept = {row[0]: row for row in readings["bike_manage_app"].all(_KEPT)}
    for attempt in (one for one in attempts if one.op == "complain"):
        if "bike" in attempt.answer.get("type", "").rpartition("#")[2] and attempt.status != 404:
            yield f"L6 a complaint was refused because bike could not be asked: {attempt.line()}"
        if attempt.status == 404 and attempt.facts["bikeid"] != UNKNOWN:
            yield f"L6 a complaint was refused of a bike that there is: {attempt.line()}"
        if attempt.kind == "ok":
            told = attempt.answer
            row = kept.get(told["complaintid"])
            if row is None or row[1:4] != (told["userid"], told["bikeid"], told["kind"]):
                yield f"I18 acknowledged, but the complaint is {row}: {attempt.line()}"
    yield from _judged_otherwise(list(kept.values()))
    yield from _not_done(readings)


_KEPT = "SELECT complaintid, userid, bikeid, kind, at_ms, takenout FROM complaints ORDER BY complaintid"


def _judged_otherwise(rows: list[Any]) -> Iterator[str]:
    """The rule once more, by going through all that was complained of a bike before."""
    for number, (complaintid, userid, bikeid, kind, at_ms, takenout) in enumerate(rows):
        others = [row for row in rows[:number] if row[2] == bikeid and row[1] != userid and row[4] > at_ms - COUNTS_MS]
        if bool(takenout) != (kind == "safety" or bool(others)):
            yield f"I29 complaint {complaintid} of bike {bikeid} took it out: {bool(takenout)}, after {others}"


def _not_done(readings: Mapping[str, Reading]) -> Iterator[str]:
    """Which complaints took out a bike that there is, and for which bike said that it is out."""
    there = {row[0] for row in readings["bike"].all("SELECT bikeid FROM bikes")}
    wanted = [
        (request, one["bikeid"])
        for request, one in _said(readings["bike_manage_app"], "RiderComplained")
        if one["takenout"] and one["bikeid"] in there
    ]
    done = [(request, one) for request, one in _said(readings["bike"], "UpdatedBike") if one.get("act") == "complained"]
    heard = [(request, one["bikeid"]) for request, one in done]
    if sorted(wanted) != sorted(heard):
        yield f"I29 taken out by complaints: {wanted}; by bike: {heard}"
    for request, one in done:
        if one["status"] == "사용가능":
            yield f"I29 bike {one['bikeid']} can be rented in spite of the complaint of {request}"


def _said(reading: Reading, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for headers, value in reading.all("SELECT headers, value FROM outbox WHERE type = ? ORDER BY id", (kind,)):
        yield msgspec.json.decode(headers)["correlationid"], msgspec.json.decode(value)


def _only_while_bike_answers(_original: Any) -> Any:
    async def must_know(bikes: BikeClient, bikeid: int) -> None:
        await bikes.ask("GET", f"/internal/bikes/{bikeid}")

    return must_know


def _also_oneself(original: Any) -> Any:
    return lambda tx, _userid, bikeid: original(tx, 0, bikeid)


COMPLAINTS = Swarm(bike_hangs=True, complainers=2, bikes=2, riders=2, actions=10)
ASKS_FIRST: Seam = replaced(BikeClient, "must_know", _only_while_bike_answers)
"""A complaint is refused while bike does not answer."""
COUNTS_ONE_TWICE: Seam = replaced(complaints, "has_another_complained", _also_oneself)
"""Whoever complains twice counts as two."""
UNHEARD: Seam = answering(policies, "whenever_a_rider_complained_take_the_bike_out", None)
"""Bike does nothing."""
