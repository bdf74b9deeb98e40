"""The original's circuit breaker test: bike is slow, five users post rents or reports, and each is told so at once."""

from pathlib import Path

import pytest

from tests.cluster.running import Reply, until
from tests.kubernetes.conftest import Platform
from tests.kubernetes.pods import SOON_S, Pods, answer, new_bike, restarts, taken, verified
from tests.kubernetes.siege import siege

pytestmark = pytest.mark.timeout(400)

SLOW_MS = "2000"
"""Longer than both callers wait: rent 1.2 s, bikeManageApp 0.6 s."""
USERS, SIEGE_S = 5, 10
FAST_S = 0.5
"""What an answer may take for which nobody was asked, on a busy machine; else it takes some ms."""
RENT = '{"bikeid": "%d", "userid": "1"}'
REPORT = '{"managerid": "1", "bikeid": "%d", "batterylevel": "50", "usableyn": "true"}'


def test_a_slow_bike_is_refused_quickly_and_leaves_no_bike_behind(platform: Platform, tmp_path: Path) -> None:
    rent, bike = Pods(platform, "rent"), Pods(platform, "bike")
    bikeid = new_bike(platform)
    before = {pod["metadata"]["name"]: restarts(pod) for pod in rent.all()}
    bike.set(GBIKE_DEMO_SLOW_MS=SLOW_MS)
    try:
        for path, body in (("/rents", RENT), ("/bikeManageApps", REPORT)):
            with siege(tmp_path, f"{platform.url}{path} POST {body % bikeid}", USERS, SIEGE_S) as seen:
                refused = until(lambda path=path: circuit_open(platform, path, bikeid), SOON_S, "the breaker is closed")
                assert int(refused.headers["retry-after"]) >= 1
            print(f"{path}: {seen}")
            fast = [one for one in seen.transactions if one.took_s <= FAST_S]
            assert (seen.count(503), seen.broken) == (len(seen.transactions), 0), seen
            assert len(fast) > 0.8 * len(seen.transactions) > 50, seen
    finally:
        bike.set(GBIKE_DEMO_SLOW_MS=None)
    for path in ("/rents", "/bikeManageApps"):
        until(lambda path=path: accepted(platform, path, bikeid), SOON_S, "the breaker does not close by itself")
    assert before.items() <= {pod["metadata"]["name"]: restarts(pod) for pod in rent.all()}.items()
    assert verified(platform, tmp_path) == "0 violations"


def circuit_open(platform: Platform, path: str, bikeid: int) -> Reply | None:
    """The answer for which bike was not asked; None when it was."""
    told = post(platform, path, bikeid)
    return told if told.status == 503 and told.json["type"].endswith("#circuit-open") else None


def accepted(platform: Platform, path: str, bikeid: int) -> bool:
    """Whether it is taken again; a rent is returned, so that the bike is free for the next."""
    told = post(platform, path, bikeid)
    if told.status == 201 and path == "/rents":
        taken(platform, "PATCH", f"/rents/{told.json['rentid']}", {"endlocation": "정자"})
    return told.status in (200, 201)


def post(platform: Platform, path: str, bikeid: int) -> Reply:
    """What one user is told."""
    rent, report = {"bikeid": bikeid, "userid": bikeid}, {"bikeid": bikeid, "managerid": 1, "batterylevel": 50}
    return answer(platform, "POST", path, rent if path == "/rents" else report)
