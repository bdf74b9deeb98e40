"""How bikeManager is put together: the one place that sees all of it."""

from gbike.contracts.bike_manager import SAYS
from gbike.kit.runtime import Card, Service, World
from gbike.services.bike_manager.http import REFUSALS, operations
from gbike.services.bike_manager.policies import POLICIES
from gbike.services.bike_manager.storage import HOLDS, VERSIONS, SqlManagers


def build(world: World) -> Service:
    """BikeManager in a world."""
    return Service("bike_manager", operations(SqlManagers(world.store, world.ids)), REFUSALS, POLICIES)


CARD = Card(
    name="bike_manager",
    title="BikeManager: the field staff's points",
    port=8087,
    paths=("/bikeManagers",),
    says=SAYS,
    versions=VERSIONS,
    holds=HOLDS,
    build=build,
)
