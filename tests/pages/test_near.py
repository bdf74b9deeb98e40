"""What is near is found in a large fleet."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.pages.browser import Demo
from tests.pages.conftest import NewRider

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(not os.environ.get("GBIKE_FULL"), reason="only at full size: GBIKE_FULL=1"),
]
BIKES, HERE = 3_000, {"latitude": 37.5, "longitude": 127.0}


@pytest.fixture
def fleet(demo: Demo) -> Demo:
    """Of these bikes only the last one, which no first page of the fleet has, is where the rider is."""

    def register(number: int) -> None:
        near = number == BIKES
        place = (
            {"location": "here", "lat": 37.5001, "lon": 127.0} if near else {"lat": 36.9 + number / 1e5, "lon": 127.3}
        )
        demo.ask(
            "POST",
            "/bikes",
            {"bikeid": 10_000 + number, "batterylevel": 70, "location": f"용인_{number % 9}구역", **place},
        )

    with ThreadPoolExecutor(8) as many:
        list(many.map(register, range(1, BIKES + 1)))
    return demo


def test_the_nearest_bike_is_first_among_three_thousand(rider: NewRider, fleet: Demo) -> None:
    whole = fleet.ask("GET", "/bikes?size=1")["page"]["totalElements"]
    one = rider("en-US", geolocation=HERE, permissions=["geolocation"])
    one.page.get_by_role("heading", name=f"{whole} bikes ready to ride").wait_for()
    one.see("These are 1000 of them.")
    assert one.page.locator(".place", has_text="here").count() == 0
    one.tap("Nearest first")
    one.see("These are the 300 nearest.")
    assert one.page.locator(".place h2").first.inner_text().startswith("here")
    one.page.locator(".place").first.get_by_role("link", name=f"Bike {10_000 + BIKES}").wait_for()
    one.tap("Map")
    one.page.locator(".pin").first.wait_for()
