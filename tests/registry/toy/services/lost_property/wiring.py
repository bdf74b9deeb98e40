"""How lostProperty is put together."""

from gbike.contracts.lost_property import PUBLISHES
from gbike.services.lost_property.http import REFUSALS, operations
from gbike.services.lost_property.policies import POLICIES
from gbike.services.lost_property.storage import COUNTED, PERSONAL_DATA, VERSIONS

from gbike.kit.service import Dependencies, Service, ServiceSpec


def build(deps: Dependencies) -> Service:
    """LostProperty over its dependencies."""
    return Service("lost_property", operations(deps.store), REFUSALS, POLICIES)


SPEC = ServiceSpec(
    name="lost_property",
    title="LostProperty: what riders find in a bike's basket",
    paths=("/lostProperties",),
    publishes=PUBLISHES,
    versions=VERSIONS,
    build=build,
    calls=("bike",),
    personal_data=PERSONAL_DATA,
    counted=COUNTED,
)
