"""The platform on a real cluster, brought up once for all tests that ask for `platform`.

These tests run by themselves (`make k8s-test`), one after another: they are left out of every other run.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.architecture.source import ROOT

SMALL = Path(os.environ.get("K8S_STATE", Path.home() / ".cache" / "gbike-k8s"))
"""State of the small cluster, which is used when KUBECONFIG names none."""
DEMO_S = 2_400
"""From nothing, images and all, on a machine that has other things to do."""
KUBECTL_S = 300


class Platform:
    """gbike in a cluster: where its gateway answers, and kubectl in its namespace."""

    def __init__(self, url: str, kubeconfig: str) -> None:
        self.url = url
        program = shutil.which("kubectl", path=f"{SMALL / 'bin'}:{os.environ['PATH']}") or "kubectl"
        self.command = [program, "--kubeconfig", kubeconfig, "-n", "gbike"]
        """How to call kubectl."""

    def kubectl(self, *args: str, given: str | None = None) -> str:
        """What kubectl says; it must succeed."""
        command: Sequence[str] = [*self.command, *args]
        done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=KUBECTL_S, check=False)
        assert done.returncode == 0, f"{' '.join(command)}: {done.stderr.strip()} {done.stdout.strip()}"
        return done.stdout


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What needs the platform is only run when it was asked for by name."""
    if os.environ.get("GBIKE_KUBERNETES"):
        return
    left_out = [item for item in items if "platform" in getattr(item, "fixturenames", ())]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session")
def platform() -> Platform:
    """`make k8s-demo`, once. It stays up: `make k8s-down` takes it away."""
    there = subprocess.run([ROOT / "deploy/k8s.sh", "possible"], cwd=ROOT, capture_output=True, text=True, check=False)
    if there.returncode:
        pytest.skip(there.stderr.strip())
    done = subprocess.run(
        ["make", "--no-print-directory", "k8s-demo"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=DEMO_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    kubeconfig = re.search(r"^KUBECONFIG=(.*)$", done.stdout, re.MULTILINE)
    here = re.search(r"^gateway: (http://127\S+)$", done.stdout, re.MULTILINE)
    url = os.environ.get("GBIKE_GATEWAY") or (here[1] if here else "")
    assert kubeconfig, done.stdout[-1000:]
    assert url, "GBIKE_GATEWAY must say where the gateway is reached from here"
    return Platform(url, kubeconfig[1])
