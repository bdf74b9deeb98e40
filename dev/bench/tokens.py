"""What checking tokens costs: rents behind an open and behind a closed door, in many short stretches, as ratios.

Both are the same process with the same load, token included; behind the open door nobody looks at it. Behind the closed
one each request has its token looked up, its pace counted, and its call to bike signed and checked.

A machine that others use too is faster and slower by the second. So stretches are short, all of the same rents (what is
committed together comes in batches: in so many seconds there is one more or less), and four of them make a round:
open, closed, closed, open (and the other way about in the next), in which a drift counts for both alike. What is told
is the median of the rounds' ratios and between what it lies in 95 of 100 such samples; the goal is reached only if the
whole of that is below it.
"""

import argparse
import asyncio
import itertools
import random
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import jwt
import msgspec
import uvloop
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from dev.bench.http import Connection, connect_many
from dev.bench.locked import ISSUER, KID
from dev.bench.machine import describe, exact_cpu_ms
from dev.bench.process import Server, locked
from dev.bench.report import Line, exit_code, own_folder, table
from dev.bench.rides import WrongEffect, give_back, rent
from gbike.services import NAMES

RIDERS = 64
MONEY = 100_000_000
"""What each has on deposit, KRW."""
MOST = 1.15
"""As many times what a rent takes behind the open door."""
ABBA, BAAB = ("open", "secure", "secure", "open"), ("secure", "open", "open", "secure")
SAMPLES = 4_000
QUIET_MS = 1.5
POLL_S = 0.03
LOOKS = 3
SETTLE_S = 1.0
"""A process that used less than so much CPU between so many looks is at rest; it is not waited for longer."""
WARM_UP = 2
LONGEST_S = 190
"""After so long no round is begun any more."""


class Rider:
    """One connection and whose token it carries."""

    def __init__(self, connection: Connection, userid: int, key: Ed25519PrivateKey, role: str = "rider") -> None:
        now = int(time.time())  # noqa: TID251 - the bench is its own issuer
        claims = {"iss": ISSUER, "sub": str(userid), "aud": list(NAMES), "iat": now, "exp": now + 900, "roles": [role]}
        token = jwt.encode(claims, key, "EdDSA", headers={"kid": KID, "typ": "at+jwt"})
        self.connection, self.userid = connection, userid
        connection.headers = f"authorization: Bearer {token}\r\n"


class Stretch(msgspec.Struct, frozen=True):
    """What the rents of one stretch took."""

    rents: int
    seconds: float
    cpu_ms: float


class Interval(msgspec.Struct, frozen=True):
    """The median of ratios, and between what it lies."""

    low: float
    middle: float
    high: float


class Side:
    """One of the two processes, with its riders."""

    def __init__(self, server: Server, riders: Sequence[Rider]) -> None:
        self._server, self._riders = server, riders

    async def rents(self, each: int) -> Stretch:
        """Every rider rents so many bikes, one after another; what was rented is returned afterwards, and not measured,
        and neither is what follows from it. Raises WrongEffect."""

        async def begin(number: int, rider: Rider) -> list[int]:
            bikes = range(1 + number * each, 1 + (number + 1) * each)
            return [await rent(rider.connection, rider.userid, bikeid) for bikeid in bikes]

        async def end(rider: Rider, rentids: Sequence[int]) -> None:
            for rentid in rentids:
                await give_back(rider.connection, rentid)

        cpu_ms, began = exact_cpu_ms(self._server.pid), time.perf_counter()
        made = await asyncio.gather(*itertools.starmap(begin, enumerate(self._riders)))
        took = time.perf_counter() - began
        found = Stretch(each * len(made), took, exact_cpu_ms(self._server.pid) - cpu_ms)
        await asyncio.gather(*map(end, self._riders, made))
        await self._settle()
        return found

    async def _settle(self) -> None:
        """Until it is at rest: the other side is measured next."""
        until = time.monotonic() + SETTLE_S
        before, quiet = exact_cpu_ms(self._server.pid), 0
        while quiet < LOOKS and time.monotonic() < until:
            await asyncio.sleep(POLL_S)
            now = exact_cpu_ms(self._server.pid)
            quiet = quiet + 1 if now - before < QUIET_MS else 0
            before = now


Round = dict[str, list[Stretch]]


