"""siege, the original's load test, as its Debian package: what it saw, transaction by transaction."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import pytest

SETTINGS = """
verbose = true
color = off
quiet = false
logging = false
show-logfile = false
protocol = HTTP/1.1
connection = close
failures = 1000000
delay = {delay}
"""
"""Its own defaults, but that it does not give up, and how long its users wait, s at most."""
LINE = re.compile(r"HTTP/1\.1 (\d+)\s+([\d.]+) secs:")
OVER = "Lifting the server siege"
END_S = 10
"""How long its end may take. siege 4.0.7 now and then waits there for ever, for a lock that a user whom it ended had;
it has printed then what its users saw, but for the last few."""


class Seen(NamedTuple):
    """One transaction."""

    status: int
    took_s: float


class Siege:
    """What a siege saw."""

    def __init__(self) -> None:
        self.transactions: list[Seen] = []
        self.broken = 0
        """Connections that failed."""
        self.over = False

    def stop(self) -> None:
        """End it when the context ends, and not when its time is up."""
        self.over = True

    def count(self, status: int) -> int:
        """How many had this answer."""
        return sum(one.status == status for one in self.transactions)

    def read(self, printed: str) -> None:
        """Take in what it printed."""
        self.transactions = [Seen(int(found[1]), float(found[2])) for found in LINE.finditer(printed)]
        self.broken = printed.count("[error]")
        assert OVER in printed, f"siege did not come to its end: {printed[-1000:]}"

    def __str__(self) -> str:
        statuses = sorted({one.status for one in self.transactions})
        counts = ", ".join(f"{self.count(status)} with {status}" for status in statuses)
        return f"{len(self.transactions)} transactions: {counts}; {self.broken} without an answer"


@contextmanager
def siege(folder: Path, url: str, users: int, seconds: int, delay_s: float = 0) -> Iterator[Siege]:
    """A siege that goes on meanwhile; what it saw is there when the context has ended. `url`: as siege takes it, with
    `POST {…}` behind it perhaps."""
    binary = shutil.which("siege")
    if binary is None:
        pytest.skip("siege is not installed: apt-get install siege")
    settings, printed = folder / "siegerc", folder / "siege.txt"
    settings.write_text(SETTINGS.format(delay=delay_s))
    command = [binary, "-R", str(settings), f"-c{users}", f"-t{seconds}S", "-v", "--content-type", "application/json"]
    with printed.open("wb") as out:
        process = subprocess.Popen([*command, url], stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=folder)
    seen = Siege()
    try:
        yield seen
        if seen.over:
            process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(END_S if seen.over else seconds + END_S)
    finally:
        process.kill()
        process.wait()
    seen.read(printed.read_text("utf-8", "replace"))
