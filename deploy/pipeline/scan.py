"""`make scan`: known vulnerabilities of everything in the built images, system packages of the base image included.

    python -m deploy.pipeline.scan TAG PREFIX NAME…

Serious ones that can be mended fail. Without grype nothing is looked at: that is said by name, and with AUDIT=required
it is a failure.
"""

import os
import sys
import tempfile
from collections.abc import Sequence

from deploy.pipeline.images import image
from deploy.pipeline.tools import Missing, attempt, guarded, path_of, run


def main(args: Sequence[str]) -> int:
    """Scan the images; answers 1 when one has something serious."""
    tag, prefix, *chosen = args
    try:
        grype = path_of("grype", "https://github.com/anchore/grype says how to install it")
    except Missing as missing:
        if os.environ.get("AUDIT") == "required":
            raise
        print(f"SKIPPED scan: {missing}")
        return 0
    builder = path_of(os.environ.get("BUILDER") or "buildah", "apt-get install buildah")
    bad = 0
    for name in chosen:
        ref = image(name, tag, prefix)
        with tempfile.TemporaryDirectory(prefix="gbike-scan-") as folder:
            archive = f"{folder}/image.tar"
            run([builder, "push", "--quiet", ref, f"oci-archive:{archive}:{ref}"])
            done = attempt([grype, f"oci-archive:{archive}", "--fail-on", "high", "--only-fixed", "--quiet"])
        print(
            f"{ref}: {'serious vulnerabilities' if done.returncode else 'nothing serious'}\n{done.stdout}{done.stderr}"
        )
        bad += bool(done.returncode)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(guarded(main))
