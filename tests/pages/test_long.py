"""The console of an operator of 10,000 bikes with 100,000 rides behind them: no page keeps its reader waiting."""

import json
import os
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from dev.bench.fill import fill
from dev.bench.office import furnish
from tests.pages.browser import CONSOLE, DESKTOP, Demo, Rider
from tests.pages.test_console import FRAMES

pytestmark = [
    pytest.mark.skipif(not os.environ.get("GBIKE_FULL"), reason="only at full size: GBIKE_FULL=1"),
    pytest.mark.timeout(900),
]
BIKES = 10_000
RIDES = 100_000
RIDERS = 10_000
DEEDS = 100_000
TASK_CPU_MS = 100
"""What the page's thread may compute at one stretch: whoever taps meanwhile waits for it."""
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
            return bool(self.ask("GET", "/bikeManagers/7"))
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
