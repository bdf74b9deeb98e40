"""The original's scenarios 1-7 on a real cluster, through the gateway's Service, as `make k8s-demo` brings it up."""

from pathlib import Path

import pytest

from gbike.services import NAMES
from tests.cluster.running import ask, until
from tests.journeys.test_original_scenarios import (
    Typist,
    a_rent,
    a_return,
    initial_data,
    no_rent,
    points_become_deposit,
    reports_earn_points,
    the_view_shows_the_deposit,
)
from tests.kubernetes.conftest import Platform

READY_S = 180


class Hand(Typist):
    """A hand that types at the platform; a service that is down has no pods."""

    def __init__(self, platform: Platform) -> None:
        super().__init__(Path(), platform.url)
        self._platform = platform

    def fault(self, *words: str) -> None:
        """`stop bike`, or `heal`."""
        count = 0 if words[0] == "stop" else 1
        self._platform.kubectl("scale", "deployment/bike", f"--replicas={count}")
        self._platform.kubectl("rollout", "status", "deployment/bike", f"--timeout={READY_S}s")
        if not count:
            asked = (
                "get",
                "pods",
                "-l",
                "app.kubernetes.io/name=bike,app.kubernetes.io/component=service",
                "-o",
                "name",
            )
            until(lambda: not self._platform.kubectl(*asked).strip(), READY_S, "bike's pods do not end")
        else:
            until(lambda: status(f"{self.address}/bikes") == 200, READY_S, "bike is not back")


def status(url: str) -> int:
    """What a look-up answers; 0 when nobody does."""
    reply = ask("GET", url)
    return reply.status if reply else 0


@pytest.fixture
def unused(platform: Platform) -> Platform:
    """A platform on which the document's numbers are free: new databases and log, unless nobody was here before."""
    if status(f"{platform.url}/rents/1") == 404:
        return platform
    platform.kubectl("scale", "deployment", "--all", "--replicas=0")
    pods = ("get", "pods", "-l", "app.kubernetes.io/component=service", "-o", "name")
    until(lambda: not platform.kubectl(*pods).strip(), READY_S, "the services do not end")
    psql = 'PGPASSWORD=$POSTGRES_PASSWORD /postgres/psql -h /tmp -U postgres -qc "$0"'
    for name in NAMES:
        for statement in (f"DROP DATABASE {name} WITH (FORCE)", f"CREATE DATABASE {name} OWNER {name}"):
            platform.kubectl("exec", "postgres-0", "--", "sh", "-c", psql, statement)
    platform.kubectl("exec", "kafka-0", "--", "rm", "-rf", "/data/log")
    platform.kubectl("delete", "pod", "kafka-0", "--grace-period=1")
    platform.kubectl("rollout", "status", "statefulset/kafka", f"--timeout={READY_S}s")
    platform.kubectl("scale", "deployment", "--all", "--replicas=1")
    platform.kubectl("rollout", "status", "deployment", f"--timeout={READY_S}s")
    return platform


@pytest.mark.timeout(2_700)
def test_the_original_scenarios_give_the_states_that_its_document_shows(unused: Platform) -> None:
    hand = Hand(unused)
    initial_data(hand)
    a_rent(hand)
    a_return(hand)
    no_rent(hand)
    reports_earn_points(hand)
    points_become_deposit(hand)
    the_view_shows_the_deposit(hand)
