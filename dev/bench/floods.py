"""`gbike bench --floods`: what a rider waits when nobody else is there, and beside each flood of one stranger.

One run for `gbike up`, and one for a cluster where its engines are. Exit codes as those of `gbike bench`.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import uvloop

from dev.bench.cluster import cluster
from dev.bench.engines import engines_folder, must_be_installed
from dev.bench.flood import FLOODS
from dev.bench.http import Connection, Reply, connect
from dev.bench.machine import describe
from dev.bench.process import CannotRun, secure, start, stop
from dev.bench.report import Line, exit_code, own_folder, table
from dev.bench.rides import WrongEffect
from dev.bench.settlement import percentile

BIKES = 200
DEPOSIT = 1_000_000
HEARD_S = 20
"""How long rent may take to hear of the deposit."""
ANSWER_S = 10
"""An answer that takes longer is none."""
PAUSE_S = 0.02
"""Between two requests of the rider."""
BEGUN_S = 1.0
"""From the start of a flood to the first request that is measured, and from its end to the next."""
FACTOR, PLUS_MS = 5, 20
"""What a rider may wait beside a flood: so many times as long as when it is quiet, and so much more."""
NAME, PASSWORD = "the boss", "a bicycle at dawn"
RIDER = {"name": "Kim", "contact": "kim@example.com", "password": "two wheels and a bell"}
PACES = {f"GBIKE_LIMIT_{pace}_PER_MIN": "1000000" for pace in ("RENTS", "WRITES", "READS")}
"""The rider is measured and not slowed down; strangers have the pace that they always have."""


class Measured(msgspec.Struct):
    """What a rider saw: the time of each answer, ms, and the requests that had another answer than they should."""

    times: list[float] = []
    failed: int = 0
    wrong: str = ""
    """The last of those."""

    @property
    def p95(self) -> float:
        """The time that 95 of 100 answers do not exceed, ms."""
        return percentile(sorted(self.times), 95)


class Rider:
    """One who looks at a bike, rents it and returns it, over and over."""

    def __init__(self, port: int, token: str, userid: int = 0) -> None:
        self._port = port
        self._token = token
        self._userid = userid
        self._turn = 0
        self._connection: Connection | None = None

    async def ride(self, seconds: float) -> Measured:
        """Ride for so long."""
        found, until = Measured(), time.perf_counter() + seconds
        while time.perf_counter() < until:
            self._turn += 1
            bike = self._turn % BIKES + 1
            await self._timed(found, 200, "GET", f"/bikes/{bike}")
            rented = await self._timed(
                found, 201, "POST", "/rents", b'{"userid": %d, "bikeid": %d}' % (self._userid, bike)
            )
            if rented is not None:
                at = urlsplit(rented.json()["_links"]["self"]["href"]).path
                await self._timed(found, 200, "PATCH", at, b'{"endlocation": "there"}')
        return found

    async def ask(self, method: str, path: str, body: bytes = b"") -> Reply:
        """One request. Raises OSError, also when the answer takes too long."""
        try:
            async with asyncio.timeout(ANSWER_S):
                if self._connection is None:
                    self._connection = await connect(self._port)
                    self._connection.headers = f"authorization: Bearer {self._token}\r\n" if self._token else ""
                return await self._connection.ask(method, path, body)
        except OSError:
            self.leave()
            raise

    def leave(self) -> None:
        """Hang up."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def _timed(self, found: Measured, status: int, method: str, path: str, body: bytes = b"") -> Reply | None:
        began = time.perf_counter()
        try:
            reply = await self.ask(method, path, body)
        except OSError:
            reply = None
        found.times.append((time.perf_counter() - began) * 1000)
        if reply is None or reply.status != status:
            found.failed += 1
            found.wrong = f"{method} {path}: {'no answer' if reply is None else (reply.status, reply.body[:300])}"
            reply = None
        await asyncio.sleep(PAUSE_S)
        return reply


async def beside_floods(form: str, port: int, folder: Path, seconds: float) -> list[Line]:
    """A rider's p95 when it is quiet, and beside each flood. Raises WrongEffect, CannotRun."""
    rider = await _a_rider(port)
    await rider.ride(min(seconds, 2.0))
    quiet = await rider.ride(seconds)
    lines = [Line(f"{form}: a rider, quiet", f"p95 {quiet.p95:.1f} ms", _told(quiet))]
    for flood in FLOODS:
        stranger = start([sys.executable, "-m", "dev.bench.flood", flood, str(port)], folder / "flood.log")
        try:
            await asyncio.sleep(BEGUN_S)
            lines.append(judged(f"{form}: beside {flood}", quiet, await rider.ride(seconds)))
            if stranger.poll() is not None:
                raise CannotRun(f"the flood of {flood} ended by itself")
        finally:
            await stop(stranger)
        await asyncio.sleep(BEGUN_S)
    rider.leave()
    return lines


