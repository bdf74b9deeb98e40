"""Planted bugs are caught: what the simulator can't find, it does not guard."""

from functools import cache

import pytest

from dev.simulation.mutants import MUTANTS, Mutant, caught, planted
from dev.simulation.run import run_seed
from dev.simulation.seams import answering
from dev.simulation.swarm import Swarm
from gbike.kit.storage import idempotency
from gbike.services.bike import commands, policies, storage


@cache
def violation(seed: int, swarm: Swarm) -> str | None:
    """What a run of the sound product violates: several bugs are caught in the same one."""
    return run_seed(seed, swarm).violation


@pytest.fixture(autouse=True)
def every_answer_is_described() -> None:
    """Not here: a planted bug may answer what no description has."""


def name_of(mutant: Mutant) -> str:
    return mutant.name


@pytest.mark.timeout(300)
@pytest.mark.parametrize("mutant", MUTANTS, ids=name_of)
def test_a_planted_bug_is_caught_and_without_it_the_same_run_is_clean(mutant: Mutant) -> None:
    catch = caught(mutant)
    assert catch is not None, f"{mutant.name}: not caught"
    assert not catch.what.startswith(("an error was logged", "the run broke"))
    if catch.seed is not None:
        assert violation(catch.seed, mutant.swarm) is None
    else:
        assert mutant.direct is not None
        assert mutant.direct() is None


def test_a_bug_is_taken_out_again() -> None:
    before = (storage.release, commands.release, policies.release, idempotency.check)
    for mutant in MUTANTS:
        with planted(mutant):
            pass
    assert (storage.release, commands.release, policies.release, idempotency.check) == before


def test_a_bug_whose_place_is_gone_can_not_be_planted() -> None:
    stale = Mutant("stale", (answering(idempotency, "no_such_command", None),))
    with pytest.raises(AttributeError, match="no_such_command"), planted(stale):
        pass
