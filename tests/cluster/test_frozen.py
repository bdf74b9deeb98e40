"""A program that stops answering, a disk without room: what is supervised is neither left frozen nor forgotten."""

import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gbike.run.cluster import child as supervised
from gbike.run.cluster import forkserver
from gbike.run.cluster.child import Child, ProcessSpec
from gbike.run.cluster.forkserver import ForkServer
from gbike.run.cluster.plan import SERVE
from gbike.run.engines import Program
from tests.cluster.test_child import SLEEP, alive
from tests.waiting import soon

MANY = 20


class Watched:
    """A child that answers when told to."""

    def __init__(self, folder: Path, *, silent_s: float) -> None:
        self.told: list[str] = []
        self.ready = self.answering = True
        self.asked = 0
        program = Program([sys.executable, "-c", SLEEP])
        part = ProcessSpec("it", "it", 1, lambda: program, self._ready, answers=self._answers, silent_s=silent_s)
        self.child = Child(part, folder, self.told.append, lambda: None)

    async def _ready(self) -> bool:
        self.asked += 1
        return self.ready and self.answering

    async def _answers(self) -> bool:
        self.asked += 1
        return self.answering

    async def asked_again(self, times: int) -> None:
        """Wait until it was asked so often."""
        until = self.asked + times
        await soon(lambda: self.asked >= until)

    async def another(self, pid: int | None) -> int:
        """Wait until another process runs."""
        return int(await soon(lambda: (now := self.child.pid) and now != pid and alive(now) and now))


@pytest.fixture
async def it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Watched]:
    monkeypatch.setattr(supervised, "ASK_EVERY_S", 0.02)
    monkeypatch.setattr(supervised, "FIRST_PAUSE_S", 0.01)
    watched = Watched(tmp_path, silent_s=0.02 * MANY)
    await watched.child.start()
    yield watched
    await watched.child.stop(hard=True)


async def test_what_was_ready_and_answers_no_more_is_ended_and_started_anew_and_said(it: Watched) -> None:
    await it.asked_again(2)
    first = it.child.pid
    assert first is not None
    os.kill(first, signal.SIGSTOP)
    it.answering = False
    second = await it.another(first)
    assert not alive(first)
    assert it.told[0] == "it has not answered for 0.4 s; it is ended and started anew"
    it.answering = True
    await it.asked_again(2 * MANY)
    assert (it.child.pid, it.child.restarts) == (second, 1)


async def test_what_freezes_for_less_is_left_alone(it: Watched) -> None:
    await it.asked_again(2)
    first = it.child.pid
    for _ in range(4):
        it.answering = False
        await it.asked_again(MANY // 2)
        it.answering = True
        await it.asked_again(2)
    assert (it.child.pid, it.told) == (first, [])


async def test_what_answers_but_is_not_ready_is_not_frozen(it: Watched) -> None:
    await it.asked_again(2)
    first, it.ready = it.child.pid, False
    await it.asked_again(3 * MANY)
    assert (it.child.pid, it.told) == (first, [])


async def test_what_was_never_ready_may_take_its_time(it: Watched) -> None:
    it.answering = False
    await it.child.stop()
    await it.child.start()
    first = it.child.pid
    await it.asked_again(3 * MANY)
    assert (it.child.pid, it.told) == (first, [])


async def test_what_freezes_again_and_again_is_left_for_a_person(it: Watched) -> None:
    for _ in range(supervised.ANEW):
        await it.asked_again(2)
        before, it.answering = it.child.pid, False
        await it.another(before)
        it.answering = True
    await it.asked_again(2)
    last, it.answering = it.child.pid, False
    await it.asked_again(4 * MANY)
    assert it.child.pid == last
    printed = [line for line in it.told if "is left as it is" in line]
    assert len(printed) == 1
    assert "3 times within 10 minutes" in printed[0]


async def test_a_full_disk_makes_nobody_forgotten(it: Watched) -> None:
    first = it.child.pid
    folder = it.child.log.parent
    away = it.child.log.parent.with_suffix(".away")
    assert first is not None
    folder.rename(away)
    folder.write_text("no room for a log here")
    try:
        os.kill(first, signal.SIGKILL)
        await soon(lambda: any("can't be started" in line for line in it.told))
        await it.asked_again(MANY)
        assert len([line for line in it.told if "can't be started" in line]) == 1
    finally:
        folder.unlink()
        away.rename(folder)
    assert alive(await it.another(first))


async def test_what_could_not_be_started_is_not_taken_for_started(tmp_path: Path) -> None:
    it = Watched(tmp_path / "file", silent_s=1)
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(OSError, match="file"):
        await it.child.start()
    assert not it.child.wanted


async def test_a_log_is_bounded_when_there_is_no_room_for_its_copy(
    it: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervised, "LOG_BYTES", 10)

    def full(_: Path, to: Path) -> None:
        to.write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    it.child.log.write_text("x" * 100)
    it.child.bound_log()
    assert it.child.log.stat().st_size == 0
    assert not it.child.log.with_suffix(".1.log").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="services are forked on Linux")
async def test_a_fork_server_that_froze_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forks = ForkServer(lambda: None)
    program = Program([*SERVE, "no-such-service"], env={"PATH": os.environ["PATH"]})
    first = await forks.launch(program, tmp_path / "it.log", signal.SIGTERM)
    await first.wait()
    pid = forks.pid
    assert pid is not None
    monkeypatch.setattr(forkserver, "FORK_S", 3)
    os.kill(pid, signal.SIGSTOP)
    again = await forks.launch(program, tmp_path / "it.log", signal.SIGTERM)
    await again.wait()
    assert forks.pid != pid
    assert not alive(pid)
    await forks.stop()
