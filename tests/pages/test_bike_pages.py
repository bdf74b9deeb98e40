"""An operator's bikes: found at the service, had as a file, held, retired, moved, one or many; each act on record."""

import os
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Locator, Page

from tests.pages.browser import CONSOLE, DESKTOP, Demo, Rider, eventually
from tests.pages.conftest import NewOperator
from tests.pages.test_accessible import violations
from tests.pages.town import Town, secure_town
from tests.pages.words import EN, KO, Words

pytestmark = pytest.mark.timeout(300)
FULL = pytest.mark.skipif(not os.environ.get("GBIKE_FULL"), reason="only at full size: GBIKE_FULL=1")
BOTH = pytest.mark.parametrize("words", [pytest.param(KO, id="ko"), pytest.param(EN, id="en")])
WHY = "the rear brake does not hold"
LATE = "2026-11-01T00:00:00Z"
HELD_AT = "/bikes/{}/holds"


def deeds(demo: Demo, bikeid: int) -> list[dict[str, Any]]:
    """What is on record of a bike, newest first."""
    found: list[dict[str, Any]] = demo.ask("GET", f"/audit/bike?subject=bike:{bikeid}")["_embedded"]["deeds"]
    return found


def bike(demo: Demo, bikeid: int) -> dict[str, Any]:
    """As the service has it."""
    found: dict[str, Any] = demo.ask("GET", f"/bikes/{bikeid}")
    return found


def opened(one: Rider, bikeid: int) -> Page:
    """The page of a bike, once it is there."""
    one.go(f"#/bike/{bikeid}")
    one.page.locator(".acts").wait_for()
    return one.page


def confirm(page: Page, act: str, why: str = WHY) -> None:
    """Give the reason in the dialog that is open, and do it."""
    dialog = page.get_by_role("dialog")
    dialog.locator("textarea").fill(why)
    dialog.get_by_role("button", name=act, exact=True).click()
    dialog.wait_for(state="detached")


@BOTH
def test_a_bike_is_held_with_a_reason_and_a_due_day_and_that_is_undone(
    operator: NewOperator, demo: Demo, words: Words
) -> None:
    bikeid = demo.new_bike()
    one = operator(words["locale"])
    page = opened(one, bikeid)
    page.get_by_role("button", name=words["hold"], exact=True).click()
    page.get_by_role("dialog", name=words["hold it?"].format(bikeid)).wait_for()
    page.get_by_label(words["due day"]).fill("2027-01-31")
    confirm(page, words["hold"])
    holds = page.locator(".holds li")
    holds.get_by_text(WHY).wait_for()
    (hold,) = demo.ask("GET", HELD_AT.format(bikeid))["_embedded"]["holds"]
    assert (hold["reason"], hold["by"], hold["due"][:10]) == (WHY, "demo", "2027-01-31")
    (newest, *_) = deeds(demo, bikeid)
    assert (newest["action"], newest["who"], newest["after"]["reason"]) == ("bike held", "demo", WHY)
    assert (newest["before"]["held"], newest["after"]["held"]) == (False, True)
    page.locator(".notice").get_by_role("button", name=words["undo"]).click()
    holds.first.wait_for(state="detached")
    assert bike(demo, bikeid)["status"] == "사용가능"
    assert deeds(demo, bikeid)[0]["action"] == "bike released"
    assert WHY in deeds(demo, bikeid)[0]["after"]["reason"]


