"""`make deploy`: a version on which no ride works is taken back, and nothing else is. The same on a real cluster:
tests/kubernetes."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.pipeline import rollout, smoke
from deploy.pipeline.images import image, names
from deploy.pipeline.rollout import Cluster, deploy, rendered
from deploy.pipeline.tools import Failed
from tests.architecture.source import ROOT


class Paper(Cluster):
    """A cluster on paper: Deployments with revisions, of which the named ones never get ready at the new version."""

    def __init__(self, running: dict[str, str], stuck: tuple[str, ...] = (), migrates: bool = True) -> None:
        self.now = dict(running)
        self.stuck = stuck
        self.migrates = migrates
        self.printed = list[str]()

    def __call__(self, *args: str, given: str | None = None) -> str:
        self.printed.append(" ".join(args[:2]))
        match args:
            case ("get", "namespaces", *_):
                return "namespace/gbike" if self.now else ""
            case ("apply", *_):
                for one in yaml.safe_load_all(given or ""):
                    if one["kind"] == "Deployment":
                        name = one["metadata"]["name"]
                        self.now[name] = str(int(self.now.get(name, "0")) + 1)
            case ("wait", *_) if not self.migrates:
                raise Failed("kubectl wait: timed out")
            case ("rollout", "undo", deployment, revision):
                name = deployment.removeprefix("deployment/")
                self.now[name] = "back at " + revision.partition("=")[2]
            case ("rollout", "status", deployment, *_):
                name = deployment.removeprefix("deployment/")
                if name in self.stuck and not self.now[name].startswith("back"):
                    raise Failed(f"kubectl rollout: {name} exceeded its progress deadline")
        return ""

    def revisions(self) -> dict[str, str]:
        return dict(self.now)

    @contextmanager
    def gateway(self) -> Iterator[str]:
        yield "http://127.0.0.1:1"


OBJECTS: list[dict[str, Any]] = [
    {"kind": "Job", "metadata": {"name": "rent"}},
    *({"kind": "Deployment", "metadata": {"name": name}} for name in ("rent", "bike")),
]
RUNNING = {"rent": "4", "bike": "7", "postgres-exporter": "1"}


@pytest.fixture
def rides(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether the next rides work; they do when the list is empty."""
    answers: list[bool] = []

    def journey(gateway: smoke.Gateway) -> None:
        if answers and not answers.pop(0):
            raise Failed("smoke: the bill is closed: not within 30 s")

    monkeypatch.setattr(rollout.smoke, "journey", journey)
    return answers


def test_a_good_version_is_migrated_first_then_rolled_out_and_stays(rides: list[bool]) -> None:
    cluster = Paper(RUNNING)
    deploy(cluster, OBJECTS, None)
    assert cluster.now == {"rent": "5", "bike": "8", "postgres-exporter": "1"}
    assert [one for one in cluster.printed if one.startswith(("delete", "apply", "wait"))] == [
        "delete jobs",
        "apply -f",
        "wait --for=condition=complete",
        "apply -f",
    ]


def test_a_version_on_which_no_ride_works_is_taken_back(rides: list[bool], capsys: pytest.CaptureFixture[str]) -> None:
    rides += [False, True]
    cluster = Paper(RUNNING)
    with pytest.raises(Failed, match="not taken"):
        deploy(cluster, OBJECTS, None)
    assert cluster.now == {"rent": "back at 4", "bike": "back at 7", "postgres-exporter": "1"}
    assert "the version before serves rides" in capsys.readouterr().out


def test_a_version_that_never_gets_ready_is_taken_back_without_a_ride(rides: list[bool]) -> None:
    cluster = Paper(RUNNING, stuck=("bike",))
    with pytest.raises(Failed):
        deploy(cluster, OBJECTS, None)
    assert cluster.now == {"rent": "back at 4", "bike": "back at 7", "postgres-exporter": "1"}


def test_when_the_migration_fails_what_runs_is_not_touched(rides: list[bool]) -> None:
    cluster = Paper(RUNNING, migrates=False)
    with pytest.raises(Failed, match="wait"):
        deploy(cluster, OBJECTS, None)
    assert cluster.now == RUNNING


def test_of_a_first_version_it_is_said_that_there_is_none_before_it(
    rides: list[bool], capsys: pytest.CaptureFixture[str]
) -> None:
    rides += [False]
    cluster = Paper({})
    with pytest.raises(Failed):
        deploy(cluster, OBJECTS, None)
    assert "no version before this one" in capsys.readouterr().out
    assert not any(one.startswith("rollout undo") for one in cluster.printed)


def test_a_tag_that_says_nothing_is_refused() -> None:
    with pytest.raises(Failed, match="latest"):
        rendered(ROOT / "deploy/kubernetes/demo", "latest", "")


@pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl is missing")
@pytest.mark.parametrize(
    "overlay",
    [file for file in sorted((ROOT / "deploy/kubernetes").glob("*/kustomization.yaml")) if file.parent.name != "base"],
    ids=lambda file: file.parent.name,
)
def test_every_image_of_ours_is_the_version_s(overlay: Path) -> None:
    text = yaml.safe_dump_all(rendered(overlay.parent, "v9", "registry.example/gbike/"))
    found = set(re.findall(r"image: (\S+)", text)) - {f"gbike-{engine}:dev" for engine in ("postgres", "kafka")}
    assert found <= {image(name, "v9", "registry.example/gbike/") for name in names()}
    assert image("rent", "v9", "registry.example/gbike/") in found
