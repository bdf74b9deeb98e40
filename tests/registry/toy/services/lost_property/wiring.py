"""How lostProperty is put together."""

from gbike.contracts.lost_property import PUBLISHES
from gbike.services.lost_property.http import REFUSALS, operations
from gbike.services.lost_property.policies import POLICIES
from gbike.services.lost_property.storage import COUNTED, HOLDS, VERSIONS

from gbike.kit.runtime import Card, Service, World


def build(world: World) -> Service:
    """LostProperty in a world."""
    return Service("lost_property", operations(world.store), REFUSALS, POLICIES)


CARD = Card(
    name="lost_property",
    title="LostProperty: what riders find in a bike's basket",
    paths=("/lostProperties",),
    publishes=PUBLISHES,
    versions=VERSIONS,
    build=build,
    calls=("bike",),
    holds=HOLDS,
    counted=COUNTED,
)