@BOTH
def test_a_bike_is_retired_by_its_name_with_a_reason_and_comes_back(
    operator: NewOperator, demo: Demo, words: Words
) -> None:
    bikeid = demo.new_bike()
    one = operator(words["locale"])
    page = opened(one, bikeid)
    retire = page.get_by_role("button", name=words["retire"], exact=True)
    retire.click()
    dialog = page.get_by_role("dialog", name=words["retire it?"].format(bikeid))
    dialog.wait_for()
    dialog.get_by_role("button", name=words["retire"], exact=True).click()
    dialog.get_by_text(words["reason first"]).wait_for()
    assert dialog.locator("textarea").evaluate("(one) => one === document.activeElement")
    assert violations(page) == []
    page.keyboard.press("Escape")
    dialog.wait_for(state="detached")
    assert not bike(demo, bikeid)["retired"]
    eventually(lambda: retire.evaluate("(one) => one === document.activeElement"))
    retire.click()
    confirm(page, words["retire"])
    page.get_by_role("button", name=words["unretire"], exact=True).click()
    assert bike(demo, bikeid)["retired"]
    confirm(page, words["unretire"])
    retire.wait_for()
    assert [one["action"] for one in deeds(demo, bikeid)][:2] == ["bike unretired", "bike retired"]
    assert [one["after"]["reason"] for one in deeds(demo, bikeid)[:2]] == [WHY, WHY]


def test_what_is_refused_is_said_in_the_dialog_and_nothing_is_done(operator: NewOperator, demo: Demo) -> None:
    bikeid = demo.new_bike()
    demo.ask("POST", "/rents", {"userid": 1001, "bikeid": bikeid})
    page = opened(operator("en-US"), bikeid)
    page.get_by_role("button", name="Retire", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.locator("textarea").fill(WHY)
    dialog.get_by_role("button", name="Retire", exact=True).click()
    dialog.get_by_role("alert").wait_for()
    assert dialog.locator("textarea").input_value() == WHY
    assert not bike(demo, bikeid)["retired"]


def test_each_hold_is_let_go_by_itself(operator: NewOperator, demo: Demo) -> None:
    bikeid = demo.new_bike()
    demo.ask("PUT", HELD_AT.format(bikeid) + "/inspection", {"reason": "a yearly look", "due": LATE})
    demo.ask("PUT", HELD_AT.format(bikeid) + "/staff", {"reason": WHY})
    page = opened(operator("en-US"), bikeid)
    staff = page.locator(".holds li").filter(has_text=WHY)
    staff.get_by_role("button").click()
    confirm(page, "Let go", "mended")
    staff.wait_for(state="detached")
    page.locator(".holds li").filter(has_text="Held by inspection").filter(has_text="past due").wait_for()
    assert bike(demo, bikeid)["held"]


@BOTH
def test_a_bike_is_described_anew_and_a_tap_on_the_map_places_it(
    operator: NewOperator, demo: Demo, words: Words
) -> None:
    bikeid = demo.new_bike()
    demo.ask("PATCH", f"/bikes/{bikeid}", {"lat": 37.36, "lon": 127.11})
    page = opened(operator(words["locale"]), bikeid)
    page.get_by_role("button", name=words["edit"], exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.locator(".pick-map .here").wait_for()
    dialog.get_by_label(words["label"]).fill(f"DSK-{bikeid}")
    dialog.get_by_label(words["percent"]).fill("0")
    dialog.locator(".pick-map").click(position={"x": 200, "y": 60})
    confirm(page, words["save"])
    eventually(lambda: bike(demo, bikeid)["label"] == f"DSK-{bikeid}")
    now = bike(demo, bikeid)
    assert now["batterylevel"] == 0
    assert (now["lat"], now["lon"]) != (37.36, 127.11)
    assert 0 < abs(now["lat"] - 37.36) < 0.1
    assert now["location"] == "시험_구역", "what was not changed stays"
    assert deeds(demo, bikeid)[0]["after"]["reason"] == WHY
    page.locator(".notice").get_by_role("button", name=words["undo"]).click()
    eventually(lambda: bike(demo, bikeid)["label"] is None)
    assert (bike(demo, bikeid)["lat"], bike(demo, bikeid)["batterylevel"]) == (37.36, 80)


def test_a_story_is_told_in_words_and_on_a_map(operator: NewOperator, demo: Demo) -> None:
    bikeid = demo.new_bike()
    points = [(37.36, 127.11), (37.37, 127.12), (37.38, 127.1)]
    for lat, lon in points:
        demo.ask("PATCH", f"/bikes/{bikeid}", {"lat": lat, "lon": lon, "reason": "moved by van"})
    demo.ask("PUT", HELD_AT.format(bikeid) + "/staff", {"reason": WHY, "due": LATE})
    page = opened(operator("en-US"), bikeid)
    page.locator(".story-map[data-drawn='3'] .pin.end").nth(2).wait_for()
    assert page.locator(".ends li").count() == 3
    assert [one.split(",")[0] for one in page.locator(".ends li .soft").all_inner_texts() if "," in one][:1] == [
        "37.36000"
    ]
    page.get_by_role("button", name="Operators").click()
    lines = page.locator(".story li")
    assert lines.count() == 5
    assert "Taken out of service" in lines.first.inner_text()
    assert f"Why: {WHY}" in lines.first.inner_text()
    assert "Why: moved by van" in lines.nth(1).inner_text()
    assert "Registered" in lines.last.inner_text()


def numbers(page: Page) -> set[int]:
    """The bikes that the list shows."""
    return {int(one) for one in page.locator(".rows .number a").all_inner_texts()}


@pytest.fixture(scope="module")
def some(demo: Demo) -> dict[str, int]:
    """Bikes of one place, each otherwise."""
    made = {name: demo.new_bike("조건_구역") for name in ("low", "held", "late", "gone", "free")}
    demo.ask("PATCH", f"/bikes/{made['low']}", {"batterylevel": 3})
    demo.ask("PUT", HELD_AT.format(made["held"]) + "/staff", {"reason": WHY, "due": "2099-01-01T00:00:00Z"})
    demo.ask("PUT", HELD_AT.format(made["late"]) + "/staff", {"reason": WHY, "due": LATE})
    demo.ask("POST", f"/bikes/{made['gone']}/retirement", {"reason": WHY})
    return made


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({}, "low held late free"),
        ({"status": "사용가능"}, "low free"),
        ({"batterybelow": "20"}, "low"),
        ({"held": "true"}, "held late"),
        ({"due": "past"}, "late"),
        ({"retired": "true"}, "gone"),
        ({"held": "true", "due": "past", "q": "조건"}, "late"),
    ],
)
def test_the_list_is_narrowed_at_the_service(
    operator: NewOperator, some: dict[str, int], asked: dict[str, str], names: str
) -> None:
    one = operator("en-US")
    one.go("#/bikes?" + urlencode({**asked, "place": "조건_구역"}))
    one.page.locator(".rows .number").first.wait_for()
    assert numbers(one.page) == {some[name] for name in names.split()}


