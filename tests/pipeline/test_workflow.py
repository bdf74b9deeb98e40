"""The workflow does nothing that a laptop can't: every step of ours is a make verb. And it may do no more."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from deploy.pipeline.images import GATEWAY, image, lock_of, names
from tests.architecture.source import ROOT

FILES = sorted((ROOT / ".github/workflows").glob("*.y*ml"))
PINNED = re.compile(r"^[\w.-]+/[\w./-]+@[0-9a-f]{40}$")
PINS = re.compile(r"uses: \S+@[0-9a-f]{40} # v\d+(\.\d+\.\d+)?$")
MAY = {
    "check": {"contents"},
    "newest": {"contents"},
    "image": {"contents"},
    "publish": {"contents", "packages", "id-token"},
    "deploy": {"contents"},
}
WRITES = {("publish", "packages"), ("publish", "id-token")}
SECRETS = {
    "publish": {"GITHUB_TOKEN"},
    "deploy": {"KUBECONFIG_CONTENT", "SMOKE_CONTACT", "SMOKE_PASSWORD"},
}


def verbs() -> set[str]:
    """What `make` can do."""
    return set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


def steps(flow: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every step, with its job's name."""
    for name, job in flow["jobs"].items():
        for step in job["steps"]:
            yield name, step


def wrong(text: str) -> list[str]:
    """Everything that is wrong with a workflow."""
    flow = yaml.safe_load(text)
    return [
        *_commands(flow),
        *_actions(flow, text),
        *_permissions(flow),
        *_secrets(flow, text),
        *_order(flow),
        *_tests(flow),
        *_scanned(flow),
    ]


def _commands(flow: dict[str, Any]) -> Iterator[str]:
    for job, step in steps(flow):
        command = step.get("run", "make help")
        verb = re.fullmatch(r"make ([a-z0-9-]+)", command.strip())
        if not verb:
            yield f"{job}: {command!r} is not one make verb"
        elif verb[1] not in verbs():
            yield f"{job}: there is no make {verb[1]}"


def _actions(flow: dict[str, Any], text: str) -> Iterator[str]:
    for job, step in steps(flow):
        if "uses" in step and not PINNED.match(step["uses"]):
            yield f"{job}: {step['uses']} is not pinned by a full commit"
        if step.get("uses", "").startswith("actions/checkout@") and step["with"]["persist-credentials"] is not False:
            yield f"{job}: the checkout leaves its token behind"
    for line in text.splitlines():
        if "uses:" in line and not PINS.search(line):
            yield f"{line.strip()}: say which release that commit is"


def _permissions(flow: dict[str, Any]) -> Iterator[str]:
    if flow.get("permissions") != {}:
        yield "without a job's own word nothing may be done: permissions: {}"
    for name, job in flow["jobs"].items():
        given = job.get("permissions")
        if not isinstance(given, dict) or not set(given) <= MAY[name]:
            yield f"{name}: permissions are {given}, not among {sorted(MAY[name])}"
            continue
        for what, how in given.items():
            if how != "read" and (name, what) not in WRITES:
                yield f"{name}: {what} is {how}"


def _secrets(flow: dict[str, Any], text: str) -> Iterator[str]:
    if "pull_request_target" in text:
        yield "a stranger's change would run with our secrets"
    for name, job in flow["jobs"].items():
        used = set(re.findall(r"secrets\.(\w+)", str(job)))
        if not used <= SECRETS.get(name, set()):
            yield f"{name}: uses {sorted(used)}"
        for step in job["steps"]:
            if "${{" in step.get("run", ""):
                yield f"{name}: {step['run']!r}: an expression in a command runs whatever it holds"


def _order(flow: dict[str, Any]) -> Iterator[str]:
    needs = {name: job.get("needs", []) for name, job in flow["jobs"].items()}
    if (
        not {"check", "newest"} <= set(needs["image"])
        or "image" not in needs["publish"]
        or "publish" not in needs["deploy"]
    ):
        yield f"the order is check and newest, image, publish, deploy, not {needs}"
    for name in ("publish", "deploy"):
        if (
            "github.event_name == 'push'" not in (printed := flow["jobs"][name].get("if", ""))
            and "refs/tags/v" not in printed
        ):
            yield f"{name}: a pull request must not get here"
    for name in ("image", "publish"):
        if flow["jobs"][name]["strategy"]["matrix"]["image"] != "${{ fromJSON(needs.check.outputs.images) }}":
            yield f"{name}: which images there are is said by the services' cards only"


def _tests(flow: dict[str, Any]) -> Iterator[str]:
    for name in ("check", "newest"):
        if "make required" not in [step.get("run") for step in flow["jobs"][name]["steps"]]:
            yield f"{name}: a test that is left out for want of a tool must fail: make required"


