"""A server in a process of its own: the product, or the bare server that is its floor."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from dev.bench.http import connect
from dev.tcp_ports import free_port

ROOT = Path(__file__).parents[2]
TARIFF = {"GBIKE_TARIFF_KRW": "100", "GBIKE_TARIFF_PER_S": "1", "GBIKE_TARIFF_ROUNDING": "ceil"}
"""Every begun second costs, so that every ride moves money."""
QUICKLY = {
    f"GBIKE_LIMIT_{pace}_PER_MIN": "1000000"
    for pace in ("RENTS", "WRITES", "READS", "ANONYMOUS", "RETURNS", "SIGN_INS", "SESSIONS", "RENEWALS")
}
QUICKLY["GBIKE_RENT_DEADLINE_MS"] = "30000"
"""Paces that are counted, and never reached; and the patience that a busy machine needs."""
AS_MANY = {"GBIKE_MAX_OPEN_RENTS_PER_RIDER": "0"}
"""So that a rider of the load may have several bikes behind either door."""
WAIT_S = 120
STOP_S = 20


class CannotRun(Exception):
    """The bench could not measure; the text says why."""


class Server(msgspec.Struct, frozen=True):
    """A running server: where it listens, its process, and the seconds from its start to its first answer."""

    port: int
    pid: int
    ready_s: float


@asynccontextmanager
async def product(folder: Path) -> AsyncIterator[Server]:
    """The product on a data folder, ready."""
    port = free_port()
    command = [sys.executable, "-m", "gbike", "demo", "--empty", "--port", str(port), "--data", str(folder)]
    async with _running(command, port, "/health/ready", folder / "server.log") as server:
        yield server


@asynccontextmanager
async def locked(mode: str, folder: Path, key: Path) -> AsyncIterator[Server]:
    """The product behind an `open` or a `secure` door, which takes tokens that `key` checks, at any pace."""
    port = free_port()
    command = [sys.executable, "-m", "dev.bench.locked", mode, str(port), str(folder), str(key)]
    async with _running(command, port, "/health/ready", folder / "server.log", QUICKLY | AS_MANY) as server:
        yield server


@asynccontextmanager
async def secure(folder: Path, admin_file: Path, more: Mapping[str, str]) -> AsyncIterator[Server]:
    """`gbike up` with these settings, which may have the usual 1,024 files open."""
    port = free_port()
    command = [sys.executable, "-m", "gbike", "up", "--port", str(port), "--data", str(folder)]
    command = ["sh", "-c", 'ulimit -n 1024; exec "$0" "$@"', *command, "--admin-file", str(admin_file)]
    async with _running(command, port, "/health/ready", folder.with_name("server.log"), more) as server:
        yield server


@asynccontextmanager
async def bare_server(folder: Path) -> AsyncIterator[Server]:
    """uvicorn with an application that does nothing but answer: the floor of every request."""
    port = free_port()
    async with _running([sys.executable, "-m", "dev.bench.bare", str(port)], port, "/", folder / "bare.log") as server:
        yield server


@asynccontextmanager
async def _running(
    command: Sequence[str], port: int, path: str, log: Path, more: Mapping[str, str] | None = None
) -> AsyncIterator[Server]:
    began = time.perf_counter()
    process = start(command, log, {**os.environ, **(more or {})})
    try:
        await _until_ready(process, port, path, log)
        yield Server(port, process.pid, time.perf_counter() - began)
    finally:
        await stop(process)


def start(
    command: Sequence[str], log: Path, env: Mapping[str, str] | None = None, user: str | None = None
) -> "subprocess.Popen[bytes]":
    """A process whose every ride costs, and whose words go to `log`."""
    with open(log, "ab") as output:
        told = {**(env or os.environ), **TARIFF}
        where = "/" if user else ROOT
        return subprocess.Popen(
            command, cwd=where, env=told, user=user, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )


def printed(log: Path) -> str:
    """What a process said last."""
    return log.read_text(errors="replace")[-2000:]


async def _until_ready(process: "subprocess.Popen[bytes]", port: int, path: str, log: Path) -> None:
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until:
        if process.poll() is not None:
            raise CannotRun(f"the server ended with {process.returncode}: {printed(log)}")
        try:
            connection = await connect(port)
            reply = await connection.ask("GET", path)
            connection.close()
        except OSError:
            await asyncio.sleep(0.01)
            continue
        if reply.status == 200:
            return
        await asyncio.sleep(0.01)
    raise CannotRun(f"the server was not ready within {WAIT_S} s")


async def stop(process: "subprocess.Popen[bytes]", gentle: signal.Signals = signal.SIGTERM) -> None:
    """End it; kill it when it does not."""
    process.send_signal(gentle)
    until = time.monotonic() + STOP_S
    while process.poll() is None:
        if time.monotonic() > until:
            process.kill()
        await asyncio.sleep(0.02)
