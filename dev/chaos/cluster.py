"""The distributed form under real faults: everything acknowledged is kept, and what must go on goes on."""

import asyncio
import os
import signal
import time
from argparse import Namespace
from collections import Counter
from collections.abc import Coroutine, Iterable
from pathlib import Path
from typing import Any, TypeVar

import aiohttp

from dev.chaos import judge
from dev.chaos.deeds import Deed, NoAnswer, Outcome, Told
from dev.chaos.demo import Failed
from dev.chaos.kill9 import adopt, figures, nothing
from dev.chaos.running import Cluster, Load, in_background

CALM_S = 3
"""Before the fault."""
PAUSE_S = 0.25
"""Between two deeds of a client, where nobody is in a hurry."""
RIDES_PER_S = 40
"""What 24 clients with that pause ask for at most, so that every rent finds a bike that nobody had before."""
KILL_EVERY_S = 1
DRAINED_S, BACK_S = 60, 10
"""Once everything is back: the backlog is gone within the first, everything is taken again within the second."""
RENT_S, NOISE_S = 1.2, 0.3
"""The time a rent may take, and what a busy machine and the gateway may add."""
FIRST_BIKE = 10_001

Answers = list[tuple[Deed, Told]]
T = TypeVar("T")


async def cluster(data: Path, chosen: Namespace) -> str:
    """One fault while people ride, then the judgement; answers its figures. Raises Failed with what was wrong."""
    lasts = chosen.broker_down or chosen.database_down or chosen.seconds
    bikes = 1_000 if chosen.kill else int((lasts + CALM_S + 2 * BACK_S) * RIDES_PER_S)
    async with Cluster(data, chosen.replicas) as running:
        connector = aiohttp.TCPConnector(limit=2 * chosen.clients)
        async with aiohttp.ClientSession(running.plan.gateway, connector=connector) as session:
            load = Load(session, chosen.seed, chosen.clients, range(FIRST_BIKE, FIRST_BIKE + bikes))
            load.free_only = not chosen.kill
            await load.open()
            story = Story(running, load)
            if chosen.kill:
                told = await story.kill_services(chosen.rides)
            elif chosen.broker_down:
                told = await story.without("kafka", chosen.broker_down)
            elif chosen.database_down:
                told = await story.without_database(chosen.database_down)
            elif chosen.service_down == "bike":
                told = await story.without_bike(chosen.seconds)
            else:
                told = await story.without(chosen.service_down, chosen.seconds)
            return f"{told}\n{await story.judged()}"


