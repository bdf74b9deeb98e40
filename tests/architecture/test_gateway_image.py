"""The gateway's image holds Envoy and what computing its configuration needs, and no other package."""

import re
import subprocess
import sys
from importlib.metadata import packages_distributions

from tests.architecture.source import ROOT

COMPUTE = """
import sys
missing = set(sys.argv[1].split())

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in missing:
            raise ModuleNotFoundError(f"{name} is not in the gateway's image")

sys.meta_path.insert(0, Missing())
sys.argv = ["gbike", *sys.argv[2:]]
from gbike.cli import main
main()
"""


def locked() -> set[str]:
    """The packages of the gateway's image."""
    text = (ROOT / "requirements-gateway.lock").read_text("utf-8")
    return set(re.findall(r"^([a-z0-9-]+)==", text, re.MULTILINE))


def compute(missing: set[str]) -> subprocess.CompletedProcess[str]:
    """What `gbike gateway --print` says where these modules are not installed."""
    command = [sys.executable, "-c", COMPUTE, " ".join(missing), "gateway", "--print"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_configuration_is_computed_with_the_packages_of_the_image_alone() -> None:
    there = {
        module: {re.sub(r"[-_.]+", "-", name).lower() for name in names}
        for module, names in packages_distributions().items()
    }
    missing = {module for module, names in there.items() if not names & {*locked(), "gbike"}}
    assert {"sqlalchemy", "uvicorn", "aiokafka"} <= missing, "nothing would be shown"
    done = compute(missing)
    assert done.returncode == 0, done.stderr[-2000:]
    assert '"static_resources"' in done.stdout
    assert compute({*missing, "starlette"}).returncode != 0, "what is needed and missing is not noticed"
