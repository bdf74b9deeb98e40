"""How large things may be. Files drift to 4,000 lines when nothing stops them."""

import ast
from pathlib import Path

import pytest

from tests.architecture.source import ROOT, SRC, files, tree

EVERYWHERE = files(SRC, ROOT / "tests", ROOT / "dev")


def lines(file: Path) -> int:
    """How many lines a file has."""
    return len(file.read_text("utf-8").splitlines())


def test_no_file_has_more_than_400_lines() -> None:
    assert {str(file): lines(file) for file in EVERYWHERE if lines(file) > 400} == {}


def positional(file: Path) -> list[int]:
    """The lines of a file with a call that is given more than five positional arguments."""
    return [node.lineno for node in ast.walk(tree(file)) if isinstance(node, ast.Call) and len(node.args) > 5]


def packed(file: Path) -> list[int]:
    """The lines of a file that assign more than two values at once."""
    return [
        node.lineno
        for node in ast.walk(tree(file))
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple) and len(node.value.elts) > 2
        if any(isinstance(target, ast.Tuple) for target in node.targets)
    ]


TO_BE_MENDED = {
    "src/gbike/app": (11, 19),
    "src/gbike/contracts": (0, 0),
    "src/gbike/gateway": (0, 2),
    "src/gbike/kit": (14, 48),
    "src/gbike/services": (53, 20),
    "deploy": (5, 0),
    "dev": (31, 31),
    "tests": (83, 74),
}
"""Of each folder: how many calls have more than five positional arguments, and how many assignments more than two
values. A number may only shrink."""


@pytest.mark.parametrize("folder", TO_BE_MENDED)
def test_arguments_have_names_and_each_value_has_its_line(folder: str) -> None:
    calls, assignments = TO_BE_MENDED[folder]
    assert (found := files(ROOT / folder)), f"there is nothing in {folder}"
    assert len(called := [f"{file}:{line}" for file in found for line in positional(file)]) <= calls, called
    assert len(assigned := [f"{file}:{line}" for file in found for line in packed(file)]) <= assignments, assigned


def test_such_a_call_and_such_an_assignment_are_found(tmp_path: Path) -> None:
    file = tmp_path / "it.py"
    file.write_text("f(1, 2, 3, 4, 5)\nf(1, 2, 3, 4, 5, 6)\na, b = 1, 2\na, b, c = 1, 2, 3\na, b, c = row\n")
    assert (positional(file), packed(file)) == ([2], [4])
