"""How bike is put together: the one place that sees all of it."""

from gbike.contracts.bike import SAYS
from gbike.kit.runtime import Card, Service, World
from gbike.services.bike.http import REFUSALS, operations
from gbike.services.bike.policies import POLICIES
from gbike.services.bike.storage import TOMBSTONES, VERSIONS, SqlBikes


def build(world: World) -> Service:
    """Bike in a world."""
    bikes = SqlBikes(world.store, world.clock)
    return Service("bike", operations(bikes, world.clock), REFUSALS, POLICIES, keeps=(TOMBSTONES,))


CARD = Card(
    name="bike",
    title="Bike: the fleet, its states and reservations",
    port=8082,
    paths=("/bikes",),
    says=SAYS,
    versions=VERSIONS,
    build=build,
    core=True,
)
