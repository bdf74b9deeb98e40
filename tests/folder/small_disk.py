"""A disk of some MiB, which a test fills and makes read-only: a tmpfs that only its own processes see."""

import os
import subprocess
import sys
from pathlib import Path
from typing import IO

ROOT = os.geteuid() == 0
"""Whoever is not has a namespace of users too, in which it may mount."""
CHECKOUT = Path(__file__).parents[2]


class SmallDisk:
    """Mounted at an empty folder, in a namespace of mounts that ends with `close`."""

    def __init__(self, at: Path, mib: int) -> None:
        """Raises OSError where nobody may mount."""
        self.at, self._mib = at, mib
        at.mkdir()
        alone = ["unshare", "-m", *([] if ROOT else ["-r"])]
        mount = f"mount -t tmpfs -o size={mib}m tmpfs '{at}' && echo there && exec cat"
        self._holder = subprocess.Popen(
            [*alone, "sh", "-c", mount], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._enter = ["nsenter", "-m", *([] if ROOT else ["-U", "--preserve-credentials"]), "-t"]
        self._enter.append(str(self._holder.pid))
        if self._holder.stdout is None or self._holder.stdout.readline().strip() != b"there":
            self.close()
            raise OSError("nothing can be mounted here")

    def run(self, *command: str | Path, told: str = "") -> subprocess.CompletedProcess[str]:
        """Run a program that sees the disk to its end, with `told` on its standard input."""
        return _run([*self._enter, *map(str, command)], told)

    def python(self, *args: str | Path, told: str = "") -> subprocess.CompletedProcess[str]:
        """The same for this interpreter, with the checkout's modules."""
        return self.run(sys.executable, *args, told=told)

    def begin(self, *args: str | Path, log: IO[bytes]) -> "subprocess.Popen[bytes]":
        """The same for one that goes on."""
        command = [*self._enter, sys.executable, *map(str, args)]
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=_env())

    def put(self, folder: Path, name: str) -> Path:
        """Copy a folder onto the disk; answers where it is there."""
        self._done("cp", "-r", folder, self.at / name)
        return self.at / name

    def fill(self, but: int = 0) -> None:
        """Leave not a byte, or so many."""
        size = f"-c {(self._mib << 20) - but}" if but else "-c 1G"
        self.run("sh", "-c", f"head {size} /dev/zero >> '{self.at}/filler'")

    def make_room(self) -> None:
        """Take the filling away."""
        self._done("rm", self.at / "filler")

    def read_only(self) -> None:
        """Let nobody write."""
        self._done("mount", "-o", "remount,bind,ro", self.at)

    def found(self, folder: Path) -> list[str]:
        """What is in a folder of the disk, by name."""
        return sorted(self._done("ls", "-A", folder).split())

    def text(self, file: Path) -> str:
        """What is in a file of the disk, if it is there."""
        return self.run("cat", file).stdout

    def close(self) -> None:
        """End the namespace, and with it the disk."""
        if self._holder.stdin is not None:
            self._holder.stdin.close()
        self._holder.wait(30)
        if self._holder.stdout is not None:
            self._holder.stdout.close()

    def _done(self, *command: str | Path) -> str:
        done = self.run(*command)
        if done.returncode:
            raise OSError(done.stderr)
        return done.stdout


def python(*args: str, told: str = "") -> subprocess.CompletedProcess[str]:
    """Run this interpreter to its end where everybody is, with the checkout's modules."""
    return _run([sys.executable, *args], told)


def _run(command: list[str], told: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, input=told, capture_output=True, text=True, timeout=120, check=False, env=_env(), cwd="/"
    )


def _env() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(CHECKOUT), "GBIKE_LOG_LEVEL": "WARNING"}