@BOTH
def test_chosen_bikes_are_held_and_what_is_refused_is_told_for_each(
    operator: NewOperator, demo: Demo, words: Words
) -> None:
    place = f"여럿_구역_{words['locale'][:2]}"
    bikes = [demo.new_bike(place) for _ in range(6)]
    demo.ask("POST", "/rents", {"userid": 1002, "bikeid": bikes[0]})
    one = operator(words["locale"])
    one.go("#/bikes?" + urlencode({"place": place}))
    page = one.page
    page.locator(".head .check input").check()
    page.locator(".rows .check input").last.uncheck()
    chosen = page.locator(".chosen-bikes")
    chosen.get_by_role("button", name=words["retire"], exact=True).click()
    confirm(page, words["retire"])
    bulk = page.locator(".bulk")
    refused = bulk.locator(".refused-list li")
    refused.filter(has_text=str(bikes[0])).wait_for()
    bulk.get_by_role("button", name=words["undo"]).wait_for()
    assert refused.count() == 1
    assert len(refused.inner_text()) > len(str(bikes[0])) + 12, "it says why"
    assert [bike(demo, one)["retired"] for one in bikes] == [False, True, True, True, True, False]
    assert deeds(demo, bikes[1])[0]["after"]["reason"] == WHY
    bulk.get_by_role("button", name=words["undo"]).click()
    eventually(lambda: not any(bike(demo, one)["retired"] for one in bikes))
    bulk.get_by_role("button", name=words["close"]).click()
    bulk.wait_for(state="detached")


