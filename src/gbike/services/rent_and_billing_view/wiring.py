"""How the view is put together: the one place that sees all of it."""

from collections.abc import Callable
from typing import Protocol

from gbike.kit.envelope import Message, unpack
from gbike.kit.runtime import Card, Service, Worker, World
from gbike.kit.settings import load
from gbike.kit.store import Reading, Store, Tx
from gbike.services.rent_and_billing_view.http import CHANGES, REFUSALS, operations
from gbike.services.rent_and_billing_view.policies import POLICIES
from gbike.services.rent_and_billing_view.storage import HOLDS, VERSIONS, SqlView, clear, keep, kept
from gbike.services.rent_and_billing_view.storage.changes import Changes, ViewSettings

NAME = "rent_and_billing_view"
FOLDED_AT_ONCE = 1_000
NAP_MS = 20
"""Nobody waits for the view, so it gathers more events for each of its transactions than others do."""

Events = list[tuple[int, Message]]


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
        hear=keep,
        workers=[Worker("changes", changes.step, changes.rest, moves=False)],
        consumer_nap_ms=NAP_MS,
    )


class Kept(Protocol):
    """Where the events are that the view kept."""

    async def read(self, fn: Callable[[Reading, int, int], Events], after: int, most: int, /) -> Events:
        """See Store.read."""


async def rebuild(source: Kept, target: Store) -> int:
    """Fold the events that `source` kept anew into `target` (which may be the same); answers how many there were."""
    if source is target:
        return await target.write(_rebuild_in_place)
    folded, after = 0, 0
    while events := await source.read(kept, after, FOLDED_AT_ONCE):
        await target.write(_fold, [message for _, message in events])
        folded, after = folded + len(events), events[-1][0]
    return folded


def _rebuild_in_place(tx: Tx) -> int:
    clear(tx)
    folded, after = 0, 0
    while events := kept(tx, after, FOLDED_AT_ONCE):
        _fold(tx, [message for _, message in events])
        folded, after = folded + len(events), events[-1][0]
    return folded


def _fold(tx: Tx, messages: list[Message]) -> None:
    policies = {kind.__name__: (kind, policy) for kind, policy in POLICIES.items()}
    for message in messages:
        kind, policy = policies[message.type]
        policy(tx, unpack(message, kind))


CARD = Card(
    name=NAME,
    title="RentAndBillingView: rides with their bills",
    port=8085,
    paths=("/rentAndBillingViews",),
    streams=(CHANGES,),
    says=(),
    versions=VERSIONS,
    holds=HOLDS,
    build=build,
    settings=ViewSettings,
    aliases={"/rentandbillingviews": "/rentAndBillingViews", "/rentAndBillingView": "/rentAndBillingViews"},
)
