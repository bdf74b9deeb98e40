"""`gbike bench`: the product in a process of its own, the load driver in this one, floors and figures in turn.

Exit codes: 0 measured, 1 a measured effect was wrong, 2 it could not run. A missed goal is told and is no failure, as
speed depends on the machine.
"""

import argparse
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from statistics import median

import msgspec
import uvloop

from dev.bench.console import Console
from dev.bench.fill import KEEN_RIDER, fill
from dev.bench.floors import appends_per_s, writes_per_s
from dev.bench.http import connect_many
from dev.bench.imports import imports
from dev.bench.machine import describe, memory_mb
from dev.bench.office import furnish
from dev.bench.process import Server, bare_server, product
from dev.bench.reads import one_by_one, reads
from dev.bench.report import Line, exit_code, own_folder, speed_line, table
from dev.bench.rides import Fleet, Speed, cycles, rents_and_returns
from dev.bench.settlement import percentile, settlement

PARTS = ("cycles", "reads", "settlement", "startup", "view", "imports", "console")
RIDERS = 64
"""Connections of the closed loops."""
SMALL = (1_000, 10_000)
VIEW_PAGE = "/rentAndBillingViews/search/findByUserid?userid={}"


class Office(msgspec.Struct, frozen=True):
    """What an operator of so many bikes has, beside the rides of a size, and how often each request is made."""

    bikes: int
    riders: int
    audit: int
    turns: int


class Size(msgspec.Struct, frozen=True):
    """How much is stored, and how long is measured: rounds of so many seconds for cycles, reads and floors."""

    bikes: int
    rides: int
    rounds: int
    cycles_s: float
    reads_s: float
    floors_s: float
    settlement_s: float
    starts: int
    imported: int
    office: Office


FULL = Size(
    100_000,
    1_000_000,
    3,
    10.0,
    1.0,
    floors_s=0.5,
    settlement_s=8.0,
    starts=3,
    imported=20_000,
    office=Office(10_000, 100_000, 1_000_000, 40),
)
QUICK = Size(
    10_000,
    50_000,
    1,
    3.0,
    0.7,
    floors_s=0.3,
    settlement_s=3.0,
    starts=2,
    imported=5_000,
    office=Office(1_000, 5_000, 20_000, 20),
)


