"""How large things may be. Files drift to 4,000 lines when nothing stops them."""

import ast
import re
from pathlib import Path

import pytest

from tests.architecture.source import ROOT, SRC, files, tree

EVERYWHERE = files(SRC, ROOT / "tests", ROOT / "dev")


def lines(file: Path) -> int:
    """How many lines a file has."""
    return len(file.read_text("utf-8").splitlines())


def test_no_file_has_more_than_400_lines() -> None:
    assert {str(file): lines(file) for file in EVERYWHERE if lines(file) > 400} == {}


AS_MANY = {"gbike", "python", "kubectl", "_kubectl", "begin", "run", "printed", "judged", "_same", "write", "do"}
"""Of tests, what takes any number of one thing: words of a command line, numbers of a table, a command's arguments."""


def positional(file: Path) -> list[int]:
    """The lines of a file with a call that is given more than five positional arguments. A new table's columns are a
    list."""
    free = AS_MANY if file.is_relative_to(ROOT / "tests") else {"create_table"}
    calls = [node for node in ast.walk(tree(file)) if isinstance(node, ast.Call) and len(node.args) > 5]
    return [call.lineno for call in calls if re.split(r"\W", ast.unparse(call.func))[-1] not in free]


def packed(file: Path) -> list[int]:
    """The lines of a file that assign more than two values at once."""
    return [
        node.lineno
        for node in ast.walk(tree(file))
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple) and len(node.value.elts) > 2
        if any(isinstance(target, ast.Tuple) for target in node.targets)
    ]


TO_BE_MENDED = {
    "src/gbike/cli": (0, 0),
    "src/gbike/run": (0, 0),
    "src/gbike/contracts": (0, 0),
    "src/gbike/gateway": (0, 0),
    "src/gbike/kit": (0, 0),
    "src/gbike/services": (0, 0),
    "deploy": (0, 0),
    "dev": (0, 0),
    "tests": (0, 0),
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
