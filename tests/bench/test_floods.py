"""When a rider beside a flood waits too long, and that a request without its answer is no short wait."""

import pytest

from dev.bench.flood import FLOODS
from dev.bench.floods import Measured, judged

QUIET = Measured([4.0] * 100)


@pytest.mark.parametrize(
    ("beside", "passed"),
    [
        (Measured([40.0] * 100), True),
        (Measured([40.0] * 96 + [900.0] * 4), True),
        (Measured([40.1] * 100), False),
        (Measured([1.0] * 94 + [900.0] * 6), False),
        (Measured([1.0] * 100, failed=1), False),
    ],
)
def test_a_rider_waits_five_times_as_long_and_20_ms_at_most(beside: Measured, passed: bool) -> None:
    assert judged("beside a flood", QUIET, beside).passed is passed


def test_each_flood_of_the_goal_is_measured() -> None:
    assert list(FLOODS) == ["an endless header", "silent connections", "anonymous readings", "wrong passwords"]
