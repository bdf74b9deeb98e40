"""What was agreed is what is charged and paid: the length of a ride, its tariff, corrections, points, standing.

The history knows when things really happened (virtual time); the services only know what their clocks show.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from dev.simulation.history import Attempt
from dev.simulation.swarm import Swarm
from gbike.kit.store import Reading
from gbike.services.billing.domain import Rounding, Tariff

SLACK_MS = 5
"""Milliseconds that rounding and a step of the loop may take."""
PER_BIKE = 3
"""Reports of one bike that are paid to one manager within half an hour, where reports are paid by changes."""
HONOURED_S = 300
"""So long after the tap a return that was tapped without a line still ends at the tap."""
OVERDUE_MIN = 1
"""Minutes after which a ride is overdue."""
Readings = Mapping[str, Reading]


def wrong_with_what_was_agreed(
    attempts: list[Attempt], readings: Readings, swarm: Swarm, tariffs: list[Tariff]
) -> Iterator[str]:
    """Every ride, correction, report and standing that is other than agreed. `tariffs`: what the operator set, in
    order."""
    yield from _rides(attempts, readings["rent"], steady=not swarm.steps_ms)
    voided = {a.facts["rentid"] for a in attempts if a.op == "void"}
    yield from _fees(readings, tariffs, voided)
    yield from _reminders(readings["rent"], steady=not swarm.steps_ms)
    yield from _corrections(attempts, readings["user_deposit"])
    if swarm.by_changes:
        yield from _points(readings, limited=not swarm.steps_ms)
    yield from _standings(readings, swarm.minimum)


def _rides(attempts: list[Attempt], rent: Reading, steady: bool) -> Iterator[str]:
    """A ride is as long as it was, whatever the wall clocks showed: it began while it was asked for, and ended at a
    moment at which somebody returned it."""
    rents = [a for a in attempts if a.op == "rent" and a.kind == "ok"]
    began = {a.answer["rentid"]: a for a in rents}
    asked = {a.answer["rentid"]: _first(attempts, a) for a in rents}
    ends = dict[int, list[Attempt]]()
    for attempt in attempts:
        if attempt.op in ("return", "end", "void"):
            ends.setdefault(attempt.facts["rentid"], []).append(attempt)
    sql = "SELECT rentid, started_ms, ended_ms, endedby FROM rents WHERE status = 'returned' ORDER BY rentid"
    for rentid, started_ms, ended_ms, endedby in rent.all(sql):
        rented, ended = began.get(rentid), ends.get(rentid, [])
        if rented is None or not ended:
            continue
        length_ms = ended_ms - started_ms
        # A reply may have been lost: then nobody knows when it was done, only that it was after it was asked for.
        least_s = min(a.facts.get("tapped_s", a.began) for a in ended) - rented.ended
        done = [a.ended for a in ended if a.kind == "ok"]
        # A tap, or a moment that an operator names, is a time of day: it means another one once the clock is set.
        if length_ms < least_s * 1000 - SLACK_MS and (steady or endedby == "rider"):
            yield f"I9 rent {rentid} is {length_ms} ms long, but nobody returned it for {least_s:.3f} s"
        if done and length_ms > (min(done) - asked[rentid]) * 1000 + SLACK_MS:
            yield f"I9 rent {rentid} is {length_ms} ms long, but it took {min(done) - asked[rentid]:.3f} s at most"
        if steady:
            yield from _tapped(rentid, endedby, ended)


def _first(attempts: list[Attempt], rented: Attempt) -> float:
    """When the rent was asked for first: an answer that was lost is given again under the key."""
    return min(a.began for a in attempts if a is rented or (a.key is not None and a.key == rented.key))


def _tapped(rentid: int, endedby: str | None, ended: list[Attempt]) -> Iterator[str]:
    """A tap without a line counts where nothing else can have ended the ride."""
    if len(ended) == 1 and ended[0].kind == "ok" and "tappedat" in ended[0].facts and endedby != "offline":
        late_s = ended[0].ended - ended[0].facts["tapped_s"]
        if late_s < HONOURED_S:
            yield f"I9 rent {rentid} was tapped without a line {late_s:.1f} s before, but ended by {endedby}"


def _fees(readings: Readings, announced: list[Tariff], voided: set[int]) -> Iterator[str]:
    """Each ride is priced by the newest version that was effective when it began, whenever billing heard of it; one
    that was voided costs nothing. `voided`: what somebody asked to be."""
    billing = readings["billing"]
    free = {row[0] for row in readings["rent"].all("SELECT rentid FROM rents WHERE endedby = 'void'")}
    yield from (f"I9 rent {rentid} is voided, and nobody asked for it" for rentid in sorted(free - voided))
    sql = "SELECT version, effective_ms, krw, per_s, rounding FROM tariffs ORDER BY version"
    versions = [(row[1], Tariff(row[2], row[3], Rounding(row[4]))) for row in billing.all(sql)]
    told = iter(announced)
    for _, tariff in versions:
        if not any(tariff == one for one in told):
            yield f"I9 billing has a tariff {tariff} that nobody set, or not in this order"
            return
    rows = "SELECT billid, rentid, started_ms, ended_ms, fee, tariff FROM bills WHERE fee IS NOT NULL ORDER BY billid"
    for billid, rentid, started_ms, ended_ms, fee, stamped in billing.all(rows):
        agreed = [tariff for effective_ms, tariff in versions if effective_ms <= started_ms]
        if (
            not agreed
            or fee != (0 if rentid in free else agreed[-1].fee(started_ms, ended_ms))
            or stamped != str(agreed[-1])
        ):
            yield f"I9 bill {billid} charges {fee} by {stamped}, agreed was {agreed and str(agreed[-1])}"


def _reminders(rent: Reading, steady: bool) -> Iterator[str]:
    """A rider is reminded once of a ride, and only of one that lasted too long."""
    times = Counter[str](row[0] for row in rent.all("SELECT key FROM outbox WHERE type = 'RideOverdue'"))
    yield from (f"of {ride} it was said {said} times that it is overdue" for ride, said in times.items() if said > 1)
    # A tap without a line, or a moment that an operator names, may lie before the reminder.
    ends = "SELECT 'rent:' || rentid, ended_ms - started_ms FROM rents WHERE endedby IN ('rider', 'void')"
    for ride, length_ms in rent.all(ends) if steady else ():
        if ride in times and length_ms < OVERDUE_MIN * 60_000 - SLACK_MS:
            yield f"{ride} lasted {length_ms} ms, and its rider was told that it is overdue"


def _corrections(attempts: list[Attempt], user_deposit: Reading) -> Iterator[str]:
    """A correction moves the difference that the operator saw, whatever came in between."""
    moved = dict[str, int]()
    for headers, value in user_deposit.all("SELECT headers, value FROM outbox WHERE type = 'AddedDeposit'"):
        moved[msgspec.json.decode(headers)["correlationid"]] = msgspec.json.decode(value)["amount"]
    for attempt in attempts:
        amount = moved.get(attempt.request_id) if attempt.op == "correct" else None
        if amount is not None and amount != attempt.facts["difference"]:
            yield f"I12 a correction moved {amount} won: {attempt.line()}"


def _points(readings: Readings, limited: bool) -> Iterator[str]:
    """Who reports what everybody knows earns nothing: each change is paid to its reporter once, by the report that made
    it or, where that one was lost or overtaken, by the same again."""
    changing = _changing(readings["bike"])
    changes, paid = Counter[tuple[int, int]](), Counter[tuple[int, int]]()
    sql = "SELECT reportid, managerid, bikeid, status = 'applied' AND points > 0 FROM reports ORDER BY reportid"
    for reportid, managerid, bikeid, earns in readings["bike_manage_app"].all(sql):
        changes[managerid, bikeid] += reportid in changing
        paid[managerid, bikeid] += earns
    for who, times in paid.items():
        if times > changes[who]:
            yield f"I16 manager and bike {who}: {times} reports were paid, and {changes[who]} changed something"
        if limited and times > PER_BIKE:
            yield f"I16 manager and bike {who}: {times} reports were paid within half an hour"


def _changing(bike: Reading) -> set[int]:
    """The reports that changed a bike's battery or fault."""
    known, found = dict[int, int | None](), set[int]()
    for kind, value in bike.all("SELECT type, value FROM outbox ORDER BY id"):
        fact: dict[str, Any] = msgspec.json.decode(value)
        if "batterylevel" not in fact:
            continue
        before, known[fact["bikeid"]] = known.get(fact["bikeid"]), fact["batterylevel"]
        if kind == "UpdatedBikeState" and (fact["usableyn"] is not None or fact["batterylevel"] != before):
            found.add(fact["reportid"])
    return found


def _standings(readings: Readings, minimum: int) -> Iterator[str]:
    """Rent knows of each rider what ledger and blocks say: who has too little, or is blocked, begins no ride."""
    balances: dict[int, int] = dict(readings["user_deposit"].all("SELECT userid, balance FROM deposits"))
    known: dict[int, bool] = dict(readings["rent"].all("SELECT userid, mayrent FROM standings"))
    blocked = {userid for (userid,) in readings["user_deposit"].all("SELECT userid FROM blocks")}
    for userid, balance in sorted(balances.items()):
        may = userid not in blocked and (not minimum or balance >= minimum)
        if bool(known.get(userid, True)) != may:
            told = "blocked" if userid in blocked else f"has {balance} won of {minimum}"
            yield f"I24 rider {userid} {told}, but rent knows mayrent={known.get(userid)}"
