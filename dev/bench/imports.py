"""A file of new bikes: how many of its rows are done a second, each with its bike, event, audit row and result."""

import asyncio
from typing import Any

from dev.bench.http import Connection, connect
from dev.bench.process import Server
from dev.bench.rides import Meter, Speed, WrongEffect

POLL_S = 0.05
HEAD = "bikeid,location,batterylevel,lat,lon\n"
ROW = "{0},정자역 {1}번출구,{2},37.{0:06d},127.{0:06d}\n"


async def imports(server: Server, rows: int) -> Speed:
    """Import a file of `rows` new bikes. Raises WrongEffect."""
    connection = await connect(server.port)
    newest = await _get(connection, "/bikes?size=1&sort=bikeid,desc")
    first = 1 + max((bike["bikeid"] for bike in newest["_embedded"]["bikes"]), default=0)
    file = HEAD + "".join(ROW.format(bikeid, bikeid % 12, bikeid % 101) for bikeid in range(first, first + rows))
    meter = Meter(server.pid)
    taken = await connection.ask("POST", "/bikes/imports", file.encode())
    if taken.status != 202:
        raise WrongEffect(f"a file was answered with {taken.status}: {taken.body[:200]!r}")
    importid = taken.json()["importid"]
    while (job := await _get(connection, f"/bikes/imports/{importid}"))["state"] != "done":  # noqa: ASYNC110 - it tells nobody
        await asyncio.sleep(POLL_S)
    speed = meter.stop(rows)
    connection.close()
    if job["registered"] != rows:
        raise WrongEffect(f"of {rows} rows {job['registered']} were registered")
    return speed


async def _get(connection: Connection, path: str) -> Any:
    return (await connection.ask("GET", path)).json()
