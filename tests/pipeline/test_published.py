"""What is published is what was scanned: one archive, by its digest, signed, with no secret where others see it."""

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from deploy.pipeline import publish, scan
from deploy.pipeline.archives import archive_of, digest_in
from deploy.pipeline.images import names
from deploy.pipeline.tools import Failed
from tests.architecture.source import ROOT

PREFIX = "registry.example/gbike/"
RECORDER = """#!/usr/bin/env python3
import json, os, shutil, sys
args = sys.argv[1:]
given = sys.stdin.read() if "--password-stdin" in args else ""
with open(os.environ["RECORD"], "a") as out:
    out.write(json.dumps([os.path.basename(sys.argv[0]), args, given]) + "\\n")
if args[0] == "push":
    shutil.copy(os.environ["BUILT"], args[-1].split(":")[1])
if "--digestfile" in args:
    open(args[args.index("--digestfile") + 1], "w").write(os.environ["ARRIVES"])
sys.exit(1 if os.environ.get("FAILS") in args[0] else 0)
"""


def an_archive(file: Path, content: str) -> str:
    """An OCI archive of one image; answers its digest."""
    manifest = json.dumps({"schemaVersion": 2, "content": content}).encode()
    digest = hashlib.sha256(manifest).hexdigest()
    index = json.dumps({"schemaVersion": 2, "manifests": [{"digest": f"sha256:{digest}"}]}).encode()
    with tarfile.open(file, "w") as tar:
        for name, data in {f"blobs/sha256/{digest}": manifest, "index.json": index}.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return f"sha256:{digest}"


class Bench:
    """A builder, a scanner, a registry's client and a signer that only write down what they are asked: none is here."""

    def __init__(self, folder: Path, env: pytest.MonkeyPatch) -> None:
        self.folder, self.env = folder, env
        for program in ("buildah", "grype", "skopeo", "cosign"):
            file = folder / "bin" / program
            file.parent.mkdir(exist_ok=True)
            file.write_text(RECORDER)
            file.chmod(0o755)
        self.digest = an_archive(folder / "built.tar", "as it was built")
        env.setenv("PATH", f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}")
        for name, value in {
            "RECORD": str(folder / "record"),
            "BUILT": str(folder / "built.tar"),
            "ARRIVES": self.digest,
            "FAILS": "nothing",
            "REGISTRY_USER": "somebody",
            "REGISTRY_PASSWORD": "not for anybody's eyes",
        }.items():
            env.setenv(name, value)
        env.delenv("BUILDER", raising=False)
        (folder / "record").touch()
        for name in names():
            (folder / f"gbike-{name.replace('_', '-')}.cdx.json").write_text("{}")

    def scan(self, name: str, tag: str = "v1") -> int:
        """`make scan`."""
        return scan.main([tag, PREFIX, str(self.folder / "images"), name])

    def publish(self, name: str, tag: str = "v1") -> int:
        """`make publish`."""
        return publish.main([tag, PREFIX, str(self.folder / "images"), str(self.folder), name])

    def calls(self) -> list[tuple[str, list[str], str]]:
        """What was called, in order."""
        return [tuple(json.loads(line)) for line in (self.folder / "record").read_text().splitlines()]

    def asked(self) -> list[tuple[str, str]]:
        """The programs and what they were asked to do."""
        return [(program, args[0].partition(":")[0]) for program, args, _ in self.calls()]


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """The pipeline's programs, in a folder of this test."""
    return Bench(tmp_path, monkeypatch)


def test_the_archive_that_was_scanned_is_pushed_as_it_is_and_signed_by_its_digest(bench: Bench) -> None:
    assert (bench.scan("user_deposit"), bench.publish("user_deposit")) == (0, 0)
    assert bench.asked() == [
        ("buildah", "push"),
        ("grype", "oci-archive"),
        ("skopeo", "login"),
        ("skopeo", "copy"),
        ("cosign", "sign"),
        ("cosign", "attest"),
    ]
    [_, (_, scanned, _), _, (_, copied, _), *signed] = bench.calls()
    assert copied[-2:] == [scanned[0], f"docker://{PREFIX}gbike-user-deposit:v1"]
    assert "--preserve-digests" in copied
    assert [args[-1] for _, args, _ in signed] == [f"{PREFIX}gbike-user-deposit@{bench.digest}"] * 2


