"""How bikeManageApp is put together: the one place that sees all of it."""

import asyncio
from functools import partial
from typing import Annotated, Literal

from msgspec import Meta

from gbike.contracts.bike_manage_app import PUBLISHES
from gbike.kit import settings
from gbike.kit.auth.limits import Pace
from gbike.kit.calls.peers import Breaker, BreakerSettings
from gbike.kit.service import POLL_S, STALE_AFTER_MS, Dependencies, Service, ServiceSpec, Worker
from gbike.services.bike_manage_app.clients import BikeClient
from gbike.services.bike_manage_app.commands import sweep
from gbike.services.bike_manage_app.domain import Earning, PointsFor
from gbike.services.bike_manage_app.http import REFUSALS, complaint_operations, operations
from gbike.services.bike_manage_app.policies import POLICIES
from gbike.services.bike_manage_app.saga import complain_of_a_bike, report_a_bike
from gbike.services.bike_manage_app.storage import HALF_WAY, PERSONAL_DATA, VERSIONS, complaints, how_many_overdue

SWEPT_AT_ONCE = 100


class ReportSettings(BreakerSettings, frozen=True):
    """What may be set of bikeManageApp."""

    report_deadline_ms: Annotated[int, Meta(gt=0, description="bike must apply a report within this, ms")] = 600
    report_in_flight: Annotated[int, Meta(gt=0, description="reports under way at once")] = 16
    report_waiting: Annotated[int, Meta(ge=0, description="reports that may wait for a place")] = 256
    sweep_every_ms: Annotated[int, Meta(gt=0, description="pending reports past their deadline are looked for, ms")] = (
        2_000
    )
    points_for: Annotated[
        Literal["reports", "changes"],
        Meta(description="reports: each earns points; changes: only one that changed a bike's battery or fault"),
    ] = "reports"
    points_per_bike: Annotated[
        int, Meta(ge=0, description="reports of one bike that are paid to a manager in 30 min; 0: no limit")
    ] = 0
    points_per_day: Annotated[int, Meta(ge=0, description="points a manager may earn in 24 h; 0: no limit")] = 0
    limit_reports_per_min: Annotated[int, Meta(ge=0, description="reports a minute and account; 0: no limit")] = 30
    limit_complaints_per_min: Annotated[int, Meta(ge=0, description="complaints a minute and account; 0: no limit")] = (
        10
    )

    @property
    def earning(self) -> Earning:
        return Earning(PointsFor(self.points_for), self.points_per_bike, self.points_per_day)


def build(deps: Dependencies) -> Service:
    """BikeManageApp over its dependencies."""
    chosen = settings.load(ReportSettings, deps.env)
    stale_after_ms = chosen.report_deadline_ms + STALE_AFTER_MS
    breaker = Breaker(chosen, deps.clock, deps.chance, deps.metrics.watch_breaker("bike_manage_app", "report"))
    bikes = BikeClient(
        deps.caller("bike"),
        breaker,
        deps.clock,
        deadline_ms=chosen.report_deadline_ms,
        in_flight=chosen.report_in_flight,
        waiting=chosen.report_waiting,
    )
    swept = deps.metrics.swept.labels("bike_manage_app")

    async def give_up_late_ones() -> int:
        found = await deps.store.write(sweep, SWEPT_AT_ONCE, stale_after_ms)
        swept.inc(found)
        return found

    sweeper = Worker("sweeper", give_up_late_ones, lambda: asyncio.sleep(chosen.sweep_every_ms / 1000))
    late = deps.metrics.overdue.labels("bike_manage_app")

    async def look() -> int:
        late.set(await deps.store.scan(how_many_overdue, deps.clock.now_ms(), stale_after_ms))
        return 0

    workers = (sweeper, Worker("figures", look, lambda: asyncio.sleep(POLL_S), drains=False))
    pace = Pace("reports", chosen.limit_reports_per_min)
    reporting = partial(
        report_a_bike, store=deps.store, bikes=bikes, stale_after_ms=stale_after_ms, earning=chosen.earning
    )
    shown = operations(deps.store, reporting, pace)
    complaining = partial(complain_of_a_bike, store=deps.store, bikes=bikes)
    shown += complaint_operations(deps.store, complaining, Pace("complaints", chosen.limit_complaints_per_min))
    return Service("bike_manage_app", shown, REFUSALS, POLICIES, workers=workers, retention=(complaints.KEPT,))


SPEC = ServiceSpec(
    name="bike_manage_app",
    title="BikeManageApp: field staff's reports and riders' complaints",
    paths=("/bikeManageApps", "/complaints"),
    publishes=PUBLISHES,
    versions=VERSIONS,
    personal_data=PERSONAL_DATA,
    pending=HALF_WAY,
    build=build,
    settings=ReportSettings,
    calls=("bike",),
)
