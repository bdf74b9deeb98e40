"""Durable commands of the PostgreSQL store beside `pgbench -M prepared` with the same statements.

One command is what reserving a bike is: one conditional UPDATE … RETURNING and one row in the outbox. Both sides use
one server with fsync on, one table of bikes, and as many clients; they take turns.
"""

import asyncio
import random
import re
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import msgspec
import psycopg

from dev.bench.process import CannotRun
from dev.bench.report import Line
from dev.bench.rides import WrongEffect
from gbike.contracts.bike import ChkAndUpdatedStatus
from gbike.kit.clock import SystemClock, SystemIds
from gbike.kit.envelope import pack
from gbike.kit.storage.migrations.migrate import migrate_url
from gbike.kit.storage.postgres.store import PostgresStore
from gbike.kit.store import Tx
from gbike.kit.telemetry import NO_TRACE
from gbike.run.engines import postgres
from gbike.run.registry import spec

BIKES = 10_000
CLIENTS = (16, 64)
GOAL = 0.6
DATABASE = "bike"
_FREE = "held = 0 AND broken = 0 AND retired = 0"
_RESERVE = f"UPDATE bikes SET rentid = ?, version = version + 1 WHERE bikeid = ? AND {_FREE} RETURNING version"


class Commands(msgspec.Struct, frozen=True):
    """What one round found: commands a second and their median latency."""

    per_s: float
    p50_ms: float


async def commands(
    port: int, folder: Path, rounds: int, seconds: float, clients: Sequence[int] = CLIENTS
) -> list[Line]:
    """Both sides in turn, for each number of clients. Raises CannotRun, WrongEffect."""
    await _prepare(port)
    script = _script(folder)
    lines = []
    for many in clients:
        floor, ours = list[float](), list[Commands]()
        for _ in range(rounds):
            floor.append(await _pgbench(port, script, many, seconds))
            ours.append(await _ours(port, many, seconds))
        least, rate = median(floor), median(one.per_s for one in ours)
        beside = f"p50 {median(one.p50_ms for one in ours):.1f} ms, {rate / least:.2f} of pgbench"
        lines += [
            Line(f"floor: pgbench -M prepared, {many} clients", f"{least:,.0f}/s"),
            Line(
                f"store commands, {many} requesters",
                f"{rate:,.0f}/s",
                beside,
                f">= {GOAL} of it",
                rate >= GOAL * least,
            ),
        ]
    return lines


async def _prepare(port: int) -> None:
    await postgres.create_database(port, DATABASE)
    migrate_url(postgres.url(port, DATABASE), spec("bike").versions)
    _execute(
        port,
        "INSERT INTO bikes SELECT n, 'dock ' || n, NULL, NULL, 80, NULL, 0, 0, 0, 0, 1"
        f" FROM generate_series(1, {BIKES}) AS n",
    )


def _clean(port: int) -> None:
    """Both sides begin with the same: an empty outbox, and no dead rows of the other."""
    for sql in ("TRUNCATE outbox", "VACUUM ANALYZE bikes", "CHECKPOINT"):
        _execute(port, sql)


def _execute(port: int, sql: str) -> None:
    with psycopg.connect(postgres.url(port, DATABASE), autocommit=True) as connection:
        connection.execute(sql)


def _counts(port: int) -> tuple[int, int]:
    with psycopg.connect(postgres.url(port, DATABASE)) as connection:
        row = connection.execute("SELECT (SELECT count(*) FROM outbox), (SELECT sum(version) FROM bikes)").fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


def _script(folder: Path) -> Path:
    """The same transaction for pgbench, its outbox row as long as ours."""
    event = ChkAndUpdatedStatus(bikeid=1234, status="사용중", rentid=123456, version=12)
    row = pack(event, id=SystemIds().new(), source="bike", now_ms=SystemClock().now_ms(), trace=NO_TRACE)
    reserve = _RESERVE.replace("?", ":rent", 1).replace("?", ":bike", 1)
    script = folder / "reserve.sql"
    script.write_text(
        f"\\set bike random(1, {BIKES})\n\\set rent random(1, 1000000000)\nBEGIN;\n{reserve};\n"
        "INSERT INTO outbox (message_id, type, key, headers, value) VALUES"
        f" ('{row.id}', '{row.type}', '{row.key}', '\\x{row.headers.hex()}', '\\x{row.value.hex()}');\nCOMMIT;\n"
    )
    return script


async def _pgbench(port: int, script: Path, clients: int, seconds: float) -> float:
    _clean(port)
    command = [
        *(str(postgres.binaries() / "pgbench"), "-M", "prepared", "-n", "-c", str(clients), "-j", "2"),
        *("-T", str(max(1, round(seconds))), "-f", str(script), "-h", "127.0.0.1", "-p", str(port)),
        *("-U", postgres.OWNER, DATABASE),
    ]
    running = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    printed, _ = await running.communicate()
    found = re.search(rb"tps = ([\d.]+)", printed)
    if running.returncode or found is None:
        raise CannotRun(f"pgbench: {printed.decode()[-1000:]}")
    return float(found[1])


async def _ours(port: int, clients: int, seconds: float) -> Commands:
    _clean(port)
    _, before = _counts(port)
    store = PostgresStore(postgres.url(port, DATABASE), clock=SystemClock(), ids=SystemIds(), source="bench")
    chance, took = random.Random(7), list[float]()
    try:
        await asyncio.gather(*(store.write(_reserve, n, n, key=f"bike:{n}") for n in range(1, 9)))  # connected
        began = time.perf_counter()

        async def requester() -> None:
            while (asked := time.perf_counter()) - began < seconds:
                bikeid = chance.randint(1, BIKES)
                await store.write(_reserve, bikeid, chance.randint(1, 1_000_000_000), key=f"bike:{bikeid}")
                took.append(time.perf_counter() - asked)

        await asyncio.gather(*(requester() for _ in range(clients)))
        lasted = time.perf_counter() - began
    finally:
        await store.close()
    printed, after = _counts(port)
    if printed != len(took) + 8 or after - before != printed:
        raise WrongEffect(f"{len(took) + 8} commands left {printed} outbox rows and {after - before} changes")
    return Commands(len(took) / lasted, median(took) * 1000)


def _reserve(tx: Tx, bikeid: int, rentid: int) -> None:
    row = tx.one(_RESERVE, (rentid, bikeid))
    assert row is not None  # nobody holds a bike of the bench
    tx.publish(ChkAndUpdatedStatus(bikeid=bikeid, status="사용중", rentid=rentid, version=row[0]))
