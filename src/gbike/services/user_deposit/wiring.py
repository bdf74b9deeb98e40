"""How userDeposit is put together: the one place that sees all of it."""

from gbike.contracts.user_deposit import SAYS
from gbike.kit.runtime import Card, Service, World
from gbike.services.user_deposit.http import REFUSALS, operations
from gbike.services.user_deposit.policies import POLICIES
from gbike.services.user_deposit.storage import VERSIONS, SqlDeposits


def build(world: World) -> Service:
    """UserDeposit in a world."""
    return Service("user_deposit", operations(SqlDeposits(world.store, world.ids)), REFUSALS, POLICIES)


CARD = Card(
    name="user_deposit",
    title="UserDeposit: riders' money",
    port=8084,
    paths=("/userDeposits",),
    says=SAYS,
    versions=VERSIONS,
    build=build,
)
