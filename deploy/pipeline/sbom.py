"""`make sbom`: a CycloneDX bill of materials for each image, from the lock file that the image is built from.

    python -m deploy.pipeline.sbom TAG DIR [NAME…]

What the image holds beside Python packages (the base image's system packages) is listed by the scan of the built image.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from deploy.pipeline.images import image, lock_of, names
from deploy.pipeline.tools import ROOT, guarded, path_of, run

GET = "make sbom installs it"


def main(args: Sequence[str]) -> int:
    """Write DIR/gbike-NAME.cdx.json for each image."""
    tag, folder, *chosen = args
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    for name in chosen or names():
        bill = bill_of(name, tag)
        file = target / f"gbike-{name.replace('_', '-')}.cdx.json"
        file.write_text(json.dumps(bill, indent=1, sort_keys=True) + "\n", "utf-8")
        print(f"{file}: {len(bill['components'])} packages")
    return 0


def bill_of(name: str, tag: str) -> dict[str, Any]:
    """The bill of one image. The same lock file and tag give the same bill."""
    lock = ROOT / lock_of(name)
    program = path_of("cyclonedx-py", GET)
    made: dict[str, Any] = json.loads(
        run([program, "requirements", str(lock), "--output-reproducible", "--no-validate"])
    )
    title = image(name, tag).partition(":")[0]
    made["metadata"]["component"] = {"type": "container", "bom-ref": title, "name": title, "version": tag}
    for one in made["components"]:
        one.pop("description", None)  # the line of the lock file once more
    return made


if __name__ == "__main__":
    sys.exit(guarded(main))
