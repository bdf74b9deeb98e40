"""The folder that holds everything: a file per service, the log, and the lock of whoever writes."""

import fcntl
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import IO

import msgspec

from gbike.kit.clock import moment_in
from gbike.kit.files import CLOSED, FOR_US_ONLY, about, closed_folder, write_whole
from gbike.run import CannotDo

BACKED_UP = "backed-up"
"""The file that says when."""
MANIFEST = "manifest.json"
"""The file that says of what the folder consists."""
LETTERS = "resets.jsonl"
"""Where account leaves letters for whoever sends them, unless told."""
OURS = (
    *("*.sqlite*", MANIFEST, "lock", BACKED_UP, "cluster.json", "programs.json", LETTERS),
    *("keys", "stores", "logs", "kafka", "envoy", "gateway", "restoring"),
)
"""What gbike makes in it. `postgres` is not here: it has been its own user's alone ever since."""
OTHERS_MAY = 0o077


class Holder(msgspec.Struct, frozen=True):
    """Who writes to a data folder."""

    command: str
    pid: int
    address: str
    control: str


class FolderInUse(CannotDo):
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
        return self.path / f"{service}.sqlite"

    @property
    def bus_path(self) -> Path:
        return self.path / "bus.sqlite"

    @property
    def exists(self) -> bool:
        return (self.path / MANIFEST).exists() or any(self.path.glob("*.sqlite"))  # any may be what is missing

    def acquire(self, command: str) -> None:
        """Become the one writer. Raises FolderInUse, naming the other one."""
        closed_folder(self.path)
        self._close()
        lock = open(self.path / "lock", "a+b", buffering=0, opener=_private)  # noqa: SIM115 - held until release
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

    def _close(self) -> None:
        """Nobody else looks into it or reads what gbike made there, also by an older one that left it open. What is
        another user's is not changed; `gbike doctor` tells of it."""
        _take_away(self.path, OTHERS_MAY & ~CLOSED)
        for found in (found for pattern in OURS for found in self.path.glob(pattern)):
            for one in (found, *(found.rglob("*") if found.is_dir() and not found.is_symlink() else ())):
                _take_away(one, OTHERS_MAY)

    def announce(self, command: str, address: str = "not serving", control: str = "") -> None:
        """Tell others who writes here, where it serves and how to give it orders."""
        assert self._lock is not None
        with about(self.path / "lock"):
            self._lock.truncate(0)
            self._lock.write(msgspec.json.encode(Holder(command, os.getpid(), address, control)))

    def release(self) -> None:
        if self._lock is not None:
            self._lock.truncate(0)
            self._lock.close()
            self._lock = None

    def backed_up(self, now_ms: int) -> None:
        """A whole backup of it was made, which is not lost because a full disk does not even take the note."""
        with suppress(OSError):
            write_whole(self.path / BACKED_UP, str(now_ms).encode())

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


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, FOR_US_ONLY)


def _take_away(path: Path, bits: int) -> None:
    with suppress(OSError):  # it may be gone meanwhile, or somebody else's
        now = path.lstat()
        if not stat.S_ISLNK(now.st_mode) and now.st_mode & bits:
            path.chmod(stat.S_IMODE(now.st_mode) & ~bits)


def _read(raw: bytes) -> Holder | None:
    try:
        return msgspec.json.decode(raw, type=Holder)
    except msgspec.DecodeError:
        return None
