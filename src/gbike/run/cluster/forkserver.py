"""Where the services of a cluster are forked from: one process that has imported, once, what every service needs.

Most of a service's start is imports. Forked, it is ready in a fraction of that, which is what riders wait for after a
crash, and the code is in memory once. Which service it is, and its settings, are told to it after the fork: a process
still has the code of one service only.
"""

import asyncio
import gc
import os
import select
import signal
import sys
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec

from gbike.run.cluster.child import dies_with_us
from gbike.run.cluster.plan import SERVE
from gbike.run.engines import Program

COMMAND = [sys.executable, "-m", "gbike.run.cluster.forkserver"]
OPEN_FILES = 64
"""More than the fork server has open."""
FORK_S = 30
"""How long it may take to fork, imports included; then it is made anew."""
TRIES = 3
"""How often a service is asked for when the fork server ends meanwhile."""
PIECE = 65_536
"""Bytes that are read at once."""


class Order(msgspec.Struct, frozen=True):
    """A service to start."""

    args: list[str]
    env: dict[str, str]
    log: str
    gentle: int
    """The signal that asks it to end."""


class News(msgspec.Struct, frozen=True):
    """What became of it: a process, and once that has ended, its exit code (or minus the signal)."""

    pid: int
    code: int | None = None


class Forked:
    """A process that the fork server made, as asyncio's."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._ended = asyncio.Event()

    async def wait(self) -> int:
        """Its exit code, once it has ended."""
        await self._ended.wait()
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Nothing, when it has ended."""
        if self.returncode is None:
            os.kill(self.pid, number)

    def end(self, code: int) -> None:
        self.returncode = code
        self._ended.set()


class ForkServer:
    """The fork server as its cluster's supervisor sees it: started at the first need, and again when it is gone."""

    def __init__(self, changed: Callable[[], None]) -> None:
        """`changed`: called when there is another process."""
        self._changed = changed
        self._process: asyncio.subprocess.Process | None = None
        self._asked = deque[asyncio.Future[Forked]]()
        self._listening: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    async def launch(self, program: Program, log: Path, gentle: signal.Signals) -> Forked:
        """See child.spawn; `program` is one of ours: SERVE and what follows it. Raises OSError."""
        args = list(program.command[len(SERVE) :])
        line = msgspec.json.encode(Order(args, dict(program.env), str(log), int(gentle))) + b"\n"
        for _ in range(TRIES - 1):
            with suppress(OSError):
                return await self._ask(line)
        return await self._ask(line)

    async def stop(self) -> None:
        """End it; its services have ended before, or are told by the kernel."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
        if self._listening is not None:
            await self._listening

    async def _ask(self, line: bytes) -> Forked:
        async with self._starting:
            if self.pid is None:
                await self._start()
        asked = asyncio.get_running_loop().create_future()
        self._asked.append(asked)
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(line)
        try:
            async with asyncio.timeout(FORK_S):
                answer: Forked = await asked
                return answer
        except TimeoutError:
            self._process.kill()  # frozen: its services end with it, and are started again from a new one
            raise OSError(f"the fork server did not answer within {FORK_S} s") from None

    async def _start(self) -> None:
        self._asked = deque()
        self._process = await asyncio.create_subprocess_exec(
            *COMMAND,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
            preexec_fn=dies_with_us(signal.SIGTERM),
        )
        self._listening = asyncio.create_task(_listen(self._process, self._asked))
        self._changed()


async def _listen(process: asyncio.subprocess.Process, asked: deque["asyncio.Future[Forked]"]) -> None:
    """Pass on what a fork server tells, until it ends: then nothing that was asked of it will come."""
    there = dict[int, Forked]()
    assert process.stdout is not None
    async for line in process.stdout:
        news = msgspec.json.decode(line, type=News)
        if news.code is not None:
            there.pop(news.pid).end(news.code)
            continue
        there[news.pid] = forked = Forked(news.pid)
        if (waiting := asked.popleft()).cancelled():
            forked.send_signal(signal.SIGKILL)
        else:
            waiting.set_result(forked)
    await process.wait()
    for forked in there.values():
        forked.end(-signal.SIGTERM)  # which the kernel sent them
    for waiting in asked:
        if not waiting.done():
            waiting.set_exception(OSError("the fork server ended"))


def main() -> None:
    """Fork a service for each line on stdin, tell on stdout what became of them, end with stdin."""
    from gbike.kit.calls import remote  # noqa: F401 - and some of these
    from gbike.kit.storage.postgres import store  # noqa: F401 - most services have one
    from gbike.run import serve

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    bell, ring = os.pipe()
    os.set_blocking(ring, False)
    signal.set_wakeup_fd(ring)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    waiting = select.poll()
    for door in (0, bell):
        waiting.register(door, select.POLLIN)
    gc.freeze()  # what is here now is shared, and stays so when a service tidies up
    rest = b""
    while True:
        for door, _ in waiting.poll():
            heard = os.read(door, PIECE)
            if door == bell:
                _tell_who_ended()
                continue
            if not heard:
                return
            *lines, rest = (rest + heard).split(b"\n")
            for line in lines:
                order = msgspec.json.decode(line, type=Order)
                bind = dies_with_us(signal.Signals(order.gentle))
                if pid := os.fork():
                    _tell(News(pid))
                    continue
                if bind is not None:
                    bind()
                _become(order)
                serve.main()  # which never returns


def _tell_who_ended() -> None:
    try:
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            _tell(News(ended[0], os.waitstatus_to_exitcode(ended[1])))
    except ChildProcessError:
        return  # there are none


def _tell(news: News) -> None:
    os.write(1, msgspec.json.encode(news) + b"\n")


def _become(order: Order) -> None:
    """Let go of all that is the fork server's, and take what is the service's."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.setsid()
    os.closerange(3, OPEN_FILES)
    nothing = os.open(os.devnull, os.O_RDONLY)
    log = os.open(order.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for file, place in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(file, place)
    os.closerange(3, OPEN_FILES)
    os.environ.clear()
    os.environ.update(order.env)
    sys.argv[1:] = order.args


if __name__ == "__main__":
    main()