class Bench:
    """One run and the figures it found."""

    def __init__(self, size: Size, folder: Path) -> None:
        self._size, self._folder = size, folder
        self._fleet = Fleet(size.bikes, size.rides)
        self.lines: list[Line] = []

    async def run(self, parts: Sequence[str]) -> None:
        """Measure the parts. Raises CannotRun, WrongEffect."""
        if "console" in parts:
            await self._console()
        if set(parts) == {"console"}:
            return
        large = _stored(self._folder, self._size.bikes, self._size.rides)
        if "startup" in parts:
            await self._startup(large)
        async with product(large) as server:
            if "cycles" in parts:
                await self._cycles(server)
            if "reads" in parts:
                await self._reads(server)
            if "settlement" in parts:
                await self._settlement(server, large)
            if "view" in parts:
                await self._view(server)
            if "startup" in parts:
                self._memory(server)
            if "imports" in parts:
                await self._imports(server)

    async def _console(self) -> None:
        office, rides = self._size.office, self._size.rides
        folder = self._folder / f"office-{rides}"
        if not folder.exists():
            took = fill(folder, office.bikes, rides, office.riders)
            took += furnish(folder, office.bikes, rides, office.riders, office.audit)
            print(f"{office.bikes:,} bikes, {rides:,} rides, {office.riders:,} riders made in {took:.0f} s", flush=True)
        async with product(folder) as server:
            console = Console(server, office.bikes, rides, office.riders)
            self.lines += await console.pages(office.turns)
            self.lines += await console.file()

    async def _startup(self, large: Path) -> None:
        times = []
        for _ in range(self._size.starts):
            async with product(large) as server:
                times.append(server.ready_s)
                memory = memory_mb(server.pid)
        measured = median(times)
        self.lines += [
            Line("start to ready", f"{measured:.2f} s", f"first {times[0]:.2f} s", "<= 2 s", measured <= 2),
            Line("memory, idle", f"{memory[0]:.0f} MB RSS", f"PSS {memory[1]:.0f} MB"),
        ]

    def _memory(self, server: Server) -> None:
        resident, shared = memory_mb(server.pid)
        beside = f"PSS {shared:.0f} MB, after all that was measured here"
        self.lines.append(Line("memory, after load", f"{resident:.0f} MB RSS", beside, "<= 150 MB", resident <= 150))

    async def _cycles(self, server: Server) -> None:
        size = self._size
        rides = []
        rents = []
        returns = []
        appends = []
        single = []
        grouped = []
        connections = await connect_many(server.port, RIDERS)
        await cycles(connections, server.pid, self._fleet, 0.5)
        for _ in range(size.rounds):
            rides.append(await cycles(connections, server.pid, self._fleet, size.cycles_s))
            appends.append(appends_per_s(self._folder, size.floors_s))
            single.append(writes_per_s(self._folder, size.floors_s, 1))
            grouped.append(writes_per_s(self._folder, size.floors_s, RIDERS))
            rented, returned = await rents_and_returns(connections, server.pid, self._fleet, size.reads_s)
            rents.append(rented)
            returns.append(returned)
        for connection in connections:
            connection.close()
        self.lines += [
            Line("floor: append + fsync", f"{median(appends):,.0f}/s"),
            Line("floor: SQLite, 1 write a commit", f"{median(single):,.0f}/s"),
            Line(f"floor: SQLite, {RIDERS} writes a commit", f"{median(grouped):,.0f}/s"),
            speed_line("complete rides", rides, median(single), "SQLite, 1 write a commit", 1000),
            speed_line("rents", rents, median(single), "SQLite, 1 write a commit"),
            speed_line("returns", returns, median(single), "SQLite, 1 write a commit"),
        ]

    async def _reads(self, server: Server) -> None:
        kinds = {
            "GET /bikes/{id}": lambda n: f"/bikes/{1 + n * 7919 % self._size.bikes}",
            "GET /bikes (a page of 20)": lambda n: "/bikes",
            "GET one rider's page of the view": lambda n: VIEW_PAGE.format(2 + n * 7919 % (self._fleet.riders - 1)),
        }
        found: dict[str, list[Speed]] = {kind: [] for kind in ["bare", *kinds]}
        async with bare_server(self._folder) as bare:
            ours = await connect_many(server.port, RIDERS)
            floor = await connect_many(bare.port, RIDERS)
            for _ in range(self._size.rounds):
                found["bare"].append(await reads(floor, bare.pid, lambda n: "/", self._size.reads_s))
                for kind, path in kinds.items():
                    found[kind].append(await reads(ours, server.pid, path, self._size.reads_s))
        for connection in [*ours, *floor]:
            connection.close()
        most = median(speed.per_s for speed in found["bare"])
        self.lines.append(speed_line("floor: bare HTTP server", found["bare"]))
        self.lines += [speed_line(kind, found[kind], most, "the bare server") for kind in kinds]

    async def _settlement(self, server: Server, folder: Path) -> None:
        found = await settlement(server, folder, self._fleet, 200, self._size.settlement_s)
        p99 = percentile(found.closed, 99)
        busy = f"server {found.server_busy:.0%} of a core, driver {found.driver_busy:.0%}"
        self.lines += [
            Line(
                "return answered to bill closed",
                f"p50 {percentile(found.closed, 50):.1f} p99 {p99:.1f} ms",
                f"{len(found.closed)} rides at {found.offered_per_s:.0f}/s, {busy}",
                "p99 <= 50 ms",
                p99 <= 50,
            ),
            _latency("rent, from its schedule", found.rented),
            _latency("return", found.returned),
        ]

    async def _imports(self, server: Server) -> None:
        """Rows of a file, and the floor of every commit that many share, in turn."""
        found = []
        floors = []
        for _ in range(max(self._size.rounds, 3)):
            floors.append(writes_per_s(self._folder, self._size.floors_s, RIDERS))
            found.append(await imports(server, self._size.imported))
        share = median(speed.per_s for speed in found) / median(floors)
        each = speed_line("rows of a file that is imported", found, median(floors), f"SQLite, {RIDERS} writes a commit")
        self.lines += [each, Line("the same, of that floor", f"{share:.2f}", "", ">= 0.25", share >= 0.25)]

    async def _view(self, server: Server) -> None:
        """The same page from ten thousand and from a million rows, in turn; also of a rider who has a tenth of them."""
        few_rows = _stored(self._folder, *SMALL)
        took: dict[tuple[str, int], list[float]] = {}
        async with product(few_rows) as small:
            (much,), (little,) = await connect_many(server.port, 1), await connect_many(small.port, 1)
            for turn in range(20 * self._size.rounds):
                riders = [2 + (turn * 10 + number) % 90 for number in range(10)]
                for name, asked in (("a rider", riders), ("the keenest rider", [KEEN_RIDER] * 10)):
                    for connection in (little, much):
                        paths = [VIEW_PAGE.format(rider) for rider in asked]
                        times = await one_by_one(connection, paths, 20)
                        took.setdefault((name, connection is much), []).extend(times)
            much.close()
            little.close()
        for name in ("a rider", "the keenest rider"):
            few, many = median(took[name, False]), median(took[name, True])
            measured, beside = (
                f"x {many / few:.2f}",
                f"{few:.2f} ms of {SMALL[1]:,} rows, {many:.2f} of {self._size.rides:,}",
            )
            self.lines.append(Line(f"view page of {name}", measured, beside, "<= x 1.5", many / few <= 1.5))


