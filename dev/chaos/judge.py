"""The oracle: ok must be there exactly once, refused must not, unknown may be either; and all of it must agree.

It sees what any client sees, over HTTP, and knows the tariff by itself: 100 won for each begun second.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import aiohttp

from dev.chaos.clients import RIDERS_FROM, Client
from dev.chaos.deeds import Deed, Outcome

Rows = list[dict[str, Any]]
TIMES = {Outcome.OK: (1,), Outcome.REFUSED: (0,), Outcome.UNKNOWN: (0, 1)}
"""How often the effect of a deed may be found."""


@dataclass(frozen=True)
class State:
    """What the product shows."""

    rents: Rows
    bikes: Rows
    bills: Rows
    deposits: Rows
    reports: Rows
    managers: Rows
    money: dict[int, Rows]
    points: dict[int, Rows]


async def look(session: aiohttp.ClientSession, clients: Sequence[Client]) -> State:
    """Read everything."""
    money, points = {}, {}
    for client in clients:
        number = client.number
        money[number] = await every(session, f"/userDeposits/{number}/entries")
        for managerid in (number, number + 500):
            points[managerid] = await every(session, f"/bikeManagers/{managerid}/entries")
    paths = ("/rents", "/bikes", "/billings", "/userDeposits", "/bikeManageApps", "/bikeManagers")
    rents, bikes, bills, deposits, reports, managers = [await every(session, path) for path in paths]
    return State(rents, bikes, bills, deposits, reports, managers=managers, money=money, points=points)


async def every(session: aiohttp.ClientSession, path: str) -> Rows:
    """All items of a collection."""
    found: Rows = []
    number, pages = 0, 1
    while number < pages:
        async with session.get(f"{path}?page={number}&size=1000") as answer:
            body = await answer.json(content_type=None)
        found += next(iter(body["_embedded"].values()))
        number, pages = number + 1, body["page"]["totalPages"]
    return found


def effects(state: State, clients: Sequence[Client], *, may_be_away: bool = False) -> Iterator[str]:
    """Each deed against what is there. Holds at once after a restart, before anything has settled. `may_be_away`: a
    503 is an honest answer to everything."""
    rents = Counter(rent["userid"] for rent in state.rents)
    by_id = {rent["rentid"]: rent for rent in state.rents}
    reports = Counter((one["managerid"], one["bikeid"], one["batterylevel"]) for one in state.reports)
    for client in clients:
        topped = Counter(e["amount"] for e in state.money[client.number] if e["cause"].startswith("topUp:"))
        converted = Counter(-e["amount"] for e in state.points[client.number] if e["cause"].startswith("conversion:"))
        found: dict[str, Callable[[Deed], int]] = {
            "rent": lambda deed: rents[deed.facts["userid"]],
            "topUp": partial(_of_amount, topped),
            "conversion": partial(_of_amount, converted),
            "report": lambda deed: reports[tuple(deed.facts.values())],
            "return": lambda deed: _returned(deed, by_id),
        }
        for deed in client.deeds:
            times = found[deed.kind](deed)
            if times not in TIMES[deed.outcome]:
                yield f"{deed}: its effect is there {times} times"
            if deed.answer.get("http", 200) not in (200, 201, 404, 409, 422, 503) or _never(deed, may_be_away):
                yield f"{deed}: answered {deed.answer}"
    yield from _invented(state, clients)


def _of_amount(times: Counter[int], deed: Deed) -> int:
    return times[deed.facts["amount"]]


def _returned(deed: Deed, rents: dict[int, dict[str, Any]]) -> int:
    rent = rents.get(deed.facts["rentid"], {})
    return int(rent.get("status") == "returned" and rent["endlocation"] == deed.facts["endlocation"])


def _never(deed: Deed, may_be_away: bool) -> bool:
    """A return is never refused, nor is money or are points that are there."""
    if may_be_away and deed.answer.get("http") == 503:
        return False
    return deed.outcome is Outcome.REFUSED and deed.kind in ("return", "topUp", "conversion")


def _invented(state: State, clients: Sequence[Client]) -> Iterator[str]:
    """What is there must have been asked for, once under each number."""
    asked = {deed.facts["userid"] for client in clients for deed in client.deeds if deed.kind == "rent"}
    for rent in state.rents:
        if rent["userid"] not in asked:
            yield f"nobody asked for {rent}"
    given = Counter(
        d.answer["rentid"] for c in clients for d in c.deeds if d.kind == "rent" and d.outcome is Outcome.OK
    )
    yield from (f"rent {rentid} was given {times} times" for rentid, times in given.items() if times != 1)


def settled(state: State) -> Iterator[str]:
    """What must hold once every event is handled."""
    riding = Counter(rent["bikeid"] for rent in state.rents if rent["status"] == "rented")
    in_use = Counter(bike["bikeid"] for bike in state.bikes if bike["status"] == "사용중")
    if riding != in_use:
        yield f"사용중 without a rent: {sorted(in_use - riding)}; rented but not 사용중: {sorted(riding - in_use)}"
    bills: dict[int, Rows] = defaultdict(list)
    for bill in state.bills:
        bills[bill["rentid"]].append(bill)
    deposits = {one["userid"]: one["deposit"] for one in state.deposits}
    for rent in state.rents:
        yield from _billed(rent, bills.pop(rent["rentid"], []), deposits)
    yield from (f"a bill without a rent: {left}" for left in bills.values())
    yield from _accounts(state, deposits)


def _billed(rent: dict[str, Any], bills: Rows, deposits: dict[int, int]) -> Iterator[str]:
    over = rent["status"] == "returned"
    wanted = ("CLOSEBILL", fee(rent), rent["userid"]) if over else ("OPENBILL", None, rent["userid"])
    if [(bill["status"], bill["fee"], bill["userid"]) for bill in bills] != [wanted]:
        yield f"{rent} has the bills {bills}"
    paid = -deposits.get(rent["userid"], 0)
    if rent["userid"] >= RIDERS_FROM and paid != (fee(rent) if over else 0):
        yield f"{rent}: the rider paid {paid}"


def _accounts(state: State, deposits: dict[int, int]) -> Iterator[str]:
    points = {one["managerid"]: one["point"] for one in state.managers}
    for number, entries in state.money.items():
        if sum(entry["amount"] for entry in entries) != deposits[number]:
            yield f"account {number}: entries don't add up to {deposits[number]}"
        taken = _by_cause(state.points[number], "conversion:", -1)
        if taken != _by_cause(entries, "conversion:"):
            yield f"account {number}: points taken and deposit given differ"
    for managerid, entries in state.points.items():
        if sum(entry["amount"] for entry in entries) != points[managerid]:
            yield f"manager {managerid}: entries don't add up to {points[managerid]}"
        wanted = {f"report:{one['reportid']}": 1_000 for one in state.reports if one["managerid"] == managerid}
        if _by_cause(entries, "report:") != wanted:
            yield f"manager {managerid}: points differ from the applied reports"


def _by_cause(entries: Iterable[dict[str, Any]], prefix: str, sign: int = 1) -> dict[str, int]:
    return {one["cause"]: sign * one["amount"] for one in entries if one["cause"].startswith(prefix)}


def fee(rent: dict[str, Any]) -> int:
    """100 won for each begun second."""
    began, ended = (_ms(rent[name]) for name in ("starttime", "endtime"))
    return 100 * max(1, -(-(ended - began) // 1000))


def _ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)
