"""`gbike verify` looks at a copy of what is under way, once that has come to its end there."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gbike.cli import verify
from gbike.run.embedded import Embedded
from gbike.run.folder.data_folder import DataFolder
from gbike.services.bike_manage_app.commands import take_down_a_report
from gbike.services.bike_manage_app.domain import State
from gbike.services.rent.commands import ask_for_a_bike
from gbike.services.rent.domain import Limits
from tests.support import EVERY_RIDE_COSTS

A_DEADLINE_MS = 4_000
BEGUN: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "rent": (ask_for_a_bike, (1, 7, Limits(A_DEADLINE_MS))),
    "bike_manage_app": (take_down_a_report, (State(1, 7, 50, False), None, A_DEADLINE_MS)),
}


@pytest.mark.parametrize("service", BEGUN)
async def test_what_has_its_deadline_ahead_is_no_violation(service: str, tmp_path: Path) -> None:
    embedded = Embedded(DataFolder(tmp_path), EVERY_RIDE_COSTS)
    command, args = BEGUN[service]
    await embedded.stores()[service].write(command, *args)
    await embedded.stop()
    told: list[str] = []
    assert await verify.verify(DataFolder(tmp_path), EVERY_RIDE_COSTS, told.append) == 0, told
