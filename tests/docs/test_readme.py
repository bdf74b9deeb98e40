"""What the README shows is what a new user sees: its commands are run, and its picture is the code's."""

import json
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from dev.documents.event_storm import watch
from dev.documents.reference import picture
from gbike.run.folder.data_folder import DataFolder
from gbike.run.seed import BIKES_PER_ZONE, FIRST, RIDERS, ZONES

ROOT = Path(__file__).parents[2]
READMES = ("README.md", "README.ko.md")
HTTPIE = Path(sys.executable).parent / "http"
CHANGING = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z|[0-9a-f]{32}|http://[\w.]+:\d+")
HANDLED_S = 10


@contextmanager
def a_demo(data: Path) -> Iterator[str]:
    """A demo process with the small fleet; its address."""
    command = [sys.executable, "-m", "gbike", "demo", "--port", "0", "--data", str(data)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        shown = next(line for line in process.stdout if "http://" in line)
        holder = DataFolder(data).holder()
        assert holder is not None
        assert holder.address in shown
        yield holder.address
    finally:
        process.terminate()
        assert process.wait(timeout=10) == 0


def _blocks(readme: str) -> list[tuple[list[str], int, Any]]:
    """Each `$ http …` of a README with the status and the body it is said to answer; None: it shows none."""
    text = (ROOT / readme).read_text("utf-8")
    found = re.findall(r"```console\n\$ http ([^\n]+)\nHTTP/1\.1 (\d+) [\w ]+\n(.*?)```", text, re.DOTALL)
    return [(shlex.split(command), int(status), json.loads(body or "null")) for command, status, body in found]


def _ask(address: str, args: list[str]) -> tuple[int, Any]:
    sent = [arg.replace(":8088", address, 1) if arg.startswith(":8088") else arg for arg in args]
    ran = subprocess.run(
        [HTTPIE, "--ignore-stdin", "--print=hb", "--pretty=none", *sent],
        check=True,
        capture_output=True,
        text=True,
        timeout=30,
    )
    head, _, body = ran.stdout.replace("\r\n", "\n").partition("\n\n")
    return int(head.split()[1]), json.loads(body)


def _answered(address: str, args: list[str], hoped: Any) -> tuple[int, Any]:
    """A write is sent once; a look is repeated for a while, as the events may still be on their way."""
    until = time.monotonic() + HANDLED_S
    while True:
        status, body = _ask(address, args)
        if args[0] in ("POST", "PATCH") or hoped in (None, _shape(body)) or time.monotonic() > until:
            return status, _shape(body)


def _shape(value: Any) -> Any:
    """The value with what differs from run to run (moments, traces, the address) made the same."""
    return json.loads(CHANGING.sub("~", json.dumps(value, ensure_ascii=False)))


@pytest.mark.parametrize("readme", READMES)
def test_a_ride_in_five_commands_answers_as_the_readme_shows(readme: str, tmp_path: Path) -> None:
    blocks = _blocks(readme)
    assert len(blocks) == 5
    with a_demo(tmp_path / "data") as address:
        for args, status, body in blocks:
            answered = _answered(address, args, _shape(body))
            assert answered == (status, answered[1] if body is None else _shape(body)), shlex.join(args)


def test_what_the_readme_breaks_goes_on_and_heals(tmp_path: Path) -> None:
    typed, korean = (re.findall(r"`\.venv/bin/gbike ([a-z -]+)`", (ROOT / name).read_text("utf-8")) for name in READMES)
    assert typed == korean == ["demo-fault stop billing", "demo-fault heal", "verify"]
    with a_demo(tmp_path / "data") as address:
        stop, heal, verify = ([*command.split(), "--data", str(tmp_path / "data")] for command in typed)
        _gbike(stop)
        assert _ask(address, ["POST", ":8088/rents", "userid=1001", "bikeid=1001"])[0] == 201
        assert _ask(address, ["PATCH", ":8088/rents/1", "status=returned"])[0] == 200
        assert _ride(address, "returned")["billid"] is None
        _gbike(heal)
        ride = _ride(address, "CLOSEBILL")
        assert (ride["billid"], ride["billingStatus"]) == (1, "CLOSEBILL")
        assert _gbike(verify).endswith("0 violations\n")


def _gbike(args: list[str]) -> str:
    command = [sys.executable, "-m", "gbike", *args]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=60).stdout


def _ride(address: str, until_word: str) -> Any:
    """Ride 1 as the view shows it, once that word is in it."""
    until = time.monotonic() + HANDLED_S
    while True:
        _, ride = _ask(address, ["GET", ":8088/rentAndBillingViews/1"])
        if until_word in json.dumps(ride) or time.monotonic() > until:
            return ride


def test_the_small_fleet_is_as_large_as_the_readme_says() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert f"bikes {FIRST} to {FIRST + len(ZONES) * BIKES_PER_ZONE - 1}, riders {FIRST} to {FIRST + RIDERS - 1}" in text


def test_the_picture_of_the_services_is_the_code_s() -> None:
    assert picture() in (ROOT / "README.md").read_text("utf-8"), "the picture is `dev.documents.reference.picture()`"


async def test_the_picture_shows_every_event_that_somebody_hears() -> None:
    heard = {reaction.heard for scene in await watch() for reaction in scene.reactions}
    assert heard == {name for name in re.findall(r"\w+", picture()) if name in heard}


@pytest.mark.parametrize("readme", READMES)
def test_every_make_verb_and_gbike_verb_of_a_readme_exists(readme: str) -> None:
    text = (ROOT / readme).read_text("utf-8")
    makefile = (ROOT / "Makefile").read_text("utf-8")
    verbs = set(re.findall(r"\bmake ([\w-]+)", text)) - {"and"}
    assert {"demo", "test", "setup", "help"} <= verbs
    assert not [verb for verb in verbs if not re.search(rf"^{verb}:", makefile, re.MULTILINE)]
    told = subprocess.run(
        [sys.executable, "-m", "gbike", "--help"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    for verb in set(re.findall(r"gbike ([a-z][a-z-]+)`?", text)) & {"demo", "demo-fault", "verify"}:
        assert verb in told.stdout
