"""What two services have alike is written once: names said alike are the language, ten lines alike are a copy."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from gbike.services import NAMES
from tests.architecture.source import SERVICES, files

RUN = 10


def copies(folders: Sequence[Path]) -> list[list[str]]:
    """The places of each run of ten lines that stands in several folders. Every line counts, imports and docstrings
    too, but for blank ones and indents."""
    places: dict[tuple[str, ...], dict[Path, str]] = defaultdict(dict)
    for folder in folders:
        for file in files(folder):
            numbered = enumerate(file.read_text("utf-8").splitlines(), start=1)
            lines = [(number, line.strip()) for number, line in numbered if line.strip()]
            for start in range(len(lines) - RUN + 1):
                run = tuple(line for _, line in lines[start : start + RUN])
                places[run].setdefault(folder, f"{file}:{lines[start][0]}")
    return [list(found.values()) for found in places.values() if len(found) > 1]


def test_no_two_services_have_ten_lines_alike() -> None:
    assert copies([SERVICES / name for name in NAMES]) == []


def test_a_copy_is_found(tmp_path: Path) -> None:
    alike = [f"step_{number}()" for number in range(RUN)]
    here, there = tmp_path / "here", tmp_path / "there"
    for folder, lines in ((here, ["begin()", *alike]), (there, ["if True:", *(f"    {line}" for line in alike)])):
        folder.mkdir()
        (folder / "it.py").write_text("\n\n".join(lines))
    assert copies([here, there]) == [[f"{here / 'it.py'}:3", f"{there / 'it.py'}:3"]]
    (there / "it.py").write_text("\n".join([*alike[:5], "other()", *alike[5:]]))
    assert copies([here, there]) == []
