"""The databases of an older version's cluster under `gbike cluster up` of today."""

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster.running import Cluster, begin, end, gbike, new_folder, until, why_no_cluster
from tests.upgrade.kept import OPEN, VERSIONS, fee, packed, restored_in_a_cluster, unpacked

pytestmark = [
    pytest.mark.skipif(not os.environ.get("GBIKE_FULL"), reason="a cluster of its own: GBIKE_FULL=1"),
    pytest.mark.timeout(300),
]


PAST = [version / "postgres" for version in VERSIONS]
BACKUPS = [archive for past in PAST if (archive := packed(past))]


@pytest.fixture(params=[*PAST, *BACKUPS], ids=lambda path: "-".join(path.parts[-3 if path.is_file() else -2 :]))
def upgraded(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """Today's cluster on that data, or on what was restored of that backup."""
    if (missing := why_no_cluster()) is not None:
        pytest.skip(missing)
    data = new_folder()
    try:
        if request.param.is_file():
            done = gbike("restore", str(unpacked(request.param, data.parent / "backup")), "--data", str(data))
            assert done.returncode == 0, done.stderr
        else:
            restored_in_a_cluster(request.param, data)
        begin(data, "--empty")
        try:
            yield Cluster(data)
        finally:
            end(data)
    finally:
        shutil.rmtree(data.parent)


def test_open_rides_end_and_every_bill_is_closed(upgraded: Cluster) -> None:
    for rentid in OPEN:
        assert upgraded.ask("PATCH", f"/rents/{rentid}", {"endlocation": "there"}).status == 200

    def bills() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = upgraded.ask("GET", "/billings").json["_embedded"]["billings"]
        return found if [bill["status"] for bill in found] == ["CLOSEBILL"] * 7 else []

    found = until(bills, 60, "the bills are not closed")
    assert {bill["rentid"]: bill["fee"] for bill in found} == {bill["rentid"]: fee(bill) for bill in found}
    assert "0 violations" in upgraded.gbike("verify")
