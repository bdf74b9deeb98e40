"""What happens while a page still comes up: it may be left, and what it shows may change."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route

from tests.pages.browser import CONSOLE, DESKTOP, Demo
from tests.pages.conftest import NewRider

AWAY = {"latitude": 36.8, "longitude": 127.6}
"""Apart from the small fleet, and not so far that nobody believes it."""
STANDSTILL = "window.requestAnimationFrame = window.setTimeout = () => 0"
"""No frame comes any more, so that the moment between leaving a page and tidying up after it lasts."""

LEFT_AT_ONCE = """
  const [frame, timer, held] = [requestAnimationFrame, setTimeout, []];
  window.requestAnimationFrame = window.setTimeout = (...work) => held.push(work);
  addEventListener('hashchange', () => {
    [window.requestAnimationFrame, window.setTimeout] = [frame, timer];
    for (const work of held) setTimeout(...work);
  });
  new MutationObserver((_, self) => {
    if (!document.getElementById('main')) return;
    self.disconnect();
    location.hash = '#/rides';
  }).observe(document, { childList: true, subtree: true });
"""
"""To another address as soon as something is drawn; no frame comes before the browser has told so."""


def _fleet(page: Page) -> None:
    page.evaluate("location.hash = '#/'")


def _near(page: Page) -> None:
    _fleet(page)
    page.locator(".tabs button").nth(1).click()


@pytest.mark.parametrize(
    ("opened", "options"), [(_near, {}), (_fleet, {**CONSOLE, **DESKTOP})], ids=["rider", "console"]
)
def test_no_map_is_drawn_on_a_page_that_was_left(
    rider: NewRider, opened: Callable[[Page], None], options: dict[str, Any]
) -> None:
    one = rider(service_workers="block", **options)  # a service worker's copy of a file would ask nobody
    page, held = one.open("#/rides"), list[Route]()
    page.route("**/map.js", lambda route: held.append(route))
    with page.expect_request("**/map.js"):
        opened(page)
    page.locator(".map").wait_for()
    page.evaluate(STANDSTILL)
    page.evaluate("location.hash = '#/rides'")
    page.locator(".map").wait_for(state="detached")
    held[0].continue_()
    page.evaluate("(url) => import(url)", held[0].request.url)
    assert one.clean == []


@pytest.mark.parametrize("options", [{}, {**CONSOLE, **DESKTOP}], ids=["rider", "console"])
def test_an_address_is_followed_before_the_first_frame(rider: NewRider, options: dict[str, Any]) -> None:
    one = rider(**options)
    one.context.add_init_script(LEFT_AT_ONCE)
    one.open("#/").locator("nav a[aria-current=page][href='#/rides']").wait_for()


def test_a_map_shows_what_became_known_while_it_was_loading(rider: NewRider, demo: Demo) -> None:
    one = rider(service_workers="block", geolocation=AWAY, permissions=["geolocation"])
    page, held = one.open("#/rides"), list[Route]()
    page.route("**/map.js", lambda route: held.append(route))
    with page.expect_request("**/map.js"):
        _near(page)
    where = {"lat": AWAY["latitude"], "lon": AWAY["longitude"]}
    demo.ask("POST", "/bikes", {"bikeid": 77_001, "status": "사용가능", "location": "새 자리", **where})
    before = page.locator("h1").inner_text()
    one.tap("가까운 순으로 보기")
    page.locator("h1", has_not_text=before).wait_for()
    held[0].continue_()
    page.locator(".leaflet-container").wait_for()
    assert page.locator(".pin[aria-label^='새 자리']").count() == 1
