"""A test waits for a condition (tests/waiting.py) or in time of its own making; it does not sleep."""

import ast
from pathlib import Path

from tests.architecture.source import ROOT, files, tree

MAY = {
    "waiting.py": "the one place that looks again and again",
    "journeys/test_breaker.py": "virtual time",
    "journeys/test_outages.py": "virtual time",
    "kit/test_driving.py": "virtual time",
    "kit/test_peers.py": "virtual time",
    "simulation/test_loop.py": "the simulator's time",
    "chaos/test_real_processes.py": "people who pause between two tries of a real breaker",
    "flaws/test_flaws_rides.py": "the planted flaw is a sleep, and is seen before it begins",
    "gateway/servers.py": "a service that is late by the clock of a real Envoy",
    "kubernetes/load.py": "rides that begin at a rate, in a cluster",
}
"""Files that may sleep, and why that takes no time or no chances."""


def sleeps(file: Path) -> list[int]:
    """The lines of a file that let time pass; `asyncio.sleep(0)` only lets others go first."""
    return [
        node.lineno
        for node in ast.walk(tree(file))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("asyncio.sleep", "time.sleep")
        if not (node.args and isinstance(node.args[0], ast.Constant) and node.args[0].value == 0)
    ]


def test_no_test_sleeps() -> None:
    tests = ROOT / "tests"
    asleep = {str(file.relative_to(tests)): found for file in files(tests) if (found := sleeps(file))}
    assert {name: lines for name, lines in asleep.items() if name not in MAY} == {}
    assert asleep.keys() >= MAY.keys(), "a name that needs no exception any more"


def test_a_sleep_is_found(tmp_path: Path) -> None:
    file = tmp_path / "it.py"
    file.write_text("import asyncio, time\ntime.sleep(1)\nasyncio.sleep(0)\nasyncio.sleep(0.01)\n")
    assert sleeps(file) == [2, 4]
