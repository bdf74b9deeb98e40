"""The cost of tokens: a slow minute of the machine is no cost, and what can't be told apart from noise is no PASS."""

import random
from collections.abc import Callable

import pytest

from dev.bench.tokens import ABBA, BAAB, Line, Round, Stretch, interval, verdicts

pytestmark = pytest.mark.timeout(60)


def measured(cost: float, speed: Callable[[int], float], rounds: int = 50) -> tuple[Line, Line]:
    """The verdicts on time and on CPU where a closed door costs so much and the machine is so fast at each stretch."""
    found, at = list[Round](), 0
    for number in range(rounds):
        one: Round = {"open": [], "secure": []}
        for mode in BAAB if number % 2 else ABBA:
            each_ms = (cost if mode == "secure" else 1.0) / speed(at)
            one[mode].append(Stretch(int(300 / each_ms), 0.3, 300.0))
            at += 1
        found.append(one)
    *_, time_each, cpu_each = verdicts(found)
    return time_each, cpu_each


@pytest.mark.parametrize(("cost", "passed"), [(1.03, True), (1.1, True), (1.2, False), (1.4, False)])
def test_the_cost_is_told_from_a_machine_that_is_noisy_and_gets_slower(cost: float, passed: bool) -> None:
    chance = random.Random(7)
    time_each, cpu_each = measured(cost, lambda at: (1 - at / 400) * chance.lognormvariate(0, 0.05))
    assert (time_each.passed, cpu_each.passed) == (passed, passed)
    assert float(time_each.measured.removeprefix("x ")) == pytest.approx(cost, rel=0.02)


def test_a_drift_alone_is_no_cost() -> None:
    time_each, _ = measured(1.0, lambda at: 1 - at / 250)
    assert float(time_each.measured.removeprefix("x ")) == pytest.approx(1, abs=0.005)


def test_what_noise_hides_does_not_pass() -> None:
    chance = random.Random(7)
    time_each, _ = measured(1.05, lambda _: chance.lognormvariate(0, 1.5), rounds=7)
    assert not time_each.passed


def test_the_interval_holds_the_median_and_gets_narrower_with_more_rounds() -> None:
    chance = random.Random(3)
    ratios = [chance.lognormvariate(0, 0.3) for _ in range(200)]
    few, many = interval(ratios[:10]), interval(ratios)
    assert few.low < few.middle < few.high
    assert many.high - many.low < (few.high - few.low) / 2
