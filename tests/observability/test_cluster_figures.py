"""The distributed form tells the same: every service its figures, over PostgreSQL and Kafka."""

import urllib.request

import pytest

from gbike.run.cluster.plan import Plan
from tests.cluster.running import Cluster, until
from tests.cluster.test_cluster import bike, ride
from tests.observability.pages import Metrics, read

OWN = {
    "rent": ("gbike_rents", "gbike_pending_overdue", "gbike_breaker_state"),
    "bike": ("gbike_bikes", "gbike_consumer_lag"),
    "billing": ("gbike_settlement_seconds_count", "gbike_dead_letters_waiting"),
    "user_deposit": ("gbike_ledger_drift_krw", "gbike_consumer_lag"),
    "bike_manage_app": ("gbike_pending_overdue", "gbike_breaker_state"),
    "bike_manager": ("gbike_consumer_lag",),
    "rent_and_billing_view": ("gbike_consumer_lag",),
}


def page(plan: Plan, service: str) -> Metrics:
    url = next(replica.url for replica in plan.replicas if replica.service == service)
    with urllib.request.urlopen(f"{url}/metrics", timeout=10) as answer:
        return read(answer.read())


@pytest.mark.parametrize("service", sorted(OWN))
def test_each_service_tells_its_figures(cluster: Cluster, service: str) -> None:
    def told() -> bool:
        found = page(cluster.plan, service)
        return all(found.value(name, service=service) is not None for name in (*OWN[service], "gbike_outbox_waiting"))

    until(told, what=f"{service} does not tell {OWN[service]}")


def test_a_ride_is_timed_until_its_bill_is_closed(cluster: Cluster) -> None:
    def closed() -> float:
        return page(cluster.plan, "billing").value("gbike_settlement_seconds_count") or 0

    before = closed()
    ride(cluster, bike(cluster))
    until(lambda: closed() > before, what="no bill was closed")