def judged(figure: str, quiet: Measured, beside: Measured) -> Line:
    """The figure of a flood: passed when every request had its answer, and 95 of 100 soon enough."""
    most = FACTOR * quiet.p95 + PLUS_MS
    passed = beside.p95 <= most and not beside.failed
    return Line(figure, f"p95 {beside.p95:.1f} ms", _told(beside), f"<= {most:.0f} ms, none failed", passed)


def _told(measured: Measured) -> str:
    return f"{len(measured.times)} requests, {measured.failed} failed {measured.wrong}".rstrip()


async def _a_rider(port: int) -> Rider:
    """One with money, and bikes to ride; the admin has seen to it."""
    admin = Rider(port, await _signed_in(port, NAME, PASSWORD))
    stranger = Rider(port, "")
    await _must(stranger, 202, "POST", "/accounts", RIDER)
    stranger.leave()
    listed = (await _must(admin, 200, "GET", "/accounts?size=1000")).json()["_embedded"]["accounts"]
    [userid] = [one["userid"] for one in listed if one["contact"] == RIDER["contact"]]
    await _must(admin, 201, "POST", "/userDeposits", {"userid": userid, "deposit": DEPOSIT})
    for bikeid in range(1, BIKES + 1):
        await _must(admin, 201, "POST", "/bikes", {"bikeid": bikeid, "location": "here"})
    admin.leave()
    rider = Rider(port, await _signed_in(port, RIDER["contact"], RIDER["password"]), userid)
    until = time.monotonic() + HEARD_S
    while (first := await rider.ride(0.001)).failed:
        if time.monotonic() > until:
            raise WrongEffect(f"a rider with money can't ride: {first.wrong}")
        await asyncio.sleep(0.1)
    return rider


async def _signed_in(port: int, contact: str, password: str) -> str:
    """An access token."""
    stranger = Rider(port, "")
    session = await _must(stranger, 200, "POST", "/sessions", {"contact": contact, "password": password})
    stranger.leave()
    return str(session.json()["access_token"])


async def _must(who: Rider, status: int, method: str, path: str, body: object = None) -> Reply:
    reply = await who.ask(method, path, b"" if body is None else msgspec.json.encode(body))
    if reply.status != status:
        raise WrongEffect(f"{method} {path}: {reply.status} {reply.body!r}")
    return reply


@asynccontextmanager
async def _up(folder: Path) -> AsyncIterator[int]:
    """A `gbike up` that may open the usual 1,024 files; its port."""
    async with secure(folder / "data", _admin(folder), PACES) as server:
        yield server.port


@asynccontextmanager
async def _cluster(folder: Path) -> AsyncIterator[int]:
    async with cluster(folder / "cluster", ["--admin-file", str(_admin(folder))], PACES) as running:
        port = urlsplit(running.plan.gateway).port
        assert port is not None
        yield port


def _admin(folder: Path) -> Path:
    file = folder / "admin"
    file.write_text(f"{NAME}\n{PASSWORD}\n", "utf-8")
    file.chmod(0o600)
    return file


async def measure(folder: Path, seconds: float) -> list[Line]:
    """Both forms, or the one that can run here. Raises CannotRun, WrongEffect."""
    async with _up(folder) as port:
        lines = await beside_floods("up", port, folder, seconds)
    try:
        must_be_installed()
    except CannotRun as missing:
        return [*lines, Line("cluster", "not measured", str(missing))]
    with engines_folder() as home:
        async with _cluster(home) as port:
            return lines + await beside_floods("cluster", port, home, seconds)


def main(argv: Sequence[str]) -> int:
    """0: measured; 1: an effect was wrong; 2: it could not run."""
    parser = argparse.ArgumentParser(prog="gbike bench --floods", description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=10.0, help="beside each flood")
    chosen = parser.parse_args(argv)

    def measured() -> None:
        with own_folder() as folder:
            lines = uvloop.run(measure(folder, chosen.seconds))
            print("\n".join(describe(folder)))
            print(table(lines))

    return exit_code(measured)
