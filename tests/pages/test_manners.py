"""How the console behaves on every page: lists that stand in the address, the keyboard, the palette."""

import pytest
from playwright.sync_api import Page

from tests.pages.browser import Demo, Rider, eventually
from tests.pages.conftest import NewOperator
from tests.pages.test_accessible import violations
from tests.pages.words import EN, KO, Words

pytestmark = pytest.mark.timeout(300)
BOTH = pytest.mark.parametrize("words", [pytest.param(KO, id="ko"), pytest.param(EN, id="en")])
PLACE = "목록_구역"
FIRST = 48_001
BIKES = 60
"""More than a page of the list has."""
WIDTHS = (390, 1440, 2560)


@pytest.fixture(scope="module", autouse=True)
def many_bikes(demo: Demo) -> None:
    """At one place, the last with the most charge."""
    for number in range(BIKES):
        body = {"bikeid": FIRST + number, "location": PLACE, "batterylevel": 20 + number, "label": f"MNR-{number:03}"}
        demo.ask("POST", "/bikes", body)


def numbers(page: Page) -> list[str]:
    """The bikes that the list shows, as far as they are drawn."""
    return page.locator(".rows .number a").all_inner_texts()


def shows(page: Page, first: int) -> None:
    """Return when the list begins with a bike."""
    eventually(lambda: numbers(page)[:1] == [str(first)])


def is_at(page: Page, path: str) -> None:
    """Return when the address is this one."""
    eventually(lambda: page.evaluate("location.hash") == path)


@BOTH
def test_a_list_is_where_its_address_says_after_back_forward_and_reload(operator: NewOperator, words: Words) -> None:
    one = operator(words["locale"])
    page = one.page
    one.go("#/bikes")
    page.locator(".rows .number").first.wait_for()
    page.locator(".server-list .head").get_by_role("button", name=words["battery"]).click()
    page.get_by_role("button", name=words["next"], exact=True).click()
    eventually(lambda: page.evaluate("location.hash") == "#/bikes?sort=batterylevel&page=2")
    second = eventually(lambda: len(numbers(page)) > 5 and numbers(page))
    page.go_back()
    eventually(lambda: numbers(page) and numbers(page) != second)
    is_at(page, "#/bikes?sort=batterylevel")
    page.go_forward()
    eventually(lambda: numbers(page) == second)
    one.reload(page.locator(".rows .number").first)
    eventually(lambda: numbers(page) == second)


def test_what_an_address_says_that_no_list_knows_breaks_nothing(operator: NewOperator) -> None:
    one = operator("en-US")
    for said in ("page=0", "page=9999", "sort=password", "status=x&batterybelow=-1&held=maybe", "nobody=1&due=%00"):
        one.go(f"#/bikes?{said}")
        one.page.locator(".rows .number").first.wait_for()
        assert one.page.locator(".notice").count() == 0, said


def test_a_filter_begins_at_the_first_page(operator: NewOperator) -> None:
    one = operator("en-US")
    one.go("#/bikes?page=2")
    one.page.locator(".rows .number").first.wait_for()
    one.page.get_by_label("Status").select_option("사용가능")
    is_at(one.page, "#/bikes?status=%EC%82%AC%EC%9A%A9%EA%B0%80%EB%8A%A5")


@BOTH
def test_the_keyboard_goes_everywhere_but_not_while_somebody_writes(operator: NewOperator, words: Words) -> None:
    one = operator(words["locale"])
    page, keys = one.page, one.page.keyboard
    page.locator(".figure").first.wait_for()
    keys.press("g")
    keys.press("b")
    page.locator(".server-list .rows .number").first.wait_for()
    keys.press("/")
    keys.type("g r?")
    assert page.get_by_label(words["search"]).input_value() == "g r?"
    assert page.evaluate("location.hash").startswith("#/bikes")
    assert page.locator("dialog").count() == 0
    page.get_by_label(words["search"]).blur()
    keys.press("?")
    page.get_by_role("dialog", name=words["shortcuts"]).wait_for()
    keys.press("g")
    keys.press("r")
    assert page.get_by_role("dialog").count() == 1
    keys.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")
    keys.press("g")
    keys.press("r")
    is_at(page, "#/rides")


