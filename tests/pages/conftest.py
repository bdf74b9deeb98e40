"""A demo and a browser for the tests of a module."""

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

pytest.importorskip("playwright", reason="Playwright is not installed")
from playwright.sync_api import Browser, sync_playwright

from tests.pages.browser import CONSOLE, DESKTOP, Demo, Rider, chromium

_numbers = itertools.count(5001)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Closed with the module: while it is open, no other test of this process may run a loop of its own."""
    where = chromium()
    if where is None:
        pytest.skip("Chromium is missing: apt-get install chromium")
    with sync_playwright() as tool:
        found = tool.chromium.launch(executable_path=where, args=["--no-sandbox"] if os.geteuid() == 0 else [])
        yield found
        found.close()


@pytest.fixture(scope="module")
def demo(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """Where every ride costs 100 won a begun second."""
    found = Demo(tmp_path_factory.mktemp("demo"))
    yield found
    found.stop()


NewRider = Callable[..., Rider]


@contextmanager
def _people(browser: Browser, demo: Demo) -> Iterator[NewRider]:
    """Makes people by number; at the end nothing went wrong on their pages."""
    made: list[Rider] = []

    def new(userid: int, locale: str, **options: Any) -> Rider:
        made.append(Rider(browser, demo, userid, locale, **options))
        return made[-1]

    yield new
    wrong = [one.clean for one in made]
    for one in made:
        one.close()
    assert wrong == [[] for _ in made]


@pytest.fixture
def rider(browser: Browser, demo: Demo) -> Iterator[NewRider]:
    """Makes riders of this test, each with a number of their own and 10,000 won."""
    with _people(browser, demo) as person:

        def new(locale: str = "ko-KR", **options: Any) -> Rider:
            userid = next(_numbers)
            demo.ask("POST", "/userDeposits", {"userid": userid, "deposit": 10_000})
            return person(userid, locale, **options)

        yield new


NewOperator = Callable[..., Rider]


@pytest.fixture
def operator(browser: Browser, demo: Demo) -> Iterator[NewOperator]:
    """Opens the console."""
    with _people(browser, demo) as person:

        def new(locale: str = "ko-KR", **options: Any) -> Rider:
            return person(1001, locale, **{**CONSOLE, **DESKTOP, **options})

        yield new
