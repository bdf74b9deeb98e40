"""How userDeposit is put together: the one place that sees all of it."""

import asyncio

from gbike.contracts.user_deposit import SAYS
from gbike.kit.runtime import LOOK_S, Card, Service, Worker, World
from gbike.services.user_deposit.http import REFUSALS, operations
from gbike.services.user_deposit.policies import POLICIES
from gbike.services.user_deposit.storage import HOLDS, VERSIONS, SqlDeposits
from gbike.services.user_deposit.storage.drift import Drift


def build(world: World) -> Service:
    """UserDeposit in a world."""
    drift, wrong = Drift(world.store), world.metrics.ledger_drift.labels("user_deposit")

    async def look() -> int:
        wrong.set(await drift.look())
        return 0

    figures = Worker("figures", look, lambda: asyncio.sleep(LOOK_S), moves=False)
    shown = operations(SqlDeposits(world.store, world.ids))
    return Service("user_deposit", shown, REFUSALS, POLICIES, workers=(figures,))


CARD = Card(
    name="user_deposit",
    title="UserDeposit: riders' money",
    port=8084,
    paths=("/userDeposits",),
    says=SAYS,
    versions=VERSIONS,
    holds=HOLDS,
    build=build,
)
