"""Runs of the whole product under seeded faults: no invariant is violated, and a seed is always the same history."""

import os
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from random import Random

import pytest

from dev.simulation.acts import KEPT, MEETINGS
from dev.simulation.cli import FAILED_ONCE, main, seeds_in
from dev.simulation.mutants import MUTANTS, planted
from dev.simulation.oracle import EFFECTS
from dev.simulation.run import run_seed
from dev.simulation.swarm import Swarm, draw

SEEDS = int(os.environ.get("GBIKE_SIM_SEEDS", "20"))
MUST_BE_SEEN = (
    "crashes",
    "tombstones met",
    "rents and reports swept",
    "keys replayed",
    "breaker opened",
    "breaker closed",
    "events given again",
    "events held back",
    "commits failed",
    "writes that shared a commit",
    "positions told, old",
    "positions told, none",
    "riders forgotten",
    *(f"done, {op}:" for op in (*EFFECTS, "manager", "held")),
    *(f"met, {what}:" for what in (*KEPT, *MEETINGS)),
)
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("seed", seeds_in(FAILED_ONCE))
def test_no_seed_that_once_failed_fails_again(seed: int) -> None:
    assert run_seed(seed).violation is None


@pytest.mark.timeout(600 + 4 * SEEDS)
def test_no_seed_violates_an_invariant(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["--seeds", str(SEEDS), "--processes", "1" if SEEDS <= 20 else "2"])
    told = capsys.readouterr().out
    assert code == 0, told
    assert f"{SEEDS} seeds" in told.splitlines()[-1]
    for recovery in MUST_BE_SEEN:
        assert recovery in told or SEEDS < 20, f"{recovery} was never seen in {SEEDS} seeds"


def test_the_same_seed_twice_is_the_same_history_and_another_seed_another() -> None:
    first, second = ([run_seed(seed) for seed in (1, 7, 13, 25)] for _ in range(2))
    assert [one.steps for one in first] == [one.steps for one in second]
    assert [one.digest for one in first] == [one.digest for one in second]
    assert len({one.digest for one in first}) == len(first)


def test_the_history_does_not_depend_on_the_hash_seed() -> None:
    histories = []
    for hash_seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-m", "dev.simulation", "--seed", "11"],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        histories.append([line for line in done.stdout.splitlines() if line.startswith("history")])
    assert histories[0] == histories[1] != []


def test_every_kind_of_fault_is_drawn_and_some_runs_have_none() -> None:
    drawn = [draw(Random(seed)) for seed in range(50)]
    for field in fields(Swarm):
        assert any(getattr(swarm, field.name) for swarm in drawn), field.name
    assert any(not (s.lost or s.slow or s.crash_every or s.disk or s.bus_down or s.held_back) for s in drawn)


def test_a_failure_tells_its_seed_the_invariant_and_how_to_see_it_again(capsys: pytest.CaptureFixture[str]) -> None:
    bug = next(mutant for mutant in MUTANTS if mutant.name == "a cancelled rent is returned")
    with planted(bug):
        code = next(code for seed in range(20) if (code := main(["--seed", str(seed)])))
    told = capsys.readouterr().out
    assert code == 1
    assert re.search("VIOLATION I[14] ", told), told
    assert "again with: gbike sim --seed" in told
    assert "1 violations" in told.splitlines()[-1]


def test_a_fresh_seed_that_fails_is_told_and_kept_and_does_not_fail_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "seeds.txt"
    kept.write_text("# said\n7  once\n")
    bug = next(mutant for mutant in MUTANTS if mutant.name == "a cancelled rent is returned")
    with planted(bug):
        while len(seeds_in(kept)) == 1:
            assert main(["--fresh", "5", "--processes", "1", "--failed-once", str(kept)]) == 0
        told = capsys.readouterr().out
        assert run_seed(seeds_in(kept)[1]).violation is not None
    assert "5 fresh seeds from" in told
    assert f"seed {seeds_in(kept)[1]} is kept in seeds.txt" in told


def test_fresh_seeds_are_others_each_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = tmp_path / "seeds.txt"
    for _ in range(2):
        assert main(["--fresh", "1", "--failed-once", str(kept)]) == 0
    firsts = [line for line in capsys.readouterr().out.splitlines() if "fresh seeds from" in line]
    assert len(set(firsts)) == 2


def test_a_clock_that_steps_is_a_fault_like_any_other() -> None:
    """Seed 50925: a clock stepped, a pending rent was past its deadline, and its rider was told to try again."""
    assert Swarm().harmless
    assert not Swarm(steps_ms=3_000).harmless
    assert run_seed(50_925).violation is None
