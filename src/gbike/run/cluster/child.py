"""One program under supervision: started, started again when it ends by itself, and ended with the supervisor."""

import asyncio
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeAlias

import msgspec

from gbike.kit.files import FOR_US_ONLY, closed_folder
from gbike.run.cluster.orphans import birth, descendants
from gbike.run.engines import CannotRun, Program

if TYPE_CHECKING:
    from gbike.run.cluster.forkserver import Forked

    Process: TypeAlias = "asyncio.subprocess.Process | Forked"

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 5.0
"""Before a program that ended by itself is started again: doubled each time …"""
STEADY_S = 2
"""… until it has been up for so long: what can't run at all ends sooner, and what was killed is back at once."""
STOP_S = 8
"""How long a program may take to end when it is asked to; then it is killed."""
LOG_BYTES = 16 * 1024 * 1024
"""A log that grows beyond this is put aside, as at every start; one earlier log is kept."""
SILENT_S, ENGINE_SILENT_S = 30, 120
"""A program that was ready and then answers nothing for so long is ended and started anew; engines get the longer."""
ASK_EVERY_S = 5
"""Between two questions whether it answers, and the most that an answer may take: only questions count, so that a
machine that slept, or a supervisor that did not get to ask, ends nobody."""
ANEW, ANEW_WITHIN_S = 3, 600
"""How often that is done within how many seconds: what freezes again and again is left for a person to look at."""
ALONE_S, POLL_S = 120, 0.1
"""How long a program that runs alone may take to be ready, the recovery after a crash included, and to end; and how
often it is asked meanwhile."""
PR_SET_PDEATHSIG = 1

Tell = Callable[[str], None]

Launch = Callable[[Program, Path, signal.Signals], Awaitable["Process"]]


class ProcessSpec(msgspec.Struct, frozen=True):
    """A program of the cluster, and how it is dealt with. `service`: what people call it (its replicas all alike)."""

    name: str
    service: str
    port: int
    program: Callable[[], Program]
    ready: Callable[[], Awaitable[bool]]
    gentle: signal.Signals = signal.SIGTERM
    hard: signal.Signals = signal.SIGKILL
    url: str | None = None
    launch: Launch | None = None
    """How it is started, if not as a command."""
    answers: Callable[[], Awaitable[bool]] | None = None
    """Whether it answers at all, though it may not be ready; None: only who is ready answers."""
    silent_s: float = SILENT_S


class Child:
    """A program that is kept running until it is stopped."""

    def __init__(self, part: ProcessSpec, logs: Path, tell: Tell, changed: Callable[[], None]) -> None:
        """`tell`: what an operator should read. `changed`: called when there is another process, or none."""
        self.part, self.log = part, logs / f"{part.name}.log"
        self.wanted = False
        self.restarts = 0
        self._tell, self._changed = tell, changed
        self._process: Process | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._anew: list[float] = []
        """When it was started anew because it was silent; loop time, seconds."""

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    async def start(self) -> None:
        """Run it from now on, unless it is running."""
        if not self.wanted:
            self.wanted = True
            try:
                put_aside(self.log)
                await self._spawn()
            except BaseException:
                self.wanted = False
                raise
            self._tasks = [asyncio.create_task(self._keep()), asyncio.create_task(self._watch())]

    async def stop(self, *, hard: bool = False, within_s: float = STOP_S) -> None:
        """End it and let it stay ended. `hard`: as a crash would."""
        self.wanted = False
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        process = self._process
        if process is not None and process.returncode is None:
            process.send_signal(self.part.hard if hard else self.part.gentle)
            try:
                async with asyncio.timeout(within_s):
                    await process.wait()
            except TimeoutError:
                self._tell(f"{self.part.name} did not end within {within_s:g} s and is killed")
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
        self._process = None
        self._changed()

    def bound_log(self) -> None:
        """Put the log aside when it has grown too long; the program goes on writing to the emptied file. Where there
        is no room for the copy, room is what is wanted."""
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES:
            try:
                shutil.copyfile(self.log, _earlier(self.log))
            except OSError:
                _earlier(self.log).unlink(missing_ok=True)
            os.truncate(self.log, 0)

    async def _keep(self) -> None:
        """Start it again whenever it ended by itself, a little later each time."""
        loop, pause = asyncio.get_running_loop(), FIRST_PAUSE_S
        while self._process is not None:
            began = loop.time()
            code = await self._process.wait()
            if not self.wanted:
                return
            if loop.time() - began >= STEADY_S:
                pause = FIRST_PAUSE_S
            self._tell(f"{self.part.name} {ending(code)}; it is started again in {pause:g} s")
            told = ""
            while True:
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE_S)
                try:
                    await self._spawn()
                    break
                except (OSError, CannotRun) as why:  # a full disk has no room for a log, and is emptied some day
                    if told != (told := str(why)):
                        self._tell(f"{self.part.name} can't be started: {why}; it is tried again until it can")
            self.restarts += 1

    async def _watch(self) -> None:
        """End it when it was ready and then answers nothing; `_keep` starts it anew."""
        loop, left_alone = asyncio.get_running_loop(), False
        known = missed = 0
        while True:
            began, pid = loop.time(), self.pid
            if await self._says_yes(self.part.answers if pid == known and self.part.answers else self.part.ready):
                known, missed = pid or 0, 0
                left_alone = False
            else:
                missed = missed + 1 if pid == known else 0
            if missed * ASK_EVERY_S >= self.part.silent_s:
                missed, left_alone = 0, not await self._start_anew(told=left_alone)
            await asyncio.sleep(max(0.0, began + ASK_EVERY_S - loop.time()))

    async def _says_yes(self, question: Callable[[], Awaitable[bool]]) -> bool:
        try:
            async with asyncio.timeout(ASK_EVERY_S):
                return await question()
        except Exception:
            return False

    async def _start_anew(self, *, told: bool) -> bool:
        """End it, to be started anew, unless that was done too often, which is told once. Whether nobody need look."""
        now, process = asyncio.get_running_loop().time(), self._process
        if process is None or process.returncode is not None:
            return True
        self._anew = [at for at in self._anew if now - at < ANEW_WITHIN_S]
        silent = f"{self.part.name} has not answered for {self.part.silent_s:g} s"
        if len(self._anew) >= ANEW:
            often = f"{len(self._anew)} times within {ANEW_WITHIN_S // 60} minutes"
            if not told:
                self._tell(f"{silent}; it was started anew {often} and is left as it is: see {self.log}")
            return False
        self._anew.append(now)
        self._tell(f"{silent}; it is ended and started anew")
        family = {pid: birth(pid) for pid in descendants(process.pid)}
        process.send_signal(self.part.hard)
        try:
            async with asyncio.timeout(STOP_S):
                await process.wait()
        except TimeoutError:
            process.send_signal(signal.SIGKILL)
        for pid, born in family.items():  # a server that is killed leaves its own behind
            if born is not None and birth(pid) == born:
                with suppress(ProcessLookupError):  # it ends by itself just now
                    os.kill(pid, signal.SIGKILL)
        return True

    async def _spawn(self) -> None:
        closed_folder(self.log.parent)
        self._process = await (self.part.launch or spawn)(self.part.program(), self.log, self.part.gentle)
        self._changed()


