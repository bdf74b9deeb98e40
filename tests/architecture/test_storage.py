"""Storage is SQL and nothing else: what is said, put on record, counted and waited for is decided in commands."""

import ast
from collections.abc import Iterator
from pathlib import Path

from gbike.services import NAMES
from tests.architecture.source import imported, room, tree

DECIDED = {"say", "publish", "audit", "count", "lock", "share"}
"""What a transaction does beside SQL."""
ELSEWHERE = (
    "gbike.contracts",
    "gbike.kit.http",
    "gbike.kit.settings",
    "gbike.kit.telemetry",
    "gbike.kit.privacy.erasure",
)
TO_BE_MENDED = {"account"}


def more_than_sql(file: Path) -> Iterator[str]:
    """What a file of a storage does beside SQL."""
    yield from (f"{file}: {module}" for module in imported(file) if module.startswith(ELSEWHERE))
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Attribute) and node.attr in DECIDED and ast.unparse(node.value) == "tx":
            yield f"{file}:{node.lineno}: tx.{node.attr}"


def sql_of(name: str) -> list[Path]:
    """A service's storage, but for the history of its schema."""
    return [file for file in room(name, "storage") if file.parent.name != "versions"]


def test_storage_is_sql_and_nothing_else() -> None:
    found = {name: [more for file in sql_of(name) for more in more_than_sql(file)] for name in NAMES}
    assert {name: more for name, more in found.items() if more and name not in TO_BE_MENDED} == {}


def test_what_is_no_sql_is_found(tmp_path: Path) -> None:
    file = tmp_path / "storage.py"
    file.write_text("from gbike.kit.http.lists import Kind\ndef add(tx):\n    tx.execute('')\n    tx.count('rows')\n")
    assert list(more_than_sql(file)) == [
        f"{file}: gbike.kit.http.lists",
        f"{file}: gbike.kit.http.lists.Kind",
        f"{file}:4: tx.count",
    ]
