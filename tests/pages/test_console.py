"""The operator's console, in a real browser: bikes are added and found, and a ride is followed live."""

import os
import re

import pytest

from tests.pages.browser import DESKTOP, PHONE, Demo, eventually
from tests.pages.conftest import NewOperator, NewRider
from tests.pages.console_views import CONSOLE_VIEWS
from tests.pages.test_accessible import BUDGET, NARROW, violations, weighed, wide, wrong
from tests.pages.words import EN, KO, Words

pytestmark = pytest.mark.timeout(300)
FULL = pytest.mark.skipif(not os.environ.get("GBIKE_FULL"), reason="only at full size: GBIKE_FULL=1")
BOTH = pytest.mark.parametrize("words", [pytest.param(KO, id="ko"), pytest.param(EN, id="en", marks=FULL)])
HOSTILE = "<script>document.title='hurt'</script><img src=x onerror=alert(1)>"


@BOTH
def test_an_operator_follows_a_ride_live(operator: NewOperator, demo: Demo, words: Words) -> None:
    one, bikeid = operator(words["locale"]), demo.new_bike()
    page = one.page
    page.get_by_label(words["search"]).fill(str(bikeid))
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name=str(bikeid), exact=True))
    row.get_by_text(words["free"]).wait_for()
    rent = demo.ask("POST", "/rents", {"userid": 1003, "bikeid": bikeid})
    row.get_by_text(words["rider 1003"]).wait_for()
    demo.ask("PATCH", f"/rents/{rent['rentid']}", {"endlocation": "도착_구역"})
    row.get_by_text("도착 구역").wait_for()
    row.get_by_text(words["free"]).wait_for()


def test_an_admin_finds_the_console_from_their_own_page(rider: NewRider) -> None:
    one = rider("en-US")
    one.go("#/me")
    one.tap("Operator’s console")
    one.page.locator(".side").wait_for()
    one.page.get_by_role("heading", name="Fleet").wait_for()


def test_one_bike_is_added_and_a_refusal_says_why(operator: NewOperator, demo: Demo) -> None:
    one = operator("en-US")
    one.go("#/add")
    form = one.page.get_by_role("form", name="Add one bike")
    form.get_by_role("button").click()
    one.see("Please fill this in.")
    assert form.get_by_label("Number").evaluate("(one) => one === document.activeElement")
    form.get_by_label("Number").fill("43001")
    form.get_by_label("Battery").fill("101")
    form.get_by_role("button").click()
    one.see("A whole number from 0 to 100.")
    form.get_by_label("Battery").fill("100")
    form.get_by_label("Place").fill('quotes ", commas')
    form.get_by_role("button").click()
    one.see("Bike 43001 is in the fleet.")
    assert demo.ask("GET", "/bikes/43001")["location"] == 'quotes ", commas'
    form.get_by_label("Number").fill("43001")
    form.get_by_role("button").click()
    one.page.locator("#given-bikeid-wrong", has_text="registered already").wait_for()
    demo.ask("POST", "/bikes", {"bikeid": 43002, "label": "GB-43"})
    form.get_by_label("Number").fill("43003")
    form.get_by_label("Label").fill("GB-43")
    form.get_by_role("button").click()
    one.page.locator("#given-label-wrong", has_text="has this label already").wait_for()


def test_the_figure_of_rides_leads_to_those_under_way(operator: NewOperator) -> None:
    one = operator("en-US")
    figure = one.page.locator(".figures a", has_text="Rides now")
    assert figure.get_attribute("href") == "#/rides?status=rented"


def test_filters_and_their_order_survive_a_reload(operator: NewOperator, demo: Demo) -> None:
    one = operator("en-US")
    page = one.page
    for bikeid, battery in ((44001, 15), (44002, 5), (44003, 60)):
        demo.ask("POST", "/bikes", {"bikeid": bikeid, "location": "필터_구역", "batterylevel": battery})
    one.reload(page.locator(".rows"))
    page.get_by_label("Search").fill("필터")
    page.get_by_label("Battery", exact=True).select_option("20")
    page.get_by_role("button", name="Battery").click()
    for _ in range(2):
        page.get_by_text(re.compile("^2 of ")).wait_for()
        assert page.locator(".rows .number").all_inner_texts() == ["44002", "44001"]
        one.reload(page.locator(".rows"))
    assert page.get_by_label("Search").input_value() == "필터"
    page.get_by_role("button", name="Clear").click()
    page.get_by_text(re.compile("^2 of ")).wait_for(state="detached")
    assert page.get_by_label("Battery", exact=True).input_value() == ""


