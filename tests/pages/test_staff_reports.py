"""What the field staff tell in a report, what it earns, and what becomes of one that waited too long."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.pages.browser import Demo, Rider, eventually
from tests.pages.conftest import NewRider
from tests.pages.test_accessible import violations
from tests.pages.test_staff import Staff
from tests.pages.words import EN, KO, Words

pytestmark = pytest.mark.timeout(300)
BOTH = pytest.mark.parametrize("words", [KO, EN], ids=["ko", "en"])
STATION = {"latitude": 37.3670, "longitude": 127.1083, "accuracy": 9}
SMALL = """() => [...document.querySelectorAll('main button, main a, main summary, main input, main textarea')]
  .map((one) => [one.getBoundingClientRect(), one.outerHTML.slice(0, 80)])
  .filter(([{ width, height }]) => width > 2 && (width < 44 || height < 44)).map(([, html]) => html)"""
"""What is touched and is smaller than a finger; what is 1 px wide is touched by its label."""
WIDE = "document.documentElement.scrollWidth > innerWidth"


def newest(demo: Demo, bikeid: int) -> Any:
    """The last report of a bike."""
    return demo.ask("GET", f"/bikeManageApps?bikeid={bikeid}&sort=reportid,desc")["_embedded"]["bikeManageApps"][0]


def fits_a_hand(one: Rider) -> None:
    """Large targets, no sideways scroll, readable for everybody."""
    assert one.page.evaluate(SMALL) == []
    assert one.page.evaluate(WIDE) is False
    assert violations(one.page) == []


@BOTH
def test_twelve_percent_stay_twelve_and_the_third_tap_says_what_is_broken(
    rider: NewRider, demo: Demo, words: Words
) -> None:
    one, bikeid = Staff(rider(words["locale"]), demo, words), demo.new_bike()
    one.at(bikeid)
    one.page.locator("#battery").fill("12")
    one.phone.tap(words["fault"])
    one.page.locator(".faults").wait_for()
    fits_a_hand(one.phone)
    one.phone.tap(words["brake"])
    one.phone.see(words["reported"])
    report = newest(demo, bikeid)
    assert (report["batterylevel"], report["usableyn"], report["fault"]) == (12, False, "brake")
    one.page.locator(".lines", has_text=words["brake"]).wait_for()


def test_the_slider_goes_by_keys_and_what_is_no_percent_is_said(rider: NewRider, demo: Demo) -> None:
    one, bikeid = Staff(rider("en-US"), demo, EN), demo.new_bike()
    one.at(bikeid)
    field, slider = one.page.locator("#battery"), one.page.locator(".charging [type=range]")
    assert slider.get_attribute("aria-valuetext") == "Not chosen yet"
    for bad in ("120", "-1", "half"):
        field.fill(bad)
        one.page.get_by_role("button", name="Usable").tap()
        one.phone.see("Write a number from 0 to 100.")
        assert field.get_attribute("aria-invalid") == "true"
    slider.focus()
    slider.press("Home")
    for _ in range(7):
        slider.press("ArrowRight")
    assert (field.input_value(), slider.get_attribute("aria-valuetext")) == ("7", "7%")
    one.page.get_by_role("button", name="1% more").tap()
    one.page.get_by_role("button", name="Usable").tap()
    one.phone.see("Reported")
    assert one.reports == [(bikeid, 8, True)]


@BOTH
def test_staff_add_words_and_the_name_of_the_place_where_the_bike_is(rider: NewRider, demo: Demo, words: Words) -> None:
    one, bikeid = Staff(rider(words["locale"]), demo, words), demo.new_bike("분당_정자역_1구역")
    one.at(bikeid)
    one.page.locator(".beside summary").tap()
    one.page.locator("#words").fill("앞바퀴가 휘었어요")
    one.page.locator("#stands").fill("미금")
    one.page.locator(".stands .options label").first.tap()
    one.page.locator(".stands [role=status]", has_text="분당 미금역").wait_for()
    fits_a_hand(one.phone)
    one.tap(30)
    one.phone.see(words["reported"])
    report, bike = newest(demo, bikeid), demo.ask("GET", f"/bikes/{bikeid}")
    assert (report["words"], report["fault"], bike["location"]) == ("앞바퀴가 휘었어요", None, report["location"])
    assert "미금" in bike["location"]
    one.page.locator(".lines .told", has_text="앞바퀴가 휘었어요").wait_for()


@BOTH
def test_what_riders_told_of_a_bike_is_shown_before_it_and_not_who(rider: NewRider, demo: Demo, words: Words) -> None:
    one, bikeid = Staff(rider(words["locale"]), demo, words), demo.new_bike()
    said = {"userid": 1003, "bikeid": bikeid, "kind": "safety", "words": "프레임에 금이 갔어요"}
    demo.ask("POST", "/complaints", said)
    one.at(bikeid)
    told = one.page.locator(".lines li", has_text=said["words"])
    told.get_by_text(words["staff unsafe"]).wait_for()
    one.phone.see(words["riders told"])
    assert "1003" not in told.inner_text()
    fits_a_hand(one.phone)


@BOTH
def test_where_the_phone_is_the_bike_is(rider: NewRider, demo: Demo, words: Words) -> None:
    here = {"geolocation": STATION, "permissions": ["geolocation"]}
    one, bikeid = Staff(rider(words["locale"], **here), demo, words), demo.new_bike()
    one.at(bikeid)
    one.page.locator(".beside summary").tap()
    one.phone.tap(words["my position"])
    one.phone.see(words["moves there"])
    one.tap(30)
    one.phone.see(words["reported"])
    point = demo.ask("GET", f"/bikes/{bikeid}")["point"]
    assert (point["lat"], point["lon"], point["by"]) == (STATION["latitude"], STATION["longitude"], "staff")


def test_a_phone_that_does_not_say_where_it_is_leaves_the_name_to_write(rider: NewRider, demo: Demo) -> None:
    one, bikeid = Staff(rider(), demo), demo.new_bike()
    one.at(bikeid)
    one.page.locator(".beside summary").tap()
    one.phone.tap(KO["my position"])
    one.phone.see("휴대폰이 위치를 알려 주지 않았어요")
    one.page.locator("#stands").fill("다리 밑")
    one.tap(30)
    one.phone.see(KO["reported"])
    assert demo.ask("GET", f"/bikes/{bikeid}")["location"] == "다리 밑"


@BOTH
def test_a_report_that_waited_a_day_is_shown_whole_and_sent_or_dropped_by_hand(
    rider: NewRider, demo: Demo, words: Words
) -> None:
    one, bikes = Staff(rider(words["locale"]), demo, words), [demo.new_bike(), demo.new_bike()]
    one.phone.go("#/staff")
    one.page.locator(".money").wait_for()
    one.page.clock.install()
    one.phone.context.set_offline(True)
    one.report(bikes[0], 12, usable=False)
    one.report(bikes[1], 80)
    one.page.locator(".queue li").first.wait_for()
    one.page.clock.fast_forward("24:00:00")
    one.phone.go("#/staff")
    one.page.locator(".late li").nth(1).wait_for()
    first = one.page.locator(".late li", has_text=str(bikes[0]))
    for told in (words["brake"], words["fault"], "12%"):
        first.get_by_text(told).first.wait_for()
    fits_a_hand(one.phone)
    one.phone.context.set_offline(False)
    one.page.reload()
    one.page.locator(".late li").nth(1).wait_for()
    assert one.reports == []
    first.get_by_role("button", name=words["send anew"]).tap()
    eventually(lambda: one.reports == [(bikes[0], 12, False)])
    one.page.locator(".late li").get_by_role("button", name=words["drop"]).tap()
    one.page.locator(".late").wait_for(state="detached")
    assert one.reports == [(bikes[0], 12, False)]
    kept = [one.page.evaluate(f"localStorage.getItem('gbike.{name}')") for name in ("taps", "refused")]
    assert kept == ["[]", "[]"]


def test_of_many_reports_that_waited_too_long_none_is_lost(rider: NewRider, demo: Demo) -> None:
    one = Staff(rider(), demo)
    one.phone.go("#/staff")
    taps = "Array.from({ length: 30 }, (_, n) => ({ kind: 'report', method: 'POST', path: '/bikeManageApps', "
    taps += f"body: {{ managerid: {one.number}, bikeid: n + 1, batterylevel: n, usableyn: true }}, key: `k${{n}}`, "
    taps += f"at: Date.now() - 24 * 3600_000, userid: {one.phone.userid} }}))"
    one.page.evaluate(f"localStorage.setItem('gbike.taps', JSON.stringify({taps}))")
    one.phone.reload(one.page.locator(".late li").nth(29))
    one.phone.see("보내지 못한 보고 30건")
    assert one.reports == []


@pytest.fixture(scope="module")
def strict(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """Where points are for changes, as in the secure forms."""
    limits = {"GBIKE_POINTS_FOR": "changes", "GBIKE_POINTS_PER_BIKE": "2", "GBIKE_POINTS_PER_DAY": "3000"}
    found = Demo(tmp_path_factory.mktemp("strict"), **limits)
    yield found
    found.stop()


@BOTH
def test_staff_see_what_earns_points_and_why_a_report_earned_none(browser: Browser, strict: Demo, words: Words) -> None:
    one = Staff(Rider(browser, strict, 1001, words["locale"]), strict, words)
    bikes = [strict.new_bike() for _ in range(3)]

    def earned(bikeid: int, percent: int, says: str) -> None:
        one.phone.go("#/staff")
        one.report(bikeid, percent)
        one.page.locator(".came .empty p", has_text=says).wait_for()

    earned(bikes[0], 40, words["earned"])
    earned(bikes[0], 40, words["why unchanged"])
    earned(bikes[0], 41, words["earned"])
    earned(bikes[0], 42, words["why bike"])
    earned(bikes[1], 40, words["earned"])
    earned(bikes[2], 40, words["why day"])
    one.phone.go("#/staff")
    for why in ("why unchanged", "why bike", "why day"):
        one.page.locator(".lines .told", has_text=words[why]).wait_for()
    one.phone.tap(words["what earns"])
    card = one.page.locator(".earning")
    for told in ("1,000", "30", "3,000"):
        card.get_by_text(told).first.wait_for()
    card.locator(".lately", has_text="3,000").wait_for()
    fits_a_hand(one.phone)
    assert one.phone.clean == []
    one.phone.close()
