"""Billing, deposits and the view are down while riders ride on: no rent of a free bike and no return is refused.

First they are not there from the start (`--without`), then they are stopped at run time; each time they come back, and
then every bill must be closed and every rider's money right to the won.
"""

import asyncio
import time
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp

from dev.chaos.demo import Demo, Failed
from dev.chaos.judge import every, fee

BEHIND = ("billing", "userDeposit", "view")
RIDERS, BIKES_EACH = 16, 4
DRAINED_S = 60
"""Within this after the return of the services everything must have settled."""
PAUSE_S = 0.1
"""Between two steps of a rider; 16 riders make about 60 rides a second."""


async def outage(data: Path, minutes: float) -> str:
    """Ride for `minutes` with the three services down; answers its figures. Raises Failed with what was wrong."""
    took: list[float] = []
    async with Demo(data) as demo:
        await demo.start("--without", ",".join(BEHIND))
        connector = aiohttp.TCPConnector(limit=RIDERS)
        async with aiohttp.ClientSession(demo.url, connector=connector) as session:
            await _open(session)
            rides = await _ride(session, minutes * 30, took)
            await demo.gbike("demo-fault", "heal")
            drained = [await _settled(session)]
            await asyncio.gather(*[demo.gbike("demo-fault", "stop", service) for service in BEHIND])
            rides += await _ride(session, minutes * 30, took)
            await demo.gbike("demo-fault", "heal")
            drained.append(await _settled(session))
            await _right_to_the_won(session, rides)
        printed = await demo.gbike("verify")
        await demo.stop()
    took.sort()
    return (
        f"{rides} rides with {', '.join(BEHIND)} down: every rent and return taken,"
        f" p50 {took[len(took) // 2] * 1000:.0f} ms, p99 {took[len(took) * 99 // 100] * 1000:.0f} ms\n"
        f"settled {max(drained):.1f} s after they came back, every won in its place, {printed.strip()}"
    )


async def _open(session: aiohttp.ClientSession) -> None:
    for bikeid in range(1, RIDERS * BIKES_EACH + 1):
        await _send(session, "POST", "/bikes", {"bikeid": bikeid, "status": "사용가능"})


async def _ride(session: aiohttp.ClientSession, seconds: float, took: list[float]) -> int:
    """Riders, each with bikes of their own, for so long; answers how many rides they made."""
    until = time.monotonic() + seconds

    async def rider(userid: int) -> int:
        rides = 0
        while time.monotonic() < until or rides == 0:
            bikeid = (userid - 1) * BIKES_EACH + rides % BIKES_EACH + 1
            await _until_free(session, bikeid)
            began = time.monotonic()
            rent = await _send(session, "POST", "/rents", {"userid": userid, "bikeid": bikeid})
            took.append(time.monotonic() - began)
            await asyncio.sleep(PAUSE_S)
            began = time.monotonic()
            await _send(session, "PATCH", f"/rents/{rent['rentid']}", {"endlocation": f"place {rides}"})
            took.append(time.monotonic() - began)
            rides += 1
            await asyncio.sleep(PAUSE_S)
        return rides

    return sum(await asyncio.gather(*[rider(userid) for userid in range(1, RIDERS + 1)]))


async def _until_free(session: aiohttp.ClientSession, bikeid: int) -> None:
    """A returned bike is free soon, whatever else is down. Raises Failed."""
    until = time.monotonic() + 5
    while (await _send(session, "GET", f"/bikes/{bikeid}"))["status"] != "사용가능":
        if time.monotonic() > until:
            raise Failed(f"bike {bikeid} is not free 5 s after its return")
        await asyncio.sleep(0.01)


async def _send(session: aiohttp.ClientSession, method: str, path: str, body: Any = None) -> dict[str, Any]:
    """One request that must be taken. Raises Failed."""
    async with session.request(method, path, json=body) as answer:
        told: dict[str, Any] = await answer.json(content_type=None)
    if answer.status not in (200, 201):
        raise Failed(f"{method} {path} {body} was refused: {answer.status} {told}")
    return told


async def _settled(session: aiohttp.ClientSession) -> float:
    """Wait until every rent has a closed bill that its rider paid, and the view shows it. Raises Failed."""
    began = time.monotonic()
    while time.monotonic() < began + DRAINED_S:
        rents = len(await every(session, "/rents"))
        closed = Counter(bill["status"] for bill in await every(session, "/billings"))["CLOSEBILL"]
        shown = Counter(line["billingStatus"] for line in await every(session, "/rentAndBillingViews"))["CLOSEBILL"]
        if rents == closed == shown:
            return time.monotonic() - began
        await asyncio.sleep(0.1)
    raise Failed(
        f"{rents} rents, {closed} closed bills and {shown} in the view {DRAINED_S} s after the services were back"
    )


async def _right_to_the_won(session: aiohttp.ClientSession, rides: int) -> None:
    """Each rider has paid exactly what the start and end of the rides say. Raises Failed."""
    rents = await every(session, "/rents")
    if len(rents) != rides:
        raise Failed(f"{rides} rides were made, {len(rents)} are there")
    owed: Counter[int] = Counter()
    for rent in rents:
        owed[rent["userid"]] += fee(rent)
    paid = {one["userid"]: -one["deposit"] for one in await every(session, "/userDeposits")}
    if paid != dict(owed):
        raise Failed(f"riders paid {paid}, and not {dict(owed)}")
