"""Whole rides under load: rent, return, and everything that follows, checked to the won."""

import asyncio
import math
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import count
from typing import Any

import msgspec

from dev.bench.fill import riders_of
from dev.bench.http import Connection, Reply, closed_loop
from dev.bench.machine import family_cpu_ms, own_cpu_ms

PAGE = 1000
SETTLE_S = 60
POLL_S = 0.002


class WrongEffect(Exception):
    """What was measured did not do what it should; its speed means nothing."""


class Ride(msgspec.Struct, frozen=True):
    """A ride that was rented and returned."""

    rentid: int
    userid: int
    bikeid: int


class Fleet:
    """Bikes and riders of a filled folder. They take turns, so that a bike has long been freed when it comes again."""

    def __init__(self, bikes: int, rides: int) -> None:
        self._bikes: Iterator[int] = count()
        self._many, self.riders = bikes, riders_of(rides)
        self._next_rider: Iterator[int] = count()

    def bike(self) -> int:
        """The next bike."""
        return 1 + next(self._bikes) % self._many

    def rider(self) -> int:
        """The next rider, never the keen one."""
        return 2 + next(self._next_rider) % (self.riders - 1)


class Speed(msgspec.Struct, frozen=True):
    """How fast something was: per second, and the CPU it took of the server (with all that it started) and of the
    driver, ms each."""

    done: int
    seconds: float
    server_ms: float
    driver_ms: float

    @property
    def per_s(self) -> float:
        """How many a second."""
        return self.done / self.seconds


class Meter:
    """Measures one stretch: from its making to `stop`."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._server, self._driver = family_cpu_ms(pid), own_cpu_ms()
        self._began = time.perf_counter()

    def stop(self, done: int) -> Speed:
        """What `done` things took."""
        took = time.perf_counter() - self._began
        each = max(1, done)
        server, driver = (family_cpu_ms(self._pid) - self._server) / each, (own_cpu_ms() - self._driver) / each
        return Speed(done, took, server, driver)


async def rent(connection: Connection, userid: int, bikeid: int) -> int:
    """Rent a bike; the rent's number. Raises WrongEffect when it is refused: every bike of the bench is free."""
    reply = await connection.ask("POST", "/rents", b'{"userid": %d, "bikeid": %d}' % (userid, bikeid))
    return int(_expect(reply, 201, f"rent of bike {bikeid}")["rentid"])


async def give_back(connection: Connection, rentid: int) -> None:
    """Return the bike. Raises WrongEffect."""
    reply = await connection.ask("PATCH", f"/rents/{rentid}", b'{"endlocation": "dock 7"}')
    _expect(reply, 200, f"return of rent {rentid}")


Settle = Callable[[Sequence[Ride]], Awaitable[None]]
"""Waits until rides have settled."""


async def cycles(
    connections: Sequence[Connection], pid: int, fleet: Fleet, seconds: float, settle: Settle | None = None
) -> Speed:
    """Closed loop: each connection is a rider who rents, returns, and rents the next bike; the time ends when the last
    bill is closed, the last bike free and the view has heard of it. Raises WrongEffect.

    Events come in order where there is one log, and then the last rides are asked for; else `settle` waits for all."""
    rides: list[Ride] = []
    riders = {connection: fleet.rider() for connection in connections}
    first = connections[0]
    before = await _balances(first, riders.values())
    bills = await _bill_count(first)

    async def ride(connection: Connection) -> None:
        bikeid = fleet.bike()
        rentid = await rent(connection, riders[connection], bikeid)
        await give_back(connection, rentid)
        rides.append(Ride(rentid, riders[connection], bikeid))

    meter = Meter(pid)
    await closed_loop(connections, seconds, ride)
    await (settle(rides) if settle else _until_settled(connections, rides[-2 * len(connections) :]))
    speed = meter.stop(len(rides))
    await check(first, rides, bills, before)
    return speed


