"""What pages show while nobody answers: a line that is lost, and one on which no data comes."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.pages.browser import DESKTOP, Demo, Rider, eventually
from tests.pages.conftest import NewOperator, NewRider
from tests.pages.line import Line
from tests.pages.test_rider import rent
from tests.pages.town import secure_town
from tests.pages.words import EN, KO, Words

pytestmark = pytest.mark.timeout(300)
BOTH = pytest.mark.parametrize("words", [KO, EN], ids=["ko", "en"])
WITHIN_MS = 3_000
ANSWERED_MS = "performance.getEntriesByType('navigation')[0].responseStart"
"""How long the worker let the page wait, whatever else the machine does."""
WHOLE = "async () => Boolean(await caches.match('/app/', { ignoreVary: true }))"
PLACE = "분당 정자역 1구역"


def kept(one: Rider) -> None:
    """Return when the service worker has the page whole and answers for it."""
    one.page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    eventually(lambda: one.page.evaluate(WHOLE))
    eventually(lambda: one.page.evaluate("Boolean(navigator.serviceWorker.controller)"))


@pytest.fixture
def line(demo: Demo) -> Iterator[Line]:
    """To the demo."""
    with Line(demo) as found:
        yield found


def on(line: Line, browser: Browser, demo: Demo, userid: int, locale: str) -> Rider:
    """A rider with money, at the end of a line."""
    demo.ask("POST", "/userDeposits", {"userid": userid, "deposit": 10_000})
    return Rider(browser, line, userid, locale)


@BOTH
def test_a_page_opens_from_what_is_kept_where_no_data_comes_and_says_so(
    browser: Browser, demo: Demo, line: Line, words: Words
) -> None:
    one = on(line, browser, demo, {"ko": 7_101, "en": 7_102}[words["locale"][:2]], words["locale"])
    one.page.locator(".place").first.wait_for()
    kept(one)
    line.be_silent()
    one.page.reload()
    one.see(words["last known"])
    assert one.page.evaluate(ANSWERED_MS) < WITHIN_MS
    one.page.locator(".place").first.wait_for(timeout=1000)
    line.speak()
    one.page.locator(".offline").wait_for(state="detached")
    assert one.clean == []
    one.close()


def test_what_is_read_is_shown_as_it_was_known_last_while_no_data_comes(
    browser: Browser, demo: Demo, line: Line
) -> None:
    one = on(line, browser, demo, 7_103, "ko-KR")
    rent(one, demo.new_bike())
    one.go("#/rides")
    ride = one.page.locator(".lines li").first
    ride.wait_for()
    one.go("#/")
    kept(one)
    line.be_silent()
    one.page.clock.install()
    one.go("#/rides")
    one.page.clock.run_for(WITHIN_MS)
    ride.wait_for()
    one.see(KO["last known"])
    line.speak()
    one.page.locator(".offline").wait_for(state="detached")
    assert one.clean == []
    one.close()


@BOTH
def test_a_ride_is_there_after_a_reload_without_a_line_and_its_return_says_what_it_costs(
    rider: NewRider, demo: Demo, words: Words
) -> None:
    one = rider(words["locale"])
    rent(one, demo.new_bike(), words)
    kept(one)
    one.context.set_offline(True)
    one.reload(one.page.get_by_role("timer"))
    one.see(words["last known"])
    one.tap(words["return"])
    one.see(words["charged now"])
    one.leave_at(PLACE)
    one.reload(one.page.locator(".options label.on", has_text=PLACE))
    assert one.page.locator("#other").input_value() == PLACE
    one.tap(words["here"])
    one.see(words["not yet"])
    one.see(words["charged at tap"])
    one.go("#/ride")
    stands = one.page.get_by_role("timer").inner_text()
    said = one.page.locator(".offline").inner_text()
    one.reload(one.page.get_by_role("timer"))
    one.see(words["charged at tap"])
    assert one.page.get_by_role("timer").inner_text() == stands, "the ride ends at the tap"
    (fee,) = re.findall(r"₩([\d,]+)|([\d,]+)원", said)
    one.context.set_offline(False)
    one.page.get_by_role("heading", name=words["done"]).wait_for()
    one.see(words["settled"])
    (mine,) = demo.rents(one.userid)
    billed = demo.ask("GET", f"/billings/search/findByRentid?rentid={mine['rentid']}")["fee"]
    assert billed == int("".join(fee).replace(",", ""))


@BOTH
def test_a_return_that_waits_for_too_long_says_that_its_cost_grows(rider: NewRider, demo: Demo, words: Words) -> None:
    one = rider(words["locale"])
    one.page.clock.install()
    rent(one, demo.new_bike(), words)
    one.tap(words["return"])
    one.leave_at(PLACE)
    one.context.set_offline(True)
    one.tap(words["here"])
    one.see(words["charged at tap"])
    one.page.clock.run_for(302_000)
    one.see(words["charged late"])


@BOTH
def test_a_part_that_does_not_come_is_said_so(rider: NewRider, words: Words) -> None:
    one = rider(words["locale"], service_workers="block")
    gone: list[str] = []

    def lose(route: Route) -> None:
        gone.append(route.request.url)
        route.abort()

    one.context.route(re.compile("/staff/pages.js|/rider/map.js"), lose)
    one.go("#/staff")
    one.see(words["not loaded"])
    assert len(gone) == 1, "the same version would be the same again"
    one.go("#/")
    one.page.locator(".tabs button").nth(1).click()
    one.page.locator(".map").get_by_text(words["not loaded"]).wait_for()
    one.context.unroute_all()
    one.tap(words["try again"])
    one.page.locator(".leaflet-container").wait_for()


def test_reload_back_and_forward_find_the_rider_s_pages_as_they_were(rider: NewRider, demo: Demo) -> None:
    one = rider()
    page = one.page
    page.locator(".place").first.wait_for()
    page.locator(".tabs button").nth(1).click()
    page.locator(".leaflet-container").wait_for()
    one.go("#/number")
    page.locator("#number").fill("60")
    one.go("#/topup")
    page.locator("label", has_text="30,000").tap()
    one.reload(page.locator("label.on", has_text="30,000"))
    page.go_back()
    expect(page.locator("#number")).to_have_value("60")
    page.go_back()
    page.locator(".leaflet-container").wait_for()
    page.go_forward()
    expect(page.locator("#number")).to_have_value("60")
    one.go("#/")
    page.locator(".place").first.wait_for()
    one.go("#/number")
    expect(page.locator("#number")).to_have_value("")


def test_a_page_is_scrolled_to_where_it_was(rider: NewRider, demo: Demo) -> None:
    one = rider()
    page = one.page
    for number in range(12):
        demo.ask("POST", "/bikes", {"bikeid": 7_300 + number, "location": f"긴_목록_{number:02}", "batterylevel": 80})
    one.reload(page.get_by_role("heading", name="긴 목록 11"))
    page.evaluate("new Promise((resolve) => setTimeout(resolve, 400)).then(() => scrollTo(0, 700))")
    eventually(lambda: page.evaluate("JSON.stringify(sessionStorage).includes('scrolled\\\\\":700')"))
    page.evaluate("location.hash = '#/rides'")
    page.locator(".money").wait_for()
    eventually(lambda: page.evaluate("scrollY") == 0)
    page.go_back()
    eventually(lambda: page.evaluate("scrollY") == 700)
    one.reload(page.get_by_role("heading", name="긴 목록 11"))
    eventually(lambda: page.evaluate("scrollY") == 700)


def test_what_an_operator_wrote_is_there_after_reload_and_back_but_not_what_was_sent(
    operator: NewOperator, demo: Demo
) -> None:
    one = operator("en-US")
    page: Page = one.page
    one.go("#/add")
    page.locator("#given-bikeid").fill("7401")
    page.locator("#given-location").fill("Written")
    one.reload(page.locator("#given-bikeid"))
    expect(page.locator("#given-location")).to_have_value("Written")
    one.go("#/system")
    page.go_back()
    expect(page.locator("#given-bikeid")).to_have_value("7401")
    page.get_by_role("button", name="Add one").click()
    page.locator(".notice.good").wait_for()
    expect(page.locator("#given-location")).to_have_value("")
    one.reload(page.locator("#given-bikeid"))
    expect(page.locator("#given-bikeid")).to_have_value("")
    expect(page.locator("#given-location")).to_have_value("")


def test_no_password_is_kept_with_the_tab(browser: Browser) -> None:
    with secure_town() as town:
        one = Rider(browser, town, 1, "en-US", first="form", **DESKTOP)
        one.go("#/signup")
        one.page.locator("#name").fill("Kim Written")
        one.page.locator("#password").fill("a secret bicycle")
        one.reload(one.page.locator("#name"))
        expect(one.page.locator("#name")).to_have_value("Kim Written")
        expect(one.page.locator("#password")).to_have_value("")
        assert "secret" not in one.page.evaluate("JSON.stringify([localStorage, sessionStorage])")
        one.close()