def _stored(folder: Path, bikes: int, rides: int) -> Path:
    """A folder with so much of a past; one that is there already is used again."""
    filled = folder / f"rents-{rides}"
    if not filled.exists():
        took = fill(filled, bikes, rides)
        print(f"{bikes:,} bikes and {rides:,} rents made in {took:.0f} s", flush=True)
    return filled


def _latency(figure: str, found: list[float]) -> Line:
    return Line(figure, f"p50 {percentile(found, 50):.1f} p99 {percentile(found, 99):.1f} ms")


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="gbike bench", description=__doc__.split("\n")[0])
    parser.add_argument("--distributed", action="store_true", help="the same services on PostgreSQL, Kafka and Envoy")
    parser.add_argument("--tokens", action="store_true", help="what checking tokens costs, in pairs with an open door")
    parser.add_argument("--floods", action="store_true", help="what a rider waits beside a stranger's floods")
    parser.add_argument("--quick", action="store_true", help="less stored, one short round")
    parser.add_argument("--only", default=",".join(PARTS), help=f"some of {','.join(PARTS)}")
    parser.add_argument("--data", type=Path, help="keep the filled stores here and use them again")
    chosen = parser.parse_args(argv)
    chosen.only = chosen.only.split(",")
    if unknown := set(chosen.only) - set(PARTS):
        parser.error(f"--only {', '.join(sorted(unknown))}: there is {', '.join(PARTS)}")
    return chosen


def main(argv: list[str]) -> int:
    """Measure, print the table last. 0: measured; 1: an effect was wrong; 2: it could not run, or wrong usage."""
    if "--distributed" in argv:
        from dev.bench import distributed  # its libraries are those of the distributed form

        return distributed.main([one for one in argv if one != "--distributed"])
    if "--tokens" in argv:
        from dev.bench import tokens

        return tokens.main([one for one in argv if one != "--tokens"])
    if "--floods" in argv:
        from dev.bench import floods

        return floods.main([one for one in argv if one != "--floods"])
    chosen = _arguments(argv)

    def measured() -> None:
        with nullcontext(chosen.data) if chosen.data else own_folder() as folder:
            bench = Bench(QUICK if chosen.quick else FULL, folder)
            uvloop.run(bench.run(chosen.only))
            print("\n".join(describe(folder)))
            print(table(bench.lines))

    return exit_code(measured)
