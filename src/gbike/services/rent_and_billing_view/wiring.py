"""How the view is put together: the one place that sees all of it."""

import asyncio
from collections.abc import Callable
from typing import Protocol, TypeVar

from gbike.kit.service import Dependencies, Service, ServiceSpec, Worker
from gbike.kit.settings import load
from gbike.kit.store import Reading, Store
from gbike.kit.telemetry import log
from gbike.services.rent_and_billing_view.commands import fold_facts, fold_kept, known_bites, rebuild_in_place
from gbike.services.rent_and_billing_view.http import CHANGES, REFUSALS, operations
from gbike.services.rent_and_billing_view.policies import POLICIES, keep_events
from gbike.services.rent_and_billing_view.storage import COUNTED, PERSONAL_DATA, VERSIONS
from gbike.services.rent_and_billing_view.storage.kept import BATCH, WINDOW
from gbike.services.rent_and_billing_view.streams import Changes, ViewSettings

NAME = "rent_and_billing_view"
REST_S = 10
"""Between two looks for what an older gbike kept, when there was nothing to do."""
PAUSE_MS = 20
"""After a bite, for those who hear."""
CONSUMER_NAP_MS = 20
"""Nobody waits for the view, so it gathers more events for each of its transactions than others do."""

T = TypeVar("T")


def build(deps: Dependencies) -> Service:
    metrics = deps.metrics
    changes = Changes(
        deps.store,
        deps.clock,
        load(ViewSettings, deps.env),
        still_open=metrics.streams.labels(NAME),
        dropped=metrics.streams_dropped.labels(NAME),
    )
    return Service(
        NAME,
        operations(deps.store, changes),
        REFUSALS,
        POLICIES,
        on_messages=keep_events,
        workers=[
            Worker("changes", changes.step, changes.wait, drains=False),
            Worker("folding", Folding(deps.store).step, lambda: asyncio.sleep(REST_S), PAUSE_MS, drains=False),
        ],
        consumer_pause_ms=CONSUMER_NAP_MS,
    )


class Folding:
    """The worker of one process; several may share a database."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._place, self._folded = 0, 0

    async def step(self) -> int:
        """One bite; answers how many rows it had when there may be more. Raises StoreUnavailable."""
        self._place, folded, gone = await self._store.write(fold_kept, self._place, WINDOW)
        self._folded += folded
        if self._folded and not folded:
            log.info("events kept by an older gbike were folded into facts", events=self._folded)
            self._folded = 0
        return folded + (gone if gone >= BATCH else 0)  # a few that went out of the window can wait for the next look


class Kept(Protocol):
    """Where the facts are: a store, or what is read as one."""

    async def read(self, fn: Callable[[Reading], Reading], /) -> Reading:
        """What `fn` answers."""


async def rebuild(source: Kept, target: Store) -> int:
    """Fold all that `source` knows anew into `target` (which may be the same); answers from how many facts."""
    if source is target:
        return await target.write(rebuild_in_place)
    read = await source.read(lambda read: read)
    return sum([await target.write(fold_facts, facts) for facts in known_bites(read)])


SPEC = ServiceSpec(
    name=NAME,
    title="RentAndBillingView: rides with their bills",
    paths=("/rentAndBillingViews",),
    streams=(CHANGES,),
    publishes=(),
    versions=VERSIONS,
    personal_data=PERSONAL_DATA,
    counted=COUNTED,
    build=build,
    settings=ViewSettings,
    aliases={"/rentandbillingviews": "/rentAndBillingViews", "/rentAndBillingView": "/rentAndBillingViews"},
)
