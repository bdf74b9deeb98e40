"""A disk that forgets at a power cut what nobody waited for: a file system for SQLite, in Python, below the product.

What is written and not synced yet is kept beside each file. After a cut each such write is there, or not, or there up
to some sector, in any mixture: an operating system writes in the order that it likes.
"""

from collections.abc import Callable
from pathlib import Path
from random import Random

import apsw

SECTOR = 512
REAL = "unix"
"""What SQLite has without us."""


class Platter:
    """One file: what is on the disk for sure, and the writes that are on their way."""

    def __init__(self, durable: bytes) -> None:
        self.durable = bytearray(durable)
        self.waiting: list[tuple[int, bytes | None]] = []
        """Where, and what; None: the file was cut off there."""

    def sync(self) -> None:
        """Everything that was written is there for sure."""
        for offset, data in self.waiting:
            _apply(self.durable, offset, data)
        self.waiting.clear()

    def after_a_cut(self, chance: Random) -> bytes:
        """What may be found afterwards."""
        found = bytearray(self.durable)
        for offset, data in self.waiting:
            fate = chance.choice(("lost", "there", "torn"))
            if data is not None and fate == "torn":
                data = data[: SECTOR * chance.randint(0, len(data) // SECTOR)]
            if fate != "lost":
                _apply(found, offset, data)
        return bytes(found)


class Disk(apsw.VFS):
    """Every file that SQLite opens while this is there, whoever opens it: it is the process's default."""

    def __init__(self) -> None:
        self.platters: dict[str, Platter] = {}
        self._left = 0
        super().__init__("power-cut", REAL, makedefault=True)

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> "File":
        """A file, with its platter when it has a name."""
        return File(self, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:
        """Gone for good: the order of deletions is not what is tested here."""
        super().xDelete(filename, syncdir)
        self.platters.pop(filename, None)

    def cut_after(self, calls: int, cut: Callable[[], None]) -> None:
        """Run `cut` before the last of so many writes, cut-offs and syncs is done."""
        self._left, self._cut = calls, cut

    def cut_by_now(self) -> None:
        """Run it at once, if it is still to come."""
        self.tick(self._left)

    def tick(self, calls: int = 1) -> None:
        """So many calls have come."""
        before, self._left = self._left, self._left - calls
        if before > 0 >= self._left:
            self._cut()

    def leave(self, into: Path, chance: Random) -> None:
        """Leave in the folder `into` what may be found if the power is cut now; here everything goes on."""
        into.mkdir(parents=True)
        for path, platter in list(self.platters.items()):
            if not path.endswith("-shm"):
                (into / Path(path).name).write_bytes(platter.after_a_cut(chance))


class File(apsw.VFSFile):
    """An open file of the disk."""

    def __init__(self, disk: Disk, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        there = Path(path).read_bytes() if path and Path(path).exists() else b""
        super().__init__(REAL, name, flags)
        self._disk = disk
        self._platter = disk.platters.setdefault(path, Platter(there)) if path else Platter(b"")

    def xWrite(self, data: bytes, offset: int) -> None:  # type: ignore[override]
        """On its way."""
        self._disk.tick()
        super().xWrite(data, offset)
        self._platter.waiting.append((offset, bytes(data)))

    def xTruncate(self, newsize: int) -> None:
        """On its way, too."""
        self._disk.tick()
        super().xTruncate(newsize)
        self._platter.waiting.append((newsize, None))

    def xSync(self, flags: int) -> None:
        """From here on it is there. The real disk need not be waited for."""
        self._disk.tick()
        self._platter.sync()


def _apply(content: bytearray, offset: int, data: bytes | None) -> None:
    if data is None:
        del content[offset:]
        return
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(data)] = data
