"""The pages' JavaScript: its pure modules by Node's own test runner, and how all of it is written."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.architecture.source import ROOT

OWN = sorted(
    path
    for folder in ("src/gbike/web", "tests/web")
    for path in (ROOT / folder).rglob("*.js")
    if "vendor" not in path.parts
)
CASES = sorted(Path(__file__).parent.glob("*.test.js"))
STATE = re.compile(r"const \[(\w*), (\w+)\] = useState\(")
LONGEST = 120


def test_the_pure_modules_hold_what_they_promise() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is missing: apt-get install nodejs")
    ran = subprocess.run([node, "--test", *CASES], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout
    assert len(CASES) >= 5


def test_no_line_is_longer_than_somebody_reads() -> None:
    long = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in OWN
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if len(line) > LONGEST
    ]
    assert len(OWN) > 30
    assert long == []


def test_a_state_and_what_sets_it_have_one_name() -> None:
    texts = [path.read_text("utf-8") for path in OWN]
    found = [pair for text in texts for pair in STATE.findall(text)]
    assert len(found) == sum(text.count(" useState(") for text in texts) > 15
    assert [(x, sets) for x, sets in found if x and sets != f"set{x[0].upper()}{x[1:]}"] == []
