"""Bike grows while many look at bikes, and shrinks again; nobody is refused meanwhile."""

import json
from pathlib import Path

import pytest

from tests.cluster.running import until
from tests.kubernetes.conftest import Platform
from tests.kubernetes.pods import SOON_S, Pods
from tests.kubernetes.siege import siege

pytestmark = [pytest.mark.quiet, pytest.mark.timeout(600)]

GROW_S, SHRINK_S = 120, 240
"""Bounds for a machine that is busy with other things; seen: 15 to 40 s, and 30 to 90 s."""
QUICK = {"spec": {"behavior": {"scaleDown": {"stabilizationWindowSeconds": 10}}}}
"""How long the autoscaler must see less load before it believes it: the test's patience is shorter than operation's."""


def test_bike_grows_under_siege_and_shrinks_again(platform: Platform, tmp_path: Path) -> None:
    bike = Pods(platform, "bike")
    before = platform.kubectl("get", "hpa", "bike", "-o", "jsonpath={.spec.behavior}")
    platform.kubectl("patch", "hpa", "bike", "--type=merge", "-p", json.dumps(QUICK))
    try:
        until(lambda: len(bike.all()) == len(bike.ready()) == 1, SHRINK_S, "bike does not calm down")
        with siege(tmp_path, f"{platform.url}/bikes", users=100, seconds=GROW_S, delay_s=1) as storm:
            until(lambda: len(bike.ready()) == 3, GROW_S, "bike did not grow to 3")
            storm.stop()
        with siege(tmp_path, f"{platform.url}/bikes", users=1, seconds=SHRINK_S, delay_s=2) as calm:
            until(lambda: len(bike.all()) == 1, SHRINK_S, "bike did not shrink to 1")
            bike.until(1, SOON_S)
            calm.stop()
    finally:
        patch = json.dumps({"spec": {"behavior": json.loads(before)}})
        platform.kubectl("patch", "hpa", "bike", "--type=merge", "-p", patch)
    print(f"growing: {storm}\nshrinking: {calm}")
    for seen in (storm, calm):
        assert (seen.count(200), seen.broken) == (len(seen.transactions), 0), seen
    assert len(storm.transactions) > 1_000
