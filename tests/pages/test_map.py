"""Maps in a real browser: places as discs, clusters, a legend and a scale without tiles; and tiles of a file."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Request

from tests.pages.browser import CONSOLE, DESKTOP, PHONE, Demo, Rider, eventually
from tests.pages.conftest import NewRider
from tests.pages.test_accessible import violations

SCREENS: dict[str, dict[str, Any]] = {"phone": {}, "desktop": DESKTOP}
OPERATORS: dict[str, dict[str, Any]] = {"phone": {"viewport": PHONE, **CONSOLE}, "desktop": {**DESKTOP, **CONSOLE}}
HERE = {"latitude": 37.3700, "longitude": 127.1085, "accuracy": 180}
FREE = {"ko-KR": "대여 가능", "en-US": "Available"}
RIDING = {"ko-KR": "이용 중", "en-US": "In use"}


@pytest.fixture(scope="module")
def demo(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """With two places that are one disc from afar, one bike in use there, one broken, and one that is nowhere."""
    found = Demo(tmp_path_factory.mktemp("demo"))
    for number in range(6):
        _bike(found, 300 + number, "수내역_앞", lat=37.3784, lon=127.1142)
        _bike(found, 310 + number, "수내역_뒤", lat=37.3790, lon=127.1146)
    for number in range(3):
        _bike(found, 330 + number, "탄천_동쪽", lat=37.3451, lon=127.1252)
        _bike(found, 335 + number, "탄천_서쪽", lat=37.3451, lon=127.1246)
    _bike(found, 320, "수리소", lat=37.4100, lon=127.1300, status="불량")
    _bike(found, 321, "어딘가")
    found.ask("POST", "/userDeposits", {"userid": 8999, "deposit": 10_000})
    found.ask("POST", "/rents", {"userid": 8999, "bikeid": 300})
    yield found
    found.stop()


def _bike(demo: Demo, bikeid: int, location: str, **more: Any) -> None:
    demo.ask("POST", "/bikes", {"bikeid": bikeid, "location": location, "batterylevel": 70, **more})


def near(one: Rider) -> Page:
    """The rider's map."""
    one.go("#/")
    one.page.locator(".tabs button").nth(1).click()
    one.page.locator(".pin").first.wait_for()
    return one.page


def fleet(one: Rider) -> Page:
    """The operator's map."""
    one.go("#/?view=map")
    one.page.locator(".big-map .pin").first.wait_for()
    return one.page


def titles(page: Page) -> list[str]:
    """What a screen reader says of each disc, all at one moment: discs come and go."""
    return list(page.locator(".pin").evaluate_all("(all) => all.map((one) => one.getAttribute('aria-label'))"))


BOXES = """(all) => all.map((one) => [one.innerText, one.getBoundingClientRect()]).map(
    ([text, { left, top, right, bottom }]) => [text, left, top, right, bottom])"""


def boxes(page: Page, selector: str) -> list[tuple[str, float, float, float, float]]:
    """The text of each, its left, top, right and bottom, all at one moment."""
    return [tuple(box) for box in page.locator(selector).evaluate_all(BOXES)]


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("locale", ["ko-KR", "en-US"])
def test_a_map_without_tiles_tells_places_and_how_far(rider: NewRider, locale: str, screen: str) -> None:
    one = rider(locale, geolocation=HERE, permissions=["geolocation"], **SCREENS[screen])
    page = near(one)
    cluster = page.locator(".pin.cluster", has_text="11")
    said = {"ko-KR": "2곳, 11대. 확대", "en-US": "2 places, 11 bikes. Zoom in"}
    assert cluster.get_attribute("aria-label") == said[locale]
    assert cluster.get_attribute("title") == said[locale]
    assert cluster.get_attribute("role") == "button"
    page.locator(".leaflet-control-scale-line", has_text="m").wait_for()
    assert page.locator(".legend li").count() == 2, "nobody knows yet where they are"
    page.locator(".tools .chip").click()
    page.locator("path.here").wait_for()
    page.locator("path.within").wait_for()
    assert page.locator(".legend li").count() == 3
    assert violations(page) == []


def test_a_cluster_opens_with_the_keyboard_and_its_places_list_their_bikes(rider: NewRider) -> None:
    page = near(rider("en-US", **DESKTOP))
    page.locator(".pin.cluster", has_text="11").focus()
    page.keyboard.press("Enter")
    page.locator(".pin[aria-label='수내역 앞: 5 bikes']").wait_for()
    page.locator(".pin[aria-label='수내역 뒤: 6 bikes']").wait_for()
    assert page.evaluate("document.activeElement.matches('.pin')"), "the keyboard lost its place"
    page.locator(".pin[aria-label='수내역 뒤: 6 bikes']").focus()
    page.keyboard.press(" ")
    page.locator(".chosen .place", has_text="수내역 뒤").wait_for()
    assert page.locator(".chosen .place a").count() == 6


