"""`gbike sim`: many seeds, fresh ones, one seed again, planted bugs, or the proof that a seed is always the same
history."""

import argparse
import os
import random
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from dev.simulation.run import Verdict, run_seed

PROCESSES = 2
CHUNK = 10
FAILED_ONCE = Path(__file__).with_name("seeds.txt")
"""Seeds that once failed: tests/simulation judges them first, in every run."""
FRESH_FROM, FRESH_TO = 10_000_000, 1_000_000_000
"""Where fresh seeds are: no fixed one is there."""


def main(argv: list[str]) -> int:
    """Run what `argv` asks for; 0 when all is well, 1 on a violation, a bug not caught or a history that differs."""
    asked = _parser().parse_args(argv)
    if asked.mutants:
        from dev.simulation.mutants import hunt

        return hunt(asked.only)
    if asked.check_determinism:
        return check_determinism(asked.check_determinism, asked.first)
    if asked.seed is not None:
        return _report([run_seed(asked.seed)], told_all=True)
    if asked.fresh:
        return run_fresh(asked.fresh, asked.processes, asked.failed_once)
    return _report(run_many(range(asked.first, asked.first + asked.seeds), asked.processes))


def run_fresh(seeds: int, processes: int, failed_once: Path) -> int:
    """Run seeds that nobody chose. One that fails is told, and kept for the next commit to mend; it is no failure of
    this one, which need not have brought it: 0."""
    first = random.SystemRandom().randrange(FRESH_FROM, FRESH_TO)
    print(f"{seeds} fresh seeds from {first}: gbike sim --first {first} --seeds {seeds}")
    verdicts = list(run_many(range(first, first + seeds), processes))
    _report(verdicts)
    for verdict in verdicts:
        if verdict.violation:
            keep(verdict, failed_once)
    return 0


def keep(verdict: Verdict, failed_once: Path) -> None:
    """Add a seed that failed to those that every run judges."""
    with failed_once.open("a", encoding="utf-8") as file:
        file.write(f"{verdict.seed}  {str(verdict.violation).splitlines()[0][:80]}\n")
    print(f"seed {verdict.seed} is kept in {failed_once.name}: mend it in the next commit, and commit that file")


def seeds_in(failed_once: Path) -> list[int]:
    """The seeds of such a file: the first word of each line that is no comment."""
    lines = failed_once.read_text("utf-8").splitlines()
    return [int(line.split()[0]) for line in lines if line.strip() and not line.startswith("#")]


def run_many(seeds: Sequence[int], processes: int = PROCESSES) -> Iterator[Verdict]:
    """A verdict for each seed, in order, from `processes` processes."""
    if processes <= 1 or len(seeds) <= CHUNK:
        yield from map(run_seed, seeds)
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        yield from pool.map(run_seed, seeds, chunksize=CHUNK)


def check_determinism(seeds: int, first: int = 0) -> int:
    """Run each seed twice and compare the histories."""
    differ = [seed for seed in range(first, first + seeds) if run_seed(seed).digest != run_seed(seed).digest]
    for seed in differ:
        print(f"seed {seed} gave two histories")
    print(f"{seeds} seeds run twice, {len(differ)} with two histories")
    return 1 if differ else 0


def _report(verdicts: Iterable[Verdict], told_all: bool = False) -> int:
    began = time.perf_counter()
    seen = Counter[str]()
    violations = 0
    steps = 0
    virtual_s = 0.0
    runs = 0
    for verdict in verdicts:
        runs = runs + 1
        steps = steps + verdict.steps
        virtual_s = virtual_s + verdict.virtual_s
        seen += verdict.seen
        if verdict.violation:
            violations += 1
            tell(verdict)
        elif told_all:
            print(f"seed {verdict.seed}: no violation\n  {verdict.swarm}")
        if told_all:
            print(f"history {verdict.digest}")
    for name in sorted(seen):
        print(f"  {name}: {seen[name]}")
    real_s = time.perf_counter() - began
    print(
        f"{runs} seeds, {virtual_s / 3600:.2f} virtual hours, {steps} steps, {seen['crashes']} crashes,"
        f" {violations} violations, in {real_s:.1f} s"
    )
    return 1 if violations else 0


def tell(verdict: Verdict) -> None:
    """A failure: its seed, what was violated, how it came to it, and how to see it again."""
    print(f"seed {verdict.seed} VIOLATION {verdict.violation}")
    print(f"  {verdict.swarm}")
    for line in verdict.tail:
        print(f"  {line}")
    print(f"history {verdict.digest}\nagain with: gbike sim --seed {verdict.seed}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("gbike sim", description=__doc__)
    parser.add_argument("--seeds", type=int, default=50, help="how many seeds to run")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument(
        "--fresh", type=int, metavar="N", help="run N seeds from a random number on; a failing one is kept"
    )
    parser.add_argument("--failed-once", type=Path, default=FAILED_ONCE, metavar="FILE", help="where --fresh keeps it")
    parser.add_argument("--seed", type=int, help="run this one and show its history's hash")
    parser.add_argument("--processes", type=int, default=min(PROCESSES, os.cpu_count() or 1))
    parser.add_argument("--mutants", action="store_true", help="plant bugs, one after the other, and catch each")
    parser.add_argument("--only", help="just this planted bug")
    parser.add_argument("--check-determinism", type=int, metavar="N", help="run N seeds twice and compare")
    return parser
