"""Settlement: how long after its return a ride's bill is closed, to the millisecond.

Open loop: rides start on a schedule, whether or not earlier ones are done, and a request's latency counts from its
scheduled moment. A driver that waits for slow answers before it asks again would measure only itself.
"""

import asyncio
import sqlite3  # noqa: TID251 - its files are no store that this process has open
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from dev.bench.http import Connection, connect_many
from dev.bench.machine import cpu_ms, own_cpu_ms
from dev.bench.process import Server
from dev.bench.rides import Fleet, WrongEffect, give_back, rent
from gbike.run.folder.data_folder import DataFolder

LOOK_EVERY_S = 0.001
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
    """Looks into billing's store every millisecond, as `gbike verify` may on a running one, for the bills that are due.

    Looking over HTTP would be more load on the server than the rides, and would measure itself.
    """

    def __init__(self, folder: Path) -> None:
        store = DataFolder(folder).store_path("billing")
        self._bills = sqlite3.connect(f"{store.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
        self.due: dict[int, float] = {}
        self.closed: list[float] = []

    async def watch(self, rides: int) -> None:
        """Until so many rides are settled. Raises WrongEffect when a bill does not close."""
        while len(self.closed) < rides:
            if self.due:
                self._look(time.perf_counter())
            await asyncio.sleep(LOOK_EVERY_S)
        self._bills.close()

    def _look(self, now: float) -> None:
        marks = ", ".join("?" * len(self.due))
        sql = f"SELECT rentid FROM bills WHERE rentid IN ({marks}) AND status = 'CLOSEBILL'"
        for (rentid,) in self._bills.execute(sql, list(self.due)).fetchall():
            self.closed.append(now - self.due.pop(rentid))
        late = [rentid for rentid, answered in self.due.items() if now - answered > GIVE_UP_S]
        if late:
            raise WrongEffect(f"bills not closed {GIVE_UP_S} s after the return: {late}")


async def settlement(server: Server, folder: Path, fleet: Fleet, per_s: float, seconds: float) -> Settlement:
    """So many rides a second for some seconds. Raises WrongEffect."""
    free: asyncio.Queue[Connection] = asyncio.Queue()  # in turn: one that idles for 5 s is closed by the server
    connections = await connect_many(server.port, 256)
    for connection in connections:
        free.put_nowait(connection)
    watcher = Watcher(folder)
    rented = list[float]()
    returned = list[float]()

    async def ride(due: float) -> None:
        connection = await free.get()
        rentid = await rent(connection, fleet.rider(), fleet.bike())
        rented.append(time.perf_counter() - due)
        asked = time.perf_counter()
        await give_back(connection, rentid)
        answered = time.perf_counter()
        returned.append(answered - asked)
        watcher.due[rentid] = answered
        free.put_nowait(connection)

    rides = int(per_s * seconds)
    cpu = cpu_ms(server.pid)
    own = own_cpu_ms()
    began = time.perf_counter()
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(watcher.watch(rides))
            for number in range(rides):
                due = began + number / per_s
                if (wait := due - time.perf_counter()) > 0:
                    await asyncio.sleep(wait)
                tasks.create_task(ride(due))
    except* WrongEffect as wrong:
        raise WrongEffect(str(wrong.exceptions[0])) from None
    took_ms = (time.perf_counter() - began) * 1000
    busy, own_busy = (cpu_ms(server.pid) - cpu) / took_ms, (own_cpu_ms() - own) / took_ms
    for connection in connections:
        connection.close()
    return Settlement(_in_ms(rented), _in_ms(returned), _in_ms(watcher.closed), per_s, busy, driver_busy=own_busy)


def _in_ms(seconds: Sequence[float]) -> list[float]:
    return sorted(value * 1000 for value in seconds)
