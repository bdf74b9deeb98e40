"""How a cluster is: each program's process, health, backlog and memory, asked of the programs themselves."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import aiohttp
import msgspec
from rich.table import Table

from gbike.kit.messaging.outbox import how_many_wait
from gbike.kit.store import StoreUnavailable
from gbike.run.cluster.child import Child
from gbike.run.cluster.orphans import descendants
from gbike.run.cluster.secrets import scraper
from gbike.run.folder.backup import NoData
from gbike.run.folder.data_folder import DataFolder
from gbike.run.open_stores import open_readings

ASK_S = 1.5
"""How long a program may take to say how it is."""
LAG = re.compile(r"^gbike_consumer_lag\{[^}]*\} (\S+)$", re.MULTILINE)
COLOURS = {"ready": "green", "live": "yellow", "silent": "red", "down": "red", "stopped": "dim"}


class Health(msgspec.Struct, frozen=True):
    """How one program is. `lag`: messages it has not handled yet; None for who handles none, and while Kafka is away.
    `unsent`: those that its store has not given to Kafka yet; None where that can't be seen now.

    `health`: ready; live (answers, not ready); silent or down (no answer, the process is there or not); stopped.
    """

    name: str
    service: str
    port: int
    pid: int | None
    health: str
    lag: int | None
    unsent: int | None
    memory_mb: float | None
    restarts: int


async def look(children: Sequence[Child], data: Path) -> list[Health]:
    """How every program of the cluster on `data` is now."""
    unsent = await _unsent(data)
    timeout = aiohttp.ClientTimeout(total=ASK_S)
    async with aiohttp.ClientSession(timeout=timeout, headers=scraper(data)) as session:
        found = await asyncio.gather(*(_look(child, session, unsent.get(child.part.service)) for child in children))
    if any(one.name == "kafka" and one.health != "ready" for one in found):
        return [msgspec.structs.replace(one, lag=None) for one in found]  # what they tell is of before
    return found


async def is_ready(url: str) -> bool:
    """Whether a service says that it can do its work."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ASK_S)) as session:
        return await _status(session, f"{url}/health/ready") == 200


async def answers(url: str) -> bool:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ASK_S)) as session:
        return await _status(session, f"{url}/health/live") is not None


def table(found: Sequence[Health]) -> Table:
    shown = Table(box=None, pad_edge=False)
    for title in ("program", "pid", "port", "health · 상태", "lag", "unsent", "MB", "restarts"):
        shown.add_column(title, justify="left" if title in ("program", "health · 상태") else "right")
    for one in found:
        health = f"[{COLOURS[one.health]}]{one.health}[/]"
        memory = None if one.memory_mb is None else round(one.memory_mb)
        row = (one.name, one.pid, one.port, health, one.lag, one.unsent, memory, one.restarts)
        shown.add_row(*("–" if value is None else str(value) for value in row))
    return shown


async def _unsent(data: Path) -> Mapping[str, int]:
    """What waits in each service's outbox; nothing when a store can't be read in time."""

    def count() -> Mapping[str, int]:
        with open_readings(DataFolder(data)) as stores:
            return {service: how_many_wait(reading) for service, reading in stores.items()}

    try:
        async with asyncio.timeout(ASK_S):
            return await asyncio.get_running_loop().run_in_executor(None, count)
    except (NoData, StoreUnavailable, TimeoutError):
        return {}


async def _look(child: Child, session: aiohttp.ClientSession, unsent: int | None) -> Health:
    part, pid = child.part, child.pid
    lag = None
    if not child.wanted:
        health = "stopped"
    elif part.url is None:
        health = "ready" if await part.ready() else "silent" if pid else "down"
    else:
        status = await _status(session, f"{part.url}/health/ready")
        health = "ready" if status == 200 else "live" if status else "silent" if pid else "down"
        lag = await _lag(session, part.url) if status else None
    return Health(
        name=part.name,
        service=part.service,
        port=part.port,
        pid=pid,
        health=health,
        lag=lag,
        unsent=unsent,
        memory_mb=memory_mb(pid),
        restarts=child.restarts,
    )


async def _status(session: aiohttp.ClientSession, url: str) -> int | None:
    try:
        async with session.get(url) as answer:
            return answer.status
    except (aiohttp.ClientError, TimeoutError, OSError):
        return None


async def _lag(session: aiohttp.ClientSession, url: str) -> int | None:
    try:
        async with session.get(f"{url}/metrics") as answer:
            found = LAG.search(await answer.text())
    except (aiohttp.ClientError, TimeoutError, OSError):
        return None
    return int(float(found[1])) if found else None


def memory_mb(pid: int | None) -> float | None:
    """What a process occupies (RSS); of one with children (PostgreSQL) the shares of all, so that what they have in
    common counts once. None where the system does not tell."""
    if pid is None:
        return None
    family = [pid, *descendants(pid)]
    file, field = ("status", "VmRSS:") if len(family) == 1 else ("smaps_rollup", "Pss:")
    known = [found for one in family if (found := _kilobytes(Path(f"/proc/{one}/{file}"), field)) is not None]
    return sum(known) / 1024 if known else None


def _kilobytes(file: Path, field: str) -> int | None:
    """None of a process that has ended since it was listed, as PostgreSQL's do with every connection."""
    try:
        lines = file.read_text("utf-8").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) for line in lines if line.startswith(field)), None)