async def measure(folder: Path, rounds: int, each: int) -> list[Line]:
    """The rounds. Raises CannotRun, WrongEffect."""
    key, public = Ed25519PrivateKey.generate(), folder / "bench.pub"
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    for mode in ("open", "secure"):
        (folder / mode).mkdir()
    async with locked("open", folder / "open", public) as free, locked("secure", folder / "secure", public) as shut:
        open_side, secure_side = Side(free, await _riders(free, key, each)), Side(shut, await _riders(shut, key, each))
        sides = {"open": open_side, "secure": secure_side}
        found: list[Round] = []
        until = time.monotonic() + LONGEST_S
        for number in range(rounds + WARM_UP):
            if time.monotonic() > until and len(found) > WARM_UP:
                break
            one: Round = {"open": [], "secure": []}
            for mode in BAAB if number % 2 else ABBA:
                one[mode].append(await sides[mode].rents(each))
            found.append(one)
    return verdicts(found[WARM_UP:])


def verdicts(rounds: Sequence[Round]) -> list[Line]:
    """What a rent costs behind the closed door, as many times what it costs behind the open one."""
    found = []
    for mode in ("open", "secure"):
        rate = median(1 / _each(one, "seconds", mode) for one in rounds)
        cpu = median(_each(one, "cpu_ms", mode) for one in rounds)
        found.append(Line(f"rents, {mode} door", f"{rate:,.0f}/s", f"{cpu:.3f} ms CPU each"))
    for what, field in (("time", "seconds"), ("CPU", "cpu_ms")):
        ratio = interval([_each(one, field, "secure") / _each(one, field, "open") for one in rounds])
        beside = f"95 %: {ratio.low:.3f} to {ratio.high:.3f}, {len(rounds)} rounds of 4 stretches"
        figure = f"{what} per rent, secure / open"
        found.append(Line(figure, f"x {ratio.middle:.3f}", beside, f"<= x {MOST}", ratio.high <= MOST))
    return found


def interval(ratios: Sequence[float]) -> Interval:
    """The median, and what 95 of 100 medians of as many ratios, drawn from these again and again, lie between."""
    chance = random.Random(1)
    drawn = sorted(median(chance.choices(ratios, k=len(ratios))) for _ in range(SAMPLES))
    return Interval(drawn[SAMPLES * 25 // 1000], median(ratios), drawn[SAMPLES * 975 // 1000 - 1])


def _each(one: Round, what: str, mode: str) -> float:
    """What a rent of a round took."""
    return float(sum(getattr(stretch, what) for stretch in one[mode])) / sum(stretch.rents for stretch in one[mode])


async def _riders(server: Server, key: Ed25519PrivateKey, each: int) -> list[Rider]:
    """The riders, once an admin has given each money and registered so many bikes for each."""
    connections, numbers = await connect_many(server.port, RIDERS), iter(range(1, RIDERS * each + 1))
    admins = [Rider(one, 1, key, "admin") for one in connections]

    async def post(admin: Rider, path: str, body: bytes) -> None:
        reply = await admin.connection.ask("POST", path, body)
        if reply.status != 201:
            raise WrongEffect(f"POST {path} {body!r}: {reply.status} {reply.body!r}")

    async def prepare(admin: Rider, userid: int) -> None:
        await post(admin, "/userDeposits", b'{"userid": %d, "deposit": %d}' % (userid, MONEY))
        for bikeid in numbers:
            await post(admin, "/bikes", b'{"bikeid": %d}' % bikeid)

    await asyncio.gather(*(prepare(admin, 2 + number) for number, admin in enumerate(admins)))
    return [Rider(one, 2 + number, key) for number, one in enumerate(connections)]


def main(argv: Sequence[str]) -> int:
    """0: measured; 1: an effect was wrong; 2: it could not run."""
    parser = argparse.ArgumentParser(prog="gbike bench --tokens", description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=80)
    parser.add_argument("--rents", type=int, default=3, help="of each of the 64 riders in a stretch")
    chosen = parser.parse_args(argv)

    def measured() -> None:
        with own_folder() as folder:
            lines = uvloop.run(measure(folder, chosen.rounds, chosen.rents))
            print("\n".join(describe(folder)))
            print(table(lines))

    return exit_code(measured)
