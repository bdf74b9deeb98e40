"""The console's lists are read anew: what others change is there without a reload, and many changes are one look."""

import itertools
import re

import pytest

from tests.pages.browser import Demo, eventually
from tests.pages.conftest import NewOperator

pytestmark = pytest.mark.timeout(300)
PLACE, RIDDEN = "새로운_구역", "타는_구역"
MOMENT_MS, UNTOLD_MS = 4_000, 15_000
"""More than between two looks because of changes, and between two where nothing is told."""
RIDES = 8
_riders = itertools.count(61_001)


def test_a_list_of_bikes_shows_what_others_change_though_nobody_tells_of_bikes(
    operator: NewOperator, demo: Demo
) -> None:
    one = operator("en-US")
    one.page.clock.install()
    bikeid = demo.new_bike(PLACE)
    one.go(f"#/bikes?place={PLACE}")
    rows = one.page.get_by_role("row")
    row = rows.filter(has_text=str(bikeid))
    row.get_by_text("80").wait_for()
    demo.ask("PATCH", f"/bikes/{bikeid}", {"batterylevel": 7})
    other = demo.new_bike(PLACE)
    one.page.clock.run_for(UNTOLD_MS)
    row.get_by_text("7%").wait_for()
    rows.filter(has_text=str(other)).wait_for()
    demo.ask("PUT", f"/bikes/{other}/holds/staff", {"reason": "a flat tyre"})
    one.page.clock.run_for(UNTOLD_MS)
    rows.filter(has_text=str(other)).get_by_text("Out of service").wait_for()


def test_a_ride_elsewhere_is_in_the_lists_at_once(operator: NewOperator, demo: Demo) -> None:
    one = operator("en-US")
    bikeid = demo.new_bike(RIDDEN)
    one.go(f"#/bikes?place={RIDDEN}&status=사용중")
    one.page.locator(".server-list .empty").wait_for()
    rent = demo.ask("POST", "/rents", {"userid": 1005, "bikeid": bikeid})
    one.page.locator(".rows .number a", has_text=str(bikeid)).wait_for()
    demo.ask("PATCH", f"/rents/{rent['rentid']}", {"endlocation": RIDDEN})
    one.page.locator(".server-list .empty").wait_for()


@pytest.mark.parametrize(
    ("page", "looks"),
    [("#/rides", r"/rents\?overdue=true"), ("#/money", r"/billings\?"), ("#/rider/1003", r"/userDeposits/1003$")],
)
def test_many_rides_elsewhere_are_one_look(operator: NewOperator, demo: Demo, page: str, looks: str) -> None:
    one = operator("en-US")
    one.page.clock.install()
    one.go(page)
    one.page.locator(".server-list .paging").wait_for()
    asked: list[str] = []
    one.page.on("request", lambda request: asked.append(request.url) if re.search(looks, request.url) else None)
    for userid in itertools.islice(_riders, RIDES):
        demo.ask("POST", "/userDeposits", {"userid": userid, "deposit": 10_000})
        rent = demo.ask("POST", "/rents", {"userid": userid, "bikeid": demo.new_bike(PLACE)})
        demo.ask("PATCH", f"/rents/{rent['rentid']}", {"endlocation": PLACE})
    eventually(lambda: demo.ask("GET", f"/rentAndBillingViews?userid={userid}")["page"]["totalElements"])

    def looked() -> bool:
        one.page.clock.run_for(MOMENT_MS)
        return bool(asked)

    eventually(looked)
    one.page.clock.run_for(MOMENT_MS)
    assert len(asked) <= 3, "each of them was a look"
