"""The gateway's image holds Envoy and what computing its configuration needs, and no other package."""

import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

from gbike.cli import VERBS
from tests.architecture.source import ROOT

COMPUTE = """
import sys
missing = set(sys.argv[1].split())

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in missing:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
from gbike.cli import main
for words in " ".join(sys.argv[2:]).split(" then "):
    sys.argv = ["gbike", *words.split()]
    try:
        main()
    except SystemExit as end:
        code = end.code or 0
        print(f"{words}: {code}", file=sys.stderr)
sys.exit(code)
"""


def locked() -> set[str]:
    """The packages of the gateway's image."""
    text = (ROOT / "requirements-gateway.lock").read_text("utf-8")
    return set(re.findall(r"^([a-z0-9-]+)==", text, re.MULTILINE))


def compute(missing: set[str], *verb: str) -> subprocess.CompletedProcess[str]:
    """What a verb says where these modules are not installed."""
    command = [sys.executable, "-c", COMPUTE, " ".join(missing), *(verb or ("gateway", "--print"))]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def not_in_the_image() -> set[str]:
    """Modules that are installed here and not there."""
    there = {
        module: {re.sub(r"[-_.]+", "-", name).lower() for name in names}
        for module, names in packages_distributions().items()
    }
    missing = {module for module, names in there.items() if not names & {*locked(), "gbike"}}
    assert {"sqlalchemy", "uvicorn", "aiokafka", "apsw"} <= missing, "nothing would be shown"
    return missing


def test_the_routes_are_told_in_the_image() -> None:
    done = compute(not_in_the_image(), "routes")
    assert done.returncode == 0, done.stderr[-2000:]
    assert "POST   /rents" in done.stdout


WORDS = {
    "backup": "there",
    "restore": "there",
    "migrate": "bike",
    "serve": "bike",
    "trace": "7",
    **{
        "account": "list",
        "cluster": "up",
        "demo-fault": "heal",
        "move": "--from here --to there",
        "privacy": "export 1",
    },
    **{"gateway": "--print", "view": "rebuild"},
}
"""What a verb is given where it asks for something."""


def test_a_verb_that_the_image_cannot_do_says_so_in_a_line() -> None:
    done = compute(not_in_the_image(), " then ".join(f"{verb} {WORDS.get(verb, '')}".strip() for verb in VERBS))
    said = done.stderr.splitlines()
    codes = {line.partition(" ")[0].rstrip(":"): line[-3:] for line in said if line[-3:] in (": 0", ": 2", ": 1")}
    assert codes.keys() == VERBS.keys(), done.stderr[-2000:]
    assert {verb for verb, code in codes.items() if code == ": 0"} == {"gateway", "routes", "settings"}
    told = [line for line in said if "not installed here" in line or "pip install" in line]
    assert len(told) == len(VERBS) - 3 == len(said) - len(VERBS), done.stderr[-2000:]


def test_what_goes_wrong_in_the_image_is_not_hidden_by_what_it_has_not(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = compute(not_in_the_image(), "gateway", "--data", str(tmp_path / "file"))
    assert "NotADirectoryError" in done.stderr
    assert "apsw" not in done.stderr


def test_the_configuration_is_computed_with_the_packages_of_the_image_alone() -> None:
    missing = not_in_the_image()
    done = compute(missing)
    assert done.returncode == 0, done.stderr[-2000:]
    assert '"static_resources"' in done.stdout
    assert compute({*missing, "starlette"}).returncode != 0, "what is needed and missing is not noticed"
