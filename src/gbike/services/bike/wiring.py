"""How bike is put together: the one place that sees all of it."""

import asyncio

from prometheus_client import Gauge

from gbike.contracts.bike import PUBLISHES
from gbike.kit.service import Dependencies, Service, ServiceSpec, Worker
from gbike.services.bike.http import REFUSALS, operations
from gbike.services.bike.policies import POLICIES
from gbike.services.bike.storage import COUNTED, PERSONAL_DATA, TOMBSTONES, VERSIONS, how_many

COUNTED_EVERY_S = 15
"""Between two counts of the fleet: each looks at every bike (100,000: some 10 ms, not on the event loop)."""


def build(deps: Dependencies) -> Service:
    there_are = deps.metrics.declare(Gauge, "gbike_bikes", "Bikes there are, by status", ("service", "status"))

    async def look() -> int:
        for status, there in (await deps.store.scan(how_many)).items():
            there_are.labels("bike", status).set(there)
        return 0

    figures = Worker("figures", look, lambda: asyncio.sleep(COUNTED_EVERY_S), drains=False)
    shown = operations(deps.store, deps.clock)
    return Service("bike", shown, REFUSALS, POLICIES, workers=(figures,), retention=(TOMBSTONES,))


SPEC = ServiceSpec(
    name="bike",
    title="Bike: the fleet, its states and reservations",
    paths=("/bikes", "/places"),
    publishes=PUBLISHES,
    versions=VERSIONS,
    personal_data=PERSONAL_DATA,
    counted=COUNTED,
    build=build,
    core=True,
)
