"""Consumers grow by what waits for them: the autoscaler of the overlay `demo-lag` on a real cluster."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path

import pytest
import yaml

from tests.cluster.running import until
from tests.kubernetes.conftest import Platform
from tests.kubernetes.load import riding, summary
from tests.kubernetes.pods import SOON_S, Pods, verified
from tests.kubernetes.test_manifests import of_kind

pytestmark = [pytest.mark.quiet, pytest.mark.timeout(900)]

HERE = Path(__file__).parent
API = "v1beta2.custom.metrics.k8s.io"
RIDES_PER_S = 10
GROW_S, SHRINK_S = 180, 300
BELIEVES = {"stabilizationWindowSeconds": 10}
"""How long it must see less lag before it shrinks: the test's patience is shorter than operation's."""
HELD_S = 400
"""Nobody holds the bills for longer, also when the test is killed."""
HOLD = 'PGPASSWORD=$POSTGRES_PASSWORD exec /postgres/psql -h /tmp -U postgres -q -d billing -c "$0"'


def test_billing_grows_by_its_lag_and_shrinks_when_it_has_caught_up(platform: Platform, tmp_path: Path) -> None:
    billing = Pods(platform, "billing")
    there = platform.kubectl("get", "apiservices,namespaces", "-o", "name").split()
    if any(one.endswith(".custom.metrics.k8s.io") or one == "namespace/monitoring" for one in there):
        pytest.skip("the cluster has a monitoring of its own: this would take its place")
    with lag_told(platform, tmp_path), by_lag(platform, "billing"):
        billing.until(1, SHRINK_S)
        with riding(platform.url, RIDES_PER_S, block=2) as seen:
            with nothing_is_billed(platform):
                began = time.monotonic()
                until(lambda: len(billing.ready()) == 3, GROW_S, "billing did not grow to 3 by its lag")
                grown = time.monotonic() - began
            until(lambda: len(billing.all()) == 1, SHRINK_S, "billing did not shrink again")
    print(f"3 pods after {grown:.0f} s, 1 again after {time.monotonic() - began:.0f} s; {summary(seen)}")
    assert verified(platform, tmp_path) == "0 violations"


@contextmanager
def lag_told(platform: Platform, folder: Path) -> Iterator[None]:
    """The autoscaler can ask for the lag of pods."""
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=lag-api"]
    key, certificate = folder / "tls.key", folder / "tls.crt"
    subprocess.run([*request, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    there, objects = ("-n", "monitoring"), ("-f", str(HERE / "lag_api.yaml"))
    try:
        platform.kubectl("create", "role", "lag-api", "--verb=list", "--resource=pods")
        platform.kubectl("create", "rolebinding", "lag-api", "--role=lag-api", "--serviceaccount=monitoring:lag-api")
        platform.kubectl(*there, "apply", *objects)
        platform.kubectl(*there, "create", "configmap", "lag-api", f"--from-file={HERE / 'lag_api.py'}")
        platform.kubectl(*there, "create", "secret", "tls", "lag-api", f"--key={key}", f"--cert={certificate}")
        platform.kubectl("wait", "--for=condition=Available", f"apiservice/{API}", f"--timeout={2 * SOON_S}s")
        yield
    finally:
        platform.kubectl(*there, "delete", *objects, "--ignore-not-found")
        platform.kubectl("delete", "role,rolebinding", "lag-api", "--ignore-not-found")


@contextmanager
def by_lag(platform: Platform, service: str) -> Iterator[None]:
    """A service's autoscaler is the one that knows of lag."""

    def use(overlay: str) -> None:
        [found] = [one for one in of_kind(overlay, "HorizontalPodAutoscaler") if one["metadata"]["name"] == service]
        told = deepcopy(found)
        if overlay == "demo-lag":
            told["spec"]["behavior"]["scaleDown"] = BELIEVES
        platform.kubectl("apply", "-f", "-", given=yaml.safe_dump(told))

    use("demo-lag")
    try:
        yield
    finally:
        use("demo")


@contextmanager
def nothing_is_billed(platform: Platform) -> Iterator[None]:
    """Billing's consumer waits: somebody holds the table in which it notes what it has handled."""
    hold = f"BEGIN; LOCK TABLE inbox; SELECT pg_sleep({HELD_S})"
    command = [*platform.command, "exec", "postgres-0", "--", "sh", "-c", HOLD, hold]
    holding = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
        assert holding.poll() is None, "nobody held the bills"
    finally:
        end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'BEGIN; LOCK TABLE inbox%'"
        platform.kubectl("exec", "postgres-0", "--", "sh", "-c", HOLD, end)
        holding.wait(SOON_S)
