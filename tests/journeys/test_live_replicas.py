"""Several processes of the view on one database: what one keeps is told by the others, and nothing is skipped."""

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest

from gbike.contracts.rent import Rented
from gbike.kit.auth.principal import DEMO, OwnerScope
from gbike.kit.clock import SystemClock, SystemIds
from gbike.kit.envelope import Message, pack
from gbike.kit.storage.postgres.store import PostgresStore
from gbike.kit.store import Tx
from gbike.kit.telemetry import NO_TRACE, Metrics
from gbike.services.rent_and_billing_view.commands import keep
from gbike.services.rent_and_billing_view.storage import VERSIONS
from gbike.services.rent_and_billing_view.streams import Changes, ViewSettings
from tests.postgres import Server


@pytest.fixture(scope="module")
def url(server: Server) -> str:
    """A view's database."""
    return server.migrated(VERSIONS)


@pytest.fixture
async def processes(url: str) -> AsyncIterator[tuple[PostgresStore, PostgresStore, PostgresStore]]:
    """Three, as far as the database can see."""
    stores = tuple(PostgresStore(url, clock=SystemClock(), ids=SystemIds(), source="view") for _ in range(3))
    yield stores  # type: ignore[misc]
    for store in stores:
        await store.close()


def rented(rentid: int) -> Message:
    """A message of a rent."""
    printed = Rented(rentid=rentid, userid=1, bikeid=rentid, status="rented", starttime=0)
    return pack(printed, id=f"m{rentid}", source="rent", now_ms=0, trace=NO_TRACE)


async def test_what_another_process_keeps_is_told_in_the_order_of_its_numbers_and_nothing_is_skipped(
    processes: tuple[PostgresStore, PostgresStore, PostgresStore],
) -> None:
    first, second, here = processes
    labels = Metrics()
    changes = Changes(
        here,
        SystemClock(),
        ViewSettings(),
        still_open=labels.streams.labels("view"),
        dropped=labels.streams_dropped.labels("view"),
    )
    stream = await changes.listen(DEMO, OwnerScope.ALL, None)
    pieces = stream.pieces()
    await anext(pieces)
    inside = asyncio.Event()
    go = threading.Event()
    loop = asyncio.get_running_loop()

    def slowly(tx: Tx) -> None:
        keep(tx, [rented(1)])
        loop.call_soon_threadsafe(inside.set)
        go.wait(10)

    slow = first.write(slowly)
    await inside.wait()
    quick = second.write(keep, [rented(2)])
    while not await _waits(here, quick):  # until the second one waits for the first, or has overtaken it
        await changes.step()
    await changes.step()
    go.set()
    await asyncio.gather(slow, quick)
    while await changes.step():
        pass
    printed = (await anext(pieces)).decode()
    assert [line for line in printed.splitlines() if line.startswith("data")] == [
        f'data: {{"type":"Rented","userid":1,"rentid":{rentid},"bikeid":{rentid}}}' for rentid in (1, 2)
    ]
    await pieces.aclose()


async def _waits(store: PostgresStore, task: "asyncio.Task[None]") -> bool:
    locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    row = await store.read(lambda read: read.one(locks))
    return task.done() or (row is not None and row[0] > 0)
