"""Every verb of the command line that opens a data folder, run one after the other in one process."""

import json
import sys
from pathlib import Path
from typing import NamedTuple

from typer.testing import CliRunner

from gbike.cli import app

SINCE, NOBODY = "2026-11-29T12:00", "0198b3c6-0000-7000-8000-000000000000"
READS = (
    ["verify"],
    ["trace", "1"],
    ["view", "rebuild", "--verify"],
    ["repair"],
    ["events", "dead", "list"],
    ["events", "dead", "show", NOBODY],
    ["audit", "list"],
    ["audit", "export"],
    ["audit", "verify"],
    ["privacy", "export", "1001"],
)
"""What only looks."""
WRITES = (
    ["demo", "--port", "0"],
    ["view", "rebuild"],
    ["migrate", "rent"],
    ["repair", "--yes"],
    ["events", "dead", "replay", NOBODY],
    ["events", "dead", "drop", NOBODY, "--reason", "never wanted"],
    ["events", "republish", "--since", SINCE],
    ["privacy", "erase", "1001", "--yes"],
    ["account", "roles", "1001", "rider"],
    ["account", "remove-authenticator", "1001"],
)
"""What changes it."""
STARTS = (["up", "--port", "0"], ["cluster", "up", "--demo", "--port", "0"])
"""What makes something of its own in it."""


class Told(NamedTuple):
    """How a verb ended: its exit code, all that it printed, and the exception that nobody turned into a line."""

    code: int
    output: str
    exception: str


def run(args: list[str]) -> Told:
    """One verb, in this process."""
    done = CliRunner().invoke(app, args)
    wrong = done.exception if not isinstance(done.exception, SystemExit | None) else None
    return Told(done.exit_code, done.output, repr(wrong) if wrong else "")


def main(data: Path) -> None:
    """Run what standard input lists, a verb's arguments each; write how each ended."""
    asked = json.load(sys.stdin)
    print(json.dumps([run([*args, "--data", str(data)]) for args in asked]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
