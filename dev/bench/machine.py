"""What a process costs, and what it runs on, read from the kernel."""

import os
import platform
import resource
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

import apsw
import msgspec
import starlette
import uvicorn

_TICK = os.sysconf("SC_CLK_TCK")


def cpu_ms(pid: int) -> float:
    """CPU time that a process and those it started, and waited for, have used so far, ms."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) * 1000 / _TICK


def exact_cpu_ms(pid: int) -> float:
    """CPU time that the threads of a process have used so far, ms, to the nanosecond: for stretches that are short."""
    tasks = Path(f"/proc/{pid}/task")
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks.iterdir()) / 1e6


def family(pid: int) -> list[int]:
    """A process, and all below it."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):  # it ended meanwhile
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    found = [pid]
    for parent in found:
        found += [child for child, its in parents.items() if its == parent]
    return found


def family_cpu_ms(pid: int) -> float:
    """CPU time that a process and all below it have used so far, ms."""
    total = 0.0
    for one in family(pid):
        with suppress(OSError):
            total += cpu_ms(one)
    return total


def own_cpu_ms() -> float:
    """CPU time of this process, the driver, ms."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return (used.ru_utime + used.ru_stime) * 1000


def memory_mb(pid: int) -> tuple[float, float]:
    """Resident and proportional memory of a process, MB."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    sizes = {line.split()[0]: int(line.split()[1]) for line in lines}
    return sizes["Rss:"] / 1024, sizes["Pss:"] / 1024


def describe(folder: Path) -> list[str]:
    """The machine, its load, and the versions, one a line."""
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.machine(),
    )
    return [
        f"{os.cpu_count()} cores ({model}), load {os.getloadavg()[0]:.1f}, data on {_file_system(folder)}",
        f"Python {platform.python_version()}, SQLite {apsw.sqlite_lib_version()}, uvicorn {uvicorn.__version__},"
        f" uvloop {version('uvloop')}, starlette {starlette.__version__}, msgspec {msgspec.__version__}",
    ]


def _file_system(folder: Path) -> str:
    """The kind of file system that holds the folder: on tmpfs no fsync means anything."""
    best, kind = "", "?"
    for line in Path("/proc/mounts").read_text().splitlines():
        _, mount, found, *_ = line.split()
        if str(folder.resolve()).startswith(mount) and len(mount) >= len(best):
            best, kind = mount, found
    return kind
