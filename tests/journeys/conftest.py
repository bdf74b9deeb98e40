"""The forms in which gbike runs, for journeys that hold in each of them."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from gbike.run.embedded import Embedded
from tests.cluster.running import Cluster
from tests.journeys.forms import Form, InMemory, OnCluster
from tests.support import EVERY_RIDE_COSTS

PATIENCE_S = 20
"""The gateway gives up long before; with so many connections at once nobody waits for another's."""


@pytest.fixture(params=["in memory", "cluster"])
def form(request: pytest.FixtureRequest) -> Form:
    """Each form in turn. Both charge EVERY_RIDE_COSTS."""
    found: Form = request.getfixturevalue("in_memory" if request.param == "in memory" else "on_cluster")
    return found


@pytest.fixture
async def in_memory() -> AsyncIterator[InMemory]:
    """All services in this process."""
    whole = Embedded(None, EVERY_RIDE_COSTS)
    yield InMemory(whole)
    await whole.stop()


@pytest.fixture
async def on_cluster(cluster: Cluster) -> AsyncIterator[OnCluster]:
    """The cluster that the tests of a run share, healed again afterwards."""
    timeout, connector = aiohttp.ClientTimeout(total=PATIENCE_S), aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
        form = OnCluster(cluster, session)
        yield form
        await form.heal()