def test_what_was_not_scanned_is_not_published(bench: Bench) -> None:
    with pytest.raises(Failed, match="was not scanned"):
        bench.publish("rent")
    assert bench.calls() == []


def test_what_has_serious_vulnerabilities_is_not_published_whatever_was_scanned_before(bench: Bench) -> None:
    assert bench.scan("rent") == 0
    bench.env.setenv("FAILS", "oci-archive")
    assert bench.scan("rent") == 1
    with pytest.raises(Failed, match="was not scanned"):
        bench.publish("rent")
    assert "skopeo" not in dict(bench.asked())


@pytest.mark.parametrize("tag", ["v1", "v2"])
def test_another_image_than_the_scanned_is_not_pushed(bench: Bench, tag: str) -> None:
    """Built anew and put in its place, or called by another version."""
    assert bench.scan("rent") == 0
    if tag == "v1":
        an_archive(archive_of(bench.folder / "images", "rent"), "built once more")
    with pytest.raises(Failed, match="what was scanned is"):
        bench.publish("rent", tag)
    assert "skopeo" not in dict(bench.asked())


def test_what_arrives_under_another_digest_is_not_signed(bench: Bench) -> None:
    assert bench.scan("rent") == 0
    bench.env.setenv("ARRIVES", "sha256:" + 64 * "a")
    with pytest.raises(Failed, match="it is not signed"):
        bench.publish("rent")
    assert "cosign" not in dict(bench.asked())


def test_the_password_is_given_by_standard_input_only(bench: Bench, capfd: pytest.CaptureFixture[str]) -> None:
    bench.scan("rent")
    bench.publish("rent")
    printed = bench.calls()
    assert printed[2][2] == "not for anybody's eyes"
    assert "not for anybody's eyes" not in str([args for _, args, _ in printed])
    assert "not for anybody's eyes" not in "".join(capfd.readouterr())


def test_what_can_t_be_signed_is_not_called_published(bench: Bench) -> None:
    bench.scan("rent")
    bench.env.setenv("FAILS", "sign")
    with pytest.raises(Failed, match="cosign sign"):
        bench.publish("rent")


@pytest.mark.parametrize(
    "args", [["latest", PREFIX, ".", ".", "rent"], ["v1", "", ".", ".", "rent"], ["v1", PREFIX, ".", "."]]
)
def test_a_tag_that_says_nothing_or_no_registry_is_refused(args: list[str], bench: Bench) -> None:
    with pytest.raises(Failed):
        publish.main(args)
    assert bench.calls() == []


def test_an_archive_whose_manifest_is_another_is_none(tmp_path: Path) -> None:
    file = tmp_path / "image.tar"
    with tarfile.open(file, "w") as tar:
        for name, data in {
            "index.json": json.dumps({"manifests": [{"digest": "sha256:" + 64 * "a"}]}).encode(),
            f"blobs/sha256/{64 * 'a'}": b"{}",
        }.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    with pytest.raises(Failed, match="its manifest is not"):
        digest_in(file)
    file.write_bytes(b"no archive")
    with pytest.raises(Failed, match="is no archive"):
        digest_in(file)


@pytest.mark.skipif(shutil.which("buildah") is None, reason="buildah is missing: apt-get install buildah")
def test_the_builders_own_archive_is_read(tmp_path: Path) -> None:
    """An image of nothing, made by the real builder."""
    (tmp_path / "Containerfile").write_text("FROM scratch\nCOPY Containerfile /it\n")
    buildah = [
        "buildah",
        "--root",
        str(tmp_path / "root"),
        "--runroot",
        str(tmp_path / "run"),
        "--storage-driver",
        "vfs",
    ]
    for command in (
        ["bud", "-q", "--isolation", "chroot", "-t", "nothing", str(tmp_path)],
        ["push", "-q", "nothing", f"oci-archive:{tmp_path / 'image.tar'}:nothing"],
    ):
        done = subprocess.run([*buildah, *command], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    assert re.fullmatch("sha256:[0-9a-f]{64}", digest_in(tmp_path / "image.tar"))


def test_nothing_is_built_between_scan_and_publish() -> None:
    """The verb itself: whoever calls it on a laptop is held to the same."""
    rules = dict(re.findall(r"^([a-z]+):(.*?)(?: ##|$)", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert rules["publish"].split() == ["sbom"]
