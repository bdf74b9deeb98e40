"""PostgreSQL of a cluster that is stopped, run alone while its stores are copied, put back or filled."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGINT
from typing import NamedTuple

import msgspec

from gbike.run.cluster import child
from gbike.run.cluster.logins import Logins
from gbike.run.cluster.plan import Plan
from gbike.run.cluster.secrets import passfile
from gbike.run.cluster.tcp_ports import free_ports
from gbike.run.engines import CannotRun, postgres

FOLDER = "postgres"


@contextmanager
def reached(plan: Plan, data: Path) -> Iterator[Plan]:
    """The plan of a stopped cluster with its stores where they are: its own PostgreSQL is started for that long, stores
    elsewhere are taken as they are. Raises CannotRun."""
    own = f"@127.0.0.1:{plan.ports.get('postgres', 0)}/"
    if not any(own in url for url in plan.stores.values()):
        yield plan
        return
    # A plan of before there were any knows the way without, unless it is of one who went back to an older gbike.
    logins = plan.logins(data) if plan.readers or passfile(data, postgres.OWNER).exists() else None
    with alone(data / FOLDER, data / "logs" / "postgres.log", logins) as server:
        if logins is not None:  # by the passwords in this folder, wherever it was when the plan was made
            stores, readers = {**plan.stores, **logins.urls(server.port)}, logins.readers(server.port)
        else:
            here = f"@127.0.0.1:{server.port}/"
            stores, readers = {name: url.replace(own, here, 1) for name, url in plan.stores.items()}, {}
        yield msgspec.structs.replace(plan, stores=stores, readers=readers)


class LocalServer(NamedTuple):
    """A server on 127.0.0.1."""

    port: int
    pid: int


@contextmanager
def alone(folder: Path, log: Path, logins: Logins | None = None) -> Iterator[LocalServer]:
    """A server over a prepared folder; ends with the context, or us. `logins`: nobody else enters. Raises CannotRun."""
    if not (folder / "PG_VERSION").exists():
        raise CannotRun(f"there are no files of PostgreSQL in {folder}")
    if logins is not None:
        logins.close(folder)
    port = next(free_ports())
    program = postgres.program(folder, port)

    def ready() -> bool:
        return asyncio.run(postgres.ready(port))

    with child.alone("PostgreSQL", program, log, ready, gentle=SIGINT, dies=SIGINT) as pid:
        if logins is not None:
            logins.arrange(port)
        yield LocalServer(port, pid)