def test_a_disc_with_more_bikes_is_larger_and_its_name_covers_no_other(rider: NewRider) -> None:
    page = near(rider(**DESKTOP))
    widths = {int(text.split()[0]): right - left for text, left, _, right, _ in boxes(page, ".pin")}
    assert widths[max(widths)] > widths[min(widths)] >= 44
    labels = [box for _, *box in boxes(page, ".pin .label")]
    assert labels
    for at, (left, top, right, bottom) in enumerate(labels):
        for others_left, others_top, others_right, others_bottom in labels[at + 1 :]:
            apart = right <= others_left or others_right <= left
            assert apart or bottom <= others_top or others_bottom <= top


def test_who_looks_at_a_disc_keeps_it_when_bikes_come(rider: NewRider, demo: Demo) -> None:
    one = rider("en-US", **DESKTOP)
    page = near(one)
    page.locator(".pin.cluster[aria-label='2 places, 6 bikes. Zoom in']").focus()
    page.evaluate("window.looked = document.activeElement")
    _bike(demo, 340, "탄천_동쪽", lat=37.3451, lon=127.1252)
    page.locator(".pin.cluster[aria-label='2 places, 7 bikes. Zoom in']").wait_for()
    assert page.evaluate("document.activeElement === window.looked")


@pytest.mark.parametrize("screen", OPERATORS)
@pytest.mark.parametrize("locale", ["ko-KR", "en-US"])
def test_operators_see_what_is_free_in_use_and_broken_by_place(rider: NewRider, locale: str, screen: str) -> None:
    page = fleet(rider(locale, **OPERATORS[screen]))
    free, riding = FREE[locale], RIDING[locale]
    eventually(lambda: any(f"{riding} 1" in title for title in titles(page)))
    broken = page.locator(".pin.none", has_text="1")
    assert f"{free} 0" in str(broken.get_attribute("aria-label"))
    assert broken.locator(".sign-of.is-broken").count() == 1
    page.locator(".layers button", has_text=free).click()
    eventually(lambda: all(free not in title for title in titles(page)))
    page.locator(".layers button").nth(3).click()
    page.locator(".pin").first.wait_for(state="detached")
    assert page.locator(".layers button[aria-pressed=false]").count() == 2
    assert violations(page) == []


@pytest.mark.parametrize("locale", ["ko-KR", "en-US"])
def test_what_a_map_can_not_show_is_listed_below_it(rider: NewRider, locale: str) -> None:
    page = fleet(rider(locale, **OPERATORS["desktop"]))
    named = {"ko-KR": "지도에 없는 자전거 (1)", "en-US": "Not on the map (1)"}
    page.locator(".not-on-map summary", has_text=named[locale]).click()
    page.locator(".not-on-map li", has_text="어딘가").wait_for()


STALE = {
    "lat": None,
    "lon": None,
    "point": {"lat": 37.1234, "lon": 127.4321, "at": "2026-01-01T00:00:00Z", "stale": True},
}


def test_an_old_point_is_told_and_not_drawn(rider: NewRider) -> None:
    one = rider("en-US", service_workers="block", **OPERATORS["desktop"])

    def moved(route: Any) -> None:
        answer = route.fetch()
        told = answer.json()
        for bike in told["_embedded"]["bikes"]:
            bike.update(STALE if bike["bikeid"] == 1001 else {})
        route.fulfill(response=answer, json=told)

    one.page.route("**/bikes?*", moved)
    one.page.reload()
    page = fleet(one)
    page.locator(".not-on-map summary", has_text="(2)").click()
    assert "37.1234, 127.4321" in page.locator(".not-on-map li", has_text="Bike 1001").inner_text()


def test_a_place_that_was_tapped_lists_all_its_bikes(rider: NewRider) -> None:
    page = fleet(rider("en-US", **OPERATORS["desktop"]))
    page.locator(".pin", has=page.locator(".is-broken")).click()
    page.locator(".picked h2", has_text="수리소").wait_for()
    page.locator(".picked li", has_text="Bike 320").get_by_text("Being checked").wait_for()


def test_a_place_lists_its_bikes_whichever_of_its_spellings_is_looked_at(rider: NewRider, demo: Demo) -> None:
    """Its name on the map is that of a bike that is looked at, below the map that of the first of all."""
    there = {"lat": 37.4200, "lon": 127.1000}
    _bike(demo, 351, "Dock_7", status="불량", **there)
    _bike(demo, 352, "dock 7 ", **there)
    page = fleet(rider("en-US", **OPERATORS["desktop"]))
    page.locator(".layers button", has_text="Being checked").click()
    page.locator(".pin[aria-label^='dock 7']").click()
    page.locator(".picked h2", has_text="dock 7").wait_for()
    assert page.locator(".picked:not(.not-on-map) li").count() == 2


def test_without_a_file_nothing_is_asked_for_and_nothing_is_loaded(rider: NewRider) -> None:
    one = rider(service_workers="block")
    asked: list[Request] = []
    one.page.on("request", lambda request: asked.append(request))
    page = near(one)
    assert not [one.url for one in asked if "protomaps" in one.url or "/map/" in one.url]
    assert page.locator(".leaflet-control-attribution").count() == 0
