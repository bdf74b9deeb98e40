"""New versions while people ride: nobody notices, also when the new version is a bad one."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.running import until
from tests.kubernetes.conftest import Platform
from tests.kubernetes.load import riding, summary
from tests.kubernetes.pods import SOON_S, Pods, is_ready, new_version, verified

pytestmark = [pytest.mark.quiet, pytest.mark.timeout(900)]

RIDES_PER_S = 10
GOAL, PER_CORE = 50, 25
"""Rides a second while everything is rolled, 3 requests each; and what a core carries of it when control plane,
engines, load and the pods that start have the same cores. Very slow ones carry less (docs/operate/healing.md)."""
NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"


def test_every_service_is_rolled_three_times_and_no_request_fails(platform: Platform, tmp_path: Path) -> None:
    per_s = rate(platform)
    with riding(platform.url, per_s) as seen:
        for tag in ("next", "dev", "next"):
            new_version(platform, tag)
    print(f"{per_s:g} rides a second: {summary(seen)}")
    assert (seen["failed"], seen["told"], seen["rides"] > 0) == (0, [], True)
    new_version(platform, "dev")
    assert verified(platform, tmp_path) == "0 violations"


def rate(platform: Platform) -> float:
    """Rides a second: GBIKE_RIDES_PER_S, or as many of the goal as the cluster's cores carry."""
    nodes = json.loads(platform.kubectl("get", "nodes", "-o", "json"))["items"]
    cores = sum(int(node["status"]["capacity"]["cpu"]) for node in nodes)
    return float(os.environ.get("GBIKE_RIDES_PER_S") or min(GOAL, cores * PER_CORE))


def test_a_version_that_is_not_ready_takes_no_traffic_and_is_taken_back(platform: Platform) -> None:
    rent = Pods(platform, "rent")
    before = {pod["metadata"]["name"] for pod in rent.all()}
    with riding(platform.url, RIDES_PER_S) as seen:
        try:
            platform.kubectl("set", "env", "deployment/rent", f"GBIKE_STORE_URL={NOWHERE}")
            bad = until(lambda: _running(rent, before), SOON_S, "the bad version did not start")
            with pytest.raises(AssertionError, match="timed out"):
                platform.kubectl("rollout", "status", "deployment/rent", "--timeout=15s")
            assert set(rent.ready()) <= before
            assert bad["status"]["podIP"] not in _taking_traffic(platform, "rent")
        finally:
            platform.kubectl("rollout", "undo", "deployment/rent")
            rent.rolled()
    print(summary(seen))
    assert (seen["failed"], seen["told"], seen["rides"] > 0) == (0, [], True)


def _running(pods: Pods, before: set[str]) -> dict[str, Any] | None:
    """A new pod whose process answers, and that is not ready."""
    for pod in pods.all():
        [container] = pod["status"].get("containerStatuses", [{}])
        if pod["metadata"]["name"] not in before and container.get("started"):
            assert not is_ready(pod)
            return pod
    return None


def _taking_traffic(platform: Platform, service: str) -> set[str]:
    """The addresses to which the Service sends."""
    label = f"kubernetes.io/service-name={service}"
    slices = json.loads(platform.kubectl("get", "endpointslices", "-l", label, "-o", "json"))["items"]
    endpoints = [endpoint for one in slices for endpoint in one["endpoints"] or []]
    return {address for one in endpoints if one["conditions"].get("ready") for address in one["addresses"]}
