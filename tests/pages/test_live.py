"""What happens elsewhere is on the page at once, and where nothing is told the page goes on asking."""

from collections.abc import Callable
from urllib.request import urlopen

import pytest

from tests.pages.browser import Demo, Rider, eventually
from tests.pages.conftest import NewRider
from tests.pages.words import KO, won

pytestmark = pytest.mark.timeout(300)
AT_ONCE_MS = 5_000
"""A third of the time after which a page asks by itself."""
OPEN = 'gbike_streams{service="rent_and_billing_view"} 1.0'
CHANGES = "**/rentAndBillingViews/changes"


def riding(rider: NewRider, demo: Demo, before: Callable[[Rider], None] = lambda _: None) -> tuple[Rider, int]:
    """A rider who looks at a ride that was begun elsewhere, and its number."""
    one = rider()
    before(one)
    rentid: int = demo.ask("POST", "/rents", {"userid": one.userid, "bikeid": demo.new_bike()})["rentid"]
    one.reload(one.page.get_by_role("timer"))
    return one, rentid


def metrics(demo: Demo) -> str:
    """What it counts."""
    with urlopen(demo.url + "/metrics", timeout=10) as answer:
        page: str = answer.read().decode()
        return page


def test_a_ride_returned_elsewhere_leaves_the_page_at_once(rider: NewRider, demo: Demo) -> None:
    one, rentid = riding(rider, demo)
    demo.ask("PATCH", f"/rents/{rentid}", {"endlocation": "정자"})
    one.page.get_by_text(KO["no ride"]).wait_for(timeout=AT_ONCE_MS)
    one.go("#/rides")
    fee = demo.ask("GET", f"/billings/search/findByRentid?rentid={rentid}")["fee"]
    one.page.locator(".money", has_text=won(10_000 - fee, KO)).wait_for(timeout=AT_ONCE_MS)
    demo.ask("POST", f"/userDeposits/{one.userid}/topUps", {"amount": 77_000})
    one.page.locator(".money", has_text=won(87_000 - fee, KO)).wait_for(timeout=AT_ONCE_MS)


def test_where_nothing_is_told_the_page_asks_by_itself(rider: NewRider, demo: Demo) -> None:
    def block(one: Rider) -> None:
        one.page.clock.install()
        one.context.route(CHANGES, lambda route: route.abort())

    one, rentid = riding(rider, demo, block)
    demo.ask("PATCH", f"/rents/{rentid}", {"endlocation": "정자"})
    one.page.clock.run_for(4_000)
    assert one.page.get_by_role("timer").is_visible()
    one.page.clock.run_for(12_000)
    one.page.get_by_text(KO["no ride"]).wait_for()


def test_after_a_restart_the_page_is_told_again(rider: NewRider, demo: Demo) -> None:
    one, rentid = riding(rider, demo)
    demo.stop()
    demo.start()
    eventually(lambda: OPEN in metrics(demo), within_s=30)
    demo.ask("PATCH", f"/rents/{rentid}", {"endlocation": "정자"})
    one.page.get_by_text(KO["no ride"]).wait_for(timeout=AT_ONCE_MS)
