"""How rent is put together: the one place that sees all of it."""

import asyncio
from typing import Annotated

from msgspec import Meta

from gbike.contracts.rent import SAYS
from gbike.kit import settings
from gbike.kit.breaker import Breaker, BreakerSettings
from gbike.kit.peers import Peer
from gbike.kit.runtime import LOOK_S, Card, Service, Worker, World
from gbike.kit.saga import LEFT_BEHIND_MS
from gbike.services.rent.clients import BikeClient
from gbike.services.rent.http import REFUSALS, operations
from gbike.services.rent.policies import POLICIES
from gbike.services.rent.saga import RentABike
from gbike.services.rent.storage import HOLDS, TRIES_KEPT, VERSIONS, SqlRents, how_many, overdue, places_kept

SWEPT_AT_ONCE = 100


class RentSettings(BreakerSettings, frozen=True):
    """What may be set of rent."""

    rent_deadline_ms: Annotated[int, Meta(gt=0, description="bike must answer a reservation within this, ms")] = 1_200
    rent_in_flight: Annotated[int, Meta(gt=0, description="reservations under way at once")] = 32
    rent_waiting: Annotated[int, Meta(ge=0, description="reservations that may wait for a place")] = 256
    sweep_every_ms: Annotated[int, Meta(gt=0, description="pending rents past their deadline are looked for, ms")] = (
        2_000
    )
    exact_places_days: Annotated[
        int, Meta(ge=0, description="after so long only the neighbourhood of a ride's end is kept, days; 0: at once")
    ] = 90
    max_open_rents_per_rider: Annotated[int, Meta(ge=0, description="open rents a rider may have; 0: no limit")] = 0


def build(world: World) -> Service:
    """Rent in a world."""
    chosen = settings.load(RentSettings, world.env)
    rents = SqlRents(world.store, chosen.rent_deadline_ms + LEFT_BEHIND_MS, chosen.max_open_rents_per_rider)
    breaker = Breaker(chosen, world.clock, world.chance, world.metrics.watch_breaker("rent", "reserve"))
    bike = Peer(
        world.caller("bike"),
        breaker,
        world.clock,
        deadline_ms=chosen.rent_deadline_ms,
        in_flight=chosen.rent_in_flight,
        waiting=chosen.rent_waiting,
    )
    swept = world.metrics.swept.labels("rent")

    async def sweep() -> int:
        found = await rents.sweep(SWEPT_AT_ONCE)
        swept.inc(found)
        return found

    sweeper = Worker("sweeper", sweep, lambda: asyncio.sleep(chosen.sweep_every_ms / 1000))
    workers = (sweeper, _figures(world))
    shown = operations(rents, RentABike(rents, BikeClient(bike)))
    keeps = (places_kept(chosen.exact_places_days), TRIES_KEPT)
    return Service("rent", shown, REFUSALS, POLICIES, workers=workers, keeps=keeps)


def _figures(world: World) -> Worker:
    metrics = world.metrics

    async def look() -> int:
        for status, there in (await world.store.scan(how_many)).items():
            metrics.rents.labels("rent", status).set(there)
        metrics.overdue.labels("rent").set(await world.store.scan(overdue, world.clock.now_ms()))
        return 0

    return Worker("figures", look, lambda: asyncio.sleep(LOOK_S), moves=False)


CARD = Card(
    name="rent",
    title="Rent: who rides which bike",
    port=8081,
    paths=("/rents",),
    says=SAYS,
    versions=VERSIONS,
    holds=HOLDS,
    build=build,
    settings=RentSettings,
    core=True,
    calls=("bike",),
)
