"""How the view is put together: the one place that sees all of it."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol, TypeVar

from gbike.kit.envelope import Message, Undecodable
from gbike.kit.runtime import Card, Service, Worker, World
from gbike.kit.settings import load
from gbike.kit.store import Args, Reading, Store, Tx
from gbike.services.rent_and_billing_view.http import CHANGES, REFUSALS, operations
from gbike.services.rent_and_billing_view.policies import POLICIES, fact_of, hear
from gbike.services.rent_and_billing_view.storage import COUNTED, HOLDS, VERSIONS, SqlView, clear
from gbike.services.rent_and_billing_view.storage.changes import Changes, ViewSettings
from gbike.services.rent_and_billing_view.storage.facts import KINDS, Fact, about, fold, known
from gbike.services.rent_and_billing_view.storage.folding import NAP_MS, REST_S, Folding
from gbike.services.rent_and_billing_view.storage.kept import unfolded

NAME = "rent_and_billing_view"
FOLDED_AT_ONCE = 1_000
CONSUMER_NAP_MS = 20
"""Nobody waits for the view, so it gathers more events for each of its transactions than others do."""

T = TypeVar("T")


def build(world: World) -> Service:
    """The view in a world."""
    metrics = world.metrics
    changes = Changes(
        world.store,
        world.clock,
        load(ViewSettings, world.env),
        still_open=metrics.streams.labels(NAME),
        dropped=metrics.streams_dropped.labels(NAME),
    )
    return Service(
        NAME,
        operations(SqlView(world.store), changes),
        REFUSALS,
        POLICIES,
        hear=hear,
        workers=[
            Worker("changes", changes.step, changes.rest, moves=False),
            Worker("folding", Folding(world.store).step, lambda: asyncio.sleep(REST_S), NAP_MS, moves=False),
        ],
        consumer_nap_ms=CONSUMER_NAP_MS,
    )


class Kept(Protocol):
    """Where the facts are."""

    async def read(self, fn: Callable[[Reading, *Args], T], /, *args: *Args) -> T:
        """See Store.read."""


async def rebuild(source: Kept, target: Store) -> int:
    """Fold all that `source` knows anew into `target` (which may be the same); answers from how many facts."""
    if source is target:
        return await target.write(_rebuild_in_place)
    folded = 0
    for kind in KINDS:
        after = 0
        while facts := await source.read(known, kind, after, FOLDED_AT_ONCE):
            await target.write(_fold, facts)
            folded, after = folded + len(facts), about(facts[-1])
    after = 0
    while events := await source.read(unfolded, after, FOLDED_AT_ONCE):
        folded, after = folded + await target.write(_fold, _facts(events)), events[-1][0]
    return folded


def _rebuild_in_place(tx: Tx) -> int:
    clear(tx)
    folded = 0
    for kind in KINDS:
        after = 0
        while facts := known(tx, kind, after, FOLDED_AT_ONCE):
            folded, after = folded + _fold(tx, facts), about(facts[-1])
    after = 0
    while events := unfolded(tx, after, FOLDED_AT_ONCE):
        folded, after = folded + _fold(tx, _facts(events)), events[-1][0]
    return folded


def _facts(events: list[tuple[int, Message]]) -> list[Fact]:
    """Of what an older gbike kept and nobody has folded yet; what can't be read is left out, and so shows."""
    facts = list[Fact]()
    for _, message in events:
        with suppress(Undecodable):
            if (fact := fact_of(message)) is not None:
                facts.append(fact)
    return facts


def _fold(tx: Tx, facts: list[Fact]) -> int:
    for fact in facts:
        fold(tx, fact)
    return len(facts)


CARD = Card(
    name=NAME,
    title="RentAndBillingView: rides with their bills",
    paths=("/rentAndBillingViews",),
    streams=(CHANGES,),
    says=(),
    versions=VERSIONS,
    holds=HOLDS,
    counted=COUNTED,
    build=build,
    settings=ViewSettings,
    aliases={"/rentandbillingviews": "/rentAndBillingViews", "/rentAndBillingView": "/rentAndBillingViews"},
)
