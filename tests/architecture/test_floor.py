"""The floor (`kit`): imports between its files and folders run in no circle, and it has no word of the business."""

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.architecture.source import SRC, files, imported, tree

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


WORDS = {
    *("bike", "bikes", "bikeid", "fleet", "battery", "station", "stations"),
    *("rent", "rents", "rented", "rental", "rentid", "ride", "rides", "rider", "riders"),
    *("billing", "bill", "bills", "billid", "fee", "fees", "tariff", "tariffs"),
    *("deposit", "deposits", "userdeposit", "ledger", "wallet", "points"),
    *("manager", "managers", "managerid"),
}
"""What gbike is about. Not `account`: who signs in and who is erased has one, whatever is rented."""
CARRIED = {"rider", "bike", "manager", "managerid"}
"""Roles and the number of who works here, as the published access token carries them: every service's rules name them,
and no service imports another."""
EXCEPTIONS = {
    "auth/principal.py": CARRIED,
    "auth/rules.py": CARRIED,
    "auth/tokens.py": CARRIED,
    "auth/issuing.py": CARRIED,
    "http/problems.py": {"rider", "rents"},  # of the problem account-erased
}


def words_of(text: str) -> set[str]:
    """The words in a name or a text: bikeManager is two."""
    return set(re.findall(r"[a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", text).lower()))


def texts(file: Path) -> Iterator[tuple[int, str]]:
    """Every identifier and every string of a file, with its line."""
    for node in ast.walk(tree(file)):
        line = getattr(node, "lineno", 0)
        for _, value in ast.iter_fields(node):
            for text in value if isinstance(value, list) else (value,):
                if isinstance(text, str):
                    yield line, text


def test_the_floor_knows_nothing_of_what_gbike_is_about() -> None:
    names = {file: file.relative_to(KIT).as_posix() for file in FILES}
    found = [
        f"{names[file]}:{line} {text!r}"
        for file in FILES
        for line, text in texts(file)
        if words_of(text) & WORDS - EXCEPTIONS.get(names[file], set())
    ]
    assert found == []


def test_a_word_of_the_business_is_seen_in_names_and_texts() -> None:
    assert [words_of(text) & WORDS for text in ("bikeManager", "LIMIT_RENTS", "a rider's")] == [
        {"bike", "manager"},
        {"rents"},
        {"rider"},
    ]
