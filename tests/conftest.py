"""Fixtures that tests of many kinds share."""

from collections.abc import AsyncIterator

import pytest

from gbike.app.embedded import Embedded
from tests.support import EVERY_RIDE_COSTS, Client


@pytest.fixture
def env(request: pytest.FixtureRequest) -> dict[str, str]:
    """The settings of `embedded`; `@pytest.mark.parametrize("env", [...], indirect=True)` or override to change."""
    return dict(getattr(request, "param", EVERY_RIDE_COSTS))


@pytest.fixture
async def embedded(env: dict[str, str]) -> AsyncIterator[Embedded]:
    """All services in memory, every write rehearsed (run twice), stepped by `await embedded.settle()`."""
    whole = Embedded(None, env, rehearse=True)
    yield whole
    await whole.stop()


@pytest.fixture
def client(embedded: Embedded) -> Client:
    """A client of `embedded` through its gateway."""
    return Client(embedded.app)
