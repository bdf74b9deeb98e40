"""What heals itself: a process that hangs, pods that are killed, settings that change, a store whose pod is gone."""

import os
import signal
import time
from pathlib import Path

import pytest

from gbike.services import NAMES
from tests.cluster.running import until
from tests.kubernetes.conftest import Platform
from tests.kubernetes.load import riding, summary
from tests.kubernetes.pods import SOON_S, Pods, answer, configured, every, new_bike, process, restarts, taken, verified

pytestmark = pytest.mark.timeout(400)

RIDES_PER_S = 10
LIVENESS_S = 30
"""Twice what a process may be without an answer before it is started again."""


def test_a_process_that_hangs_is_started_again(platform: Platform) -> None:
    deposit = Pods(platform, "user-deposit")
    pod = deposit.all()[0]
    name, before = pod["metadata"]["name"], restarts(pod)
    if not (pid := process(pod)):
        pytest.skip("the pods are on another machine: nobody can stop their processes from here")
    began = time.monotonic()
    os.kill(pid, signal.SIGSTOP)
    until(lambda: restarts(deposit.named(name)) > before, 2 * SOON_S, "the hung process was not started again")
    until(lambda: name in deposit.ready(), SOON_S, "it is not ready again")
    print(f"started again and ready {time.monotonic() - began:.0f} s after it was hung")
    assert process(deposit.named(name)) != pid


def test_what_was_acknowledged_outlives_the_pods_that_did_it(platform: Platform, tmp_path: Path) -> None:
    with riding(platform.url, RIDES_PER_S, block=1) as seen:
        for name in ("rent", "billing", "bike", "user-deposit", "rent-and-billing-view"):
            pods = Pods(platform, name)
            killed = pods.ready()[0]
            platform.kubectl("delete", "pod", killed, "--grace-period=0", "--force")
            until(lambda pods=pods, killed=killed: set(pods.ready()) - {killed}, SOON_S, f"{name} is not back")
    print(summary(seen))
    assert set(seen["statuses"]) <= {"200", "201", "503"}
    kept = {rent["rentid"]: rent["status"] for rent in every(platform, "rents")}
    assert {kept.get(rentid) for rentid in seen["returned"]} == {"returned"}
    assert verified(platform, tmp_path) == "0 violations"


def test_a_database_and_a_bus_that_are_away_restart_nobody(platform: Platform) -> None:
    """Flaw 44 of the original: its liveness asked both, so an outage of Kafka restarted every pod."""
    services = [Pods(platform, name.replace("_", "-")) for name in NAMES]
    engines = ("statefulset/postgres", "statefulset/kafka")

    def counted() -> dict[str, int]:
        return {pod["metadata"]["name"]: restarts(pod) for service in services for pod in service.all()}

    before = counted()
    platform.kubectl("scale", *engines, "--replicas=0")
    try:
        began = time.monotonic()
        until(lambda: not any(service.ready() for service in services), SOON_S, "they are ready without their stores")
        until(lambda: time.monotonic() - began > LIVENESS_S, 2 * LIVENESS_S)
    finally:
        platform.kubectl("scale", *engines, "--replicas=1")
        for engine in engines:
            platform.kubectl("rollout", "status", engine, f"--timeout={2 * SOON_S}s")
        until(lambda: all(service.ready() for service in services), 2 * SOON_S, "they are not ready again")
    assert not [name for name, times in counted().items() if times > before.get(name, 0)]


def test_a_changed_address_of_bike_takes_effect_without_a_new_image(platform: Platform) -> None:
    """`api.url.bikeservice` of the original."""
    bikeid = new_bike(platform)
    image = platform.kubectl("get", "deployment", "rent", "-o", "jsonpath={.spec.template.spec.containers[0].image}")
    rent = {"userid": bikeid, "bikeid": bikeid}
    platform.kubectl("expose", "deployment/bike", "--name=other-bike", "--port=80", "--target-port=http")
    try:
        with configured(platform, "rent", GBIKE_PEER_BIKE_URL="http://nobody-there") as change:
            refused = answer(platform, "POST", "/rents", rent)
            assert (refused.status, refused.json["type"].rpartition("#")[2]) == (503, "bike-service-unavailable")
            change(GBIKE_PEER_BIKE_URL="http://other-bike")
            taken(platform, "POST", "/rents", rent)
    finally:
        platform.kubectl("delete", "service", "other-bike")
    after = platform.kubectl("get", "deployment", "rent", "-o", "jsonpath={.spec.template.spec.containers[0].image}")
    assert after == image


def test_a_changed_timeout_takes_effect_without_a_new_image(platform: Platform) -> None:
    bike, bikeid = Pods(platform, "bike"), new_bike(platform)
    rent = {"userid": bikeid, "bikeid": bikeid}
    bike.set(GBIKE_DEMO_SLOW_MS="1000")
    try:
        with configured(platform, "rent", GBIKE_RENT_DEADLINE_MS="300") as change:
            refused = answer(platform, "POST", "/rents", rent)
            assert (refused.status, refused.json["type"].rpartition("#")[2]) == (503, "bike-service-timeout")
            change(GBIKE_RENT_DEADLINE_MS="4000")
            taken(platform, "POST", "/rents", rent)
    finally:
        bike.set(GBIKE_DEMO_SLOW_MS=None)


def test_what_a_volume_holds_outlives_its_pod(platform: Platform) -> None:
    bikeid = new_bike(platform, location="정자")

    def uid() -> str:
        return platform.kubectl("get", "pod", "postgres-0", "--ignore-not-found", "-o", "jsonpath={.metadata.uid}")

    before = uid()
    platform.kubectl("delete", "pod", "postgres-0")
    until(lambda: uid() not in ("", before), SOON_S, "the pod is not replaced")
    until(lambda: answer(platform, "GET", f"/bikes/{bikeid}").status == 200, 2 * SOON_S, "the bike is not back")
    assert answer(platform, "GET", f"/bikes/{bikeid}").json["location"] == "정자"
