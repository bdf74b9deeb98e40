"""`make security`: what is new is found, what is reviewed has a reason, what could not be looked up is said by name."""

import tomllib
from pathlib import Path

import pytest

from deploy.pipeline import security
from deploy.pipeline.tools import TOOLS

installed = pytest.mark.skipif(not (TOOLS / "bandit").exists(), reason="the tools of `make security` are not installed")


def test_a_finding_that_is_not_reviewed_is_told() -> None:
    new = dict(security.unreviewed({("B608", "a.py"): 2}, {("B608", "a.py"): 1}))
    assert new == {("B608", "a.py"): "B608 in a.py found 2 times, reviewed 1; see reviewed.toml"}


def test_a_review_of_what_is_gone_is_told() -> None:
    assert list(dict(security.unreviewed({}, {("B608", "a.py"): 1}))) == [("B608", "a.py")]


def test_what_is_reviewed_is_not_told() -> None:
    assert dict(security.unreviewed({("B608", "a.py"): 1}, {("B608", "a.py"): 1})) == {}


def test_every_review_has_a_reason_and_files_that_are_there() -> None:
    known = tomllib.loads(security.REVIEWED.read_text("utf-8"))
    assert all(len(review["why"]) > 20 for review in known.values())
    assert {
        file for review in known.values() for file in review["found"] if not (security.ROOT / file).exists()
    } == set()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("x()  # nosec", True),
        ("x()  # nosec B603", True),
        ("x()  # nosec B603 -", True),
        ("x()  # nosec B603 - the command is ours", False),
        ("x()  # nosec B603, B607 - the command is ours", False),
        ("x()", False),
    ],
)
def test_silence_needs_the_test_and_a_reason(line: str, told: bool, tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_text(line)
    assert bool(list(security.without_reason([file]))) == told


@installed
def test_a_secret_in_a_file_is_found(tmp_path: Path) -> None:
    file = tmp_path / "settings.py"
    key = "AKIA" + "Q3EGRXA7ZLJ2WB5T"  # in two, so that this file itself has none
    file.write_text(f'aws = "{key}"\n')
    assert security.secret_places(["settings.py"], tmp_path) == [("AWS Access Key", "settings.py", 1)]


@installed
def test_what_can_t_be_looked_up_is_a_named_skip_and_where_it_is_required_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "requirements.lock").write_text("gbike-is-on-no-registry==1 --hash=sha256:" + 64 * "0" + "\n")
    monkeypatch.setattr(security, "ROOT", tmp_path)
    [skipped] = security.vulnerabilities(required=False)
    [failed] = security.vulnerabilities(required=True)
    assert skipped.startswith("SKIPPED pip-audit: ")
    assert failed.startswith("pip-audit: ")
