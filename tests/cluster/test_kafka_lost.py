"""Kafka's folder is removed under a cluster that is stopped, with events in it that nobody has heard."""

import os
import shutil

import pytest

from gbike.run.engines import kafka
from gbike.run.folder.data_folder import DataFolder
from tests.cluster.running import Cluster, begin, end, gbike, new_folder, until, why_no_cluster
from tests.cluster.test_cluster import bike, ride, settled

FULL = bool(os.environ.get("GBIKE_FULL"))
RIDES = 5


@pytest.mark.skipif(not FULL, reason="a cluster of its own, started twice: GBIKE_FULL=1")
def test_after_the_next_start_every_ride_is_billed_once_and_the_loss_is_told() -> None:
    if (missing := why_no_cluster() or kafka.why_not()) is not None:
        pytest.skip(missing)
    data = new_folder()
    try:
        begin(data, "--empty")
        first = Cluster(data)
        number = bike(first)
        heard = ride(first, number)
        until(lambda: settled(first, heard), what="the bill was not closed")
        first.gbike("demo-fault", "stop", "billing")
        rents = [ride(first, bike(first)) for _ in range(RIDES)]
        end(data)
        shutil.rmtree(data / "kafka" / "data")
        done = gbike("doctor", "--data", str(data))
        assert done.returncode == 1
        assert "log-lost" in done.stdout
        begin(data, "--empty")
        again = Cluster(data)
        assert "there is no data of Kafka" in again.printed
        for rentid in rents:
            until(lambda rentid=rentid: settled(again, rentid), 120, "a ride is not billed")  # type: ignore[misc]
        assert again.gbike("verify").splitlines()[-1] == "0 violations"
        assert again.ask("GET", "/billings").json["page"]["totalElements"] == RIDES + 1
    finally:
        if DataFolder(data).holder() is not None:
            end(data)
        shutil.rmtree(data.parent)
