"""The bill of materials of an image: every package of its lock file."""

import re

import pytest

from deploy.pipeline.images import lock_of
from deploy.pipeline.sbom import bill_of
from deploy.pipeline.tools import ROOT, TOOLS

installed = pytest.mark.skipif(
    not (TOOLS / "cyclonedx-py").exists(), reason="the tools of `make sbom` are not installed"
)


@installed
@pytest.mark.parametrize("name", ["rent", "gateway"])
def test_a_bill_lists_every_package_of_the_lock_file_with_its_hash(name: str) -> None:
    bill = bill_of(name, "v1")
    locked = re.findall(
        r"^([A-Za-z0-9._-]+(?:\[[a-z]+\])?)==([^ ;\\]+)", (ROOT / lock_of(name)).read_text("utf-8"), re.MULTILINE
    )
    assert {(one["name"], one["version"]) for one in bill["components"]} == {
        (n.partition("[")[0], v) for n, v in locked
    }
    assert all(one["externalReferences"][0]["hashes"] for one in bill["components"])
    assert bill["bomFormat"] == "CycloneDX"
    assert bill["metadata"]["component"]["name"] == f"gbike-{name}"


@installed
def test_the_same_version_gives_the_same_bill() -> None:
    assert bill_of("rent", "v1") == bill_of("rent", "v1")
