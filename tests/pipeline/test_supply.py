"""The bill of materials of an image, and how it is published: by digest, signed, with no secret where others see it."""

import json
import os
import re
from pathlib import Path

import pytest

from deploy.pipeline import publish
from deploy.pipeline.images import lock_of, names
from deploy.pipeline.sbom import bill_of
from deploy.pipeline.tools import ROOT, TOOLS, Failed

installed = pytest.mark.skipif(
    not (TOOLS / "cyclonedx-py").exists(), reason="the tools of `make sbom` are not installed"
)
DIGEST = "sha256:" + 64 * "a"
RECORDER = """#!/usr/bin/env python3
import json, os, sys
given = sys.stdin.read() if "--password-stdin" in sys.argv else ""
with open(os.environ["RECORD"], "a") as out:
    out.write(json.dumps([os.path.basename(sys.argv[0]), sys.argv[1:], given]) + "\\n")
for flag, value in zip(sys.argv, sys.argv[1:]):
    if flag == "--digestfile":
        open(value, "w").write("sha256:" + 64 * "a")
sys.exit(1 if os.environ.get("FAILS") == sys.argv[1] else 0)
"""


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


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with every call of `buildah` and `cosign`: neither a registry nor an issuer of identities is here."""
    for program in ("buildah", "cosign"):
        file = tmp_path / "bin" / program
        file.parent.mkdir(exist_ok=True)
        file.write_text(RECORDER)
        file.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("RECORD", str(tmp_path / "record"))
    monkeypatch.setenv("REGISTRY_USER", "somebody")
    monkeypatch.setenv("REGISTRY_PASSWORD", "not for anybody's eyes")
    monkeypatch.delenv("BUILDER", raising=False)
    (tmp_path / "record").touch()
    for name in names():
        (tmp_path / f"gbike-{name.replace('_', '-')}.cdx.json").write_text("{}")
    return tmp_path / "record"


def calls(record: Path) -> list[tuple[str, list[str], str]]:
    """What was called, in order."""
    return [tuple(json.loads(line)) for line in record.read_text().splitlines()]


def test_an_image_is_pushed_then_signed_by_its_digest_with_its_bill(record: Path) -> None:
    assert publish.main(["v1", "registry.example/gbike/", str(record.parent), "user_deposit"]) == 0
    said = calls(record)
    assert [(program, args[0]) for program, args, _ in said] == [
        ("buildah", "login"),
        ("buildah", "push"),
        ("cosign", "sign"),
        ("cosign", "attest"),
    ]
    ref = f"registry.example/gbike/gbike-user-deposit@{DIGEST}"
    assert [args[-1] for _, args, _ in said[2:]] == [ref, ref]


def test_the_password_is_given_by_standard_input_only(record: Path, capfd: pytest.CaptureFixture[str]) -> None:
    publish.main(["v1", "registry.example/gbike/", str(record.parent), "rent"])
    said = calls(record)
    assert said[0][2] == "not for anybody's eyes"
    assert "not for anybody's eyes" not in str([args for _, args, _ in said])
    assert "not for anybody's eyes" not in "".join(capfd.readouterr())


def test_what_can_t_be_signed_is_not_called_published(record: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAILS", "sign")
    with pytest.raises(Failed, match="cosign sign"):
        publish.main(["v1", "registry.example/gbike/", str(record.parent), "rent"])


@pytest.mark.parametrize(
    "args", [["latest", "r.example/x/", ".", "rent"], ["v1", "", ".", "rent"], ["v1", "r.example/x/", "."]]
)
def test_a_tag_that_says_nothing_or_no_registry_is_refused(args: list[str], record: Path) -> None:
    with pytest.raises(Failed):
        publish.main(args)
    assert calls(record) == []
