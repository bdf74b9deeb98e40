"""A `gbike demo` in a process of its own, that can be killed and started again on the same data folder."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import aiohttp

from dev.tcp_ports import free_port

READY_S = 30
SETTINGS = {
    "GBIKE_TARIFF_KRW": "100",
    "GBIKE_TARIFF_PER_S": "1",
    "GBIKE_TARIFF_ROUNDING": "ceil",
    "GBIKE_SWEEP_EVERY_MS": "200",
}
"""Every ride costs something (ruling 13), and what a crash left pending is looked for often."""


class Failed(Exception):
    """The product did not do what it must; the text says what."""


class Demo:
    """One process. `start` again after `kill` is a restart: same port, same data."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._log = data.parent / f"{data.name}.log"
        self._port = free_port()
        self._process: asyncio.subprocess.Process | None = None
        self.url = f"http://127.0.0.1:{self._port}"

    async def start(self, *flags: str) -> float:
        """Start and wait until it is ready; answers how long that took, s. Raises Failed."""
        began = asyncio.get_running_loop().time()
        await self.launch(*flags)
        while not await self._ready():
            if asyncio.get_running_loop().time() > began + READY_S:
                raise Failed(f"not ready after {READY_S} s; see {self._log}")
            await asyncio.sleep(0.02)
        return asyncio.get_running_loop().time() - began

    async def launch(self, *flags: str) -> None:
        """Start without waiting."""
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "gbike", "demo", "--empty"),
                *("--port", str(self._port), "--data", str(self._data), *flags),
                env={**os.environ, **SETTINGS},
                stdout=log,
                stderr=log,
            )

    async def kill(self) -> None:
        """kill -9."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> None:
        """Ask it to stop, as Ctrl-C does. Raises Failed unless it ends well within 5 s."""
        try:
            async with asyncio.timeout(5):
                code = await self._end(signal.SIGTERM)
        except TimeoutError:
            raise Failed(f"SIGTERM did not end the demo within 5 s; see {self._log}") from None
        if code != 0:
            raise Failed(f"SIGTERM ended the demo with {code}; see {self._log}")

    async def gbike(self, *args: str) -> str:
        """Run another `gbike` command on the data folder; answers what it printed. Raises Failed unless it exits 0."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gbike", *args, "--data", str(self._data)),
            env={**os.environ, **SETTINGS},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        printed = (await process.communicate())[0].decode()
        if process.returncode != 0:
            raise Failed(f"gbike {' '.join(args)} exited {process.returncode}: {printed}")
        return printed

    async def _end(self, number: signal.Signals) -> int:
        if self._process is None or self._process.returncode is not None:
            raise Failed(f"the demo ended by itself; see {self._log}")
        self._process.send_signal(number)
        code = await self._process.wait()
        self._process = None
        return code

    async def _ready(self) -> bool:
        if self._process is None or self._process.returncode is not None:
            raise Failed(f"the demo did not start; see {self._log}")
        try:
            async with aiohttp.ClientSession() as session, session.get(f"{self.url}/health/ready") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    async def __aenter__(self) -> "Demo":
        return self

    async def __aexit__(self, *_: object) -> None:
        """Leave no process behind."""
        if self._process is not None and self._process.returncode is None:
            await self.kill()
