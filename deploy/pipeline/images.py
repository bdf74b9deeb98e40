"""Which images there are: one for each service, from the services' own cards, and the gateway's."""

import json
import os
import sys

from gbike.run.registry import specs

GATEWAY = "gateway"


def names() -> list[str]:
    """What `deploy/images.sh` takes as names."""
    return [*(spec.name for spec in specs()), GATEWAY]


def image(name: str, tag: str, prefix: str = "") -> str:
    """The image of a service as `deploy/images.sh` calls it."""
    return f"{prefix}gbike-{name.replace('_', '-')}:{tag}"


def lock_of(name: str) -> str:
    """The file that says which packages are in the image."""
    return "requirements-gateway.lock" if name == GATEWAY else "requirements-service.lock"


def main() -> int:
    """Print the names as JSON (or --plain); in a GitHub workflow hand them to the jobs that come after."""
    if sys.argv[1:] == ["--plain"]:
        print(*names())
        return 0
    matrix = f"images={json.dumps(names())}"
    if output := os.environ.get("GITHUB_OUTPUT"):
        with open(output, "a", encoding="utf-8") as out:
            out.write(f"{matrix}\n")
    print(matrix)
    return 0


if __name__ == "__main__":
    sys.exit(main())
