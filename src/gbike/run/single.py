"""One service in a process: its store, its way to the bus and its peers are handed in; it is driven by its workers."""

import asyncio
import os
from collections.abc import Sequence
from concurrent.futures import Executor
from contextvars import Context
from pathlib import Path

from gbike.kit.clock import Clock, Ids
from gbike.kit.files import closed_folder
from gbike.kit.messaging.bus import BEHIND, BusUnavailable
from gbike.kit.service import Dependencies, Running, ServiceSpec, Worker, assemble
from gbike.kit.storage.migrations.migrate import migrate, migrate_url
from gbike.kit.storage.postgres.login import SETTING, with_password
from gbike.kit.store import Store, StoreUnavailable
from gbike.kit.telemetry import LogThrottle, log
from gbike.kit.tracing import assemble_traced

PAUSE_S = 0.2
"""How long a worker waits after a failure before it tries again."""
SQLITE = "sqlite:///"
"""How the URL of a store begins that is a file."""
BUSY = 16
"""Messages in one step that tell of load."""


def assemble_one(spec: ServiceSpec, deps: Dependencies) -> Running:
    """The service of `spec` over `deps`, ready to be driven."""
    if deps.spans is not None:
        return assemble_traced(spec, deps, deps.spans)
    return assemble(deps, spec.build(deps))


def open_store(
    url: str, source: str, clock: Clock, ids: Ids, *, committer: Executor | None = None, password_file: str = ""
) -> Store:
    """The store at `sqlite:///PATH` or `postgresql://…`, whose schema is the newest. `committer`: see SqliteStore;
    `password_file`: with the password of a URL that has none."""
    if url.startswith(SQLITE):
        from gbike.kit.storage.sqlite.store import SqliteStore

        path = Path(url.removeprefix(SQLITE))
        return SqliteStore(path, clock=clock, ids=ids, source=source, committer=committer)
    from gbike.kit.storage.postgres.store import PostgresStore

    return PostgresStore(url, clock=clock, ids=ids, source=source, password_file=password_file)


def migrate_store(url: str, versions: Path) -> bool:
    """Bring the schema of the store at a URL up to date, made where it is not; answers whether anything was done."""
    if url.startswith(SQLITE):
        path = Path(url.removeprefix(SQLITE))
        closed_folder(path.parent)
        return migrate(path, versions)
    return migrate_url(url, versions)


def given(url: str) -> str:
    """A store's URL as a command was given it, with the password of GBIKE_STORE_PASSWORD_FILE. Raises BadSetting."""
    return with_password(url, os.environ.get(SETTING, ""))


async def drive(service: str, worker: Worker) -> None:
    """Run a worker's steps for ever: soon while there is something to do, else when there is news."""
    told = LogThrottle()
    while True:
        try:
            did = await worker.step()
            await (asyncio.sleep(pause_ms(worker.pause_ms, did) / 1000) if did else worker.wait())
        except (StoreUnavailable, BusUnavailable) as down:
            if told.is_news(str(down)):
                log.warning("a worker waits", service=service, worker=worker.name, why=str(down))
            await asyncio.sleep(PAUSE_S)
        except Exception as failure:
            if told.is_news(repr(failure)):
                log.error("a worker failed and goes on", service=service, worker=worker.name, exc_info=failure)
            await asyncio.sleep(PAUSE_S)


def pause_ms(wait_ms: int, did: int) -> int:
    """How long to wait after a step that did so much. Under load a longer wait makes fewer, larger transactions; who is
    behind goes on at once."""
    if did >= BEHIND:
        return 0
    return wait_ms * (3 if did >= BUSY else 1)


class Drivers:
    """The tasks that drive one service's workers; they can be stopped and started again."""

    def __init__(self, service: str, workers: Sequence[Worker]) -> None:
        self._service, self._workers = service, workers
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def running(self) -> bool:
        return bool(self._tasks)

    def start(self) -> None:
        if not self._tasks:
            # In a context of its own: a request that has them started is not what they act for.
            drives = [drive(self._service, worker) for worker in self._workers]
            self._tasks = [asyncio.create_task(one, context=Context()) for one in drives]

    async def stop(self) -> None:
        """Stop driving. A step that was under way is abandoned where it waits; its transaction is whole or was not."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
