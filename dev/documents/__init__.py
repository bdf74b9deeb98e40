"""The generators of schemas/ and of the generated pages of docs/: `make schemas`."""

from collections.abc import Iterable
from pathlib import Path


def write_changed(root: Path, wanted: Iterable[tuple[str, str]]) -> list[str]:
    """Write what differs under `root`, a path and its text each; answers the paths that changed."""
    changed = []
    for path, text in wanted:
        file = root / path
        if not file.exists() or file.read_text("utf-8") != text:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, "utf-8")
            changed.append(path)
    return changed
