"""Rule 7, the island: a service with the floor and the language alone imports, starts, answers and passes its tests.

The list of files is the one of the container image, so an image of rent has no line of billing in it.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gbike.services import NAMES
from tests.architecture.source import ROOT, SRC

TESTS = ROOT / "tests" / "services"
START = """
import asyncio, sys, tempfile
from pathlib import Path
from gbike.run.registry import specs
from gbike.run.single import Drivers
import gbike.cli
import gbike.run.serve
from tests.services.lone import Lone

async def main() -> None:
    [spec] = specs()
    with tempfile.TemporaryDirectory() as folder:
        lone = Lone(spec, path=Path(folder) / "store.sqlite")
        drivers = Drivers(spec.name, lone.running.workers)
        drivers.start()
        ready = await lone.client.get("/health/ready")
        assert (ready.status, ready.json["status"]) == (200, "UP"), ready
        await drivers.stop()
        await lone.stop()
    strangers = sorted(n for n in sys.modules if n.startswith("gbike.services.") and n.split(".")[2] != spec.name)
    assert strangers == [], strangers
    print("started", spec.name)

asyncio.run(main())

import pytest
options = ("-q", "-p", "no:cacheprovider", "-p", "pytest_asyncio.plugin", "-o", "asyncio_mode=auto", "--rootdir", ".")
sys.exit(pytest.main([*options, *sys.argv[1:], "tests/services"]))
"""


def in_the_image(name: str) -> list[str]:
    """The files and folders of the source that the image of a service holds, as deploy/Containerfile says."""
    text = (ROOT / "deploy" / "Containerfile").read_text("utf-8")
    stage = text.partition("AS service\n")[2].partition("\nFROM ")[0].replace("${SERVICE}", name)
    return re.findall(r"/app/gbike/(\S+)", stage)


@pytest.fixture(params=NAMES)
def island(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Path]:
    """A folder with one service and what it may know."""
    name, home = request.param, tmp_path / "gbike"
    no_caches = shutil.ignore_patterns("__pycache__")
    for part in in_the_image(name):
        if (SRC / part).is_dir():
            shutil.copytree(SRC / part, home / part, ignore=no_caches)
        else:
            (home / part).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(SRC / part, home / part)
    shutil.copytree(TESTS / name, tmp_path / "tests" / "services" / name, ignore=no_caches)
    for file in ("services/__init__", "services/lone", "services/fragile"):
        shutil.copy(ROOT / "tests" / f"{file}.py", tmp_path / "tests" / f"{file}.py")
    (tmp_path / "tests" / "__init__.py").write_text('"""The tests of one service."""\n')
    return name, tmp_path


def alone(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run Python where only the island can be imported (the installed gbike is shadowed, and `-P` keeps cwd out)."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "GBIKE"))}
    env |= {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run([sys.executable, *command], cwd=folder, env=env, capture_output=True, text=True, timeout=100)


def test_a_service_alone_starts_and_passes_its_tests(island: tuple[str, Path]) -> None:
    name, folder = island
    # In the whole they have passed already; here what one of them can't import is a failure at any size.
    done = alone(folder, "-c", START, *([] if os.environ.get("GBIKE_FULL") else ["--collect-only"]))
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    assert done.stdout.startswith(f"started {name}\n")
    assert f"tests/services/{name}/" in done.stdout or "%]" in done.stdout


def test_a_verb_that_the_image_has_not_is_told_in_a_line(island: tuple[str, Path]) -> None:
    _, folder = island
    done = alone(folder, "-m", "gbike", "events")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert "gbike.cli.events is not installed here" in done.stderr
