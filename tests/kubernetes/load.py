"""People who ride, at a steady rate, until SIGTERM; then what they saw, as JSON.

    python -m tests.kubernetes.load http://10.96.0.7 --rides 20 --bikes 600

A ride is a rent of a bike that is free and its return a second later; between the two somebody looks where bikes are.
Everything must be taken: a refusal is a failure as much as no answer at all.
"""

import argparse
import asyncio
import json
import signal
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import aiohttp
import uvloop

FIRST_BIKE = 50_001
"""Its own bikes, a block for each load, so that nobody else rents one."""
FREE = "사용가능"
RIDE_S = 1.0
REST_S = 15.0
"""A returned bike is asked for again only then: that it is free comes as an event."""
MOST_TOLD = 20
KEEP_OPEN_S = 4
"""As every client of a gateway that may end should: shorter than its drain."""
PATIENCE = aiohttp.ClientTimeout(total=30)


class Load:
    """Riders and what they were told."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._free: deque[tuple[float, int]] = deque()
        self._began = time.monotonic()
        self.requests, self.without_bike = 0, 0
        self.returned: list[int] = []
        self.statuses, self.reasons = Counter[str](), Counter[str]()
        self.failed: list[str] = []
        self.took: list[float] = []

    async def open(self, bikes: range) -> None:
        """Register the bikes; those that are there from before are used when they are free."""
        for number in bikes:
            async with self._session.post("/bikes", json={"bikeid": number, "status": FREE}) as answer:
                there = answer.status == 409
                if not there:
                    answer.raise_for_status()
            if there:
                async with self._session.get(f"/bikes/{number}") as answer:
                    if (await answer.json(content_type=None))["status"] != FREE:
                        continue
            self._free.append((0.0, number))

    async def run(self, per_s: float, over: asyncio.Event) -> None:
        """Begin rides at that rate, also when answers are slow; return when the last one has ended."""
        self._began = due = time.monotonic()
        async with asyncio.TaskGroup() as riders:
            while not over.is_set():
                if self._free and self._free[0][0] <= time.monotonic():
                    riders.create_task(self._ride(self._free.popleft()[1]))
                else:
                    self.without_bike += 1
                due += 1 / per_s
                await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def _ride(self, bike: int) -> None:
        rent = await self._ask("POST", "/rents", {"userid": bike, "bikeid": bike})
        if rent is None:
            return
        await self._ask("GET", f"/bikes/{bike}")
        await asyncio.sleep(RIDE_S)
        if await self._ask("PATCH", f"/rents/{rent['rentid']}", {"endlocation": "정자"}) is not None:
            self.returned.append(rent["rentid"])
            self._free.append((time.monotonic() + REST_S, bike))

    async def _ask(self, method: str, path: str, body: Any = None) -> dict[str, Any] | None:
        """The answer; None when it was refused or there was none."""
        self.requests += 1
        began = time.monotonic()
        printed = ""
        try:
            async with self._session.request(method, path, json=body) as answer:
                told: dict[str, Any] = await answer.json(content_type=None)
                self.statuses[str(answer.status)] += 1
                if answer.status < 300:
                    return told
                printed = f"{answer.status} {told.get('type')}"
        except (aiohttp.ClientError, TimeoutError, ValueError) as broken:
            self.statuses["none"] += 1
            printed = repr(broken)
        finally:
            self.took.append(time.monotonic() - began)
        self.reasons[f"{method} {printed.rpartition('#')[2]}"] += 1
        self.failed.append(f"{began - self._began:.1f} s: {method} {path}: {printed} after {self.took[-1]:.2f} s")
        return None

    def report(self) -> dict[str, Any]:
        """All of it."""
        took = sorted(self.took) or [0.0]
        return {
            "seconds": round(time.monotonic() - self._began, 1),
            "rides": len(self.returned),
            "requests": self.requests,
            "failed": len(self.failed),
            "without_bike": self.without_bike,
            "statuses": self.statuses,
            "reasons": self.reasons,
            "p50_ms": round(took[len(took) // 2] * 1000),
            "p99_ms": round(took[len(took) * 99 // 100] * 1000),
            "most_ms": round(took[-1] * 1000),
            "told": self.failed[:MOST_TOLD],
            "returned": self.returned,
        }


async def main(url: str, per_s: float, bikes: range) -> dict[str, Any]:
    """Ride until SIGTERM."""
    over = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    connector = aiohttp.TCPConnector(limit=200, keepalive_timeout=KEEP_OPEN_S)
    async with aiohttp.ClientSession(url, connector=connector, timeout=PATIENCE) as session:
        load = Load(session)
        await load.open(bikes)
        print("riding", flush=True)
        await load.run(per_s, over)
        return load.report()


@contextmanager
def riding(url: str, per_s: float, block: int = 0) -> Iterator[dict[str, Any]]:
    """People ride meanwhile; what they saw is in the dict when the context has ended. `block`: whose bikes."""
    bikes = int(per_s * 2 * REST_S)
    first = FIRST_BIKE + 10_000 * block
    command = [sys.executable, "-m", "tests.kubernetes.load", url, "--rides", str(per_s)]
    process = subprocess.Popen(
        [*command, "--bikes", str(bikes), "--first", str(first)], stdout=subprocess.PIPE, text=True
    )
    seen: dict[str, Any] = {}
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "riding\n", "the load did not begin"
        yield seen
        process.send_signal(signal.SIGTERM)
        seen.update(json.loads(process.communicate(timeout=90)[0]))
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def summary(seen: dict[str, Any]) -> str:
    """The figures in a line."""
    return ", ".join(f"{name} {told}" for name, told in seen.items() if name not in ("returned", "told"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--rides", type=float, default=20, help="a second")
    parser.add_argument("--bikes", type=int, default=600)
    parser.add_argument("--first", type=int, default=FIRST_BIKE)
    chosen = parser.parse_args()
    print(json.dumps(uvloop.run(main(chosen.url, chosen.rides, range(chosen.first, chosen.first + chosen.bikes)))))
