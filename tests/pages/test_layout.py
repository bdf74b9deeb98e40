"""What a page looks like to whoever uses it: nothing is cut, nothing too small for a finger, nothing jumps."""

from collections.abc import Mapping
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.pages.browser import CONSOLE, DESKTOP, PHONE, Demo, Rider
from tests.pages.conftest import NewOperator, NewRider
from tests.pages.console_views import CONSOLE_VIEWS
from tests.pages.test_accessible import FULL
from tests.pages.views import VIEWS, View

pytestmark = pytest.mark.timeout(600)
FINGER_PX = 44
MOST_SHIFT = 0.02
"""Cumulative layout shift of a page from its opening to what it shows at last."""
WIDTHS = (390, 1024, 1440)
SHIFTS = """window.shifted = 0; new PerformanceObserver((list) => {
    for (const one of list.getEntries()) window.shifted += one.value;
  }).observe({ type: 'layout-shift', buffered: true });"""
UNTIDY = """(finger) => {
  const found = new Set();
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > width) found.add(`sideways: ${document.documentElement.scrollWidth}`);
  const [top] = [...document.querySelectorAll('dialog[open]')].slice(-1);
  const seen = (one) => one.checkVisibility({ visibilityProperty: true }) && getComputedStyle(one).clipPath === 'none';
  const all = (what) => [...(top ?? document).querySelectorAll(what)].filter(seen);
  const name = (one) => (one.getAttribute('aria-label') || one.textContent || one.id).trim().slice(0, 40);
  const inputs = 'input:not([type=radio], [type=checkbox], [type=file])';
  for (const one of all(`a, button, select, summary, textarea, ${inputs}`)) {
    const after = getComputedStyle(one, '::after');
    const around = after.content !== 'none' && after.position === 'absolute' ? after : null;
    const box = one.getBoundingClientRect();
    const [wide, high] = around ? [around.width, around.height].map(parseFloat) : [box.width, box.height];
    const isText = one.closest('.leaflet-control-attribution, p.soft');
    if (!isText && box.width && Math.min(wide, high) < finger - 0.5) found.add(`small: ${name(one)} ${wide}x${high}`);
  }
  for (const one of all('h1, h2, button, label, dt, [role=columnheader]')) {
    const sideways = getComputedStyle(one).overflowX;
    if (!/auto|scroll/.test(sideways) && one.scrollWidth > one.clientWidth + 1 && one.clientWidth)
      found.add(`cut: ${name(one)} ${one.scrollWidth} > ${one.clientWidth}`);
  }
  for (const box of all('[role=table] .head [role=columnheader], .find-button span')) {
    if (box.scrollWidth > box.clientWidth + 1) found.add(`cut column: ${name(box)}`);
  }
  return [...found];
}"""


def untidy(one: Rider, demo: Demo, views: Mapping[str, View]) -> dict[str, list[str]]:
    """What is cut, too small to be touched or wider than the screen, by the views it is found on."""
    found = {}
    for name, view in views.items():
        view(one, demo)
        found[name] = one.page.evaluate(UNTIDY, FINGER_PX)
    return {name: some for name, some in found.items() if some}


def shifted(page: Page, url: str, hashes: Mapping[str, str]) -> dict[str, float]:
    """How much each page moved what was there already, from its opening on."""
    page.context.add_init_script(SHIFTS)
    found = {}
    for hash, last in hashes.items():
        page.goto(f"{url}{hash}")
        page.reload()
        page.locator(last).first.wait_for()
        page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        found[hash] = page.evaluate("window.shifted")
    return {hash: shift for hash, shift in found.items() if shift >= MOST_SHIFT}


def test_the_fleet_in_english_is_whole_on_a_small_desktop(operator: NewOperator, demo: Demo) -> None:
    one = operator("en-US", viewport={"width": 1024, "height": 800})
    views = {name: CONSOLE_VIEWS[name] for name in ("fleet", "bikes")}
    assert untidy(one, demo, views) == {}
    one.page.locator(".rows .link").first.evaluate("(link) => link.classList.remove('link')")
    assert one.page.evaluate(UNTIDY, FINGER_PX), "the examiner sees nothing"


@FULL
@pytest.mark.parametrize("locale", ["ko-KR", "en-US"])
def test_no_riders_page_cuts_words_or_has_small_targets(rider: NewRider, demo: Demo, locale: str) -> None:
    assert untidy(rider(locale, viewport=PHONE), demo, VIEWS) == {}


@FULL
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("locale", ["ko-KR", "en-US"])
def test_no_page_of_the_console_cuts_words_or_has_small_targets(
    operator: NewOperator, demo: Demo, locale: str, width: int
) -> None:
    one = operator(locale, viewport={"width": width, "height": 900})
    assert untidy(one, demo, CONSOLE_VIEWS) == {}


def test_nothing_jumps_while_a_riders_page_loads(rider: NewRider, demo: Demo) -> None:
    one = rider()
    for bikeid in range(1001, 1007):  # more lines than are kept free for them
        demo.ask("POST", "/bikeManageApps", {"managerid": 1001, "bikeid": bikeid, "batterylevel": 77, "usableyn": True})
    pages = {"#/": ".place", "#/bike/1002": ".status.free", "#/rides": ".empty", "#/me": "#rider", "#/staff": ".dock"}
    assert shifted(one.page, f"{one.url}/app/", pages) == {}


@FULL
@pytest.mark.parametrize("form", [DESKTOP, {"viewport": PHONE}], ids=["desktop", "phone"])
def test_nothing_jumps_while_a_page_of_the_console_loads(operator: NewOperator, form: dict[str, Any]) -> None:
    one = operator(**form)
    pages = {"#/": ".rows .charge", "#/bikes": ".rows .charge", "#/bike/1002": ".status", "#/people": ".rows, .empty"}
    assert shifted(one.page, f"{one.url}{CONSOLE['path']}", pages) == {}
