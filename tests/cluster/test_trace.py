"""One ride, followed through Envoy, PostgreSQL and Kafka from the stores alone."""

import re

from tests.cluster.running import Cluster, gbike, until
from tests.cluster.test_cluster import bike, ride


def test_a_ride_is_followed_through_every_program(cluster: Cluster) -> None:
    rentid = ride(cluster, bike(cluster))

    def told() -> str | None:
        text = cluster.gbike("trace", str(rentid))
        return text if "events · 이벤트 8, handled · 처리 14, waiting · 대기 0, set aside · 실패 0" in text else None

    lines = until(told, what="the ride was not handled by all").splitlines()
    assert lines[0].startswith(f"rent:{rentid}: requests · 요청 2,")
    # Without their brothers' order: how deep each event hangs below its request, and who said it.
    depths = {found[2]: len(found[1]) // 3 for line in lines if (found := re.search(r"ms  ([│├└─ ]+)(\w+ \w+)", line))}
    assert depths == {
        "bike ChkAndUpdatedStatus": 1,
        "rent Rented": 1,
        "billing RegisteredBill": 2,
        "rent Returned": 1,
        "bike UpdatedBike": 2,
        "billing CalculatedFee": 2,
        "userDeposit UpdatedDeposit": 3,
        "billing ClosedBill": 4,
    }


def test_what_the_cluster_does_not_know_is_said(cluster: Cluster) -> None:
    done = gbike("trace", "no-such-request", "--data", str(cluster.data))
    assert done.returncode == 1
    assert "nothing is known of no-such-request" in done.stderr
