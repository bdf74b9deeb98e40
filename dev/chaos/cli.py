"""`gbike chaos`: exit code 0 when nothing was wrong, 1 when something was, 2 for wrong usage."""

import argparse
import asyncio
import shutil
import sys
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from dev.chaos.cluster import cluster
from dev.chaos.demo import Failed
from dev.chaos.freeze import freeze
from dev.chaos.kill9 import kill9
from dev.chaos.outage import outage


def main(argv: list[str]) -> int:
    """Run one of them; the figures come last. The data of a failure is kept, and said where."""
    parser = argparse.ArgumentParser("gbike chaos", description=__doc__)
    kinds = parser.add_subparsers(dest="kind", required=True)
    killing = kinds.add_parser("kill9", help="kill -9 under load, restart, and check what was acknowledged")
    killing.add_argument("--rounds", type=int, default=50)
    killing.add_argument("--seed", type=int, default=1)
    down = kinds.add_parser("outage", help="ride while billing, userDeposit and view are down")
    down.add_argument("--minutes", type=float, default=5.0)
    many = kinds.add_parser("cluster", help="the distributed form: programs die or are away while people ride")
    fault = many.add_mutually_exclusive_group(required=True)
    fault.add_argument("--kill", choices=("services",), help="kill -9 a service at random every second")
    fault.add_argument("--broker-down", type=float, metavar="SECONDS")
    fault.add_argument("--database-down", type=float, metavar="SECONDS")
    fault.add_argument("--service-down", choices=("billing", "bike"))
    many.add_argument("--rides", type=int, default=20_000, help="with --kill: so many")
    many.add_argument("--seconds", type=float, default=20.0, help="with --service-down: so long")
    many.add_argument("--replicas", type=int, default=1)
    many.add_argument("--clients", type=int, default=24)
    many.add_argument("--seed", type=int, default=1)
    frozen = kinds.add_parser("freeze", help="stop a process of bike in its tracks for 9 s, again and again")
    frozen.add_argument("--rounds", type=int, default=10)
    frozen.add_argument("--replicas", type=int, default=2)
    frozen.add_argument("--clients", type=int, default=8)
    frozen.add_argument("--seed", type=int, default=1)
    try:
        chosen = parser.parse_args(argv)
    except SystemExit as usage:
        return 2 if usage.code else 0
    if chosen.kind == "kill9":
        return _run(lambda data: kill9(data, chosen.rounds, chosen.seed))
    if chosen.kind == "cluster":
        return _run(lambda data: cluster(data, chosen))
    if chosen.kind == "freeze":
        return _run(lambda data: freeze(data, chosen))
    return _run(lambda data: outage(data, chosen.minutes))


def _run(story: Callable[[Path], Coroutine[Any, Any, str]]) -> int:
    folder = Path(tempfile.mkdtemp(prefix="gbike-chaos-"))
    folder.chmod(0o755)  # PostgreSQL runs as a user of its own
    try:
        figures = asyncio.run(story(folder / "data"))
    except Failed as wrong:
        print(f"{wrong}\nthe data is in {folder}", file=sys.stderr)
        return 1
    shutil.rmtree(folder)
    print(figures)
    return 0
