"""How large things may be. Files drift to 4,000 lines when nothing stops them."""

from pathlib import Path

from tests.architecture.source import ROOT, SRC, files, functions

EVERYWHERE = files(SRC, ROOT / "tests", ROOT / "dev")


def lines(file: Path) -> int:
    """How many lines a file has."""
    return len(file.read_text("utf-8").splitlines())


def test_no_file_has_more_than_400_lines() -> None:
    assert {str(file): lines(file) for file in EVERYWHERE if lines(file) > 400} == {}


def test_no_function_has_more_than_50_lines() -> None:
    long = [
        f"{file}:{f.lineno} {f.name}"
        for file in EVERYWHERE
        for f in functions(file)
        if (f.end_lineno or f.lineno) - f.lineno + 1 > 50
    ]
    assert long == []
