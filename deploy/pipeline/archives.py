"""The image that was scanned, kept as a file until it is published: an OCI archive, and the digest of what is in it.

Nothing is built between: who publishes pushes this very archive, and only under the digest that the scan wrote down.
"""

import hashlib
import json
import tarfile
from pathlib import Path

from deploy.pipeline.images import image
from deploy.pipeline.tools import Failed


def archive_of(folder: Path, name: str) -> Path:
    """Where the scanned image of a service is kept."""
    return folder / f"{image(name, '').rstrip(':')}.tar"


def digest_in(archive: Path) -> str:
    """The digest of the one image in an archive, computed from its manifest. Raises Failed."""
    try:
        with tarfile.open(archive) as tar:
            [only] = json.loads(_read(tar, "index.json"))["manifests"]
            digest = str(only["digest"])
            manifest = _read(tar, f"blobs/{digest.replace(':', '/', 1)}")
    except (OSError, tarfile.TarError, KeyError, ValueError) as wrong:
        raise Failed(f"{archive} is no archive of one image: {wrong}") from None
    if digest != f"sha256:{hashlib.sha256(manifest).hexdigest()}":
        raise Failed(f"{archive}: its manifest is not {digest}")
    return digest


def note(archive: Path, ref: str) -> str:
    """Write down that this image was scanned, and nothing serious found; answers its digest. Raises Failed."""
    digest = digest_in(archive)
    _record(archive).write_text(json.dumps({"image": ref, "digest": digest}) + "\n", "utf-8")
    return digest


def forget(archive: Path) -> None:
    """This one may not be published, whatever was noted before."""
    _record(archive).unlink(missing_ok=True)


def scanned(archive: Path, ref: str) -> str:
    """The digest of the image, which was scanned as `ref` and is still the same. Raises Failed."""
    try:
        noted = json.loads(_record(archive).read_text("utf-8"))
    except (OSError, ValueError):
        raise Failed(f"publish: {ref} was not scanned: make scan first") from None
    digest = digest_in(archive)
    if noted != {"image": ref, "digest": digest}:
        raise Failed(f"publish: {archive} is {ref} {digest}, but what was scanned is {noted}")
    return digest


def _record(archive: Path) -> Path:
    return archive.with_suffix(".scanned.json")


def _read(tar: tarfile.TarFile, name: str) -> bytes:
    file = tar.extractfile(name)
    if file is None:
        raise ValueError(f"{name} is no file")
    return file.read()
