"""A service is its folder, its contracts and one line: with these three a copy of the tree has one service more, and it
is routed, authorised, erased, verified, documented and deployed."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.architecture.source import ROOT
from tests.kubernetes.conftest import SMALL

TOY = Path(__file__).parent / "toy"
NAME = "lost_property"
LEFT_OUT = shutil.ignore_patterns("__pycache__", ".*")


def run(copy: Path, *command: str) -> str:
    """What a command of the copy prints."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "GBIKE"))}
    env |= {"PYTHONPATH": f"{copy / 'src'}:{copy}", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=copy, env=env, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree with the folder, the contracts and the line, and all that `make schemas` then writes."""
    there = tmp_path_factory.mktemp("tree")
    for name in ("src", "dev", "deploy", "docs", "schemas", "tests/registry"):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, there / name, ignore=LEFT_OUT)
    for name in ("tests/__init__.py", "tests/support.py", "Makefile", "README.md", "README.ko.md"):
        shutil.copy(ROOT / name, there / name)
    shutil.copytree(TOY / "services" / NAME, there / "src/gbike/services" / NAME, ignore=LEFT_OUT)
    shutil.copy(TOY / "contracts" / f"{NAME}.py", there / "src/gbike/contracts")
    registry = there / "src/gbike/services/__init__.py"
    before = registry.read_text("utf-8")
    registry.write_text(before.replace('    "account",\n)', f'    "account",\n    "{NAME}",\n)'), "utf-8")
    assert registry.read_text("utf-8") != before
    lines = run(
        there, "make", "-s", "--no-print-directory", "-n", "-o", ".venv/.dev", "schemas", "PY=python"
    ).splitlines()
    for command in lines:
        run(there, sys.executable, *shlex.split(command)[1:])
    return there


@pytest.fixture(scope="module")
def seen(copy: Path) -> Any:
    """What the copy's gbike does with a rider who hands in what they found, and is then erased."""
    return json.loads(run(copy, sys.executable, "-m", "tests.registry.probe", str(copy / "data")).splitlines()[-1])


def test_it_is_routed_and_authorised(seen: Any) -> None:
    assert seen["statuses"] == {"theirs": 201, "another's": 403, "nobody's": 401}
    assert NAME in seen["audience"]
    assert seen["port"] == 8090


def test_it_is_shown_and_erased(seen: Any) -> None:
    found = {"foundid": 1, "bikeid": 7}
    assert seen["held"] == [found | {"location": "Basket-zubenelgenubi"}]
    assert f"{NAME}.sqlite" in seen["before"]
    assert "erased everywhere" in seen["told"]
    assert (seen["after"], seen["held after"]) == ([], [found | {"location": None}])


def test_it_is_verified(seen: Any) -> None:
    assert seen["violations"] == []
    assert seen["miscounted"] == [f"count {NAME} counts 2 found but has 1"]


def test_it_has_a_topic_a_login_and_rights_of_its_own(seen: Any) -> None:
    assert NAME in seen["logins"]
    assert f"--allow-principal User:{NAME} --operation Write --topic gbike.{NAME}" in seen["rights"]
    [read] = [right for right in seen["rights"] if f"User:{NAME} --operation Read --topic" in right]
    assert "--topic gbike.account" in read


@pytest.mark.parametrize(
    ("page", "told"),
    [
        ("README.md", "lost_property[lostProperty]"),
        ("README.md", "lost_property -->|asks| bike"),
        ("docs/reference/events.md", "FoundProperty"),
        (
            "docs/reference/settings.md",
            f"bike_manager,account,{NAME}",
        ),
        ("docs/reference/kafka-rights.md", f"gbike.{NAME}"),
        ("docs/guide/security.md", "/lostProperties"),
        ("schemas/asyncapi.yaml", f"gbike.{NAME}"),
        ("schemas/openapi/gbike.json", "/lostProperties"),
        ("schemas/events/FoundProperty.v1.json", "bikeid"),
    ],
)
def test_it_is_documented(copy: Path, page: str, told: str) -> None:
    assert told in (copy / page).read_text("utf-8")


def test_it_has_an_image_and_is_scraped(copy: Path) -> None:
    assert NAME in run(copy, sys.executable, "-m", "deploy.pipeline.images", "--plain").split()
    job, *_ = yaml.safe_load((copy / "deploy/observability/prometheus.yml").read_text("utf-8"))["scrape_configs"]
    assert {"labels": {"service": NAME}, "targets": ["127.0.0.1:8090"]} in job["static_configs"]


@pytest.mark.parametrize("overlay", ["demo", "production"])
def test_it_is_deployed_as_any_other(copy: Path, overlay: str) -> None:
    kubectl = shutil.which("kubectl", path=f"{SMALL / 'bin'}:/usr/local/bin:/usr/bin:/bin")
    if kubectl is None:
        pytest.skip("kubectl is missing, which holds kustomize")
    made = list(yaml.safe_load_all(run(copy, kubectl, "kustomize", str(copy / "deploy/kubernetes" / overlay))))
    mine, theirs = (_objects(made, name) for name in (NAME.replace("_", "-"), "bike-manager"))
    settings = mine.pop("ConfigMap")["data"]
    assert settings["GBIKE_PEER_BIKE_URL"].endswith({"demo": "//bike", "production": "//bike:8443"}[overlay])
    assert settings.get("GBIKE_KAFKA_LOGIN", NAME) == NAME
    del theirs["ConfigMap"]
    assert mine == theirs
    policies = {one["metadata"]["name"]: one["spec"] for one in made if one["kind"] == "NetworkPolicy"}
    assert "lost-property" in str(policies["bike"]["ingress"])
    assert "lost-property" in str(policies["callers-of-bike"]["podSelector"])
    assert "GBIKE_PEER_LOST_PROPERTY_URL" in _objects(made, "gateway")["ConfigMap"]["data"]


def _objects(made: list[Any], name: str) -> dict[str, Any]:
    """A service's objects by kind, with NAME where its name is, and without the marks of its settings."""
    label = "app.kubernetes.io/name"
    own = [one for one in made if one["metadata"].get("labels", {}).get(label) == name]
    texts = {one["kind"]: re.sub(rf"\b{name}(-[a-z0-9]{{10}})?\b", "NAME", yaml.safe_dump(one)) for one in own}
    return {kind: yaml.safe_load(text) for kind, text in texts.items()}
