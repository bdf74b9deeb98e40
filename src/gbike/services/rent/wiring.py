"""How rent is put together: the one place that sees all of it."""

import asyncio
from functools import partial
from typing import Annotated, Literal

from msgspec import Meta
from prometheus_client import Gauge

from gbike.contracts.rent import PUBLISHES
from gbike.kit import settings
from gbike.kit.auth.limits import Pace
from gbike.kit.calls.peers import Breaker, BreakerSettings
from gbike.kit.service import POLL_S, STALE_AFTER_MS, Dependencies, Service, ServiceSpec, Worker
from gbike.services.rent import storage
from gbike.services.rent.clients import BikeClient
from gbike.services.rent.commands import remind, sweep
from gbike.services.rent.domain import Limits, overdue_since
from gbike.services.rent.http import REFUSALS, operations
from gbike.services.rent.policies import POLICIES
from gbike.services.rent.saga import ClockWatch, rent_a_bike

SWEPT_AT_ONCE = 100
REMINDED_AT_ONCE = 100


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
    offline_return_s: Annotated[
        int, Meta(ge=0, description="a return tapped without a line ends the ride at the tap, up to so long ago, s")
    ] = 300
    overdue_min: Annotated[
        int,
        Meta(
            ge=0,
            le=100_000,
            description="a ride that lasts so long is overdue and its rider reminded, minutes; 0: never",
        ),
    ] = 120
    clock_behind: Annotated[
        Literal["refuse", "accept"],
        Meta(description="refuse: no rents while the wall clock is over a minute behind the newest moment on record"),
    ] = "refuse"
    limit_rents_per_min: Annotated[int, Meta(ge=0, description="rents a minute and account; 0: no limit")] = 10
    limit_returns_per_min: Annotated[int, Meta(ge=0, description="returns a minute and token; 0: no limit")] = 60


def build(deps: Dependencies) -> Service:
    chosen = settings.load(RentSettings, deps.env)
    limits = Limits(
        stale_after_ms=chosen.rent_deadline_ms + STALE_AFTER_MS,
        most_open=chosen.max_open_rents_per_rider,
        offline_ms=chosen.offline_return_s * 1_000,
        overdue_ms=chosen.overdue_min * 60_000,
    )
    watch = ClockWatch(deps.store, deps.clock, accept=chosen.clock_behind == "accept")
    breaker = Breaker(chosen, deps.clock, deps.chance, deps.metrics.watch_breaker("rent", "reserve"))
    bikes = BikeClient(
        deps.caller("bike"),
        breaker,
        deps.clock,
        deadline_ms=chosen.rent_deadline_ms,
        in_flight=chosen.rent_in_flight,
        waiting=chosen.rent_waiting,
    )
    swept = deps.metrics.swept.labels("rent")

    async def look_and_sweep() -> int:
        await watch.look()
        found = await deps.store.write(sweep, SWEPT_AT_ONCE, limits)
        swept.inc(found)
        return found

    sweeper = Worker("sweeper", look_and_sweep, lambda: asyncio.sleep(chosen.sweep_every_ms / 1000))
    workers = (sweeper, _reminder(deps, limits.overdue_ms), _figures(deps, limits))
    renting = partial(rent_a_bike, store=deps.store, bikes=bikes, watch=watch, limits=limits)
    begins = Pace("rents", chosen.limit_rents_per_min)
    returns = Pace("returns", chosen.limit_returns_per_min, by_token=True)
    shown = operations(deps.store, deps.clock, limits, renting, begins=begins, returns=returns)
    retention = (storage.places_kept(chosen.exact_places_days), storage.TRIES_KEPT)
    return Service("rent", shown, REFUSALS, POLICIES, workers=workers, retention=retention)


def _reminder(deps: Dependencies, overdue_ms: int) -> Worker:
    async def look_and_remind() -> int:
        if not await deps.store.read(storage.to_remind, overdue_since(deps.clock.now_ms(), overdue_ms), 1):
            return 0
        return await deps.store.write(remind, REMINDED_AT_ONCE, overdue_ms)

    return Worker("reminder", look_and_remind, lambda: asyncio.sleep(POLL_S), drains=False)


def _figures(deps: Dependencies, limits: Limits) -> Worker:
    declare = deps.metrics.declare
    rents = declare(Gauge, "gbike_rents", "Rents there are, by status", ("service", "status"))
    late = declare(Gauge, "gbike_rides_overdue", "Rides under way for longer than GBIKE_OVERDUE_MIN")
    suspects = declare(Gauge, "gbike_rents_clock_suspect", "Rides whose wall clock and boot clock disagree")

    async def look() -> int:
        there = await deps.store.scan(storage.how_many)
        for status in storage.STATUSES:
            rents.labels("rent", status).set(there[status])
        suspects.labels("rent").set(there[storage.SUSPECT])
        deps.metrics.overdue.labels("rent").set(
            await deps.store.scan(storage.how_many_overdue, deps.clock.now_ms(), limits.stale_after_ms)
        )
        since_ms = overdue_since(deps.clock.now_ms(), limits.overdue_ms)
        late.labels("rent").set(await deps.store.scan(storage.how_many_late, since_ms))
        return 0

    return Worker("figures", look, lambda: asyncio.sleep(POLL_S), drains=False)


SPEC = ServiceSpec(
    name="rent",
    title="Rent: who rides which bike",
    paths=("/rents",),
    publishes=PUBLISHES,
    versions=storage.VERSIONS,
    personal_data=storage.PERSONAL_DATA,
    counted=storage.COUNTED,
    pending=storage.HALF_WAY,
    build=build,
    settings=RentSettings,
    core=True,
    calls=("bike",),
)
