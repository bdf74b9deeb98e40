"""A page that is left before what it loads has come: nothing of it goes on."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route

from tests.pages.browser import CONSOLE, DESKTOP
from tests.pages.conftest import NewRider

STANDSTILL = "window.requestAnimationFrame = window.setTimeout = () => 0"
"""No frame comes any more, so that the moment between leaving a page and tidying up after it lasts."""


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
