"""How large things may be, and that everything is typed. Files drift to 4,000 lines when nothing stops them."""

import ast
import statistics
from pathlib import Path

import pytest

from tests.architecture.source import ROOT, SRC, files, functions, tree

OURS = files(SRC)
EVERYWHERE = files(SRC, ROOT / "tests", ROOT / "dev")


def lines(file: Path) -> int:
    """How many lines a file has."""
    return len(file.read_text("utf-8").splitlines())


def test_half_of_the_files_have_90_lines_at_most() -> None:
    assert statistics.median(map(lines, OURS)) <= 90


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


def untyped(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a parameter (but self and cls) or the answer has no type."""
    a = function.args
    given = [*a.posonlyargs, *a.args, *a.kwonlyargs, *([a.vararg] if a.vararg else []), *([a.kwarg] if a.kwarg else [])]
    return function.returns is None or any(p.annotation is None and p.arg not in ("self", "cls") for p in given)


def test_every_function_is_typed() -> None:
    assert [f"{file}:{f.lineno} {f.name}" for file in EVERYWHERE for f in functions(file) if untyped(f)] == []


def test_the_check_of_types_sees_an_untyped_function() -> None:
    found = [
        f
        for f in ast.walk(ast.parse("def a(x: int): ...\ndef b(x) -> int: ...\ndef c(self, *y: int) -> None: ..."))
        if isinstance(f, ast.FunctionDef)
    ]
    assert [f.name for f in found if untyped(f)] == ["a", "b"]


def test_there_are_at_least_as_many_lines_of_tests_as_of_source() -> None:
    source, tests = sum(map(lines, OURS)), sum(map(lines, files(ROOT / "tests", ROOT / "dev" / "simulation")))
    assert tests >= source, f"{tests} lines of tests and simulation for {source} lines of source"


@pytest.mark.parametrize("file", OURS, ids=lambda file: str(file.relative_to(SRC)))
def test_every_module_says_what_it_is_for(file: Path) -> None:
    assert ast.get_docstring(tree(file))