def test_hostile_text_stays_text(operator: NewOperator, demo: Demo) -> None:
    one = operator()
    page = one.page
    demo.ask("POST", "/bikes", {"bikeid": 45001, "location": HOSTILE, "lat": 37.36, "lon": 127.1})
    for hash in ("#/?q=45001", "#/bike/45001", "#/bike/45001?show=events"):
        one.go(hash)
        page.locator("main :is(.cut, dd, .story p)", has_text="<script>").first.wait_for()
        assert page.locator("main script, main img, select script").count() == 0
    assert "hurt" not in page.title()


def test_a_bikes_story_has_its_rides_bills_reports_and_events(operator: NewOperator, demo: Demo) -> None:
    demo.register(46001)
    demo.ask("POST", "/bikeManageApps", {"managerid": 1001, "bikeid": 46001, "batterylevel": 33, "usableyn": True})
    rent = demo.ask("POST", "/rents", {"userid": 1002, "bikeid": 46001})
    demo.ask("PATCH", f"/rents/{rent['rentid']}", {"endlocation": "여기"})
    find = "/rentAndBillingViews?bikeid=46001"
    ridden = "rentAndBillingViews"
    eventually(lambda: [one["billingStatus"] for one in demo.ask("GET", find)["_embedded"][ridden]] == ["CLOSEBILL"])
    eventually(lambda: demo.ask("GET", "/bikes/46001/events")["page"]["totalElements"] == 4)
    one = operator()
    one.go("#/bike/46001")
    one.page.locator(".story").wait_for()
    kinds = {
        kind: one.page.locator(f".story li.{kind}").count() for kind in ("rides", "bills", "reports", "deeds", "events")
    }
    assert kinds == {"rides": 2, "bills": 1, "reports": 1, "deeds": 1, "events": 3}, "each thing is told once"
    one.page.get_by_role("button", name="보고").click()
    one.page.locator(".story li.rides").first.wait_for(state="detached")
    assert one.page.locator(".story li").count() == 1
    one.see("배터리 33%")


@pytest.mark.parametrize(
    ("language", "complaint", "deed"),
    [
        ("ko-KR", ("브레이크", "“끽끽거려요”", "운행 중지됨"), "불편 신고로 운행을 중지했어요"),
        ("en-US", ("Brake", "“끽끽거려요”", "taken out of service"), "Taken out after a complaint"),
    ],
)
def test_a_bikes_story_has_what_riders_complained_of_and_that_it_was_taken_out(
    language: str, complaint: tuple[str, ...], deed: str, operator: NewOperator, demo: Demo
) -> None:
    bikeid = demo.new_bike()
    for userid in (1001, 1002):
        demo.ask("POST", "/complaints", {"userid": userid, "bikeid": bikeid, "kind": "brake", "words": "끽끽거려요"})
    eventually(lambda: demo.ask("GET", f"/bikes/{bikeid}")["status"] == "불량")
    one = operator(language)
    one.go(f"#/bike/{bikeid}")
    lines = one.page.locator(".story li.reports")
    lines.nth(1).wait_for()
    assert lines.count() == 2
    assert all(words in lines.first.inner_text() for words in complaint)
    assert one.page.locator(".story li.deeds", has_text=deed).count() == 1


def test_the_system_page_is_drawn_from_the_figures_of_each_service(operator: NewOperator) -> None:
    one = operator("en-US")
    one.go("#/system")
    one.see("Every service is ready.")
    assert one.page.get_by_role("table", name="Services").get_by_role("row").count() == 9


def test_axe_finds_nothing_on_the_fleet_and_its_first_view_is_light(operator: NewOperator) -> None:
    one = operator()
    one.page.locator(".rows .charge").first.wait_for()
    assert violations(one.page) == []
    weights = weighed(one, "canvas.signs")
    assert sum(size for url, size in weights.items() if "leaflet" not in url) <= BUDGET, weights
    assert any("leaflet" in url for url in weights), "the map was not drawn"


@FULL
@pytest.mark.timeout(900)
@pytest.mark.parametrize("locale", ["ko-KR", "en-US"])
def test_axe_finds_nothing_on_any_page_of_the_console(operator: NewOperator, demo: Demo, locale: str) -> None:
    for screen in (DESKTOP, {"viewport": PHONE}):
        assert wrong(operator(locale, **screen), demo, CONSOLE_VIEWS) == {}


@FULL
@pytest.mark.parametrize("locale", ["ko-KR", "en-US"])
def test_no_page_of_the_console_is_wider_than_320_px(operator: NewOperator, demo: Demo, locale: str) -> None:
    assert wide(operator(locale, viewport=NARROW), demo, CONSOLE_VIEWS) == []
