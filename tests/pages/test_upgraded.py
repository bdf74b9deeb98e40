"""Another version of the pages is served while some are open: nothing is lost, nothing is blank."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Response, expect

from gbike.run.web import FILES
from tests.pages.browser import CONSOLE, DESKTOP, Demo, Rider, eventually
from tests.pages.test_line import PLACE, kept
from tests.pages.test_rider import rent
from tests.pages.words import EN, KO, Words

pytestmark = pytest.mark.timeout(500)
SERVES = """
import sys
from pathlib import Path
from gbike.cli import main
from gbike.run import web
web.FILES = Path(sys.argv.pop(1))
main()
"""
"""Begins gbike with the pages of a folder."""
COMING = """navigator.serviceWorker.ready.then(({ installing, waiting, active }) =>
  installing ? 'installing' : waiting ? 'waiting' : active.state === 'activated' ? '' : active.state)"""
"""How far another version of the service worker is that is on its way; '' where none is."""
NEW = {"ko": "새로 나온 gbike", "en": "gbike anew"}
"""What the new version says on a rider's own page, which is loaded late."""


def another(folder: Path) -> Path:
    """The pages of a version to come: the same with another word."""
    shutil.copytree(FILES, folder)
    for language, word in NEW.items():
        book = folder / "staff" / f"{language}.js"
        text = book.read_text("utf-8").replace("export const", f"// {word}\nexport const")
        book.write_text(text.replace("= {", f"= {{ anew: '{word}',"), "utf-8")
    page = folder / "staff" / "home.js"
    text = page.read_text("utf-8")
    assert "title=${t('staff')}" in text
    page.write_text(text.replace("title=${t('staff')}", "title=${t('anew')}"), "utf-8")
    return folder


def broken(folder: Path) -> Path:
    """One that never becomes whole: it names a file that nobody serves."""
    shutil.copytree(FILES, folder)
    worker = folder / "sw.js"
    worker.write_text(worker.read_text("utf-8").replace("{{shell}}", "{{shell}} {{base}}/gone.js"), "utf-8")
    return folder


def exchange(demo: Demo, folder: Path) -> None:
    """The same gbike, with the pages of a folder."""
    demo.stop()
    demo.program = ["-c", SERVES, str(folder)]
    demo.start()


@pytest.fixture
def demo(browser: Browser, tmp_path: Path) -> Iterator[Demo]:
    """Of its own, as its version is exchanged."""
    found = Demo(tmp_path / "demo")
    yield found
    found.stop()


def version(page: Page) -> str:
    """Which one an open page is."""
    return str(page.evaluate("document.querySelector('script').src.split('/').at(-2)"))


def kept_versions(page: Page) -> list[str]:
    """Those that the service worker has."""
    names: list[str] = page.evaluate("caches.keys()")
    return [name.rpartition("/")[2] for name in names]


def settled(page: Page) -> bool:
    """Whether no other version of the service worker is on its way. One that is ready waits until the browser ends the
    one before, which it does when it was idle for a while, or after five minutes: here it ends it at once."""
    coming = page.evaluate(COMING)
    if coming == "waiting":
        browser = page.context.new_cdp_session(page)
        browser.send("ServiceWorker.enable")
        browser.send("ServiceWorker.stopAllWorkers")
    return not coming


def taps(page: Page) -> list[dict[str, str]]:
    """What waits to be sent."""
    return list(json.loads(page.evaluate("localStorage.getItem('gbike.taps')") or "[]"))


def with_something_open(installed: Rider, tab: Rider, operator: Rider, demo: Demo, words: Words) -> None:
    """An installed page with a return that waits; a tab and a console with something written."""
    rent(installed, demo.new_bike(), words)
    installed.tap(words["return"])
    installed.leave_at(PLACE)
    kept(installed)
    installed.context.set_offline(True)
    installed.tap(words["here"])
    installed.see(words["not yet"])
    assert len(taps(installed.page)) == 1
    rent(tab, demo.new_bike(), words)
    tab.go("#/number")
    tab.page.locator("#number").fill("6001")
    operator.go("#/add")
    operator.page.locator("#given-location").fill("Written")


def opens_anew_once(tab: Rider, old: str, anew: str) -> None:
    """A part of which the file is gone: the page is the new version, and what was written is there."""
    loads = list[Page]()
    tab.page.on("domcontentloaded", lambda page: loads.append(page))
    tab.go("#/staff")
    tab.page.get_by_role("heading", name=anew).wait_for()
    assert (version(tab.page) != old, len(loads)) == (True, 1)
    tab.page.go_back()
    expect(tab.page.locator("#number")).to_have_value("6001")
    tab.go("#/ride")
    tab.page.get_by_role("timer").wait_for()


