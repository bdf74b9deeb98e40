"""Installations of each form: the folder of a process that ended, of one that runs, and a cluster's databases."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gbike.run.cluster import wait_idle
from gbike.run.cluster.plan import Plan, keep_plan
from gbike.run.control import Control
from gbike.run.embedded import Embedded
from gbike.run.folder.data_folder import DataFolder
from gbike.run.hosting import running_verbs
from tests.cluster.running import why_no_cluster
from tests.journeys.engines import Databases, House
from tests.repair.installation import Breaking, Installation, Make
from tests.support import EVERY_RIDE_COSTS


@pytest.fixture(scope="module")
def databases(request: pytest.FixtureRequest) -> Databases | None:
    """On a server that does not wait for the disk; None without PostgreSQL."""
    return None if why_no_cluster() is not None else Databases(request.getfixturevalue("server"))


@pytest.fixture
async def make(tmp_path: Path, databases: Databases | None, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Make]:
    """Makes an installation of a form and breaks it."""
    monkeypatch.setattr(wait_idle, "POLL_S", 0.01)
    monkeypatch.setattr(wait_idle, "UNHEARD_S", 0.1)
    monkeypatch.setattr(wait_idle, "APART_S", 0.1)
    folder, closing = DataFolder(tmp_path / "data"), []

    async def made(form: str, breaking: Breaking) -> Installation:
        if form == "databases":
            if databases is None:
                pytest.skip(why_no_cluster() or "")
            urls = databases.emptied()
            house: Embedded = House(urls)
            folder.path.mkdir()
            keep_plan(Plan("http://127.0.0.1:1", "127.0.0.1:1", urls, [], {}), folder.path)
        else:
            house = Embedded(folder, EVERY_RIDE_COSTS)
        await breaking(house)
        if form == "stopped":
            await house.stop()
            return Installation(folder)
        closing.append(house.stop)
        if form == "running":
            folder.acquire("gbike demo")
            control = Control(folder.path)
            await control.start(running_verbs(house))
            folder.announce("gbike demo", control=control.path)
            closing.append(control.stop)
        return Installation(folder, house)

    yield made
    for close in reversed(closing):
        await close()
    folder.release()
