"""What the images and the pods made of them are: small, quick to be ready, without root, and not to be written to."""

import json
import os
import subprocess

import pytest

from gbike.services import NAMES
from tests.kubernetes.conftest import Platform
from tests.kubernetes.pods import STATE

SERVICES = [name.replace("_", "-") for name in NAMES]
STRANGERS = (
    "import pathlib; print(*sorted(p.name for p in pathlib.Path('/app/gbike/services').iterdir() if p.is_dir()))"
)
WHO = "import os; print(os.getuid())"
WRITE = "open('/app/new', 'w')"


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_holds_one_service(platform: Platform, service: str) -> None:
    held = platform.kubectl("exec", f"deployment/{service}", "--", "python", "-c", STRANGERS).split()
    assert held == [service.replace("-", "_")]


@pytest.mark.parametrize("service", [*SERVICES, "gateway"])
def test_a_pod_is_nobody_and_changes_nothing_of_its_image(platform: Platform, service: str) -> None:
    with pytest.raises(AssertionError, match="Read-only file system"):
        platform.kubectl("exec", f"deployment/{service}", "--", "python", "-c", WRITE)
    assert platform.kubectl("exec", f"deployment/{service}", "--", "python", "-c", WHO).strip() == "10001"


MB_ON_TOP = dict.fromkeys(SERVICES, 90) | {"gateway": 150}
"""Of the gateway's Envoy alone is 107 MB, one binary without its symbols, so it can't be 90; the rest is what its
configuration is computed with."""


@pytest.mark.parametrize("name", [*SERVICES, "gateway"])
def test_an_image_is_small(platform: Platform, name: str) -> None:
    on_top = built_mb(f"gbike-{name}:dev") - built_mb("python:3.11-slim")
    print(f"{name}: {on_top:.0f} MB on top of the base image")
    assert 0 < on_top <= MB_ON_TOP[name]


def built_mb(image: str) -> float:
    """The size of an image's files, unpacked, as the builder of the small cluster has it."""
    if not (STATE / "buildah").exists():
        pytest.skip("the images were not built by the buildah of the small cluster: its sizes are not known here")
    buildah = ["buildah", "--root", STATE / "buildah", "--runroot", STATE / "run" / "buildah", "images", "--json"]
    told = subprocess.run(buildah, env={**os.environ, "STORAGE_DRIVER": "overlay"}, capture_output=True, check=True)
    [size] = [
        one["size"]
        for one in json.loads(told.stdout)
        if any(name.rpartition("/")[2] == image for name in one["names"] or ())
    ]
    number, unit = size.split()
    return float(number) * {"KB": 0.001, "MB": 1, "GB": 1000}[unit]
