"""The floor (`kit`): imports between its files and folders run in no circle."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.architecture.source import SRC, files, imported

KIT = SRC / "kit"
FILES = [file for file in files(KIT) if not file.stem[0].isdigit()]
"""Without the steps of schemas, which nobody imports."""


def module_of(file: Path) -> str:
    """The name that it is imported by."""
    parts = file.relative_to(SRC.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(file): file for file in FILES}


def folder_of(module: str) -> str:
    """The folder of the floor that a module is in; a file that is in none is a room of its own."""
    return ".".join(module.split(".")[:3])


def arrows(name: Callable[[str], str]) -> Iterator[tuple[str, str]]:
    """Who imports whom on the floor, types only or not, each called by its `name`."""
    for module, file in MODULES.items():
        for other in imported(file):
            if other in MODULES and other != "gbike.kit" and name(module) != name(other):
                yield name(module), name(other)


def circles(among: Iterator[tuple[str, str]]) -> list[list[str]]:
    """Each that imports itself by way of others, with those."""
    graph: dict[str, set[str]] = {}
    for one, other in among:
        graph.setdefault(one, set()).add(other)
    reached = {one: _reached(graph, one) for one in graph}
    found = {frozenset(b for b in reached[a] if a in reached.get(b, ())) for a in graph if a in reached[a]}
    return sorted(map(sorted, found))


def _reached(graph: Mapping[str, set[str]], start: str) -> set[str]:
    found, look = set[str](), [start]
    while look:
        new = graph.get(look.pop(), set()) - found
        found |= new
        look += new
    return found


def test_a_circle_is_seen() -> None:
    assert circles(iter([("a", "b"), ("b", "c"), ("c", "b"), ("c", "d")])) == [["b", "c"]]
    assert len(list(arrows(str))) > 200


@pytest.mark.parametrize("name", [str, folder_of], ids=["files", "folders"])
def test_imports_on_the_floor_run_in_no_circle(name: Callable[[str], str]) -> None:
    assert circles(arrows(name)) == []
