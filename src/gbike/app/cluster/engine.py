"""PostgreSQL of a cluster that is stopped, run alone while its stores are copied, put back or filled."""

import asyncio
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGINT, SIGKILL
from typing import NamedTuple

import msgspec

from gbike.app.cluster.child import as_user, dies_with_us, private_log
from gbike.app.cluster.logins import Logins
from gbike.app.cluster.plan import Plan
from gbike.app.cluster.ports import free_ports
from gbike.app.cluster.secrets import passfile
from gbike.app.engines import CannotRun, postgres
from gbike.kit.files import closed_folder

FOLDER = "postgres"
START_S = 120
"""How long it may take to answer, the recovery after a crash included."""
STOP_S = 120
"""How long it may take to write down what it holds."""
LOOK_S = 0.1


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


class Alone(NamedTuple):
    """A server on 127.0.0.1."""

    port: int
    pid: int


@contextmanager
def alone(folder: Path, log: Path, logins: Logins | None = None) -> Iterator[Alone]:
    """A server over a prepared folder; it ends with the context, or with us. `logins`: nobody else enters. Raises
    CannotRun."""
    if not (folder / "PG_VERSION").exists():
        raise CannotRun(f"there are no files of PostgreSQL in {folder}")
    if logins is not None:
        logins.close(folder)
    port = next(free_ports())
    program = postgres.program(folder, port)
    closed_folder(log.parent)
    with private_log(log) as out:
        server = subprocess.Popen(  # noqa: S603
            program.command,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,  # Ctrl-C is for us, who stop it in the end
            preexec_fn=dies_with_us(SIGINT),
            **as_user(program.user),
        )
    try:
        until = time.monotonic() + START_S
        while not asyncio.run(postgres.ready(port)):
            if server.poll() is not None or time.monotonic() > until:
                raise CannotRun(
                    f"PostgreSQL does not start over {folder}: see {log} · PostgreSQL이 시작되지 않았습니다"
                )
            time.sleep(LOOK_S)
        if logins is not None:
            logins.arrange(port)
        yield Alone(port, server.pid)
    finally:
        server.send_signal(SIGINT)
        try:
            server.wait(STOP_S)
        except subprocess.TimeoutExpired:
            server.send_signal(SIGKILL)
            server.wait()
