"""How bikeManager is put together: the one place that sees all of it."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from gbike.contracts.bike_manager import PUBLISHES
from gbike.kit import settings
from gbike.kit.service import Dependencies, Service, ServiceSpec
from gbike.services.bike_manager.domain import Numbers
from gbike.services.bike_manager.http import REFUSALS, operations
from gbike.services.bike_manager.policies import POLICIES
from gbike.services.bike_manager.storage import PERSONAL_DATA, SUMS, VERSIONS, own_violations


class ManagerSettings(msgspec.Struct, frozen=True):
    """What may be set of bikeManager."""

    manager_numbers: Annotated[
        Literal["next", "rider"],
        Meta(
            description="number of a manager registered without one; next: the next free; rider: the rider's account's,"
            " and nobody is registered under another account's"
        ),
    ] = "next"


def build(deps: Dependencies) -> Service:
    numbers = Numbers(settings.load(ManagerSettings, deps.env).manager_numbers)
    return Service("bike_manager", operations(deps.store, deps.ids, numbers), REFUSALS, POLICIES)


SPEC = ServiceSpec(
    name="bike_manager",
    title="BikeManager: the field staff's points",
    paths=("/bikeManagers",),
    publishes=PUBLISHES,
    versions=VERSIONS,
    personal_data=PERSONAL_DATA,
    sums=SUMS,
    violations=own_violations,
    build=build,
    settings=ManagerSettings,
)
