"""Whole rides on a real `gbike cluster up`: through Envoy, over Kafka, in PostgreSQL, each service its own process."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

import msgspec
import psycopg
from psycopg.rows import TupleRow

from dev.bench.http import Connection, connect_many
from dev.bench.machine import family, family_cpu_ms, memory_mb
from dev.bench.process import ROOT, CannotRun, printed, start, stop
from dev.bench.report import Line, speed_line
from dev.bench.rides import SETTLE_S, Fleet, Ride, Settle, Speed, WrongEffect, cycles
from gbike.run.cluster.plan import Plan, read_plan

RIDERS = 64
BIKES = 2_000
PAST = 5_000
"""As many rides as would have left `Fleet` its riders; there are none before."""
DEPOSIT = 1_000_000
READY_S = 90
POLL_S = 0.02
MARK = "Try"
"""What `cluster up` prints when all is ready."""
OPEN = {
    "billing": "SELECT count(*) FROM bills WHERE status <> 'CLOSEBILL'",
    "bike": "SELECT count(*) FROM bikes WHERE rentid IS NOT NULL",
    "rent_and_billing_view": "SELECT count(*) FROM rides WHERE billingstatus IS DISTINCT FROM 'CLOSEBILL'",
}
"""What is left to do, by service; asking the stores costs less than asking the services."""


class Cluster(msgspec.Struct, frozen=True):
    """A cluster that runs: its plan, the process that supervises it, its programs, and how long it took to be ready."""

    plan: Plan
    pid: int
    programs: dict[str, int]
    ready_s: float


async def whole_rides(folder: Path, rounds: int, seconds: float) -> list[Line]:
    """Rides a second, what they cost by program, memory and start. Raises CannotRun, WrongEffect."""
    async with cluster(folder / "cluster", ["--demo", "--empty"]) as running:
        port = urlsplit(running.plan.gateway).port
        assert port is not None
        fleet, connections = Fleet(BIKES, PAST), await connect_many(port, RIDERS)
        await _register(connections, fleet)
        rounds_found, shares = list[Speed](), list[dict[str, float]]()
        async with _stores(running.plan) as settle:
            await cycles(connections, running.pid, fleet, 2.0, settle)  # every consumer has joined its group
            for _ in range(rounds):
                before, began = _cpu(running), time.perf_counter()
                rounds_found.append(await cycles(connections, running.pid, fleet, seconds, settle))
                took_ms = (time.perf_counter() - began) * 1000
                shares.append({name: (used - before[name]) / took_ms for name, used in _cpu(running).items()})
        for connection in connections:
            connection.close()
        return [*_told(running, rounds_found, shares), *_memory(running)]


def _told(cluster: Cluster, rounds: Sequence[Speed], shares: Sequence[dict[str, float]]) -> list[Line]:
    busy = {name: median(share[name] for share in shares) for name in shares[0]}
    first, *others = sorted(busy, key=lambda name: -busy[name])
    by_program = ", ".join(f"{name} {busy[name]:.0%}" for name in (first, *others))
    return [
        Line("cluster, start to ready", f"{cluster.ready_s:.1f} s", "", "<= 30 s", cluster.ready_s <= 30),
        speed_line(f"complete rides through Envoy, {RIDERS} riders", rounds),
        Line("… busiest program", first, f"of a core each: {by_program}"),
    ]


def _memory(cluster: Cluster) -> list[Line]:
    lines, total = list[Line](), 0.0
    for name, pid in cluster.programs.items():
        sizes = list[tuple[float, float]]()
        for one in family(pid):
            with suppress(OSError):  # it ended meanwhile, as a worker of PostgreSQL may
                sizes.append(memory_mb(one))
        shared = sum(pss for _, pss in sizes)
        total += shared
        lines.append(Line(f"memory of {name}", f"{shared:.0f} MB PSS", f"RSS {sum(rss for rss, _ in sizes):.0f} MB"))
    return [Line("memory of the cluster", f"{total:.0f} MB PSS", f"{len(lines)} programs"), *lines]


def _cpu(cluster: Cluster) -> dict[str, float]:
    return {name: family_cpu_ms(pid) for name, pid in cluster.programs.items()}


async def _register(connections: Sequence[Connection], fleet: Fleet) -> None:
    """Bikes and riders, through the gateway."""
    bodies = [("/userDeposits", b'{"userid": %d, "deposit": %d}' % (n, DEPOSIT)) for n in range(1, fleet.riders + 1)]
    bodies += [
        ("/bikes", b'{"bikeid": %d, "location": "dock %d", "batterylevel": 80}' % (n, n)) for n in range(1, BIKES + 1)
    ]

    async def send(connection: Connection) -> None:
        while bodies:
            path, body = bodies.pop()
            reply = await connection.ask("POST", path, body)
            if reply.status != 201:
                raise WrongEffect(f"POST {path} {body!r}: {reply.status} {reply.body[:300]!r}")

    await asyncio.gather(*(send(connection) for connection in connections))


@asynccontextmanager
async def _stores(plan: Plan) -> AsyncIterator[Settle]:
    """Yields a Settle: it looks into the stores until nothing is open, all events handled."""
    async with AsyncExitStack() as stack:
        links = {
            name: await stack.enter_async_context(
                await psycopg.AsyncConnection.connect(plan.stores[name], autocommit=True)
            )
            for name in OPEN
        }
        closed = 0

        async def settle(rides: Sequence[Ride]) -> None:
            nonlocal closed
            closed += len(rides)
            until = time.monotonic() + SETTLE_S
            while True:
                left = {name: await _one(links[name], sql) for name, sql in OPEN.items()}
                there = await _one(links["rent_and_billing_view"], "SELECT count(*) FROM rides")
                bills = await _one(links["billing"], "SELECT count(*) FROM bills")
                if not any(left.values()) and there == bills == closed:
                    return
                if time.monotonic() > until:
                    raise WrongEffect(f"{SETTLE_S} s after {closed} rides: {bills} bills, open are {left}")
                await asyncio.sleep(POLL_S)

        yield settle


async def _one(connection: psycopg.AsyncConnection[TupleRow], sql: str) -> int:
    row = await (await connection.execute(sql)).fetchone()
    assert row is not None
    return int(row[0])


@asynccontextmanager
async def cluster(data: Path, flags: Sequence[str], more: Mapping[str, str] | None = None) -> AsyncIterator[Cluster]:
    """A `gbike cluster up` with these flags and settings, until it is no longer needed. Raises CannotRun."""
    command = [sys.executable, "-m", "gbike", "cluster", "up", "--port", "0", "--data", str(data), *flags]
    log, began = data.with_name("cluster.txt"), time.perf_counter()
    process = start(command, log, {**os.environ, **(more or {})})
    try:
        while MARK not in printed(log):
            if process.poll() is not None or time.perf_counter() - began > READY_S:
                raise CannotRun(f"the cluster did not start: {printed(log)}")
            await asyncio.sleep(0.05)
        ready_s, plan = time.perf_counter() - began, read_plan(data)
        assert plan is not None
        yield Cluster(plan, process.pid, await _programs(data), ready_s)
    finally:
        await stop(process)


async def _programs(data: Path) -> dict[str, int]:
    command = [sys.executable, "-m", "gbike", "cluster", "status", "--json", "--data", str(data)]
    asked = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=subprocess.PIPE)
    told, _ = await asked.communicate()
    return {one["name"]: one["pid"] for one in msgspec.json.decode(told)}
