"""Sweepers cancel what a process that died left behind, and nothing that is under way."""

import pytest

from gbike.kit.service import ServiceSpec
from gbike.services.bike_manage_app.wiring import SPEC as REPORTS
from gbike.services.rent.wiring import SPEC as RENT
from tests.services.lone import Lone


@pytest.mark.parametrize(
    ("spec", "path", "wish"),
    [
        (RENT, "/rents", {"userid": 3, "bikeid": 1}),
        (REPORTS, "/bikeManageApps", {"managerid": "1", "bikeid": "7", "batterylevel": "50", "usableyn": "true"}),
    ],
    ids=["rent", "report"],
)
async def test_what_bike_takes_at_the_last_moment_is_not_swept_before_it_counts(
    spec: ServiceSpec, path: str, wish: dict[str, object]
) -> None:
    """What comes before and after bike's answer takes its own time on a busy machine."""
    lone = Lone(spec)

    async def two_seconds() -> None:
        lone.clock.at_ms += 2_000
        assert await lone.worker("sweeper").step() == 0

    lone.peer.meanwhile = two_seconds
    assert (await lone.client.post(path, wish)).status == 201
