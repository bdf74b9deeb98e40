"""Reads under load, and one page of the view at two sizes."""

import time
from collections.abc import Callable, Sequence
from itertools import count

from dev.bench.http import Connection, closed_loop
from dev.bench.rides import Meter, Speed, WrongEffect


async def reads(connections: Sequence[Connection], pid: int, path: Callable[[int], str], seconds: float) -> Speed:
    """Closed loop of GETs; `path` is given 0, 1, 2 … Raises WrongEffect when one is not answered with 200."""
    numbers = count()

    async def read(connection: Connection) -> None:
        where = path(next(numbers))
        reply = await connection.ask("GET", where)
        if reply.status != 200:
            raise WrongEffect(f"GET {where}: {reply.status}")

    meter = Meter(pid)
    done, _ = await closed_loop(connections, seconds, read)
    return meter.stop(done)


async def one_by_one(connection: Connection, paths: Sequence[str], rows: int) -> list[float]:
    """Latency of each GET alone, ms. Raises WrongEffect unless each answers so many lines of the view, newest first."""
    took = []
    for path in paths:
        began = time.perf_counter()
        reply = await connection.ask("GET", path)
        took.append((time.perf_counter() - began) * 1000)
        lines = [line["rentid"] for line in reply.json()["_embedded"]["rentAndBillingViews"]]
        if len(lines) != rows or lines != sorted(lines, reverse=True):
            raise WrongEffect(f"GET {path} answered the rents {lines}")
    return took
