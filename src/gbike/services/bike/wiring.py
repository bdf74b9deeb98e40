"""How bike is put together: the one place that sees all of it."""

import asyncio
from typing import Annotated

import msgspec
from msgspec import Meta
from prometheus_client import Gauge

from gbike.contracts.bike import PUBLISHES
from gbike.kit import settings
from gbike.kit.away import one_at_a_time
from gbike.kit.clock import news
from gbike.kit.service import IDLE_WAIT_MS, Dependencies, Service, ServiceSpec, Worker
from gbike.services.bike.http import REFUSALS, operations
from gbike.services.bike.http.imports import BASE, MOST_BYTES
from gbike.services.bike.policies import POLICIES
from gbike.services.bike.saga import Imports
from gbike.services.bike.storage import COUNTED, PERSONAL_DATA, TOMBSTONES, VERSIONS, how_many
from gbike.services.bike.storage.imports import RETENTION

COUNTED_EVERY_S = 15
"""Between two counts of the fleet: each looks at every bike (100,000: some 10 ms, not on the event loop)."""


class BikeSettings(msgspec.Struct, frozen=True):
    """What may be set of bike."""

    offer_from_battery: Annotated[
        int, Meta(ge=0, le=100, description="a bike that is known to be charged less is not rented, %; 0: each is")
    ] = 0


def build(deps: Dependencies) -> Service:
    chosen = settings.load(BikeSettings, deps.env)
    there_are = deps.metrics.declare(Gauge, "gbike_bikes", "Bikes there are, by status", ("service", "status"))

    async def look() -> int:
        for status, there in (await deps.store.scan(how_many)).items():
            there_are.labels("bike", status).set(there)
        return 0

    figures = Worker("figures", look, lambda: asyncio.sleep(COUNTED_EVERY_S), drains=False)
    begun = asyncio.Event()

    async def until_begun() -> None:
        await news(begun, IDLE_WAIT_MS)
        begun.clear()

    imports = Imports(deps.store, one_at_a_time("files"), begun.set)
    importing = Worker("imports", imports.step, until_begun, pause_ms=1)
    shown = operations(deps.store, deps.clock, imports, offer_from=chosen.offer_from_battery)
    kept = (TOMBSTONES, *RETENTION)
    return Service("bike", shown, REFUSALS, POLICIES, workers=(figures, importing), retention=kept)


SPEC = ServiceSpec(
    name="bike",
    title="Bike: the fleet, its states and reservations",
    paths=("/bikes", "/places"),
    settings=BikeSettings,
    uploads={BASE: MOST_BYTES},
    publishes=PUBLISHES,
    versions=VERSIONS,
    personal_data=PERSONAL_DATA,
    counted=COUNTED,
    build=build,
    core=True,
)
