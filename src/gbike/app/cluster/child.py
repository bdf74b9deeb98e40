"""One program under supervision: started, started again when it ends by itself, and ended with the supervisor."""

import asyncio
import ctypes
import os
import shutil
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import msgspec

from gbike.app.engines import Program

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 5.0
"""Before a program that ended by itself is started again: doubled each time …"""
STEADY_S = 2
"""… until it has been up for so long: what can't run at all ends sooner, and what was killed is back at once."""
STOP_S = 8
"""How long a program may take to end when it is asked to; then it is killed."""
LOG_BYTES = 16 * 1024 * 1024
"""A log that grows beyond this is put aside, as at every start; one earlier log is kept."""
PR_SET_PDEATHSIG = 1

Tell = Callable[[str], None]


class Process(Protocol):
    """A process that runs, or ran."""

    @property
    def pid(self) -> int:
        """Its number."""

    @property
    def returncode(self) -> int | None:
        """Its exit code, or minus the signal that ended it; None while it runs."""

    async def wait(self) -> int:
        """The same, once it has ended."""

    def send_signal(self, number: int, /) -> None:
        """Nothing, when it has ended."""


Launch = Callable[[Program, Path, signal.Signals], Awaitable[Process]]


class Part(msgspec.Struct, frozen=True):
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


class Child:
    """A program that is kept running until it is stopped."""

    def __init__(self, part: Part, logs: Path, tell: Tell, changed: Callable[[], None]) -> None:
        """`tell`: what an operator should read. `changed`: called when there is another process, or none."""
        self.part, self.log = part, logs / f"{part.name}.log"
        self.wanted = False
        self.restarts = 0
        self._tell, self._changed = tell, changed
        self._process: Process | None = None
        self._keeping: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The process that runs now."""
        return self._process.pid if self._process is not None else None

    async def start(self) -> None:
        """Run it from now on, unless it is running."""
        if not self.wanted:
            self.wanted = True
            put_aside(self.log)
            await self._spawn()
            self._keeping = asyncio.create_task(self._keep())

    async def stop(self, *, hard: bool = False, within_s: float = STOP_S) -> None:
        """End it and let it stay ended. `hard`: as a crash would."""
        self.wanted = False
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
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
        """Put the log aside when it has grown too long; the program goes on writing to the emptied file."""
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES:
            shutil.copyfile(self.log, _earlier(self.log))
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
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)
            self.restarts += 1
            await self._spawn()

    async def _spawn(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._process = await (self.part.launch or spawn)(self.part.program(), self.log, self.part.gentle)
        self._changed()


async def spawn(program: Program, log: Path, gentle: signal.Signals) -> Process:
    """Start a program that writes to `log` and, on Linux, is sent `gentle` when we end. Raises OSError."""
    with log.open("ab") as file:
        return await asyncio.create_subprocess_exec(
            *program.command,
            env=dict(program.env or os.environ),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,  # Ctrl-C is for the supervisor, who stops everything in its order
            preexec_fn=dies_with_us(gentle),
            **_as_user(program.user),
        )


def put_aside(log: Path) -> None:
    """A log begins anew, and the one before is kept."""
    if log.exists():
        log.replace(_earlier(log))


def _earlier(log: Path) -> Path:
    return log.with_suffix(".1.log")


def ending(code: int) -> str:
    """How a process ended, in words."""
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


def _as_user(user: str | None) -> Mapping[str, Any]:
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
