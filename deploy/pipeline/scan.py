"""`make scan`: known vulnerabilities of everything in the built images, system packages of the base image included.

    python -m deploy.pipeline.scan TAG PREFIX FOLDER NAME…

Serious ones that can be mended fail. Each image is put into FOLDER as an archive, and the archive is what is scanned;
where nothing serious is found its digest is noted beside it, and `make publish` pushes that archive and no other.
Without grype nothing is looked at: that is said by name, and with AUDIT=required it is a failure.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from deploy.pipeline import archives
from deploy.pipeline.images import image
from deploy.pipeline.tools import Missing, attempt, guarded, path_of, run


def main(args: Sequence[str]) -> int:
    """Scan the images; answers 1 when one has something serious."""
    tag, prefix, kept, *chosen = args
    try:
        grype = path_of("grype", "https://github.com/anchore/grype says how to install it")
    except Missing as missing:
        if os.environ.get("AUDIT") == "required":
            raise
        print(f"SKIPPED scan: {missing}")
        return 0
    builder = path_of(os.environ.get("BUILDER") or "buildah", "apt-get install buildah")
    Path(kept).mkdir(parents=True, exist_ok=True)
    bad = 0
    for name in chosen:
        ref, archive = image(name, tag, prefix), archives.archive_of(Path(kept), name)
        archives.forget(archive)
        archive.unlink(missing_ok=True)  # buildah would add to it
        run([builder, "push", "--quiet", ref, f"oci-archive:{archive}:{ref}"])
        done = attempt([grype, f"oci-archive:{archive}", "--fail-on", "high", "--only-fixed", "--quiet"])
        found = "serious vulnerabilities" if done.returncode else f"nothing serious, {archives.note(archive, ref)}"
        print(f"{ref}: {found}\n{done.stdout}{done.stderr}")
        bad += bool(done.returncode)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(guarded(main))
