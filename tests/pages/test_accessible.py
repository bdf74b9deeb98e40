"""Every page for everybody: axe-core finds nothing, narrow screens, the keyboard, what the first view weighs."""

import gzip
import os
from collections.abc import Mapping
from contextlib import suppress
from importlib.resources import files
from typing import Any

import pytest
from playwright.sync_api import CDPSession, Error, Page, Response

from tests.pages.browser import Demo, Rider
from tests.pages.conftest import NewRider
from tests.pages.views import VIEWS, View

FULL = pytest.mark.skipif(not os.environ.get("GBIKE_FULL"), reason="only at full size: GBIKE_FULL=1")
BUDGET = 200_000
"""Bytes, compressed, without the map's library."""
NARROW = {"width": 320, "height": 568}
INTERACTIVE_MS = 1_000
"""Of the page's own work, so that it does not matter what else the machine does."""
TAPPED = """new MutationObserver((_, watcher) => {
    const bike = document.querySelector('.place a');
    if (bike && !window.tapped) { window.tapped = performance.now(); bike.click(); }
    if (window.tapped && !window.answered && document.querySelector('.dock button.big')) {
      window.answered = performance.now(); watcher.disconnect();
    }
  }).observe(document, { childList: true, subtree: true });"""
"""A tap on the first bike as soon as one is there, and when the bike may be rented."""
EXAMINED = """(tags) => axe.run(document, { runOnly: tags, resultTypes: ['violations'] })
  .then(({ violations }) => violations)"""
"""Not with what axe-core found good, which is thousands of nodes to carry out of the browser."""
SETTLED = """() => Promise.all(document.getAnimations().filter((one) => one instanceof CSSTransition)
  .map((one) => one.finished.catch(() => {})))"""
"""Colours on their way from one look to the other are neither's."""
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def violations(page: Page) -> list[str]:
    """What axe-core finds on a page. It is brought in by the browser's own tools, since the page's policy would not
    let it, once for each load."""
    if page.evaluate("!globalThis.axe"):
        page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8"))
    found: list[dict[str, Any]] = page.evaluate(EXAMINED, WCAG)
    nodes = [(one["id"], node) for one in found for node in one["nodes"]]
    return [f"{rule}: {node['html'][:200]} {node.get('failureSummary', '')}" for rule, node in nodes]


def wrong(one: Rider, demo: Demo, views: Mapping[str, View]) -> dict[tuple[str, str], list[str]]:
    """What axe-core finds, by the views it finds it on and how they look."""
    found = {}
    for name, view in views.items():
        one.page.emulate_media(color_scheme="light")
        view(one, demo)
        found[name, "light"] = violations(one.page)
        one.page.emulate_media(color_scheme="dark")
        one.page.evaluate(SETTLED)
        found[name, "dark"] = violations(one.page)
    return {name: some for name, some in found.items() if some}


def wide(one: Rider, demo: Demo, views: Mapping[str, View]) -> list[str]:
    """The views that are wider than a narrow screen."""
    found = []
    for name, view in views.items():
        view(one, demo)
        if one.page.evaluate("document.documentElement.scrollWidth") > NARROW["width"]:
            found.append(name)
    return found


def worked_ms(tools: CDPSession) -> float:
    """How long the page's thread has had the processor."""
    told = {one["name"]: one["value"] for one in tools.send("Performance.getMetrics")["metrics"]}
    return float(told["TaskDuration"]) * 1_000


@FULL
@pytest.mark.timeout(600)
@pytest.mark.parametrize("locale", ["ko-KR", "en-US"])
def test_axe_finds_nothing_on_any_page(rider: NewRider, demo: Demo, locale: str) -> None:
    assert wrong(rider(locale), demo, VIEWS) == {}


def test_axe_finds_nothing_on_the_first_page(rider: NewRider) -> None:
    one = rider()
    one.page.locator(".place").first.wait_for()
    assert violations(one.page) == []
    one.page.evaluate("document.querySelector('h1').style.color = '#eee'")
    assert violations(one.page) != [], "the examiner sees nothing"


@FULL
@pytest.mark.timeout(600)
@pytest.mark.parametrize("locale", ["ko-KR", "en-US"])
def test_no_page_is_wider_than_320_px(rider: NewRider, demo: Demo, locale: str) -> None:
    assert wide(rider(locale, viewport=NARROW), demo, VIEWS) == []


@FULL
def test_a_ride_can_be_rented_with_the_keyboard_alone(rider: NewRider, demo: Demo) -> None:
    one = rider("en-US", is_mobile=False, has_touch=False)
    keyboard = one.page.keyboard
    one.go("#/number")
    one.page.get_by_role("heading", name="Which bike?").wait_for()
    one.page.get_by_label("Bike number").focus()
    keyboard.type(str(demo.new_bike()))
    keyboard.press("Enter")
    one.page.get_by_role("button", name="Rent this bike").wait_for()
    while not one.page.evaluate("document.activeElement.matches('button.big')"):
        keyboard.press("Tab")
    keyboard.press("Enter")
    one.page.get_by_role("timer").wait_for()


def forget(page: Page) -> None:
    """What a browser keeps of the pages: the next visit is a first one."""
    all_gone = "(all) => Promise.all(all.map((one) => one.unregister()))"
    page.evaluate(f"navigator.serviceWorker.getRegistrations().then({all_gone})")
    page.context.new_cdp_session(page).send("Network.clearBrowserCache")


def weighed(one: Rider, first: str) -> dict[str, int]:
    """What a first visit loads until `first` is there: bytes, compressed, by address."""
    answers: list[Response] = []
    one.page.on("response", lambda answer: answers.append(answer))
    forget(one.page)
    one.page.reload()
    one.page.locator(first).first.wait_for()
    weights = {}
    for answer in answers:
        if not answer.url.endswith("/changes"):  # which goes on for as long as the page is looked at
            with suppress(Error):  # an answer to the page that was left
                weights[answer.url] = len(gzip.compress(answer.body()))
    return weights


def test_the_first_view_is_light(rider: NewRider) -> None:
    weights = weighed(rider(), ".place")
    assert len(weights) > 10
    assert not any("leaflet" in url or "/staff/" in url or "console" in url for url in weights)
    assert sum(weights.values()) <= BUDGET, weights


@FULL
def test_the_first_view_does_what_is_tapped_within_a_second(rider: NewRider) -> None:
    one = rider()
    one.context.add_init_script(TAPPED)
    forget(one.page)
    tools = one.context.new_cdp_session(one.page)
    tools.send("Performance.enable", {"timeDomain": "threadTicks"})
    before = worked_ms(tools)
    one.page.goto(one.url + "/app/?")
    one.page.wait_for_function("() => window.answered")
    took = worked_ms(tools) - before
    print("work of a first visit up to an answered tap, ms:", took)
    assert 0 < took <= INTERACTIVE_MS
