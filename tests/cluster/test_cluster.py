"""The distributed form on this machine, as an operator starts it: every program a process of its own."""

import os
import re
import signal
import time

import pytest

from gbike.run.folder.data_folder import DataFolder
from gbike.services import NAMES
from tests.cluster.running import Cluster, gbike, numbers, started, until

FULL = bool(os.environ.get("GBIKE_FULL"))
READY_WITHIN_S = 30
SERVICES = len(NAMES)
STOP_WITHIN_S = 15


def bike(cluster: Cluster) -> int:
    """A new bike, and a rider with money, of one number."""
    [number] = numbers(1)
    assert cluster.ask("POST", "/bikes", {"bikeid": number, "status": "사용가능"}).status == 201
    assert cluster.ask("POST", "/userDeposits", {"userid": number, "deposit": 100_000}).status == 201
    return number


def ride(cluster: Cluster, number: int) -> int:
    """User `number` rents bike `number` and gives it back; answers the rent."""
    rented = cluster.ask("POST", "/rents", {"userid": number, "bikeid": number})
    assert rented.status == 201, rented
    rentid = int(rented.json["rentid"])
    assert cluster.ask("PATCH", f"/rents/{rentid}", {"endlocation": "분당_정자역_3구역"}).status == 200
    return rentid


def settled(cluster: Cluster, rentid: int) -> dict[str, object] | None:
    """The ride as the view shows it once its bill is closed."""
    row = cluster.ask("GET", f"/rentAndBillingViews/{rentid}")
    return row.json if row.status == 200 and row.json["billingStatus"] == "CLOSEBILL" else None


def test_everything_is_ready_and_says_so(cluster: Cluster) -> None:
    found = cluster.status()
    assert len(found) == SERVICES + 3
    assert {one.health for one in found.values()} == {"ready"}
    assert all(one.pid and one.memory_mb and one.memory_mb > 1 for one in found.values())
    assert {one.service for one in found.values() if one.unsent is None} == {"postgres", "kafka", "envoy"}
    [took] = re.findall(r"ready after ([\d.]+) s ·", cluster.printed)
    print(f"ready after {took} s")
    assert not FULL or float(took) <= READY_WITHIN_S
    shown = cluster.gbike("cluster", "status")
    assert all(name in shown for name in found)


def test_a_ride_through_the_gateway_is_billed_and_paid(cluster: Cluster) -> None:
    number = bike(cluster)
    rentid = ride(cluster, number)
    row = until(lambda: settled(cluster, rentid), what="the bill was not closed")
    assert row["rentStatus"] == "returned"
    assert row["fee"] > 0
    deposit = cluster.ask("GET", f"/userDeposits/{number}")
    assert deposit.json["deposit"] == 100_000 - row["fee"]
    assert deposit.headers["x-gbike-mode"] == "demo"
    until(lambda: cluster.ask("GET", f"/bikes/{number}").json["status"] == "사용가능", what="the bike was not freed")


def test_the_small_fleet_is_there_and_nobody_reaches_what_is_between_services(cluster: Cluster) -> None:
    assert cluster.ask("GET", "/bikes/1001").json["location"] == "분당_정자역_1구역"
    assert cluster.ask("PUT", "/internal/bikes/1001/reservations/1").status == 404


def test_a_service_that_is_killed_runs_again_and_what_happened_meanwhile_is_billed(cluster: Cluster) -> None:
    number = bike(cluster)
    before = cluster.status()["billing"]
    assert before.pid is not None
    os.kill(before.pid, signal.SIGKILL)
    rentid = ride(cluster, number)
    until(lambda: settled(cluster, rentid), what="the bill was not closed")
    after = cluster.status()["billing"]
    assert (after.health, after.restarts) == ("ready", before.restarts + 1)
    assert after.pid != before.pid
    assert "billing was ended by SIGKILL; it is started again in 0.2 s" in cluster.printed


def test_a_service_that_is_stopped_stays_stopped_until_it_is_healed_and_loses_nothing(cluster: Cluster) -> None:
    number = bike(cluster)
    assert cluster.gbike("demo-fault", "stop", "billing").startswith("billing is stopped")
    try:
        rentid = ride(cluster, number)
        assert cluster.status()["billing"].health == "stopped"
        assert cluster.ask("GET", "/billings").status == 503
    finally:
        cluster.gbike("demo-fault", "heal", "billing")
    until(lambda: settled(cluster, rentid), what="the bill was not closed")


def test_a_second_cluster_on_the_folder_is_refused_by_name(cluster: Cluster) -> None:
    again = gbike("cluster", "up", "--demo", "--data", str(cluster.data))
    assert again.returncode == 2
    assert f"in use by gbike cluster (pid {_holder(cluster)}, {cluster.url})" in again.stderr


def test_what_a_cluster_can_not_do_is_said(cluster: Cluster) -> None:
    refused = gbike("demo-fault", "slow", "bike", "100", "--data", str(cluster.data))
    assert refused.returncode == 2
    assert "'slow' can't be done here" in refused.stderr
    unknown = gbike("demo-fault", "stop", "bake", "--data", str(cluster.data))
    assert (unknown.returncode, "no service 'bake'" in unknown.stderr) == (2, True)


def _holder(cluster: Cluster) -> int:
    holder = DataFolder(cluster.data).holder()
    assert holder is not None
    return holder.pid


@pytest.mark.skipif(not FULL, reason="a second cluster, of 14 services: GBIKE_FULL=1")
def test_two_replicas_of_each_service_share_the_work(cluster: Cluster) -> None:
    with started("--replicas", "2", "--empty") as own:
        fleet = [bike(own) for _ in range(20)]
        rents = [ride(own, number) for number in fleet]
        for rentid in rents:
            until(lambda rentid=rentid: settled(own, rentid), what="the bill was not closed")  # type: ignore[misc]
        assert len(own.status()) == 2 * SERVICES + 3


@pytest.mark.skipif(not FULL, reason="a second cluster: GBIKE_FULL=1")
def test_engines_may_be_mixed_and_a_restart_keeps_everything(cluster: Cluster) -> None:
    with started("--store", "rent=sqlite", "--empty") as own:
        assert own.plan.stores["rent"].startswith("sqlite:///")
        assert own.plan.stores["bike"].startswith("postgresql://")
        rentid = ride(own, bike(own))
        until(lambda: settled(own, rentid), what="the bill was not closed")
        for name in ("rent", "postgres", "kafka", "envoy"):
            own.gbike("demo-fault", "stop", name, "--hard")
        own.gbike("demo-fault", "heal")
        assert own.ask("GET", f"/rents/{rentid}").json["status"] == "returned"
        began = time.monotonic()
    assert time.monotonic() - began < STOP_WITHIN_S
