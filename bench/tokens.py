"""What checking tokens costs: rents a second behind an open and behind a closed door, in turn, as a ratio of each pair.

Both are the same process with the same load, token included; behind the open door nobody looks at it. Behind the closed
one each request has its token looked up, its pace counted, and its call to bike signed and checked.
"""

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import jwt
import uvloop
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bench.http import Connection, closed_loop, connect_many
from bench.locked import ISSUER, KID
from bench.machine import describe
from bench.process import CannotRun, Server, locked
from bench.report import Line, table
from bench.rides import Meter, Speed, WrongEffect, give_back, rent

RIDERS = 64
BIKES = 6_000
"""More than one stretch can rent."""
MOST_COST = 0.15
"""Of rents a second."""
SERVICES = ["rent", "bike", "billing", "user_deposit", "rent_and_billing_view", "bike_manage_app", "bike_manager"]


class Rider:
    """One connection and whose token it carries."""

    def __init__(self, connection: Connection, userid: int, key: Ed25519PrivateKey, role: str = "rider") -> None:
        now = int(time.time())  # noqa: TID251 - the bench is its own issuer
        claims = {"iss": ISSUER, "sub": str(userid), "aud": SERVICES, "iat": now, "exp": now + 900, "roles": [role]}
        token = jwt.encode(claims, key, "EdDSA", headers={"kid": KID, "typ": "at+jwt"})
        self.connection, self.userid = connection, userid
        connection.headers = f"authorization: Bearer {token}\r\n"


async def rents(riders: Sequence[Rider], pid: int, bikes: Sequence[int], seconds: float) -> Speed:
    """Closed loop of rents; what was rented is returned afterwards, and not measured. Raises WrongEffect."""
    free, made = list(bikes), list[tuple[Connection, int]]()
    of = {rider.connection: rider.userid for rider in riders}

    async def begin(connection: Connection) -> None:
        made.append((connection, await rent(connection, of[connection], free.pop())))

    meter = Meter(pid)
    await closed_loop(list(of), seconds, begin)
    speed = meter.stop(len(made))

    async def end(connection: Connection) -> None:
        for rentid in [rentid for whose, rentid in made if whose is connection]:
            await give_back(connection, rentid)

    await asyncio.gather(*map(end, of))
    return speed


async def measure(folder: Path, rounds: int, seconds: float) -> list[Line]:
    """The pairs. Raises CannotRun, WrongEffect."""
    key, public = Ed25519PrivateKey.generate(), folder / "bench.pub"
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    for mode in ("open", "secure"):
        (folder / mode).mkdir()
    async with locked("open", folder / "open", public) as free, locked("secure", folder / "secure", public) as shut:
        sides = {"open": (free, await _riders(free, key)), "secure": (shut, await _riders(shut, key))}
        found: dict[str, list[Speed]] = {"open": [], "secure": []}
        for number in range(rounds + 1):
            for mode in ("open", "secure") if number % 2 else ("secure", "open"):
                server, riders = sides[mode]
                speed = await rents(riders, server.pid, range(1, BIKES + 1), seconds)
                if number:  # the first pair warms up
                    found[mode].append(speed)
    pairs = [shut.per_s / free.per_s for free, shut in zip(found["open"], found["secure"], strict=True)]
    cpu = [shut.server_ms / free.server_ms for free, shut in zip(found["open"], found["secure"], strict=True)]
    cost = 1 - median(pairs)
    return [
        *(Line(f"rents, {mode} door", f"{median(s.per_s for s in speeds):,.0f}/s",
               f"{median(s.server_ms for s in speeds):.2f} ms CPU each") for mode, speeds in found.items()),
        Line("checking tokens costs", f"{cost:.1%} of rents/s", _spread(pairs), "<= 15 %", cost <= MOST_COST),
        Line("… of CPU per rent", f"{median(cpu) - 1:+.1%}", _spread(cpu)),
    ]  # fmt: skip


def _spread(ratios: Sequence[float]) -> str:
    return f"secure / open in {len(ratios)} pairs: {min(ratios):.2f} to {max(ratios):.2f}, median {median(ratios):.2f}"


async def _riders(server: Server, key: Ed25519PrivateKey) -> list[Rider]:
    """The riders, once an admin has registered the bikes."""
    connections, numbers = await connect_many(server.port, RIDERS), iter(range(1, BIKES + 1))
    admins = [Rider(one, 1, key, "admin") for one in connections]

    async def register(admin: Rider) -> None:
        for bikeid in numbers:
            reply = await admin.connection.ask("POST", "/bikes", b'{"bikeid": %d}' % bikeid)
            if reply.status != 201:
                raise WrongEffect(f"bike {bikeid} was not registered: {reply.status} {reply.body!r}")

    await asyncio.gather(*(register(admin) for admin in admins))
    return [Rider(one, 2 + number, key) for number, one in enumerate(connections)]


def main(argv: Sequence[str]) -> int:
    """0: measured; 1: an effect was wrong; 2: it could not run."""
    parser = argparse.ArgumentParser(prog="gbike bench --tokens", description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=2.0)
    chosen = parser.parse_args(argv)
    folder = Path(tempfile.mkdtemp(prefix=".bench-", dir=Path.cwd()))
    try:
        lines = uvloop.run(measure(folder, chosen.rounds, chosen.seconds))
        print("\n".join(describe(folder)))
        print(table(lines))
    except WrongEffect as wrong:
        print(f"gbike bench: a measured effect was wrong: {wrong}", file=sys.stderr)
        return 1
    except (CannotRun, OSError) as why:
        print(f"gbike bench: {why}", file=sys.stderr)
        return 2
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0
