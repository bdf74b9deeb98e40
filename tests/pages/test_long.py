"""The console of an operator of 10,000 bikes with 100,000 rides behind them: no page keeps its reader waiting."""

import json
import os
import re
from collections.abc import Iterator
from contextlib import closing

import pytest
from playwright.sync_api import Browser, Page

from dev.bench.fill import fill, in_bulk
from dev.bench.office import furnish
from gbike.run.folder.data_folder import DataFolder
from tests.pages.browser import CONSOLE, DESKTOP, Demo, Rider, eventually

pytestmark = [
    pytest.mark.alone,
    pytest.mark.skipif(not os.environ.get("GBIKE_FULL"), reason="only at full size: GBIKE_FULL=1"),
    pytest.mark.timeout(900),
]
BIKES = 10_000
RIDES = 100_000
RIDERS = 10_000
DEEDS = 100_000
TASK_CPU_MS = 100
"""What the page's thread may compute at one stretch: whoever taps meanwhile waits for it."""
FRAME_CPU_MS = 16
"""What the page's thread may compute for a frame of a drag: 60 a second are drawn where nobody else computes."""
FRAMES = """(many) => new Promise((drawn) => { let left = many;
  const each = () => (left -= 1) ? requestAnimationFrame(each) : drawn(); each(); })"""
DRAGS, MOVES = 10, 10
"""Each move may be a frame; at the end of a drag the map is drawn anew."""
CATEGORIES = ["toplevel", "__metadata"]
LISTS = {
    "": "/bikes?",
    "bikes": "/bikes?",
    "bikes?sort=batterylevel&down=1&page=3": "/bikes?",
    "rides": "/rents?",
    "riders": "/userDeposits?",
    "debts": "/userDeposits?",
    "money": "/billings?",
    "people": None,
    "audit": None,
}
"""As their addresses say, the first is the fleet with its map; and what each reads anew while it is looked at."""
WHOLE = re.compile(r"^전체 9,\d{3} ")
"""Some bikes are retired."""


class Furnished(Demo):
    """A demo of a long past."""

    def _fleet(self) -> bool:
        try:
            return bool(self.ask("GET", "/bikes/7"))
        except OSError:
            return False


@pytest.fixture(scope="module")
def demo(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """With rides that are over, rides that go on, debts and deeds."""
    folder = tmp_path_factory.mktemp("furnished") / "data"
    fill(folder, BIKES, RIDES, RIDERS)
    furnish(folder, BIKES, RIDES, RIDERS, DEEDS)
    found = Furnished(folder)
    yield found
    found.stop()


@pytest.fixture(scope="module")
def spread(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo whose bikes stand all over a city, at fifty places."""
    folder = tmp_path_factory.mktemp("spread") / "data"
    fill(folder, BIKES, 100, 10)
    with closing(in_bulk(DataFolder(folder).store_path("bike"))) as store:
        store.execute(
            "UPDATE bikes SET lat = 37.2 + bikeid % 331 / 1000.0, lon = 126.9 + bikeid % 97 / 250.0,"
            " location = '구역_' || (bikeid % 50), batterylevel = bikeid % 101"
        )
    found = Furnished(folder)
    yield found
    found.stop()


def longest_ms(browser: Browser) -> float:
    """Since the tracing began: the most that a page's thread computed in one task, however long others kept it."""
    events = json.loads(browser.stop_tracing())["traceEvents"]
    pages = {
        (one["pid"], one["tid"])
        for one in events
        if one["name"] == "thread_name" and one["args"]["name"] == "CrRendererMain"
    }
    tasks: list[float] = [
        one.get("tdur", 0) / 1000 for one in events if (one["pid"], one["tid"]) in pages and one["ph"] == "X"
    ]
    assert len(tasks) > 10, "nothing was traced"
    return max(tasks)


@pytest.mark.parametrize("address", LISTS)
def test_no_list_of_the_console_makes_a_long_task(browser: Browser, demo: Demo, address: str) -> None:
    one, again = Rider(browser, demo, 1, **CONSOLE, **DESKTOP), LISTS[address]
    page = one.page
    there = page.locator(".server-list [role=rowheader], .trail li") if address else page.get_by_text(WHOLE)
    one.go(f"#/{address}")
    there.first.wait_for()
    browser.start_tracing(page=page, categories=CATEGORIES)
    one.reload(there.first)
    if again:
        with page.expect_response(lambda answer: again in answer.url):
            pass
    page.evaluate(FRAMES, 3)
    longest = longest_ms(browser)
    clean = one.clean
    one.close()
    print(f"#/{address}: CPU of the longest task {longest:.1f} ms")
    assert longest < TASK_CPU_MS
    assert clean == []


def test_a_drag_over_10000_bikes_is_smooth(browser: Browser, spread: Demo) -> None:
    one = Rider(browser, spread, 1, **CONSOLE, **DESKTOP)
    page = one.page
    page.get_by_text(re.compile("^전체 10,000 ")).first.wait_for()
    page.locator(".leaflet-control-zoom-in").click()
    eventually(lambda: int(page.locator("canvas.signs").get_attribute("data-signs") or 0) > 500)
    moved_ms, drawn_ms = _dragged(page)
    clean = one.clean
    one.close()
    print(f"CPU of the page's thread: {moved_ms:.1f} ms a frame while it is dragged, {drawn_ms:.1f} ms to draw it anew")
    assert moved_ms < FRAME_CPU_MS
    assert drawn_ms < FRAME_CPU_MS
    assert clean == []


def _dragged(page: Page) -> tuple[float, float]:
    """What the page's thread computes for a move and for the end of a drag, ms, however long others keep it waiting."""
    box = page.locator(".big-map").bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    browser = page.context.new_cdp_session(page)
    browser.send("Performance.enable", {"timeDomain": "threadTicks"})

    def computed_ms() -> float:
        metrics = {one["name"]: one["value"] for one in browser.send("Performance.getMetrics")["metrics"]}
        return float(metrics["TaskDuration"]) * 1000

    moved = drawn = 0.0
    for drag in range(DRAGS):
        way = 1 if drag % 2 else -1
        page.mouse.move(x, y)
        page.mouse.down()
        began = computed_ms()
        for step in range(MOVES):
            page.mouse.move(x + way * step * 12, y + way * step * 6)
        moved += computed_ms() - began
        page.evaluate(FRAMES, 12)  # held still, so that it does not go on by itself
        released = computed_ms()
        page.mouse.up()
        page.evaluate(FRAMES, 2)
        drawn += computed_ms() - released
    return moved / DRAGS / MOVES, drawn / DRAGS
