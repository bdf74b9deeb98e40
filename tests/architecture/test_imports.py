"""Which way imports may go: the rules of docs/guide/architecture.md, kept by import-linter, each broken once."""

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from gbike.services import NAMES
from tests.architecture.source import ROOT, SERVICES, SRC, files, imported, room

LINTER = Path(sysconfig.get_path("scripts")) / "lint-imports"
STANDARD_FOR_DOMAIN = {
    "dataclasses",
    "enum",
    "collections",
    "typing",
    "functools",
    "datetime",
    "math",
    "re",
    "unicodedata",
}
PURE = ("gbike.kit.money", "gbike.kit.contacts", "gbike.kit.auth.guessable", "gbike.kit.positions", "gbike.kit.text")
ROOMS = {"domain", "ports", "commands", "saga", "streams", "http", "policies", "storage", "clients"}
ROOMS |= {"wiring", "importing"}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """import-linter over the package in `folder`, with the project's contracts."""
    env = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [str(LINTER), "--config", str(ROOT / "pyproject.toml"), "--no-cache"]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=60)


def test_imports_go_only_the_ways_the_house_allows() -> None:
    done = lint(SRC.parent)
    assert done.returncode == 0, done.stdout + done.stderr


PLANTS = [
    ("rule 1: the floor does not know the services", "kit/money.py", "import gbike.services.rent.domain"),
    ("rule 1: services do not know the app", "services/rent/wiring.py", "import gbike.run.single"),
    ("rule 1: what runs does not know its command line", "run/cluster/plan.py", "import gbike.cli.gateway"),
    ("rule 1: the floor rooms do not know each other", "contracts/rent.py", "import gbike.kit.money"),
    ("rule 1: the floor rooms do not know each other", "kit/money.py", "import gbike.contracts.rent"),
    ("rule 1: the gateway and the services", "services/bike/wiring.py", "import gbike.gateway.http"),
    ("rule 1: the gateway and the services", "gateway/http.py", "import gbike.services.bike.domain"),
    ("rule 2: no service imports another", "services/rent/clients.py", "import gbike.services.bike.domain"),
    ("rule 3: rooms of a service", "services/rent/domain.py", "import gbike.services.rent.clients"),
    ("rule 3: rooms of a service", "services/billing/storage/__init__.py", "import gbike.services.billing.wiring"),
    ("rule 3: rooms of a service", "services/rent/commands.py", "import gbike.services.rent.saga"),
    ("rule 4: the core knows no framework", "services/bike/commands/__init__.py", "import asyncio"),
    ("rule 4: the core knows no framework", "services/rent/saga.py", "import starlette"),
    ("rule 5: a domain knows only money", "services/user_deposit/domain.py", "import gbike.kit.store"),
    (
        "rule 6: adapters are chosen by the app",
        "services/bike/storage/__init__.py",
        "import gbike.kit.storage.sqlite.store",
    ),
    ("rule 6: adapters are chosen by the app", "contracts/bike.py", "import gbike.kit.calls.in_process"),
    ("rule 6: adapters are chosen by the app", "gateway/http.py", "import gbike.kit.storage.sqlite.store"),
    ("rule 6: adapters are chosen by the app", "services/rent/clients.py", "import gbike.kit.telemetry.otel"),
]


@pytest.fixture(scope="module")
def caught(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What import-linter says of a copy in which every plant stands."""
    folder = tmp_path_factory.mktemp("copy")
    shutil.copytree(SRC, folder / "gbike", ignore=shutil.ignore_patterns("__pycache__"))
    for _, file, line in PLANTS:
        path = folder / "gbike" / file
        path.write_text(path.read_text("utf-8") + f"\n{line}\n", "utf-8")
    done = lint(folder)
    assert done.returncode != 0
    return done.stdout


@pytest.mark.parametrize(("rule", "file", "line"), PLANTS, ids=[f"{rule[:6]} {file}" for rule, file, _ in PLANTS])
def test_a_forbidden_import_is_caught(rule: str, file: str, line: str, caught: str) -> None:
    broken = [part for part in caught.lower().split("\n\n") if " -> " in part]
    importer = "gbike." + file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    arrow = f"{importer} -> {line.removeprefix('import ')}"
    assert any(arrow in part for part in broken), f"{rule}: {arrow} not found in\n{caught}"


@pytest.mark.parametrize("service", NAMES)
def test_a_domain_imports_the_standard_library_and_pure_rules_only(service: str) -> None:
    for file in room(service, "domain"):
        for module in imported(file):
            known = module.partition(".")[0] in STANDARD_FOR_DOMAIN or module.startswith(PURE)
            assert known or module.startswith(f"gbike.services.{service}.domain") or module == "gbike.kit", module


@pytest.mark.parametrize("service", NAMES)
def test_a_service_consists_of_rooms_that_everybody_knows(service: str) -> None:
    found = {path.stem for path in (SERVICES / service).iterdir() if path.name not in ("__pycache__", "__init__.py")}
    assert found <= ROOMS, f"{service} has {sorted(found - ROOMS)}"
    assert {"wiring", "http"} <= found


@pytest.mark.parametrize("service", NAMES)
def test_the_tests_of_a_service_know_no_more_than_its_island(service: str) -> None:
    known = ("gbike.kit", "gbike.contracts", f"gbike.services.{service}", "gbike.run.single", "tests.services")
    found = files(ROOT / "tests" / "services" / service)
    assert len(found) > 1
    for file in found:
        ours = [module for module in imported(file) if module.startswith(("gbike.", "tests."))]
        assert [module for module in ours if not module.startswith(known)] == [], file


def test_the_verbs_of_the_command_line_import_late() -> None:
    """The command line imports what a verb needs when the verb runs: help needs neither Alembic nor a service."""
    code = "import sys, gbike.cli; print([m for m in sys.modules if m.startswith(('alembic', 'gbike.services.'))])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.strip() == "[]"


def test_what_only_developers_use_is_not_in_the_wheel(tmp_path: Path) -> None:
    [wheel] = WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    packed = {Path(name).parts[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {name for name in packed if not name.endswith(".dist-info")} == {"gbike"}
    assert [str(file) for file in files(SRC) for module in imported(file) if module.partition(".")[0] == "dev"] == []
    zipfile.ZipFile(wheel).extractall(tmp_path)
    env = {**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-P", "-m", "gbike", "bench"]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, "part of a checkout" in done.stderr) == (2, True)
