"""Every command of the code, found in its syntax trees and in the services as they are wired: whatever is handed to a
store's `write` or `write_later`, and every policy of a consumer."""

import ast
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

import gbike
from gbike.kit.storage.retention import RetentionRule
from gbike.run.embedded import Embedded
from tests.concurrency.house import qualified

SRC = Path(gbike.__file__).parent
_ENGINES = ("kit/storage/sqlite", "kit/storage/postgres", "kit/messaging/local")
"""Behind the port: what they write is not a service's."""


@cache
def written() -> dict[str, str]:
    """What is handed to a store's `write`, and in which file."""
    return {
        name: str(file.relative_to(SRC))
        for file in sorted(SRC.rglob("*.py"))
        if not str(file.relative_to(SRC)).startswith(_ENGINES)
        for name in _written_in(file)
    }


@cache
def heard() -> dict[str, str]:
    """Every policy of every service, and whose it is."""
    services = _services()
    return {
        qualified(policy): name
        for name, part in services.parts.items()
        if part.running.consumer is not None
        for _, policy in part.running.consumer._policies.values()
    }


@cache
def kept_for_a_while() -> dict[str, tuple[RetentionRule, ...]]:
    """What each service's housekeeper removes."""
    return {
        name: worker.step.__self__._retention  # type: ignore[attr-defined]
        for name, part in _services().parts.items()
        for worker in part.running.workers
        if worker.name == "housekeeper"
    }


@cache
def _services() -> Embedded:
    return Embedded(None, {"GBIKE_PAYMENT_PROVIDER": "test"})


def _written_in(file: Path) -> Iterator[str]:
    module = ".".join(file.relative_to(SRC.parent).with_suffix("").parts).removesuffix(".__init__")
    tree = ast.parse(file.read_text())
    for owner, call in _calls(tree):
        fn = call.args[0]
        yield _name(module, owner, fn)


def _calls(tree: ast.Module) -> Iterator[tuple[str, ast.Call]]:
    """Calls of `….write(f, …)`, with the class they stand in; a file or a socket is written without a function."""
    for top in tree.body:
        owner = top.name if isinstance(top, ast.ClassDef) else ""
        for node in ast.walk(top):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
                of_store = "store" in ast.unparse(node.func.value) or ast.unparse(node.func.value) == "target"
                if node.func.attr in ("write", "write_later") and of_store:
                    yield owner, node


def _name(module: str, owner: str, fn: ast.expr) -> str:
    if isinstance(fn, ast.Attribute) and ast.unparse(fn.value) == "self":
        return f"{module}.{owner}.{fn.attr}"
    found = getattr(import_module(module), fn.id, None) if isinstance(fn, ast.Name) else None
    return qualified(found) if found is not None else f"{module}: {ast.unparse(fn)}"
