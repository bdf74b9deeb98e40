"""A `gbike cluster` in processes of its own, and the load on it through Envoy."""

import asyncio
import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import msgspec

from dev.chaos.clients import REPORTED, Client
from dev.chaos.deeds import Deed, NoAnswer, Told
from dev.chaos.demo import SETTINGS, Failed
from dev.chaos.kill9 import begin, needed
from gbike.run.cluster.orphans import FILE, Known, birth
from gbike.run.cluster.plan import Plan, read_plan
from gbike.run.control import ask
from gbike.run.folder.data_folder import DataFolder

READY_S = 90
STOP_S = 30
HEALED_S = 60
AT_ONCE = 16
"""Requests that prepare the fleet, at a time."""

T = TypeVar("T")


class Cluster:
    """The programs of one cluster, on free ports."""

    def __init__(self, data: Path, replicas: int) -> None:
        self.data, self._replicas = data, replicas
        self.log = data.parent / "cluster.log"
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> "Cluster":
        """Start it, and wait until it is ready. Raises Failed."""
        flags = ("--demo", "--empty", "--port", "0", "--replicas", str(self._replicas), "--data", str(self.data))
        with self.log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "gbike", "cluster", "up", *flags),
                env={**os.environ, **SETTINGS},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        until = time.monotonic() + READY_S
        while "Try" not in self.log.read_text("utf-8"):
            if self._process.returncode is not None or time.monotonic() > until:
                await self.__aexit__()
                raise Failed(f"the cluster is not ready: {self.log.read_text('utf-8')}")
            await asyncio.sleep(0.1)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop it; it ends all its programs."""
        process = self._process
        if process is not None and process.returncode is None:
            process.send_signal(signal.SIGINT)
            try:
                async with asyncio.timeout(STOP_S):
                    await process.wait()
            except TimeoutError:
                process.kill()  # its programs are told by the kernel
                await process.wait()

    @property
    def plan(self) -> Plan:
        """Where everything is."""
        plan = read_plan(self.data)
        assert plan is not None
        return plan

    async def order(self, verb: str, *args: str) -> str:
        """Give the supervisor an order. Raises Failed."""
        done = await asyncio.get_running_loop().run_in_executor(None, ask, DataFolder(self.data), verb, *args)
        if not done.ok:
            raise Failed(f"{verb} {args}: {done.said}")
        return done.said

    async def healed(self) -> float:
        """Start what was stopped, and wait until every program is ready; answers how long that took, s."""
        began = time.monotonic()
        await self.order("heal")
        while True:
            found = json.loads(await self.order("status"))
            if all(one["health"] == "ready" for one in found):
                return time.monotonic() - began
            if time.monotonic() > began + HEALED_S:
                raise Failed(f"not ready {HEALED_S} s after it was healed: {found}")
            await asyncio.sleep(0.2)

    async def gbike(self, *args: str) -> str:
        """Run a `gbike` command on its folder; answers the last line. Raises Failed unless it exits 0."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gbike", *args, "--data", str(self.data)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        printed = (await process.communicate())[0].decode()
        if process.returncode != 0:
            raise Failed(f"gbike {' '.join(args)} exited {process.returncode}: {printed}")
        return printed.splitlines()[-1]

    def services(self, name: str = "") -> list[int]:
        """The processes of a service, or of all, that run now."""
        wanted = {one.name for one in self.plan.replicas if name in ("", one.service)}
        known = msgspec.json.decode((self.data / FILE).read_bytes(), type=list[Known])
        return [one.pid for one in known if one.name in wanted and birth(one.pid) == one.born]


class Load:
    """Clients that do all they can do, until it is over."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        seed: int,
        clients: int,
        bikes: Iterable[int],
        *,
        kind: type[Client] = Client,
    ) -> None:
        """`kind`: what the clients do."""
        chance, self._bikes = random.Random(seed), list(bikes)
        amounts, riders = count(1), count(1)
        self.chance, self.session = chance, session
        self._next_bike = iter(self._bikes).__next__
        self.clients = [kind(n, chance, amounts, riders, self._bike) for n in range(1, clients + 1)]
        self.free_only = True
        """Each bike is asked for once, so that every rent is one of a free bike."""

    def _bike(self) -> int:
        return self._next_bike() if self.free_only else self.chance.choice(self._bikes)

    async def open(self) -> None:
        """Register what the clients need. Raises Failed."""
        waiting = iter(needed((*self._bikes, *REPORTED), self.clients))

        async def some() -> None:
            for deed in waiting:
                await begin(self.session, deed)

        await asyncio.gather(*[some() for _ in range(AT_ONCE)])

    async def run(self, over: Callable[[], bool], pause_s: float) -> None:
        """Work until it is over. Raises Failed when a request gets no answer: the gateway always has one."""
        try:
            await asyncio.gather(*[client.work_until(self.session, over, pause_s) for client in self.clients])
        except NoAnswer as why:
            raise Failed(f"a request through the gateway got no answer at all: {why}") from None

    @property
    def rides(self) -> int:
        """Rents that were returned."""
        return sum(client.rides for client in self.clients)

    def told(self, since_s: float, until_s: float = float("inf")) -> Iterator[tuple[Deed, Told]]:
        """Every answer to what was asked between two moments."""
        for client in self.clients:
            for deed in client.deeds:
                yield from ((deed, told) for told in deed.told if since_s <= told.at_s < until_s)


async def in_background(doing: Coroutine[Any, Any, None], story: Coroutine[Any, Any, T]) -> T:
    """What `story` answers, told while `doing` goes on; `doing` must end by itself afterwards."""
    both = asyncio.ensure_future(doing), asyncio.ensure_future(story)
    try:
        _, answer = await asyncio.gather(*both)
        return answer
    finally:
        for task in both:
            task.cancel()
