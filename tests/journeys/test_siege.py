"""The original's load tests through Envoy: `siege` 100 users who look at /bikes, five who post rents or reports."""

import asyncio
import os
import time
from collections import Counter
from collections.abc import Awaitable, Callable

from tests.cluster.running import numbers
from tests.journeys.fleet import register_bikes
from tests.journeys.forms import OnCluster
from tests.support import Reply

SIEGE_S = 10 if os.environ.get("GBIKE_FULL") else 1.5
"""The original's went on for 120 s and for 10 s."""


async def besieged(users: int, ask: Callable[[], Awaitable[Reply]]) -> Counter[str]:
    """So many users ask again as soon as they are answered. What was answered, and how often."""
    answered, end = Counter[str](), time.monotonic() + SIEGE_S

    async def user() -> None:
        while time.monotonic() < end:
            reply = await ask()
            answered[f"{reply.status} {reply.json['type'].partition('#')[2] if reply.status >= 400 else ''}"] += 1

    await asyncio.gather(*(user() for _ in range(users)))
    print(f"{users} users, {SIEGE_S} s: {dict(answered)}")
    return answered


async def test_a_hundred_users_who_look_at_the_bikes_all_see_them(on_cluster: OnCluster) -> None:
    answered = await besieged(100, lambda: on_cluster.client.get("/bikes"))
    assert set(answered) == {"200 "}


async def test_five_users_who_want_one_bike_get_it_once_or_hear_why_not(on_cluster: OnCluster) -> None:
    [bike, *_] = numbers(1)
    await register_bikes(on_cluster.client, range(bike, bike + 1))
    answered = await besieged(5, lambda: on_cluster.client.post("/rents", {"bikeid": str(bike), "userid": str(bike)}))
    assert answered["201 "] == 1
    assert set(answered) <= {"201 ", "409 bike-unavailable", "503 circuit-open"}
    assert await on_cluster.violations() == []


async def test_five_users_who_report_a_bike_are_all_heard(on_cluster: OnCluster) -> None:
    [bike, *_] = numbers(1)
    await register_bikes(on_cluster.client, range(bike, bike + 1))
    report = {"managerid": "1", "bikeid": str(bike), "batterylevel": "50", "usableyn": "true"}
    answered = await besieged(5, lambda: on_cluster.client.post("/bikeManageApps", report))
    assert set(answered) <= {"201 ", "503 circuit-open"}
    assert answered["201 "] > 0
    assert await on_cluster.violations() == []
