"""The databases of an older version's cluster under `gbike cluster up` of today."""

import os
import shutil
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from gbike.run.engines import postgres
from tests.cluster.running import Cluster, ask, begin, end, gbike, new_folder, until, why_no_cluster
from tests.upgrade.kept import OPEN, VERSIONS, fee, packed, restored_in_a_cluster, unpacked

pytestmark = [
    pytest.mark.skipif(not os.environ.get("GBIKE_FULL"), reason="a cluster of its own: GBIKE_FULL=1"),
    pytest.mark.timeout(300),
]


ADMIN = "the-operator\na bicycle at dawn\n"
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


def test_a_secure_cluster_of_before_is_carried_over_to_logins() -> None:
    """It knew one superuser and no password. Started again it has nothing left to do."""
    if (missing := why_no_cluster()) is not None:
        pytest.skip(missing)
    data = new_folder()
    try:
        restored_in_a_cluster(PAST[-1], data)
        admin = data.parent / "admin"
        admin.write_text(ADMIN)
        admin.chmod(0o600)
        for _ in range(2):
            begin(data, "--admin-file", str(admin), secure={"GBIKE_ENV": "production"})
            try:
                cluster = Cluster(data)
                for name, url in cluster.plan.stores.items():
                    with psycopg.connect(url) as own:
                        [owner] = own.execute("SELECT tableowner FROM pg_tables WHERE tablename = 'outbox'").fetchall()
                        assert owner == (name,)
                    with pytest.raises(psycopg.OperationalError, match="no password supplied"):
                        psycopg.connect(postgres.url(cluster.plan.ports["postgres"], name))
                shown = {"contact": "the-operator", "password": "a bicycle at dawn"}
                token = cluster.ask("POST", "/sessions", shown).json["access_token"]
                rents = ask("GET", cluster.url + "/rents", headers={"authorization": f"Bearer {token}"})
                assert rents is not None
                assert rents.json["page"]["totalElements"] > 0
                assert cluster.gbike("verify").endswith("violations\n")
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
