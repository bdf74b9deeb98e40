"""How bike is put together: the one place that sees all of it."""

import asyncio

from prometheus_client import Gauge

from gbike.contracts.bike import PUBLISHES
from gbike.kit.runtime import Card, Service, Worker, World
from gbike.services.bike.http import REFUSALS, operations
from gbike.services.bike.policies import POLICIES
from gbike.services.bike.storage import COUNTED, HOLDS, TOMBSTONES, VERSIONS, how_many

COUNTED_EVERY_S = 15
"""Between two counts of the fleet: each looks at every bike (100,000: some 10 ms, not on the event loop)."""


def build(world: World) -> Service:
    """Bike in a world."""
    there_are = world.metrics.declare(Gauge, "gbike_bikes", "Bikes there are, by status", ("service", "status"))

    async def look() -> int:
        for status, there in (await world.store.scan(how_many)).items():
            there_are.labels("bike", status).set(there)
        return 0

    figures = Worker("figures", look, lambda: asyncio.sleep(COUNTED_EVERY_S), moves=False)
    shown = operations(world.store, world.clock)
    return Service("bike", shown, REFUSALS, POLICIES, workers=(figures,), keeps=(TOMBSTONES,))


CARD = Card(
    name="bike",
    title="Bike: the fleet, its states and reservations",
    paths=("/bikes",),
    publishes=PUBLISHES,
    versions=VERSIONS,
    holds=HOLDS,
    counted=COUNTED,
    build=build,
    core=True,
)
