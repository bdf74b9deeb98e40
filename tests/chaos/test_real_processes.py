"""The product as a process: killed at random, without its supporting services, and with a bike service that hangs."""

import asyncio
import os
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from dev.chaos.cli import main
from dev.chaos.demo import Demo
from tests.waiting import soon

KILLS = int(os.environ.get("GBIKE_KILLS", "5"))
SOCKET_RACES = 5
FULL = bool(os.environ.get("GBIKE_FULL"))


@pytest.mark.timeout(60 + KILLS * 20)
def test_kill_9_under_load_loses_nothing_that_was_acknowledged(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["kill9", "--rounds", str(KILLS), "--seed", "1"]) == 0
    assert capsys.readouterr().out.rstrip().endswith("0 violations")


@pytest.mark.timeout(120)
def test_every_ride_is_taken_while_billing_deposits_and_the_view_are_down(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["outage", "--minutes", "0.07"]) == 0
    assert "every rent and return taken" in capsys.readouterr().out


def test_chaos_says_how_it_is_used() -> None:
    assert main(["nonsense"]) == 2
    assert main(["kill9", "--rounds", "many"]) == 2


async def test_200_riders_over_200_connections_ask_for_one_bike_and_one_gets_it(tmp_path: Path) -> None:
    connector = aiohttp.TCPConnector(limit=0)
    async with Demo(tmp_path / "data") as demo, aiohttp.ClientSession(demo.url, connector=connector) as session:
        await demo.start()
        for bikeid in range(1, SOCKET_RACES + 1):
            await session.post("/bikes", json={"bikeid": bikeid, "status": "사용가능"})
            bodies = [{"userid": userid, "bikeid": bikeid} for userid in range(1, 201)]
            answers = await asyncio.gather(*[session.post("/rents", json=body) for body in bodies])
            assert Counter(answer.status for answer in answers) == {201: 1, 409: 199}
        await demo.stop()


@dataclass(frozen=True)
class Call:
    path: str
    body: dict[str, Any]
    latest_ms: int


RENT = Call("/rents", {"userid": 1}, 1_300)
REPORT = Call("/bikeManageApps", {"managerid": 1, "batterylevel": 50}, 700)
NOISE_MS = 150
"""What a busy machine may add to any answer; the exact bounds are tested in virtual time."""
AT_ONCE_MS = 50


@dataclass(frozen=True)
class Seen:
    at_s: float
    took_ms: float
    status: int
    reason: str
    retry_after: int | None


class Siege:
    """Five users who ask again as soon as they are answered."""

    def __init__(self, session: aiohttp.ClientSession, call: Call, bikes: list[int]) -> None:
        self._session = session
        self._call = call
        self._bikes = bikes
        self.seen: list[Seen] = []

    async def ask(self) -> Seen:
        began = time.monotonic()
        bikeid = self._bikes.pop()
        async with self._session.post(self._call.path, json={**self._call.body, "bikeid": bikeid}) as answer:
            told = await answer.json(content_type=None)
        took_ms = (time.monotonic() - began) * 1000
        retry = answer.headers.get("Retry-After")
        reason = told["type"].partition("#")[2] if answer.status >= 400 else ""
        if reason == "circuit-open":  # nobody was asked for this bike
            self._bikes.append(bikeid)
        self.seen.append(Seen(began, took_ms, answer.status, reason, int(retry) if retry else None))
        return self.seen[-1]

    async def rides(self) -> bool:
        """Whether a ride may begin; asked with a pause, as each try is one of the breaker's."""
        await asyncio.sleep(0.5)
        return (await self.ask()).status == 201

    async def users(self, seconds: float) -> list[Seen]:
        self.seen, until = [], time.monotonic() + seconds

        async def user() -> None:
            while time.monotonic() < until:
                if (await self.ask()).took_ms < 100:
                    await asyncio.sleep(0.05)

        await asyncio.gather(*[user() for _ in range(5)])
        return self.seen


def refused_ms(seen: list[Seen]) -> float:
    """What 95 of a hundred refusals by the open breaker took at most."""
    refused = sorted(one.took_ms for one in seen if one.reason == "circuit-open")
    return refused[len(refused) * 95 // 100]


async def register(session: aiohttp.ClientSession, numbers: range) -> list[int]:
    for bikeid in numbers:
        async with session.post("/bikes", json={"bikeid": bikeid, "status": "사용가능"}) as answer:
            assert answer.status == 201
    return list(numbers)


@pytest.mark.alone
@pytest.mark.parametrize(
    "call", [RENT, pytest.param(REPORT, marks=pytest.mark.skipif(not FULL, reason="GBIKE_FULL=1"))]
)
@pytest.mark.timeout(120)
async def test_a_hanging_bike_service_is_refused_quickly_and_used_again_soon(call: Call, tmp_path: Path) -> None:
    async with Demo(tmp_path / "data") as demo, aiohttp.ClientSession(demo.url) as session:
        await demo.start()
        siege = Siege(session, call, await register(session, range(1, 301)))
        await hung_and_healed(demo, siege, call)
        assert await demo.gbike("verify") == "0 violations\n"
        await demo.stop()


async def hung_and_healed(demo: Demo, siege: Siege, call: Call) -> None:
    """Bike hangs under five users: all are told in time, the breaker opens soon, and closes soon when bike is well."""
    await demo.gbike("demo-fault", "slow", "bike", "60000")
    seen = await siege.users(6)
    opened = min(one.at_s + one.took_ms / 1000 for one in seen if one.reason == "circuit-open")
    assert opened - seen[0].at_s <= 3
    assert sum(one.reason == "bike-service-timeout" for one in seen if one.at_s < opened) <= 10
    assert {one.status for one in seen} == {503}
    assert all(one.retry_after is not None and 1 <= one.retry_after <= 8 for one in seen)
    assert max(one.took_ms for one in seen) <= call.latest_ms + NOISE_MS
    assert refused_ms(seen) <= AT_ONCE_MS + NOISE_MS
    await demo.gbike("demo-fault", "heal")
    await soon(siege.rides, within_s=10)


@pytest.mark.alone
@pytest.mark.skipif(not FULL, reason="ten seconds of waiting; in virtual time always: GBIKE_FULL=1")
async def test_the_breaker_test_of_the_original_leaves_no_orphan_in_a_real_process(tmp_path: Path) -> None:
    async with Demo(tmp_path / "data") as demo, aiohttp.ClientSession(demo.url) as session:
        await demo.start()
        siege = Siege(session, RENT, await register(session, range(1, 301)))
        await demo.gbike("demo-fault", "slow", "bike", "400-620")
        got = Counter(one.status for one in await siege.users(10))
        await demo.gbike("demo-fault", "heal")

        async def no_orphan() -> bool:
            async with session.get("/bikes?size=1000") as answer:
                bikes = (await answer.json(content_type=None))["_embedded"]["bikes"]
            return sum(bike["status"] == "사용중" for bike in bikes) == got[201]

        await soon(no_orphan)
        assert got[201] >= 75
        assert await demo.gbike("verify") == "0 violations\n"
        await demo.stop()