class Story:
    """What is done to a cluster, and what must be seen meanwhile and afterwards."""

    def __init__(self, running: Cluster, load: Load) -> None:
        self._running, self._load = running, load
        self._may_be_away = True
        self._over = False

    async def kill_services(self, rides: int) -> str:
        """kill -9 at random every second until so many rides are done."""
        began, kills = time.monotonic(), 0

        async def killing() -> None:
            nonlocal kills
            while self._load.rides < rides:
                await asyncio.sleep(KILL_EVERY_S)
                if there := self._running.services():
                    os.kill(self._load.chance.choice(there), signal.SIGKILL)
                    kills += 1

        await in_background(self._load.run(lambda: self._load.rides >= rides, 0), killing())
        took = time.monotonic() - began
        if kills < took / KILL_EVERY_S / 2:
            raise Failed(f"only {kills} kills in {took:.0f} s: there was nobody to kill")
        honest = _honest(list(self._load.told(began)))
        return f"{self._load.rides} rides in {took:.0f} s ({self._load.rides / took:.0f}/s), {kills} kills; {honest}"

    async def without(self, name: str, seconds: float) -> str:
        """A program is away on which neither rents nor returns depend."""
        self._may_be_away = name != "kafka"

        async def away() -> tuple[float, float]:
            await asyncio.sleep(CALM_S)
            await self._running.order("stop", name, "hard")
            gone = time.monotonic()
            await asyncio.sleep(seconds)
            return gone, time.monotonic()

        gone, back = await self._riding(away())
        seen = [(deed, told) for deed, told in self._load.told(gone, back) if deed.kind in ("rent", "return")]
        nothing(f"while {name} was away", (f"{deed}: {told}" for deed, told in seen if told.http not in (200, 201)))
        return f"{len(seen)} rents and returns in {seconds:g} s without {name}, all taken; {_times(seen)}"

    async def without_database(self, seconds: float) -> str:
        """PostgreSQL is stopped as by a crash; afterwards everything is taken again without a restart."""

        async def away() -> tuple[float, float]:
            await asyncio.sleep(CALM_S)
            gone = time.monotonic()
            await self._running.order("stop", "postgres", "hard")
            await asyncio.sleep(seconds)
            await self._running.order("heal", "postgres")
            back = time.monotonic()
            await asyncio.sleep(BACK_S + CALM_S)
            return gone, back

        gone, back = await self._riding(away())
        seen = list(self._load.told(gone))
        honest = _honest(seen)
        last = max((told.at_s + told.took_s for _, told in seen if told.http == 503), default=back)
        if last - back > BACK_S:
            raise Failed(f"a request was refused {last - back:.1f} s after the database was back")
        refused = [(deed, told) for deed, told in seen if told.http == 503]
        return f"{honest}; refused: {_times(refused)}; all taken {max(0.0, last - back):.1f} s after it was back"

    async def without_bike(self, seconds: float) -> str:
        """Bike hangs for half of the time, and is gone for the rest: rents are refused quickly, returns are taken."""

        async def away() -> tuple[float, float, float]:
            await asyncio.sleep(CALM_S)
            for pid in self._running.services("bike"):
                os.kill(pid, signal.SIGSTOP)
            gone = time.monotonic()
            await asyncio.sleep(seconds / 2)
            await self._running.order("stop", "bike", "hard")
            await asyncio.sleep(seconds / 2)
            healing = time.monotonic()
            await self._running.order("heal", "bike")
            back = time.monotonic()
            await asyncio.sleep(BACK_S + CALM_S)
            return gone, healing, back

        gone, healing, back = await self._riding(away())
        seen = list(self._load.told(gone, healing - RENT_S - NOISE_S))
        rents = [(deed, told) for deed, told in seen if deed.kind == "rent"]
        returns = [(deed, told) for deed, told in self._load.told(gone) if deed.kind == "return"]
        slow = RENT_S + NOISE_S
        wrong = [*((d, t) for d, t in rents if t.http != 503 or t.took_s > slow or not t.retry_after)]
        wrong += [(deed, told) for deed, told in returns if told.http != 200]
        nothing("while bike was away", (f"{deed}: {told}" for deed, told in wrong))
        quick = [(deed, told) for deed, told in rents if told.reason == "circuit-open"]
        if len(quick) < len(rents) / 2:
            raise Failed(f"only {len(quick)} of {len(rents)} rents were refused at once")
        taken = [told for deed, told in self._load.told(back) if deed.kind == "rent" and told.http == 201]
        again = min((told.at_s + told.took_s - back for told in taken), default=float("inf"))
        if again > BACK_S:
            raise Failed(f"the first rent was taken {again:.1f} s after bike was back")
        return (
            f"{len(rents)} rents in {seconds:g} s without bike, all refused: {_times(rents)}\n"
            f"{len(quick)} of them at once by the breaker: {_times(quick)}\n"
            f"{len(returns)} returns, all taken: {_times(returns)}; a rent again {again:.1f} s after bike was back"
        )

    async def judged(self) -> str:
        """Heal, ask again what is unknown, wait for rest, and check everything. Raises Failed."""
        healed_s = await self._running.healed()
        clients, session = self._load.clients, self._load.session
        state = await judge.look(session, clients)
        nothing("once healed", judge.effects(state, clients, may_be_away=self._may_be_away))
        began = time.monotonic()
        try:
            await asyncio.gather(*[client.ask_again(session) for client in clients])
        except NoAnswer as why:
            raise Failed(f"a request through the gateway got no answer at all: {why}") from None
        printed = await self._running.gbike("verify")
        rested_s = time.monotonic() - began
        if rested_s > DRAINED_S:
            raise Failed(f"it came to rest {rested_s:.0f} s after everything was ready")
        state = await judge.look(session, clients)
        nothing("at rest", judge.settled(state))
        nothing("at rest", judge.effects(state, clients, may_be_away=self._may_be_away))
        unknown = (str(d) for c in clients for d in c.deeds if d.repeatable and d.outcome is Outcome.UNKNOWN)
        nothing("never known", unknown)
        adopt(state, clients)
        ready = f"ready {healed_s:.1f} s after the last fault, at rest and checked {rested_s:.1f} s later"
        return f"{figures(clients)}\n{ready}, {printed}"

    async def _riding(self, story: Coroutine[Any, Any, T]) -> T:
        """What `story` answers, told while people ride."""

        async def telling() -> T:
            try:
                return await story
            finally:
                self._over = True

        return await in_background(self._load.run(lambda: self._over, PAUSE_S), telling())


def _honest(seen: Answers) -> str:
    """Every answer is one that a client may get: what was done, a refusal by the rules, or a 503 that says when."""
    wrong = [
        (deed, told)
        for deed, told in seen
        if told.http not in (200, 201, 409) and not (told.http == 503 and told.retry_after)
    ]
    nothing("in the answers", (f"{deed}: {told}" for deed, told in wrong))
    kinds = Counter(f"{told.http} {told.reason}".strip() for _, told in seen)
    return ", ".join(f"{times} × {kind}" for kind, times in kinds.most_common())


def _times(seen: Iterable[tuple[Deed, Told]]) -> str:
    took = sorted(told.took_s * 1000 for _, told in seen)
    if not took:
        return "none"
    return f"p50 {took[len(took) // 2]:.0f} ms, p99 {took[len(took) * 99 // 100]:.0f} ms, longest {took[-1]:.0f} ms"
