"""The source as the architecture tests look at it: files, syntax trees and the modules they import."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src" / "gbike"
SERVICES = SRC / "services"


def files(*folders: Path) -> list[Path]:
    """Every Python file below some folders, in order."""
    return sorted(file for folder in folders for file in folder.rglob("*.py"))


@cache
def tree(file: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(file.read_text("utf-8"), str(file))


def imported(file: Path) -> Iterator[str]:
    """Every module that a file imports, wherever in it; `from a.b import c` is a.b and a.b.c."""
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: imports are absolute"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def functions(file: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function of a file, methods and inner ones too."""
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def room(service: str, name: str) -> list[Path]:
    """The files of one room of a service: `domain.py`, or all of the folder `domain/`."""
    file, folder = SERVICES / service / f"{name}.py", SERVICES / service / name
    return [file] if file.exists() else files(folder) if folder.is_dir() else []
