"""How quickly a pod is there: from the start of its process to the first answer that it is ready."""

from typing import Any

import pytest

from gbike.services import NAMES
from tests.cluster.running import until
from tests.kubernetes.conftest import Platform
from tests.kubernetes.pods import SOON_S, Pods

pytestmark = [pytest.mark.quiet, pytest.mark.timeout(400)]

READY_S = 3.0
PORTS = {name.replace("_", "-"): 8080 for name in NAMES} | {"gateway": 8088}
WATCH = """
import os, socket, sys, time
began = int(open("/proc/1/stat").read().rpartition(")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")
while True:
    try:
        with socket.create_connection(("127.0.0.1", int(sys.argv[1])), 1) as asking:
            asking.sendall(b"GET /health/ready HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n")
            if asking.recv(99).startswith(b"HTTP/1.1 200"):
                break
    except OSError:
        pass
    time.sleep(0.02)
print(float(open("/proc/uptime").read().split()[0]) - began)
"""
"""Inside the pod: from the moment its first process was made, as the kernel noted it."""


@pytest.mark.parametrize("name", PORTS)
def test_a_pod_is_ready_within_three_seconds_of_its_start(platform: Platform, name: str) -> None:
    pods = Pods(platform, name)
    before = {pod["metadata"]["name"] for pod in pods.there()}
    platform.kubectl("rollout", "restart", f"deployment/{name}")
    new = until(lambda: _begun(pods, before), SOON_S, "no new pod began")
    took_s = float(platform.kubectl("exec", new, "--", "python", "-c", WATCH, str(PORTS[name])))
    pods.replaced()
    print(f"{name}: ready after {took_s:.2f} s")
    assert took_s <= READY_S


def _begun(pods: Pods, before: set[str]) -> str | None:
    """A new pod whose process has begun."""
    for pod in pods.all():
        states: list[dict[str, Any]] = pod["status"].get("containerStatuses", [])
        if pod["metadata"]["name"] not in before and any("running" in one["state"] for one in states):
            return str(pod["metadata"]["name"])
    return None
