"""Orphaned processes of a killed supervisor: known by pid and start time, so that no other process is touched."""

import os
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from gbike.kit.files import write_whole

FILE = "programs.json"
END_S = 10


class Known(msgspec.Struct, frozen=True):
    """A process: its number, when it began (clock ticks since the system's start; numbers come again), what it is."""

    pid: int
    born: int
    name: str = ""


def record(data: Path, programs: Mapping[str, int | None]) -> None:
    """Write down which processes are ours, by the programs' names."""
    ours = [Known(pid, born, name) for name, pid in programs.items() if pid and (born := birth(pid)) is not None]
    write_whole(data / FILE, msgspec.json.encode(ours))


def end_left_behind(data: Path) -> int:
    """End those that still run; answers how many there were. Call it as the one who holds the folder."""
    file = data / FILE
    known = msgspec.json.decode(file.read_bytes(), type=list[Known]) if file.exists() else []
    alive = [one for one in known if birth(one.pid) == one.born]
    for number in (signal.SIGINT, signal.SIGKILL):
        for one in alive:
            if birth(one.pid) == one.born:
                with suppress(ProcessLookupError):  # it ends by itself just now
                    os.kill(one.pid, number)
        until = time.monotonic() + END_S
        while any(birth(one.pid) == one.born for one in alive) and time.monotonic() < until:
            time.sleep(0.02)
    file.unlink(missing_ok=True)
    return len(alive)


def birth(pid: int) -> int | None:
    """When a process began; None when there is none, or it has ended and waits to be collected."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else int(fields[19])


def descendants(pid: int) -> list[int]:
    children: dict[int, list[int]] = {}
    if not Path("/proc/self/stat").exists():
        return []  # this system does not tell
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                fields = Path(entry.path, "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
            except OSError:
                continue
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, waiting = list[int](), [pid]
    while waiting:
        own = children.get(waiting.pop(), [])
        found += own
        waiting += own
    return found
