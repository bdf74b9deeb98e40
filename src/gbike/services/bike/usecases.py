"""One function per sentence of the requirements."""

from collections.abc import Callable
from functools import partial

from gbike.kit.acting import IdempotencyKey as Once
from gbike.services.bike.domain import Bike, reported, retired
from gbike.services.bike.ports import Bikes


async def register_a_bike(bike: Bike, *, bikes: Bikes, once: Once | None = None) -> Bike:
    """R1: an operator registers a bike."""
    return await bikes.add(bike, once)


async def change_a_bike(bikeid: int, decide: Callable[[Bike], Bike], *, bikes: Bikes, once: Once | None = None) -> Bike:
    """R1: an operator moves a bike, takes it out of service, marks it broken, or puts it back."""
    return await bikes.change(bikeid, decide, once)


async def retire_a_bike(bikeid: int, *, bikes: Bikes, once: Once | None = None) -> Bike:
    """A bike leaves the fleet for good; it is never deleted, so that its rides keep their bike (flaw 24)."""
    return await bikes.change(bikeid, retired, once)


async def reserve_a_bike(bikeid: int, *, for_rent: int, until_ms: float, bikes: Bikes) -> None:
    """R3: when the bike is 사용가능 it becomes 사용중, for this one rent and nobody else."""
    await bikes.reserve(bikeid, for_rent, until_ms)


async def apply_a_report(
    bikeid: int, reportid: int, batterylevel: int, usableyn: bool | None, *, until_ms: float, bikes: Bikes
) -> tuple[Bike, int]:
    """R10: a manager's report sets the battery and whether the bike is broken. Answers also which report changed it
    last."""
    return await bikes.report(
        bikeid, reportid, partial(reported, batterylevel=batterylevel, usableyn=usableyn), until_ms
    )


async def look_at_a_bike(bikeid: int, *, bikes: Bikes) -> Bike:
    """R13: managers look up a bike's state."""
    return await bikes.one(bikeid)
