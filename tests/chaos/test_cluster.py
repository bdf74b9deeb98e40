"""The distributed form under faults: services killed for some seconds; with GBIKE_FULL everything fails in turn.

These are short stories that CI can afford; `gbike chaos cluster` tells the long ones (docs/guide/reliability.md).
"""

import os

import pytest

from dev.chaos.cli import main
from tests.cluster.running import why_no_cluster

FULL = bool(os.environ.get("GBIKE_FULL"))
MISSING = why_no_cluster()

pytestmark = pytest.mark.skipif(MISSING is not None, reason=MISSING or "")
full = pytest.mark.skipif(not FULL, reason="minutes of real faults: GBIKE_FULL=1")


def judged(capsys: pytest.CaptureFixture[str], *words: str, kind: str = "cluster") -> str:
    """What it printed, when nothing was wrong."""
    code = main([kind, *words])
    told = capsys.readouterr()
    assert code == 0, told.err
    assert told.out.rstrip().endswith("0 violations")
    return told.out


@pytest.mark.timeout(600)
def test_services_killed_at_random_lose_nothing_and_do_nothing_twice(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--rides", "1000") if FULL else ("--rides", "150")
    assert "kills" in judged(capsys, "--kill", "services", *words)


@full
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "fault",
    [
        ("--broker-down", "10"),
        ("--database-down", "10"),
        ("--service-down", "billing", "--seconds", "10"),
        ("--service-down", "bike", "--seconds", "12", "--replicas", "2"),
    ],
    ids=" ".join,
)
def test_what_must_go_on_goes_on(capsys: pytest.CaptureFixture[str], fault: tuple[str, ...]) -> None:
    judged(capsys, *fault)


@full
@pytest.mark.timeout(600)
def test_two_replicas_of_everything_are_killed_at_random(capsys: pytest.CaptureFixture[str]) -> None:
    judged(capsys, "--kill", "services", "--replicas", "2", "--rides", "500")


@full
@pytest.mark.timeout(900)
def test_a_process_of_bike_that_was_frozen_loses_no_bike(capsys: pytest.CaptureFixture[str]) -> None:
    assert "10 freezes" in judged(capsys, "--rounds", "10", kind="freeze")
