"""Instructions of the processor per ride, counted by valgrind: the same on a busy machine as on a quiet one.

    python -m dev.bench.instructions             2 to 4 min; needs valgrind and libfaketime, as Debian calls them
    python -m dev.bench.instructions --keep DIR  the profiles too, for callgrind_annotate

Rides in one process as `gbike demo` has them, without sockets, in a folder in memory; twice, and what is told is the
difference, so that start and end do not count. Valgrind takes fifty times as long; so that nothing is late by that,
the clock goes fifty times slower. What the kernel does is not counted.
"""

import argparse
import asyncio
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec
import uvloop

from dev.bench.process import TARIFF
from gbike.kit.calls.in_process import call_asgi
from gbike.kit.telemetry import configure_logs
from gbike.run.embedded import Embedded
from gbike.run.folder.data_folder import DataFolder

FEW, MANY = 300, 600
RIDERS, BIKES = 64, 1000
SLOWER = 0.02
MEMORY = Path("/dev/shm")


async def ride(rides: int) -> None:
    """So many rides by 64 riders, and what follows of them."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        platform = Embedded(DataFolder(Path(folder)), TARIFF)
        platform.start()

        async def ask(method: str, path: str, body: dict[str, object]) -> bytes:
            answer = await call_asgi(platform.app, method, path, msgspec.json.encode(body), {"accept": "*/*"})
            assert answer.status < 300, answer
            return answer.body

        async def rider(userid: int) -> None:
            for bike in range(userid, rides + 1, RIDERS):
                rent = msgspec.json.decode(await ask("POST", "/rents", {"userid": userid, "bikeid": bike}))
                await ask("PATCH", f"/rents/{rent['rentid']}", {"endlocation": "dock 7"})

        for bike in range(1, BIKES + 1):
            await ask("POST", "/bikes", {"bikeid": bike, "status": "사용가능"})
        await asyncio.gather(*(rider(userid) for userid in range(1, RIDERS + 1)))
        await platform.settle()
        await platform.stop()


def started(rides: int, clock: Path, profile: Path) -> subprocess.Popen[str]:
    """The same in a process under valgrind."""
    counted = ["valgrind", "--tool=callgrind", "--cache-sim=no", f"--callgrind-out-file={profile}"]
    slow = {"LD_PRELOAD": str(clock), "FAKETIME": f"+0 x{SLOWER}", "PYTHONHASHSEED": "0"}
    command = [*counted, sys.executable, "-m", "dev.bench.instructions", "--ride", str(rides)]
    return subprocess.Popen(command, env=os.environ | slow, stderr=subprocess.PIPE, text=True)


def instructions(process: subprocess.Popen[str]) -> int:
    """How many it took."""
    told = process.communicate()[1]
    found = re.search(r"Collected : (\d+)", told)
    if process.returncode or not found:
        raise SystemExit(f"valgrind ended with {process.returncode}: {told[-2000:]}")
    return int(found[1])


def main() -> None:
    """Print the instructions per ride."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=Path, help="where the profiles are left")
    parser.add_argument("--ride", type=int, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.ride:
        configure_logs("WARNING")
        uvloop.run(ride(chosen.ride))
        return
    clock = next(Path("/usr/lib").glob("**/libfaketime.so.1"), None)
    if shutil.which("valgrind") is None or clock is None:
        raise SystemExit("this needs valgrind and libfaketime")
    with tempfile.TemporaryDirectory() as scratch:
        keep = chosen.keep or Path(scratch)
        keep.mkdir(parents=True, exist_ok=True)
        few, many = (started(rides, clock, keep / f"{rides}.out") for rides in (FEW, MANY))
        each = (instructions(many) - instructions(few)) / (MANY - FEW)
    print(f"{each / 1e6:.2f} million instructions per ride, Python {sys.version.split()[0]}")


if __name__ == "__main__":
    main()
