"""`gbike demo` as a process, on a folder of its own."""

import asyncio
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from dev.tcp_ports import free_port
from gbike.cli import verify
from gbike.run.folder.data_folder import DataFolder
from tests.cluster.running import GBIKE, READY_S, ask, until
from tests.support import EVERY_RIDE_COSTS

END_S = 20


class Demo:
    """One process at a time; `start` after `kill` is a restart."""

    def __init__(self, data: Path) -> None:
        self.data, self._port = data, free_port()
        self._printed = data.parent / f"{data.name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def launch(self, *flags: str) -> None:
        """Start, and wait until it has the folder."""
        assert self._process is None
        environment = {n: v for n, v in os.environ.items() if not n.startswith("GBIKE_")} | EVERY_RIDE_COSTS
        lock = self.data / "lock"
        lock.unlink(missing_ok=True)  # of one who was killed: it says who that was
        command = [*GBIKE, "demo", "--port", str(self._port), "--data", str(self.data), *flags]
        with self._printed.open("ab") as log:
            self._process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        until(lambda: self._lives() and lock.exists() and lock.stat().st_size, READY_S, "the folder was not taken")

    def start(self, *flags: str) -> float:
        """Start, and wait until it is ready; answers how long that took once it had the folder, s."""
        self.launch(*flags)
        began = time.monotonic()
        until(lambda: self._lives() and self._is_ready(), READY_S, "it did not become ready")
        return time.monotonic() - began

    def killed_after(self, moment_s: float) -> None:
        """kill -9 so long from now."""
        assert self._process is not None
        try:
            code = self._process.wait(moment_s)
        except subprocess.TimeoutExpired:
            assert self.end(signal.SIGKILL) == -signal.SIGKILL
        else:
            raise AssertionError(f"it ended by itself with {code}: {self.printed}")

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End it; answers its exit code."""
        assert self._process is not None
        self._process.send_signal(how)
        code = self._process.wait(END_S)
        self._process = None
        return code

    def count(self, path: str) -> int:
        """How many of these there are."""
        answer = ask("GET", f"http://127.0.0.1:{self._port}{path}?size=1")
        assert answer is not None
        assert answer.status == 200, answer
        return int(answer.json["page"]["totalElements"])

    def violations(self) -> list[str]:
        """What `gbike verify` finds in the stopped folder."""
        told: list[str] = []
        found = asyncio.run(verify.verify(DataFolder(self.data), EVERY_RIDE_COSTS, told.append))
        return told if found else []

    @property
    def printed(self) -> str:
        """What it has told its operator so far."""
        return self._printed.read_text("utf-8")

    def _lives(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"it ended with {self._process.returncode}: {self.printed}"
        return True

    def _is_ready(self) -> Any:
        answer = ask("GET", f"http://127.0.0.1:{self._port}/health/ready")
        return answer is not None and answer.status == 200

    def __enter__(self) -> "Demo":
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self.end(signal.SIGKILL)
