"""kill -9 at any moment of a first start or an upgrade: every folder starts, with its bikes, and nothing is wrong."""

import os
import random
from pathlib import Path

import pytest

from gbike.run.seed import BIKES_PER_ZONE, RIDERS, ZONES
from tests.folder.demo import Demo
from tests.upgrade.kept import put_back

UPGRADE = Path(__file__).parents[1] / "upgrade"
BIKES = {None: BIKES_PER_ZONE * len(ZONES), "c943df6/demo": 8, "0.1.0": 3}
"""What a start begins with: nothing, or what a release left; and how many bikes are there then."""
KILLS = int(os.environ.get("GBIKE_START_KILLS") or (20 if os.environ.get("GBIKE_FULL") else 2))

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def takes_s(tmp_path_factory: pytest.TempPathFactory) -> float:
    """How long a first start takes on this machine."""
    with Demo(tmp_path_factory.mktemp("whole") / "data") as demo:
        took_s = demo.start()
        assert demo.end() == 0
    return took_s


@pytest.mark.parametrize("number", range(KILLS))
def test_a_folder_starts_whenever_its_start_was_killed(number: int, takes_s: float, tmp_path: Path) -> None:
    left, bikes = list(BIKES.items())[number % len(BIKES)]
    data = tmp_path / "x?1%20한글"  # a folder like any other
    if left is not None:
        data.mkdir()
        put_back(UPGRADE / left, data)
    with Demo(data) as demo:
        demo.launch()
        demo.killed_after(random.Random(number).uniform(0, takes_s))
        demo.start()
        assert demo.count("/bikes") == bikes
        if left is None:
            assert (demo.count("/userDeposits"), demo.count("/bikeManagers")) == (RIDERS, 1)
        assert demo.end() == 0
        assert demo.violations() == []
