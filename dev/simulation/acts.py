"""What was done in a run, and what met: an act that never happens, or never beside another, guards nothing."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from dev.simulation.history import Attempt
from gbike.kit.store import Reading

BLOCKED_S = 20.0
"""How long a block lasts that ends by itself."""
KEPT = {
    "corrections of somebody who was forgotten": (
        "user_deposit",
        "SELECT count(*) FROM entries WHERE cause LIKE 'billCorrection:%' AND account LIKE 'user:%'"
        " AND CAST(substr(account, 6) AS INTEGER) IN (SELECT userid FROM erased)",
    ),
    "tries that a complaint made free": ("billing", "SELECT count(*) FROM bills WHERE freeday IS NOT NULL"),
    "fees given back whole": ("billing", "SELECT count(*) FROM bills WHERE fee > 0 AND refunded = fee"),
    "bills corrected more than once": (
        "billing",
        "SELECT count(*) FROM (SELECT 1 FROM corrections GROUP BY billid HAVING count(*) > 1)",
    ),
    "blocks that ended by themselves": ("user_deposit", "SELECT count(*) FROM audit WHERE after LIKE '%time is up%'"),
    "bikes that a second rider took out": (
        "bike_manage_app",
        "SELECT count(*) FROM complaints WHERE takenout = 1 AND kind <> 'safety'",
    ),
    "complaints of somebody who was forgotten": (
        "bike_manage_app",
        "SELECT count(*) FROM complaints WHERE userid IN (SELECT userid FROM erased)",
    ),
    "rides of which it was told that they are overdue": (
        "rent",
        "SELECT count(*) FROM outbox WHERE type = 'RideOverdue'",
    ),
}
"""What the stores tell of acts that met: in which service, and how it is counted."""


def what_was_done(attempts: list[Attempt], readings: Mapping[str, Reading]) -> Counter[str]:
    """How often each act was done, and how often two of them met."""
    done = Counter(f"done, {attempt.op}" for attempt in attempts if attempt.kind == "ok" and attempt.op != "look")
    for what, (service, sql) in KEPT.items():
        row = readings[service].one(sql)
        done[f"met, {what}"] = row[0] if row else 0
    for what, meetings in MEETINGS.items():
        done[f"met, {what}"] = sum(1 for _ in meetings(attempts))
    return +done


def _while_blocked(attempts: list[Attempt]) -> Iterator[Attempt]:
    """Returns of riders who were blocked."""
    since = dict[int, float]()
    for attempt in (one for one in attempts if one.kind == "ok"):
        if attempt.op == "block":
            since[attempt.facts["userid"]] = attempt.began
        elif attempt.op == "unblock":
            since.pop(attempt.facts["userid"], None)
        elif attempt.op == "return" and attempt.began < since.get(attempt.answer["userid"], -BLOCKED_S) + BLOCKED_S:
            yield attempt


def _refused_to_the_blocked(attempts: list[Attempt]) -> Iterator[Attempt]:
    """Wishes of riders whom an operator blocked."""
    yield from (a for a in attempts if a.op == "rent" and a.status == 403 and "staff" in a.answer.get("reasons", ()))


def _of_several(attempts: list[Attempt]) -> Iterator[Attempt]:
    """Looks at a bike that others hold too."""
    yield from (a for a in attempts if a.op == "held" and a.kind == "ok" and len(a.answer["_embedded"]["holds"]) > 1)


def _of_a_ridden_one(attempts: list[Attempt]) -> Iterator[Attempt]:
    """Holds of a bike while somebody rode it."""
    rides, rode = list[tuple[int, float, float]](), dict[int, Attempt]()
    for attempt in (one for one in attempts if one.kind == "ok"):
        if attempt.op == "rent":
            rode[attempt.answer["rentid"]] = attempt
        elif attempt.op in ENDS and (began := rode.get(attempt.answer["rentid"])):
            rides.append((attempt.answer["bikeid"], began.ended, attempt.began))
    for attempt in (one for one in attempts if one.op == "hold" and one.kind == "ok"):
        if any(bikeid == attempt.facts["bikeid"] and a < attempt.began < b for bikeid, a, b in rides):
            yield attempt


def _at_once(attempts: list[Attempt]) -> Iterator[Attempt]:
    """Ends of one ride by two ways that were under way at the same time."""
    ends = dict[int, list[Attempt]]()
    for attempt in attempts:
        if attempt.op in ENDS:
            ends.setdefault(attempt.facts["rentid"], []).append(attempt)
    for same in ends.values():
        yield from (
            a
            for a in same
            if a.op != "return" and any(a.began < b.ended and b.began < a.ended for b in same if b is not a)
        )


ENDS = ("return", "end", "void")
MEETINGS: Mapping[str, Callable[[list[Attempt]], Iterator[Attempt]]] = {
    "returns of the blocked": _while_blocked,
    "rents refused to the blocked": _refused_to_the_blocked,
    "bikes held by several": _of_several,
    "holds of a bike that is ridden": _of_a_ridden_one,
    "rides ended by hand and otherwise at once": _at_once,
}