def the_console_too(operator: Rider, old: str) -> None:
    """It opens anew where it was."""
    with operator.page.expect_event("domcontentloaded"):
        operator.go("#/signs")
    operator.page.locator("main h1").wait_for()
    assert version(operator.page) != old
    operator.page.go_back()
    expect(operator.page.locator("#given-location")).to_have_value("Written")


def goes_on_as_the_old_one(installed: Rider, demo: Demo, words: Words, old: str) -> None:
    """Whole: parts that it never loaded open. The line comes back, and its return is sent once."""
    posted = list[Response]()
    installed.context.on("response", lambda answer: posted.append(answer) if answer.request.method == "PATCH" else None)
    installed.go("#/staff")
    installed.page.get_by_role("heading", name=words["staff"]).wait_for()
    installed.go("#/ride")
    installed.page.get_by_role("timer").wait_for()
    assert (version(installed.page), len(taps(installed.page))) == (old, 1)
    installed.context.set_offline(False)
    installed.page.get_by_role("heading", name=words["done"]).wait_for()
    installed.see(words["settled"])
    eventually(lambda: taps(installed.page) == [])
    (mine,) = demo.rents(installed.userid)
    assert (mine["status"], mine["endedby"]) == ("returned", "offline")
    assert [answer.status for answer in posted] == [200]
    assert len(demo.ask("GET", f"/userDeposits/{installed.userid}/entries")["_embedded"]["entries"]) == 2


def opened_again_it_is_the_new_one(installed: Rider, second: Page, words: Words, old: str) -> str:
    """Which is kept whole, beside the old one that another tab goes on with. Answers its version."""
    installed.reload(installed.page.locator("main h1"))
    new = version(installed.page)
    eventually(lambda: kept_versions(installed.page) == [old, new])
    eventually(lambda: settled(installed.page))
    assert version(second) == old
    second.evaluate("location.hash = '#/staff'")
    second.get_by_role("heading", name=words["staff"]).wait_for()
    return new


@pytest.mark.parametrize("words", [KO, EN], ids=["ko", "en"])
def test_an_upgrade_loses_nothing_of_an_open_tab_an_installed_page_and_a_queued_return(
    browser: Browser, demo: Demo, tmp_path: Path, words: Words
) -> None:
    locale, anew = words["locale"], NEW[words["locale"][:2]]
    for userid in (7_501, 7_502):
        demo.ask("POST", "/userDeposits", {"userid": userid, "deposit": 10_000})
    installed = Rider(browser, demo, 7_501, locale)
    tab = Rider(browser, demo, 7_502, locale, service_workers="block")
    operator = Rider(browser, demo, 1001, locale, service_workers="block", **CONSOLE, **DESKTOP)
    second, old = installed.open("#/rides"), version(installed.page)
    with_something_open(installed, tab, operator, demo, words)

    exchange(demo, another(tmp_path / "new"))

    opens_anew_once(tab, old, anew)
    the_console_too(operator, old)
    goes_on_as_the_old_one(installed, demo, words, old)
    assert opened_again_it_is_the_new_one(installed, second, words, old) == version(tab.page)
    installed.context.set_offline(True)
    installed.go("#/staff")
    installed.reload(installed.page.get_by_role("heading", name=anew))
    installed.see(words["last known"])
    for one in (installed, tab, operator):
        assert one.clean == []
        one.close()


def test_a_version_that_does_not_become_whole_leaves_the_old_one_working(
    browser: Browser, demo: Demo, tmp_path: Path
) -> None:
    demo.ask("POST", "/userDeposits", {"userid": 7_503, "deposit": 10_000})
    one = Rider(browser, demo, 7_503, "ko-KR")
    kept(one)
    old = version(one.page)
    exchange(demo, broken(tmp_path / "broken"))
    one.reload(one.page.locator(".place").first)
    assert version(one.page) != old
    one.page.evaluate("navigator.serviceWorker.ready.then((one) => one.update()).then(() => true)")
    eventually(lambda: settled(one.page))
    eventually(lambda: kept_versions(one.page) == [old])
    one.context.set_offline(True)
    one.reload(one.page.locator(".place").first)
    one.see(KO["last known"])
    assert version(one.page) == old
    assert one.clean == []
    one.close()
