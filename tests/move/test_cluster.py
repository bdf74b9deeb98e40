"""What was moved runs: `gbike cluster up` over it, with open rides, signed-in people and everything that was said."""

import asyncio
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.running import Cluster, ask, begin, end, new_folder, until, why_no_cluster
from tests.move.moving import OPEN, RIDES, a_demo, moved
from tests.move.test_secure import two_people
from tests.services.account.people import CHEAP, KIM, PASSWORD

pytestmark = [
    pytest.mark.skipif(not os.environ.get("GBIKE_FULL"), reason="a cluster of its own: GBIKE_FULL=1"),
    pytest.mark.timeout(400),
]


@contextmanager
def up(data: Path, *flags: str, secure: dict[str, str] | None = None) -> Iterator[Cluster]:
    """The cluster on a folder that was filled; the folder is removed at the end."""
    try:
        begin(data, *flags, secure=secure)
        try:
            yield Cluster(data)
        finally:
            end(data)
    finally:
        shutil.rmtree(data.parent)


@pytest.fixture(autouse=True)
def engines() -> None:
    if (missing := why_no_cluster()) is not None:
        pytest.skip(missing)


def test_open_rides_end_and_every_ride_is_billed_once(tmp_path: Path) -> None:
    folder, data = asyncio.run(a_demo(tmp_path / "data")), new_folder()
    moved(folder, data)
    with up(data, "--empty") as cluster:
        riding = cluster.ask("GET", "/rents?status=rented&size=100").json["_embedded"]["rents"]
        assert len(riding) == OPEN
        for rent in riding:
            assert cluster.ask("PATCH", f"/rents/{rent['rentid']}", {"endlocation": "there"}).status == 200

        def all_closed() -> bool:
            page: dict[str, Any] = cluster.ask("GET", "/billings?size=100&sort=billid,desc").json
            closed = [bill["status"] == "CLOSEBILL" for bill in page["_embedded"]["billings"]]
            return all(closed) and page["page"]["totalElements"] == RIDES + 2 * OPEN

        until(all_closed, 60, "the bills are not closed")
        begun = cluster.ask("POST", "/rents", {"userid": 4, "bikeid": riding[0]["bikeid"]})
        assert begun.status == 201, begun
        assert begun.json["rentid"] == RIDES + 2 * OPEN + 1, "numbers go on"
        assert "0 violations" in cluster.gbike("verify")


def test_who_was_signed_in_before_goes_on(tmp_path: Path) -> None:
    before, data = asyncio.run(two_people(tmp_path / "data")), new_folder()
    moved(before.folder, data)
    with up(data, secure=dict(CHEAP)) as cluster:
        headers = {"authorization": f"Bearer {before.token}"}
        mine = until(lambda: ask("GET", f"{cluster.url}/accounts/1", headers=headers))
        assert mine.status == 200, mine
        assert mine.json["contact"] == KIM
        assert cluster.ask("POST", "/sessions", {"contact": KIM, "password": PASSWORD}).status == 200
        assert "0 violations" in cluster.gbike("verify")
