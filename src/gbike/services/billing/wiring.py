"""How billing is put together: the one place that sees all of it."""

import asyncio
from typing import Annotated

import msgspec
from msgspec import Meta

from gbike.contracts.billing import SAYS
from gbike.kit import settings
from gbike.kit.runtime import Card, Service, Worker, World
from gbike.services.billing.domain import Rounding, Tariff
from gbike.services.billing.http import REFUSALS, operations
from gbike.services.billing.policies import policies
from gbike.services.billing.storage import HOLDS, VERSIONS, SqlBills, not_closed

FIGURES_S = 15
"""Between two counts of the bills."""


class BillingSettings(msgspec.Struct, frozen=True):
    """What may be set of billing."""

    tariff_krw: Annotated[int, Meta(ge=0, le=1_000_000, description="price of one interval, KRW")] = 100
    tariff_per_s: Annotated[int, Meta(gt=0, le=86_400, description="length of an interval, seconds")] = 60
    tariff_rounding: Annotated[Rounding, Meta(description="a begun interval is free (floor) or charged (ceil)")] = (
        Rounding.FLOOR
    )


def build(world: World) -> Service:
    """Billing in a world."""
    chosen = settings.load(BillingSettings, world.env)
    tariff = Tariff(chosen.tariff_krw, chosen.tariff_per_s, chosen.tariff_rounding)
    seconds = world.metrics.settlement.labels("billing")

    def settled(after_ms: int) -> None:
        seconds.observe(after_ms / 1000)

    figures = Worker("figures", _Figures(world).look, lambda: asyncio.sleep(FIGURES_S), moves=False)
    shown = operations(SqlBills(world.store), tariff)
    return Service("billing", shown, REFUSALS, policies(tariff), note=settled, workers=(figures,))


class _Figures:
    """How many bills are closed, which is all but those that are not: below the oldest of them nothing changes."""

    def __init__(self, world: World) -> None:
        self._store, self._bills, self._from = world.store, world.metrics.bills, 0

    async def look(self) -> int:
        """Count."""
        total, waiting, self._from = await self._store.scan(not_closed, self._from)
        self._bills.labels("billing", "waiting").set(waiting)
        self._bills.labels("billing", "closed").set(total - waiting)
        return 0


CARD = Card(
    name="billing",
    title="Billing: one bill per rent",
    port=8083,
    paths=("/billings",),
    says=SAYS,
    versions=VERSIONS,
    holds=HOLDS,
    build=build,
    settings=BillingSettings,
)
