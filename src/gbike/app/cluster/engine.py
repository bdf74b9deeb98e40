"""PostgreSQL of a cluster that is stopped, run alone while its stores are copied or put back."""

import asyncio
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from signal import SIGINT, SIGKILL

from gbike.app.cluster.child import dies_with_us
from gbike.app.cluster.plan import Plan
from gbike.app.cluster.ports import free_ports
from gbike.app.engines import CannotRun, postgres

FOLDER = "postgres"
START_S = 120
"""How long it may take to answer, the recovery after a crash included."""
STOP_S = 60
LOOK_S = 0.1


@contextmanager
def stores_of(plan: Plan, data: Path) -> Iterator[Mapping[str, str]]:
    """Where the stores of a stopped cluster are, by service: its own PostgreSQL is started for that long, stores
    elsewhere are taken as they are. Raises CannotRun."""
    own = postgres.url(plan.ports.get("postgres", 0), "")
    if not any(url.startswith(own) for url in plan.stores.values()):
        yield plan.stores
        return
    with alone(data / FOLDER, data / "logs" / "postgres.log") as port:
        here = postgres.url(port, "")
        yield {name: url.replace(own, here, 1) if url.startswith(own) else url for name, url in plan.stores.items()}


@contextmanager
def alone(folder: Path, log: Path) -> Iterator[int]:
    """A server over a prepared folder until the context ends; answers its port on 127.0.0.1. Raises CannotRun."""
    if not (folder / "PG_VERSION").exists():
        raise CannotRun(f"there are no files of PostgreSQL in {folder}")
    port = next(free_ports())
    program = postgres.program(folder, port)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        server = subprocess.Popen(  # noqa: S603
            program.command, user=program.user, cwd="/", stdout=out, stderr=out, preexec_fn=dies_with_us(SIGINT)
        )
    try:
        until = time.monotonic() + START_S
        while not asyncio.run(postgres.ready(port)):
            if server.poll() is not None or time.monotonic() > until:
                raise CannotRun(f"PostgreSQL does not start over {folder}: see {log}")
            time.sleep(LOOK_S)
        yield port
    finally:
        server.send_signal(SIGINT)
        try:
            server.wait(STOP_S)
        except subprocess.TimeoutExpired:
            server.send_signal(SIGKILL)
            server.wait()
