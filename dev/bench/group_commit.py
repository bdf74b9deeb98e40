"""Where should a write's statements and its COMMIT run: on the event loop (as in kit/storage/sqlite/store), or in a
thread?

`python -m dev.bench.group_commit` lets 64 writers write for a while, each way, on a file of its own: once with nothing
else to do, and once with some plain Python before each write, as a request has. All ways share a commit among all that
wait, with synchronous=FULL. docs/decisions/0003 keeps the figures.
"""

import asyncio
import json
import sqlite3  # noqa: TID251 - its files are no store that this process has open
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import uvloop

from gbike.kit.clock import SystemClock, SystemIds
from gbike.kit.storage.batching import Left
from gbike.kit.storage.sqlite.store import SqliteStore
from gbike.kit.store import Tx

WRITERS = 64
SECONDS = 2.0
ROUNDS = 5
BODY = {"userid": 1, "bikeid": 7, "endlocation": "분당_정자역_1구역", "status": "returned", "lat": 37.36, "lon": 127.1}
REQUEST_WORK = 10
"""Times the body is written and read: some 100 µs, about what an HTTP request costs."""
SETUP = "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER); CREATE TABLE said (id INTEGER PRIMARY KEY, what TEXT)"


def _change(tx: Tx, number: int) -> None:
    tx.execute("INSERT INTO t (id, n) VALUES (?, 1) ON CONFLICT (id) DO UPDATE SET n = n + 1", (number,))
    tx.execute("INSERT INTO said (what) VALUES ('changed')")


class CommitInThread(SqliteStore):
    """Another way: every COMMIT in a thread, quick or slow."""

    async def _commit(self, left: Left) -> None:
        assert self._committer is not None
        await asyncio.get_running_loop().run_in_executor(self._committer, self._writer.execute, "COMMIT")


class AllInThread(SqliteStore):
    """Another way: the statements of a batch run in the thread too, and the event loop is woken once."""

    async def _transact(self, batch: list[Any]) -> bool:
        return await asyncio.get_running_loop().run_in_executor(self._committer, self._run_there, batch)

    def _run_there(self, batch: list[Any]) -> bool:
        self._writer.execute("BEGIN IMMEDIATE")
        left = self._execute(batch, self._writer)
        self._writer.execute("COMMIT")
        return bool(left.events)


def _handle_a_request() -> None:
    """What a request costs beside its write, in plain Python."""
    for _ in range(REQUEST_WORK):
        json.loads(json.dumps(BODY))


async def _load(store: SqliteStore, work: Callable[[], None]) -> tuple[int, float]:
    """Writes done in SECONDS, and the p99 of a write in ms."""
    until, took = time.perf_counter() + SECONDS, list[float]()

    async def writer(number: int) -> None:
        while time.perf_counter() < until:
            work()
            began = time.perf_counter()
            await store.write(_change, number)
            took.append(time.perf_counter() - began)

    await asyncio.gather(*(writer(number) for number in range(WRITERS)))
    return len(took), sorted(took)[int(len(took) * 0.99)] * 1000


async def _measure(kind: type[SqliteStore], folder: Path, work: Callable[[], None]) -> tuple[int, float]:
    with ThreadPoolExecutor(1) as threads:
        store = kind(_file(folder), clock=SystemClock(), ids=SystemIds(), source="bench", committer=threads)
        try:
            return await _load(store, work)
        finally:
            await store.close()


def _file(folder: Path) -> Path:
    path = Path(tempfile.mkdtemp(dir=folder)) / "bench.sqlite"
    connection = sqlite3.connect(path)
    connection.executescript(SETUP)
    connection.close()
    return path


def main() -> None:
    """Print, for each way and load, the median and the best of the rounds, which take turns."""
    ways = (
        ("as in the product", SqliteStore),
        ("COMMIT in a thread", CommitInThread),
        ("all in a thread", AllInThread),
    )
    print(f"{WRITERS} writers, {SECONDS:.0f} s a round, {ROUNDS} rounds: median (best)")
    with tempfile.TemporaryDirectory() as folder:
        for load, work in (("only writes", lambda: None), ("requests and writes", _handle_a_request)):
            found: dict[str, list[tuple[int, float]]] = {name: [] for name, _ in ways}
            for _ in range(ROUNDS):
                for name, kind in ways:
                    found[name].append(uvloop.run(_measure(kind, Path(folder), work)))
            for name, rounds in found.items():
                writes = [done / SECONDS for done, _ in rounds]
                p99_ms = statistics.median(late for _, late in rounds)
                told = f"{statistics.median(writes):,.0f} ({max(writes):,.0f}) tx/s, p99 {p99_ms:.1f} ms"
                print(f"{load}, {name}: {told}")


if __name__ == "__main__":
    main()
