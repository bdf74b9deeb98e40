"""The folder that holds everything: a file per service, the log, and the lock of whoever writes."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import IO

import msgspec

from gbike.kit.clock import moment_in
from gbike.kit.files import about

BACKED_UP = "backed-up"
"""The file that says when."""
MANIFEST = "manifest.json"
"""The file that says of what the folder consists."""


class Holder(msgspec.Struct, frozen=True):
    """Who writes to a data folder."""

    command: str
    pid: int
    address: str
    control: str


class FolderInUse(Exception):
    """Another process writes to the data folder."""

    def __init__(self, folder: Path, holder: Holder | None) -> None:
        who = f"{holder.command} (pid {holder.pid}, {holder.address})" if holder else "another process"
        super().__init__(f"the data folder {folder} is in use by {who}; stop it first, or choose another with --data")
        self.holder = holder


class DataFolder:
    """One data folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: IO[bytes] | None = None

    def store_path(self, service: str) -> Path:
        """The SQLite file of a service."""
        return self.path / f"{service}.sqlite"

    @property
    def bus_path(self) -> Path:
        """The SQLite file of the embedded bus."""
        return self.path / "bus.sqlite"

    @property
    def exists(self) -> bool:
        """Whether there is anything in it."""
        return (self.path / MANIFEST).exists() or any(self.path.glob("*.sqlite"))  # any may be what is missing

    def acquire(self, command: str) -> None:
        """Become the one writer. Raises FolderInUse, naming the other one."""
        self.path.mkdir(parents=True, exist_ok=True)
        lock = open(self.path / "lock", "a+b", buffering=0)  # noqa: SIM115 - held until release
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            raise FolderInUse(self.path, self.holder()) from None
        self._lock = lock
        try:
            self.announce(command)
        except OSError:
            self.release()
            raise

    def announce(self, command: str, address: str = "not serving", control: str = "") -> None:
        """Tell others who writes here, where it serves and how to give it orders."""
        assert self._lock is not None
        with about(self.path / "lock"):
            self._lock.truncate(0)
            self._lock.write(msgspec.json.encode(Holder(command, os.getpid(), address, control)))

    def release(self) -> None:
        """Let the next writer in."""
        if self._lock is not None:
            self._lock.truncate(0)
            self._lock.close()
            self._lock = None

    def backed_up(self, now_ms: int) -> None:
        """A whole backup of it was made, which is not lost because a full disk does not even take the note."""
        with suppress(OSError):
            (self.path / BACKED_UP).write_text(str(now_ms), "ascii")

    def backup_ms(self) -> int:
        """When the last backup of it was made, ms since 1970; 0: never, or nobody knows."""
        return moment_in(self.path / BACKED_UP)

    def holder(self) -> Holder | None:
        """Who writes now; None when nobody does."""
        file = self.path / "lock"
        if not file.exists():
            return None
        with open(file, "rb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                return _read(lock.read())
            return None


def _read(raw: bytes) -> Holder | None:
    try:
        return msgspec.json.decode(raw, type=Holder)
    except msgspec.DecodeError:
        return None