def test_something_is_done_to_all_that_fit_not_only_to_the_page(operator: NewOperator, demo: Demo) -> None:
    bikes = [demo.new_bike("모두_구역") for _ in range(60)]
    one = operator("en-US")
    one.go("#/bikes?" + urlencode({"place": "모두_구역"}))
    page = one.page
    page.locator(".head .check input").check()
    page.get_by_role("button", name="Choose all 60 that fit").click()
    page.get_by_text("60 chosen").wait_for()
    page.locator(".chosen-bikes").get_by_role("button", name="Take out of service").click()
    page.get_by_role("dialog", name="60 bikes").wait_for()
    confirm(page, "Take out of service")
    page.get_by_text("60 of 60 done").wait_for()
    assert all(bike(demo, one)["held"] for one in bikes)
    one.go("#/")
    one.go("#/bikes")
    page.get_by_text("60 of 60 done").wait_for()


def test_signs_are_printed_of_the_chosen_bikes(operator: NewOperator, demo: Demo) -> None:
    bikes = [demo.new_bike("표지_구역") for _ in range(3)]
    one = operator("en-US")
    one.go("#/bikes?" + urlencode({"place": "표지_구역"}))
    for number in (0, 2):
        one.page.locator(".rows .check input").nth(number).check()
    one.page.get_by_role("link", name="Print signs").click()
    one.page.locator(".plate").nth(1).wait_for()
    assert one.page.locator(".plate strong").all_inner_texts() == [str(bikes[0]), str(bikes[2])]


def downloaded(page: Page, way: Locator) -> tuple[str, bytes]:
    """The name of a file, and what is in it."""
    page.locator(".csv summary").click()
    with page.expect_download() as kept:
        way.click()
    return kept.value.suggested_filename, kept.value.path().read_bytes()


@pytest.mark.parametrize(("way", "encoding"), [("UTF-8", "utf-8-sig"), ("CP949 (Excel)", "cp949")])
def test_the_narrowed_list_is_had_as_a_file(
    operator: NewOperator, some: dict[str, int], way: str, encoding: str
) -> None:
    one = operator("en-US", accept_downloads=True)
    one.go("#/bikes?" + urlencode({"place": "조건_구역", "held": "true", "sort": "batterylevel", "page": "1"}))
    one.page.locator(".rows .number").first.wait_for()
    name, data = downloaded(one.page, one.page.get_by_role("button", name=way, exact=True))
    rows = data.decode(encoding).splitlines()
    assert name.endswith(".csv")
    assert rows[0].split(",")[0] == "bikeid"
    assert {int(row.split(",")[0]) for row in rows[1:]} == {some["held"], some["late"]}
    assert all("조건_구역" in row for row in rows[1:])


@pytest.fixture
def town(browser: Browser) -> Iterator[Town]:
    """Where tokens are required."""
    with secure_town() as found:
        yield found


def test_a_file_is_asked_for_with_the_sessions_token(browser: Browser, town: Town) -> None:
    one = Rider(browser, town, 1, "en-US", **{**CONSOLE, **DESKTOP, "first": "form"})
    session = {
        "userid": 900,
        "roles": ["admin"],
        "access_token": town.token("admin"),
        "refresh_token": "",
        "ends": 9e12,
    }
    one.page.evaluate("(session) => localStorage.setItem('gbike.session', JSON.stringify(session))", session)
    one.reload(one.page.locator(".side"))
    one.go("#/bikes")
    one.page.locator(".rows .number").first.wait_for()
    _, data = downloaded(one.page, one.page.get_by_role("button", name="UTF-8", exact=True))
    assert len(data.decode("utf-8-sig").splitlines()) == 2
    assert one.clean == []
    one.close()
