"""`make publish`: push images to a registry and sign each by its digest, with its bill of materials beside it.

    python -m deploy.pipeline.publish TAG PREFIX SBOM_DIR NAME…

Keyless (cosign): in a pipeline who signs is the workflow itself, by its OpenID token; on a laptop a browser asks who
you are. REGISTRY_USER and REGISTRY_PASSWORD sign in to the registry; the password is never an argument.
"""

import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from deploy.pipeline.images import image
from deploy.pipeline.tools import Failed, guarded, path_of, run


def main(args: Sequence[str]) -> int:
    """Publish the images, and say each one's digest."""
    tag, prefix, bills, *chosen = args
    if tag == "latest" or "/" not in prefix or not chosen:
        raise Failed("publish: TAG (not latest), PREFIX (registry.example/gbike/) and IMAGES are wanted")
    builder = path_of(os.environ.get("BUILDER") or "buildah", "apt-get install buildah")
    cosign = path_of("cosign", "https://docs.sigstore.dev says how to install it")
    with tempfile.TemporaryDirectory(prefix="gbike-publish-") as folder:
        signed_in = Path(folder) / "config.json"
        signed_in.write_text("{}")
        _sign_in(builder, prefix.partition("/")[0], signed_in)
        for name in chosen:
            ref = image(name, tag, prefix)
            digest = _push(builder, ref, signed_in, Path(folder) / "digest")
            _sign(cosign, f"{ref.rpartition(':')[0]}@{digest}", bill(Path(bills), name), folder)
            print(f"{ref} {digest}")
    return 0


def bill(folder: Path, name: str) -> Path:
    """Where `make sbom` put an image's bill. Raises Failed when it did not."""
    found = folder / f"gbike-{name.replace('_', '-')}.cdx.json"
    if not found.exists():
        raise Failed(f"publish: {found} is missing: make sbom first")
    return found


def _sign_in(builder: str, registry: str, file: Path) -> None:
    user, password = os.environ.get("REGISTRY_USER"), os.environ.get("REGISTRY_PASSWORD")
    if user and password:
        run(
            [builder, "login", "--authfile", str(file), "--username", user, "--password-stdin", registry],
            given=password,
        )


def _push(builder: str, ref: str, signed_in: Path, digest: Path) -> str:
    run([builder, "push", "--quiet", "--authfile", str(signed_in), "--digestfile", str(digest), ref, f"docker://{ref}"])
    return digest.read_text("utf-8").strip()


def _sign(cosign: str, ref: str, bill: Path, folder: str) -> None:
    """By digest: a tag may be moved to something else later."""
    env = {"DOCKER_CONFIG": folder}
    run([cosign, "sign", "--yes", ref], env=env)
    run([cosign, "attest", "--yes", "--type", "cyclonedx", "--predicate", str(bill), ref], env=env)


if __name__ == "__main__":
    sys.exit(guarded(main))
