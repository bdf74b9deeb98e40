"""A program under supervision: kept running, ended when it must, and never left behind."""

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gbike.run.cluster import child as supervised
from gbike.run.cluster import orphans
from gbike.run.cluster.child import Child, ProcessSpec
from gbike.run.cluster.report import memory_mb
from gbike.run.engines import Program
from tests.cluster.running import until
from tests.waiting import soon

SLEEP = "import time; print('up', flush=True); time.sleep(600)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, lambda *_: None); print('up', flush=True); time.sleep(600)"


async def there() -> bool:
    return True


class Case:
    """A child, what was told of it, and how often there was another process."""

    def __init__(self, folder: Path, code: str) -> None:
        self.told: list[str] = []
        self.changes = 0
        program = Program([sys.executable, "-c", code])
        self.child = Child(ProcessSpec("it", "it", 1, lambda: program, there), folder, self.told.append, self._changed)

    def _changed(self) -> None:
        self.changes += 1

    async def up(self, times: int = 1) -> None:
        """Wait until it has said so that many times."""
        await self.wait(lambda: self.child.log.exists() and self.child.log.read_text().count("up") >= times)

    async def wait(self, true: Callable[[], object]) -> None:
        await soon(true)


@asynccontextmanager
async def a_child(folder: Path, code: str = SLEEP) -> AsyncIterator[Case]:
    case = Case(folder, code)
    await case.child.start()
    try:
        await case.up()
        yield case
    finally:
        await case.child.stop(hard=True)


def alive(pid: int | None) -> bool:
    return pid is not None and orphans.birth(pid) is not None


async def test_what_is_killed_is_started_again_and_told(tmp_path: Path) -> None:
    async with a_child(tmp_path) as case:
        first = case.child.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        await case.up(2)
        assert (case.child.restarts, alive(case.child.pid), case.child.pid == first) == (1, True, False)
        assert case.told == ["it was ended by SIGKILL; it is started again in 0.2 s"]


async def test_what_ends_again_and_again_is_started_a_little_later_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervised, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(supervised, "LONGEST_PAUSE_S", 0.04)
    async with a_child(tmp_path, "print('up', flush=True); raise SystemExit(3)") as case:
        await case.wait(lambda: len(case.told) >= 4)
    pauses = [line.removeprefix("it ended with exit code 3; it is started again in ") for line in case.told]
    assert pauses[:4] == ["0.01 s", "0.02 s", "0.04 s", "0.04 s"]


async def test_what_was_up_for_long_begins_with_a_short_pause_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervised, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(supervised, "STEADY_S", 0)
    async with a_child(tmp_path, "print('up', flush=True); raise SystemExit(0)") as case:
        await case.wait(lambda: len(case.told) >= 3)
    assert {line.rpartition(" in ")[2] for line in case.told} == {"0.01 s"}


async def test_what_is_stopped_stays_so_until_it_is_started(tmp_path: Path) -> None:
    async with a_child(tmp_path) as case:
        pid = case.child.pid
        await case.child.stop()
        assert (alive(pid), case.child.pid, case.child.wanted, case.told) == (False, None, False, [])
        await case.child.start()
        await case.up()
        assert alive(case.child.pid)
        assert case.changes == 3


async def test_what_does_not_end_is_killed_in_time(tmp_path: Path) -> None:
    async with a_child(tmp_path, DEAF) as case:
        pid = case.child.pid
        await case.child.stop(within_s=0.2)
        assert not alive(pid)
        assert case.told == ["it did not end within 0.2 s and is killed"]


async def test_a_start_keeps_the_log_before_and_a_log_does_not_grow_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "it.log").write_text("yesterday")
    monkeypatch.setattr(supervised, "LOG_BYTES", 10)
    async with a_child(tmp_path, "import time\nwhile True: print('up', flush=True); time.sleep(0.01)") as case:
        assert (tmp_path / "it.1.log").read_text() == "yesterday"
        await case.up(5)
        case.child.bound_log()
        assert (tmp_path / "it.1.log").read_text().startswith("up\nup\nup\n")
        await case.up(1)
        assert case.child.log.stat().st_size < 200


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a program with its supervisor")
def test_a_program_dies_with_its_supervisor_even_when_that_is_killed(tmp_path: Path) -> None:
    supervisor = f"""
import asyncio, sys
from pathlib import Path
sys.path.insert(0, {str(Path.cwd())!r})
from tests.cluster.test_child import Case, SLEEP

async def main() -> None:
    case = Case(Path({str(tmp_path)!r}), SLEEP)
    await case.child.start()
    await case.up()
    print(case.child.pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""
    process = subprocess.Popen([sys.executable, "-c", supervisor], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    assert alive(pid)
    process.kill()
    process.wait()
    until(lambda: not alive(pid), 10)


def test_what_a_killed_supervisor_left_behind_is_ended_and_nobody_elses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orphans, "END_S", 0.5)
    ours, other = (subprocess.Popen([sys.executable, "-c", DEAF], stdout=subprocess.DEVNULL) for _ in range(2))
    try:
        orphans.record(tmp_path, {"it": ours.pid, "stopped": None})
        known = (tmp_path / orphans.FILE).read_text()
        born = orphans.birth(other.pid)
        assert born is not None
        reused = f'{{"pid":{other.pid},"born":{born - 1}}}'  # our number, now somebody else's
        (tmp_path / orphans.FILE).write_text(known.replace("]", f",{reused}]"))
        assert orphans.end_left_behind(tmp_path) == 1
        assert (alive(ours.pid), alive(other.pid)) == (False, True)
        assert orphans.end_left_behind(tmp_path) == 0
    finally:
        for process in (ours, other):
            process.kill()
            process.wait()


def test_what_a_program_occupies_is_told_while_its_children_come_and_go() -> None:
    with subprocess.Popen(["/bin/sh", "-c", "while :; do /bin/true; done"]) as busy:
        try:
            assert None not in [memory_mb(busy.pid) for _ in range(100)]
        finally:
            busy.kill()
    assert memory_mb(busy.pid) is None