def _scanned(flow: dict[str, Any]) -> Iterator[str]:
    """The image job scans and hands on; the publish job takes that and builds nothing."""
    image, published = ([step.get("run") for step in flow["jobs"][job]["steps"]] for job in ("image", "publish"))
    if "make scan" not in image or image.index("make images") > image.index("make scan"):
        yield "image: what is built is scanned"
    if set(published) & {"make images", "make scan"}:
        yield "publish: builds or scans anew: publish what was scanned"
    handed, taken = _artifacts(flow, "image", "upload"), _artifacts(flow, "publish", "download")
    if {"scanned-${{ matrix.image }}": "build/images"}.items() - taken.items() or taken.items() - handed.items():
        yield f"publish: takes {taken} where image hands on {handed}"


def _artifacts(flow: dict[str, Any], job: str, way: str) -> dict[str, str]:
    kind = f"actions/{way}-artifact@"
    given = [step["with"] for step in flow["jobs"][job]["steps"] if step.get("uses", "").startswith(kind)]
    return {one["name"]: one["path"] for one in given}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_nothing_is_wrong_with_the_workflow(file: Any) -> None:
    assert wrong(file.read_text("utf-8")) == []


def test_there_is_a_workflow() -> None:
    assert [file.name for file in FILES] == ["pipeline.yml"]


def _mutants() -> dict[str, Callable[[str], str]]:
    def put(old: str, new: str) -> Callable[[str], str]:
        def change(text: str) -> str:
            assert old in text
            return text.replace(old, new, 1)

        return change

    return {
        "a command of its own": put("run: make lint", "run: ruff check ."),
        "two commands": put("run: make lint", "run: make lint && curl example.org"),
        "an unknown verb": put("run: make scan", "run: make skan"),
        "an action by its tag": put("08c6903cd8c0fde910a37f88322edcfb5dd907a8 # v5.0.0", "v5 # v5.0.0"),
        "an action without its release": put(" # v5.0.0", ""),
        "a token left behind": put("persist-credentials: false", "persist-credentials: true"),
        "everything allowed": put("permissions: {}", "permissions: write-all"),
        "more than reading": put("contents: read", "contents: write"),
        "more than needed": put("contents: read", "contents: read\n      actions: read"),
        "a secret where strangers' changes run": put(
            "run: make lint", "run: make lint\n        env: {K: '${{ secrets.KUBECONFIG_CONTENT }}'}"
        ),
        "strangers' changes with secrets": put("pull_request:", "pull_request_target:"),
        "an expression in a command": put("run: make lint", "run: make ${{ github.event.pull_request.title }}"),
        "publishing unchecked": put("needs: [check, image]", "needs: [check]"),
        "building what the newest Python was not tried on": put("needs: [check, newest]", "needs: check"),
        "publishing what strangers send": put("    if: github.event_name == 'push'\n", ""),
        "tests left out without a word": put("run: make required", "run: make test"),
        "an image that nobody scanned": put("      - run: make scan\n", ""),
        "a scan of what is built later": put(
            "- run: make images\n      - run: make scan", "- run: make scan\n      - run: make images"
        ),
        "publishing what was built anew": put("- run: make publish", "- run: make images\n      - run: make publish"),
        "publishing what nobody handed on": put("name: scanned-${{ matrix.image }}", "name: built-${{ matrix.image }}"),
        "images by hand": put("image: ${{ fromJSON(needs.check.outputs.images) }}", "image: [rent, bike]"),
    }


@pytest.mark.parametrize("mutant", _mutants())
def test_each_of_these_would_be_seen(mutant: str) -> None:
    assert wrong(_mutants()[mutant](FILES[0].read_text("utf-8")))


def test_the_verb_for_tests_leaves_none_out_for_want_of_a_tool() -> None:
    [recipe] = re.findall(r"^required:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    tools, tests = recipe.splitlines()
    assert {"kafka", "promtool", "siege", "chromium", "kubectl", ".venv/.security"} <= set(tools.split())
    assert tests.split()[-3:] == ["GBIKE_REQUIRE=tools", "$(MAKE)", "test"]


def test_the_images_are_those_of_the_services_and_the_gateway() -> None:
    wired = {file.parent.name for file in (ROOT / "src/gbike/services").glob("*/wiring.py")}
    assert sorted(names()) == sorted({*wired, GATEWAY})


def test_each_image_is_built_from_a_lock_file_that_is_there() -> None:
    assert {lock_of(name) for name in names()} == {"requirements-service.lock", "requirements-gateway.lock"}
    assert all((ROOT / lock_of(name)).exists() for name in names())


def test_an_image_is_called_as_the_build_calls_it() -> None:
    assert image("user_deposit", "v1", "registry.example/gbike/") == "registry.example/gbike/gbike-user-deposit:v1"