def test_single_keys_can_be_turned_off(operator: NewOperator) -> None:
    one = operator("en-US")
    page, keys = one.page, one.page.keyboard
    page.locator(".figure").first.wait_for()
    keys.press("?")
    page.get_by_label("Single keys are shortcuts").uncheck()
    keys.press("Escape")
    keys.press("g")
    keys.press("r")
    keys.press("Control+k")
    page.get_by_role("dialog", name="Find or go to").wait_for()
    assert page.evaluate("location.hash") in ("", "#/")


@BOTH
@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("bike 48003", "#/bike/48003"),
        ("mnr-005", "#/bike/48006"),
        ("목록", "#/bikes?place=%EB%AA%A9%EB%A1%9D_%EA%B5%AC%EC%97%AD"),
        ("rides", "#/rides"),
    ],
)
def test_the_palette_goes_to_what_is_written(operator: NewOperator, words: Words, written: str, address: str) -> None:
    one = operator(words["locale"])
    page, keys = one.page, one.page.keyboard
    page.locator(".figure").first.wait_for()
    keys.press("Control+k")
    palette = page.get_by_role("dialog", name=words["palette"])
    palette.locator("input:focus").wait_for()
    keys.type(written if written != "rides" else "이용" if words is KO else "rides")
    names = {"bike 48003": "48003", "mnr-005": "48006", "목록": "목록 구역", "rides": ""}
    palette.get_by_role("option", name=names[written]).first.wait_for()
    while names[written] not in palette.locator("[aria-selected=true]").inner_text():
        keys.press("ArrowDown")
    keys.press("Enter")
    is_at(page, address)
    palette.wait_for(state="detached")


def test_the_focus_stays_within_the_palette_and_comes_back(operator: NewOperator) -> None:
    one = operator("en-US")
    page, keys = one.page, one.page.keyboard
    page.locator(".figure").first.wait_for()
    opens = page.locator(".find-button")
    opens.focus()
    keys.press("Enter")
    page.get_by_role("dialog").wait_for()
    for key in ("Tab", "Tab", "Tab", "Shift+Tab", "Shift+Tab", "Shift+Tab"):
        keys.press(key)
        assert page.evaluate("document.activeElement.closest('dialog') !== null"), key
    keys.press("Escape")
    eventually(lambda: opens.evaluate("(one) => one === document.activeElement"))


def test_a_figure_leads_to_the_list_of_what_it_counts(operator: NewOperator) -> None:
    one = operator("en-US")
    one.page.locator(".figure.free a").click()
    one.page.get_by_label("Status").wait_for()
    assert one.page.get_by_label("Status").input_value() == "사용가능"


def open_all(one: Rider) -> list[str]:
    """What axe-core finds on the list, in the palette and in the list of the shortcuts."""
    page, keys = one.page, one.page.keyboard
    one.go("#/bikes")
    page.locator(".rows .number").first.wait_for()
    found = violations(page)
    for opens in ("Control+k", "?"):
        page.evaluate("document.activeElement.blur()")
        keys.press(opens)
        page.get_by_role("dialog").wait_for()
        found += violations(page)
        keys.press("Escape")
        page.get_by_role("dialog").wait_for(state="detached")
    return found


@pytest.mark.parametrize("width", WIDTHS)
def test_axe_finds_nothing_and_no_page_is_wider_than_its_screen(operator: NewOperator, width: int) -> None:
    one = operator("ko-KR", viewport={"width": width, "height": 900})
    assert open_all(one) == []
    assert one.page.evaluate("document.documentElement.scrollWidth") <= width


SMALL = """() => [...document.querySelectorAll('main :is(button, a, select, input), .side :is(a, button)')]
  .filter((one) => one.offsetParent && !one.closest('.rows, label.check') && one.getBoundingClientRect().height < 43.5)
  .map((one) => one.outerHTML.slice(0, 120))"""


def test_a_finger_hits_everything(operator: NewOperator) -> None:
    one = operator("ko-KR", viewport={"width": 390, "height": 844}, has_touch=True)
    one.go("#/bikes")
    one.page.locator(".rows .number").first.wait_for()
    assert one.page.evaluate(SMALL) == []
