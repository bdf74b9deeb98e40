"""`make publish`: push the images that were scanned and sign each by its digest, with its bill of materials beside it.

    python -m deploy.pipeline.publish TAG PREFIX SCANNED_DIR SBOM_DIR NAME…

What is pushed is the archive that `make scan` looked through: it must have the digest that the scan noted, and arrive
under it. Nothing is built here, and what was not scanned is not published.

Keyless (cosign): in a pipeline who signs is the workflow itself, by its OpenID token; on a laptop a browser asks who
you are. REGISTRY_USER and REGISTRY_PASSWORD sign in to the registry; the password is never an argument.
"""

import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from deploy.pipeline import archives
from deploy.pipeline.images import image
from deploy.pipeline.tools import Failed, guarded, path_of, run


def main(args: Sequence[str]) -> int:
    """Publish the images, and say each one's digest."""
    tag, prefix, kept, bills, *chosen = args
    if tag == "latest" or "/" not in prefix or not chosen:
        raise Failed("publish: TAG (not latest), PREFIX (registry.example/gbike/) and IMAGES are wanted")
    skopeo = path_of("skopeo", "apt-get install skopeo")
    cosign = path_of("cosign", "https://docs.sigstore.dev says how to install it")
    told = [(name, image(name, tag, prefix), archives.archive_of(Path(kept), name)) for name in chosen]
    digests = {ref: archives.scanned(archive, ref) for _, ref, archive in told}
    with tempfile.TemporaryDirectory(prefix="gbike-publish-") as folder:
        signed_in = Path(folder) / "config.json"
        signed_in.write_text("{}")
        _sign_in(skopeo, prefix.partition("/")[0], signed_in)
        for name, ref, archive in told:
            digest = _push(skopeo, archive, ref, signed_in)
            if digest != digests[ref]:
                raise Failed(f"publish: {ref} arrived as {digest}, but {digests[ref]} was scanned: it is not signed")
            _sign(cosign, f"{ref.rpartition(':')[0]}@{digest}", bill(Path(bills), name), folder)
            print(f"{ref} {digest}")
    return 0


def bill(folder: Path, name: str) -> Path:
    """Where `make sbom` put an image's bill. Raises Failed when it did not."""
    found = folder / f"gbike-{name.replace('_', '-')}.cdx.json"
    if not found.exists():
        raise Failed(f"publish: {found} is missing: make sbom first")
    return found


def _sign_in(skopeo: str, registry: str, file: Path) -> None:
    user, password = os.environ.get("REGISTRY_USER"), os.environ.get("REGISTRY_PASSWORD")
    if user and password:
        run(
            [skopeo, "login", "--authfile", str(file), "--username", user, "--password-stdin", registry],
            given=password,
        )


def _push(skopeo: str, archive: Path, ref: str, signed_in: Path) -> str:
    """Answers the digest under which it arrived. Unlike a builder's push, nothing is packed anew on the way."""
    arrived = signed_in.with_name("digest")
    command = [skopeo, "copy", "--quiet", "--preserve-digests", "--authfile", str(signed_in)]
    run([*command, "--digestfile", str(arrived), f"oci-archive:{archive}", f"docker://{ref}"])
    return arrived.read_text("utf-8").strip()


def _sign(cosign: str, ref: str, bill: Path, folder: str) -> None:
    """By digest: a tag may be moved to something else later."""
    env = {"DOCKER_CONFIG": folder}
    run([cosign, "sign", "--yes", ref], env=env)
    run([cosign, "attest", "--yes", "--type", "cyclonedx", "--predicate", str(bill), ref], env=env)


if __name__ == "__main__":
    sys.exit(guarded(main))
