"""Settlement: how long after its return a ride's bill is closed, as one sees it who looks every few milliseconds.

Open loop: rides start on a schedule, whether or not earlier ones are done, and a request's latency counts from its
scheduled moment. A driver that waits for slow answers before it asks again would measure only itself.
"""

import asyncio
import time
from collections.abc import Sequence

import msgspec

from bench.http import Connection, connect_many
from bench.machine import cpu_ms, own_cpu_ms
from bench.rides import Fleet, WrongEffect, give_back, is_closed, rent

LOOK_EVERY_S = 0.002
GIVE_UP_S = 30


class Settlement(msgspec.Struct, frozen=True):
    """Latencies in ms, sorted: schedule → rented, return asked → answered, return answered → bill closed."""

    rented: list[float]
    returned: list[float]
    closed: list[float]
    offered_per_s: float
    server_busy: float
    driver_busy: float


def percentile(ordered: Sequence[float], percent: float) -> float:
    """The smallest value that so many percent do not exceed."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] if ordered else 0.0


class Watcher:
    """Looks at the bill of the oldest return that is not settled, over one connection.

    Bills close in about the order of the returns, and a watcher per ride would be more load than the rides.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.returned: asyncio.Queue[tuple[int, float]] = asyncio.Queue()
        self.closed: list[float] = []

    async def watch(self, rides: int) -> None:
        """Until so many rides are settled. Raises WrongEffect when a bill does not close."""
        for _ in range(rides):
            rentid, answered = await self.returned.get()
            while not await is_closed(self._connection, rentid):
                if time.perf_counter() - answered > GIVE_UP_S:
                    raise WrongEffect(f"the bill of rent {rentid} is not closed {GIVE_UP_S} s after the return")
                await asyncio.sleep(LOOK_EVERY_S)
            self.closed.append(time.perf_counter() - answered)


async def settlement(port: int, pid: int, fleet: Fleet, per_s: float, seconds: float) -> Settlement:
    """So many rides a second for some seconds. Raises WrongEffect."""
    free: asyncio.LifoQueue[Connection] = asyncio.LifoQueue()
    first, *connections = await connect_many(port, 256)
    for connection in connections:
        free.put_nowait(connection)
    watcher, rented, returned = Watcher(first), list[float](), list[float]()

    async def ride(due: float) -> None:
        connection = await free.get()
        rentid = await rent(connection, fleet.rider(), fleet.bike())
        rented.append(time.perf_counter() - due)
        asked = time.perf_counter()
        await give_back(connection, rentid)
        answered = time.perf_counter()
        returned.append(answered - asked)
        watcher.returned.put_nowait((rentid, answered))
        free.put_nowait(connection)

    rides = int(per_s * seconds)
    cpu, own, began = cpu_ms(pid), own_cpu_ms(), time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(watcher.watch(rides))
        for number in range(rides):
            due = began + number / per_s
            if (wait := due - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            tasks.create_task(ride(due))
    took_ms = (time.perf_counter() - began) * 1000
    busy, own_busy = (cpu_ms(pid) - cpu) / took_ms, (own_cpu_ms() - own) / took_ms
    for connection in [first, *connections]:
        connection.close()
    return Settlement(_in_ms(rented), _in_ms(returned), _in_ms(watcher.closed), per_s, busy, own_busy)


def _in_ms(seconds: Sequence[float]) -> list[float]:
    return sorted(value * 1000 for value in seconds)
