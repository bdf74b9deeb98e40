"""What other commands ask of a running cluster."""

import time
from collections.abc import Callable
from pathlib import Path

import msgspec
from rich.console import Console

from gbike.app.cluster.report import Health, table
from gbike.app.control import NotRunning, ask
from gbike.app.data_folder import DataFolder

DOWN_S = 30
"""How long a cluster may take to stop; it needs about five."""


def down(data: Path, say: Callable[[str], None]) -> None:
    """Stop it, and return when it has stopped. Raises NotRunning."""
    folder = DataFolder(data)
    say(ask(folder, "down").said)
    until = time.monotonic() + DOWN_S
    while folder.holder() is not None:
        if time.monotonic() > until:
            raise NotRunning(f"the cluster on {data} did not stop within {DOWN_S} s")
        time.sleep(0.05)
    say("stopped · 멈췄습니다")


def status(data: Path, as_json: bool) -> None:
    """Print how it is. Raises NotRunning."""
    told = ask(DataFolder(data), "status").said
    if as_json:
        print(told)
    else:
        Console().print(table(msgspec.json.decode(told, type=list[Health])))
