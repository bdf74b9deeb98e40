"""How billing is put together: the one place that sees all of it."""

import asyncio
from typing import Annotated

import msgspec
from msgspec import Meta
from prometheus_client import Gauge, Histogram

from gbike.contracts.billing import PUBLISHES
from gbike.kit import settings
from gbike.kit.service import Dependencies, Service, ServiceSpec, Worker
from gbike.kit.store import Store
from gbike.services.billing.commands import adopt_tariff
from gbike.services.billing.domain import Rounding, Tariff
from gbike.services.billing.http import REFUSALS, operations
from gbike.services.billing.policies import policies
from gbike.services.billing.storage import COUNTED, PERSONAL_DATA, VERSIONS, complaints, not_closed
from gbike.services.billing.storage.corrections import own_violations

REST_S = 3600
"""Between two looks of a worker that has nothing more to do."""
FIGURES_S = 15
"""Between two counts of the bills."""
SETTLED_WITHIN_S = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800)


class BillingSettings(msgspec.Struct, frozen=True):
    """What may be set of billing."""

    tariff_krw: Annotated[
        int,
        Meta(
            ge=0,
            le=1_000_000,
            description="price of one interval, KRW; a new tariff is for rides that begin from then on",
        ),
    ] = 100
    tariff_per_s: Annotated[int, Meta(gt=0, le=86_400, description="length of an interval, seconds")] = 60
    tariff_rounding: Annotated[Rounding, Meta(description="a begun interval is free (floor) or charged (ceil)")] = (
        Rounding.FLOOR
    )


def build(deps: Dependencies) -> Service:
    chosen = settings.load(BillingSettings, deps.env)
    tariff = Tariff(chosen.tariff_krw, chosen.tariff_per_s, chosen.tariff_rounding)
    settlement = deps.metrics.declare(
        Histogram, "gbike_settlement_seconds", "From a return to its closed bill, seconds", buckets=SETTLED_WITHIN_S
    )
    seconds = settlement.labels("billing")

    def settled(after_ms: int) -> None:
        seconds.observe(after_ms / 1000)

    adopting = Worker("tariff", AdoptTariff(deps.store, tariff).step, lambda: asyncio.sleep(REST_S))
    figures = Worker("figures", _Figures(deps).look, lambda: asyncio.sleep(FIGURES_S), drains=False)
    shown = operations(deps.store, tariff, deps.clock)
    workers, kept = (adopting, figures), (complaints.KEPT,)
    return Service("billing", shown, REFUSALS, policies(tariff), on_handled=settled, workers=workers, retention=kept)


class AdoptTariff:
    """Makes the tariff of the settings the newest version, once per start. It may come after the consumer's first
    steps: the version is effective from when it was added, and prices no ride that began before."""

    def __init__(self, store: Store, tariff: Tariff) -> None:
        self._store, self._tariff = store, tariff
        self._done = False

    async def step(self) -> int:
        """Adopt it, if that was not done yet. Raises StoreUnavailable."""
        if not self._done:
            await self._store.write(adopt_tariff, self._tariff)
            self._done = True
        return 0


class _Figures:
    """How many bills are closed, which is all but those that are not: below the oldest of them nothing changes."""

    def __init__(self, deps: Dependencies) -> None:
        self._store, self._from = deps.store, 0
        self._bills = deps.metrics.declare(Gauge, "gbike_bills", "Bills there are, by status", ("service", "status"))

    async def look(self) -> int:
        total, waiting, self._from = await self._store.scan(not_closed, self._from)
        self._bills.labels("billing", "waiting").set(waiting)
        self._bills.labels("billing", "closed").set(total - waiting)
        return 0


SPEC = ServiceSpec(
    name="billing",
    title="Billing: one bill per rent",
    paths=("/billings",),
    publishes=PUBLISHES,
    versions=VERSIONS,
    personal_data=PERSONAL_DATA,
    counted=COUNTED,
    violations=own_violations,
    build=build,
    settings=BillingSettings,
)