async def spawn(program: Program, log: Path, gentle: signal.Signals) -> "Process":
    """Start a program that writes to `log` and, on Linux, is sent `gentle` when we end. Raises OSError."""
    with private_log(log) as file:
        return await asyncio.create_subprocess_exec(
            *program.command,
            env=dict(program.env or os.environ),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,  # Ctrl-C is for the supervisor, who stops everything in its order
            preexec_fn=dies_with_us(gentle),
            **as_user(program.user),
        )


@contextmanager
def alone(
    name: str, program: Program, log: Path, ready: Callable[[], bool], *, gentle: signal.Signals, dies: signal.Signals
) -> Iterator[int]:
    """A program that runs until the context ends (`gentle`) or we do (`dies`); its pid once ready. Raises CannotRun."""
    closed_folder(log.parent)
    with private_log(log) as out:
        process = subprocess.Popen(  # noqa: S603
            program.command,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,  # Ctrl-C is for us, who stop it in the end
            preexec_fn=dies_with_us(dies),
            **as_user(program.user),
        )
    try:
        until = time.monotonic() + ALONE_S
        while not ready():
            if process.poll() is not None or time.monotonic() > until:
                raise CannotRun(f"{name} does not start: see {log} · {name}: 시작되지 않았어요")
            time.sleep(POLL_S)
        yield process.pid
    finally:
        process.send_signal(gentle)
        try:
            process.wait(ALONE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def private_log(log: Path) -> IO[bytes]:
    """A log to be written on, which nobody but its user reads. Raises OSError."""
    return open(log, "ab", opener=lambda path, flags: os.open(path, flags, FOR_US_ONLY))


def put_aside(log: Path) -> None:
    """A log begins anew, and the one before is kept."""
    if log.exists():
        log.replace(_earlier(log))


def _earlier(log: Path) -> Path:
    return log.with_suffix(".1.log")


def ending(code: int) -> str:
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


def as_user(user: str | None) -> Mapping[str, Any]:
    """What a new process is told of whom it runs as; None: ourselves."""
    if user is None:
        return {}
    import pwd

    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}


def dies_with_us(number: signal.Signals) -> Callable[[], None] | None:
    """What a new process does first, so that the kernel tells it when we are gone, even by kill -9."""
    if sys.platform != "linux":
        return None
    prctl, parent = ctypes.CDLL(None).prctl, os.getpid()

    def bind() -> None:
        prctl(PR_SET_PDEATHSIG, int(number))
        if os.getppid() != parent:
            os._exit(1)

    return bind
