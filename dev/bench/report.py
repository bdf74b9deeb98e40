"""The table at the end: each figure, what it cost, the floor beside it, and whether the goal is reached."""

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import msgspec

from dev.bench.process import CannotRun
from dev.bench.rides import Speed, WrongEffect
from gbike.run.engines import CannotRun as NotInstalled


class Line(msgspec.Struct, frozen=True):
    """One figure. `passed` is None where there is no goal."""

    figure: str
    measured: str
    beside: str = ""
    goal: str = ""
    passed: bool | None = None


def speed_line(figure: str, speeds: Sequence[Speed], floor: float = 0.0, floor_name: str = "", least: int = 0) -> Line:
    """A rate: the median of the rounds, CPU per piece, its share of a floor, and the goal it must reach."""
    rate = median(speed.per_s for speed in speeds)
    server, driver = median(speed.server_ms for speed in speeds), median(speed.driver_ms for speed in speeds)
    beside = f"{server:.2f} ms CPU each (driver {driver:.2f})"
    if floor:
        beside += f", {rate / floor:.2f} of {floor_name}"
    goal = f">= {least:,}/s" if least else ""
    return Line(figure, f"{rate:,.0f}/s", beside, goal, rate >= least if least else None)


def table(lines: Sequence[Line]) -> str:
    """The lines in columns."""
    verdicts = {None: "", True: "PASS", False: "FAIL"}
    rows = [("figure", "measured", "goal", "", "beside it")]
    rows += [(line.figure, line.measured, line.goal, verdicts[line.passed], line.beside) for line in lines]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row[:4], widths, strict=True)), row[4]]).rstrip()
        for row in rows
    )


def exit_code(measured: Callable[[], None]) -> int:
    """Measure and print. 0: measured; 1: an effect was wrong; 2: it could not run."""
    try:
        measured()
    except WrongEffect as wrong:
        print(f"gbike bench: a measured effect was wrong: {wrong}", file=sys.stderr)
        return 1
    except (CannotRun, NotInstalled, OSError) as why:
        print(f"gbike bench: {why}", file=sys.stderr)
        return 2
    return 0


@contextmanager
def own_folder() -> Iterator[Path]:
    """A folder on the disk that is worked on, and not in memory; it is removed."""
    folder = Path(tempfile.mkdtemp(prefix=".bench-", dir=Path.cwd()))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