async def rents_and_returns(
    connections: Sequence[Connection], pid: int, fleet: Fleet, seconds: float
) -> tuple[Speed, Speed]:
    """Closed loop: only rents, then only their returns. Raises WrongEffect."""
    rides: list[Ride] = []
    first = connections[0]
    bills = await _bill_count(first)

    async def begin(connection: Connection) -> None:
        userid, bikeid = fleet.rider(), fleet.bike()
        rides.append(Ride(await rent(connection, userid, bikeid), userid, bikeid))

    meter = Meter(pid)
    await closed_loop(connections, seconds, begin)
    rented = meter.stop(len(rides))
    waiting = list(rides)

    async def return_all(connection: Connection) -> None:
        while waiting:
            await give_back(connection, waiting.pop().rentid)

    meter = Meter(pid)
    await asyncio.gather(*(return_all(connection) for connection in connections))
    returned = meter.stop(len(rides))
    await _until_settled(connections, rides[: 2 * len(connections)])
    await check(first, rides, bills, None)
    return rented, returned


async def check(
    connection: Connection, rides: Sequence[Ride], bills_before: int, before: dict[int, int] | None
) -> None:
    """Every ride has one closed bill over the right fee, and (with `before`) every rider paid just that. Raises
    WrongEffect."""
    wanted = {ride.rentid: ride for ride in rides}
    paid: Counter[int] = Counter()
    seen: Counter[int] = Counter()
    total = await _bill_count(connection)
    for number in range(bills_before // PAGE, -(-total // PAGE)):
        reply = await connection.ask("GET", f"/billings?page={number}&size={PAGE}")
        for bill in _expect(reply, 200, "list of bills")["_embedded"]["billings"]:
            ride = wanted.get(bill["rentid"])
            if ride is None:
                continue
            seen[ride.rentid] += 1
            fee = _fee(bill["starttime"], bill["endtime"])
            if (bill["status"], bill["userid"], bill["fee"]) != ("CLOSEBILL", ride.userid, fee):
                raise WrongEffect(f"rent {ride.rentid} should be closed over {fee} won but has the bill {bill}")
            paid[ride.userid] += fee
    if len(seen) != len(wanted) or any(times != 1 for times in seen.values()):
        raise WrongEffect(f"{len(wanted)} rents have {sum(seen.values())} bills")
    if before is not None:
        after = await _balances(connection, before)
        wrong = {
            user: (before[user], after[user], paid[user]) for user in before if before[user] - after[user] != paid[user]
        }
        if wrong:
            raise WrongEffect(f"riders whose deposit did not go down by their fees (before, after, fees): {wrong}")


async def _until_settled(connections: Sequence[Connection], rides: Sequence[Ride]) -> None:
    until = time.monotonic() + SETTLE_S

    async def wait_for(connection: Connection, some: Sequence[Ride]) -> None:
        for ride in reversed(some):
            while not await _settled(connection, ride):
                if time.monotonic() > until:
                    raise WrongEffect(f"rent {ride.rentid} did not settle within {SETTLE_S} s")
                await asyncio.sleep(POLL_S)

    many = len(connections)
    await asyncio.gather(*(wait_for(connection, rides[n::many]) for n, connection in enumerate(connections)))


async def _settled(connection: Connection, ride: Ride) -> bool:
    bill = await connection.ask("GET", f"/billings/search/findByRentid?rentid={ride.rentid}")
    if b"CLOSEBILL" not in bill.body:
        return False
    line = await connection.ask("GET", f"/rentAndBillingViews/{ride.rentid}")
    bike = await connection.ask("GET", f"/bikes/{ride.bikeid}")
    return b"CLOSEBILL" in line.body and "사용가능".encode() in bike.body


async def _balances(connection: Connection, users: Iterable[int]) -> dict[int, int]:
    found = {}
    for user in users:
        found[user] = _expect(await connection.ask("GET", f"/userDeposits/{user}"), 200, "deposit")["deposit"]
    return found


async def _bill_count(connection: Connection) -> int:
    reply = await connection.ask("GET", "/billings?size=1")
    return int(_expect(reply, 200, "list of bills")["page"]["totalElements"])


def _fee(started: str, ended: str) -> int:
    ridden = datetime.fromisoformat(ended) - datetime.fromisoformat(started)
    return 100 * max(1, math.ceil(ridden.total_seconds()))


def _expect(reply: Reply, status: int, what: str) -> dict[str, Any]:
    if reply.status != status:
        raise WrongEffect(f"{what}: {reply.status} {reply.body[:300]!r}")
    found: dict[str, Any] = reply.json()
    return found
