"""What the images and the pods made of them are: small, quick to be ready, without root, and not to be written to."""

import pytest

from gbike.app.catalogue import NAMES
from tests.kubernetes.conftest import Platform

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
