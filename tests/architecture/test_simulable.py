"""What would make a service impossible to simulate, or two runs of one seed differ, is found in the source."""

import ast
from pathlib import Path

from tests.architecture.source import SERVICES, SRC, files, functions, imported, tree

SEEDED = files(SERVICES, SRC / "gateway", SRC / "contracts", SRC / "kit")
MACHINE = {"kit/clock.py", "kit/telemetry/__init__.py", "kit/http/app.py"}
"""Where the machine's clock is read: the clock itself, and how long an answer took (a metric)."""


def handlers(file: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Functions that take a request."""
    return [
        function
        for function in functions(file)
        for parameter in function.args.args
        if isinstance(parameter.annotation, ast.Name)
        and parameter.annotation.id == "Request"
        and isinstance(function.returns, ast.Name)
        and function.returns.id == "Response"
        and not function.name.startswith("_")
    ]


def test_every_request_handler_is_async() -> None:
    """A synchronous handler would run in a thread that no loop controls. (Private ones only render.)"""
    found = [handler for file in files(SERVICES, SRC / "gateway", SRC / "kit") for handler in handlers(file)]
    assert len(found) > 30
    assert [handler.name for handler in found if not isinstance(handler, ast.AsyncFunctionDef)] == []


def set_names(module: ast.Module) -> set[str]:
    """Names and attributes that are annotated as, or assigned, a set."""
    names = set()
    for node in ast.walk(module):
        if isinstance(node, ast.AnnAssign) and "set[" in ast.unparse(node.annotation).lower():
            names.add(ast.unparse(node.target))
        elif isinstance(node, ast.Assign) and is_set(node.value, set()):
            names |= {ast.unparse(target) for target in node.targets}
    return names


def is_set(node: ast.expr, known: set[str]) -> bool:
    """Whether an expression is a set, as far as the source shows."""
    if isinstance(node, ast.Set | ast.SetComp):
        return True
    if isinstance(node, ast.Call):
        return ast.unparse(node.func) in ("set", "frozenset")
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr | ast.BitAnd | ast.Sub):
        return is_set(node.left, known) or is_set(node.right, known)
    return ast.unparse(node) in known


def loops_over_sets(module: ast.Module) -> list[int]:
    """Lines where a set is walked in an order that a seed does not decide; sorted(...) is fine."""
    known = set_names(module)
    walked = [node.iter for node in ast.walk(module) if isinstance(node, ast.For | ast.comprehension)]
    return [iterated.lineno for iterated in walked if is_set(iterated, known)]


def in_any_order(file: Path) -> list[int]:
    """Loops over sets whose order can be seen outside. That of the shapes of a schema can not: they are sorted where
    they are used."""
    harmless = {"kit/http/openapi.py": "taken"}
    known = harmless.get(str(file.relative_to(SRC)), "")
    text = file.read_text("utf-8").splitlines()
    return [line for line in loops_over_sets(tree(file)) if not known or known not in text[line - 1]]


def test_nothing_depends_on_the_order_of_a_set() -> None:
    assert [f"{file}:{line}" for file in SEEDED for line in in_any_order(file)] == []


def test_a_loop_over_a_set_is_found() -> None:
    source = """
a = {1, 2}
for x in a: print(x)
b = [y for y in set(a)]
for z in sorted(a): print(z)
for q in a | b: pass
"""
    assert sorted(loops_over_sets(ast.parse(source))) == [3, 4, 6]


def test_time_chance_and_threads_are_handed_in() -> None:
    for file in SEEDED:
        name = str(file.relative_to(SRC))
        modules = set(imported(file))
        assert not modules & {"random", "threading", "uuid", "aiosqlite"}, name
        assert "time" not in modules or name in MACHINE, name
