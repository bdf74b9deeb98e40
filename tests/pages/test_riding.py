"""What riders are told of a bike's battery and lock, and what they tell of a bike, also without a line."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Route

from tests.pages.browser import DESKTOP, PHONE, Demo, Rider, eventually
from tests.pages.conftest import NewRider
from tests.pages.test_line import kept
from tests.pages.words import EN, KO, Words

pytestmark = pytest.mark.timeout(300)
BOTH = pytest.mark.parametrize("words", [KO, EN], ids=["ko", "en"])
FORMS = pytest.mark.parametrize(
    ("words", "form"), [(KO, {"viewport": PHONE}), (EN, DESKTOP)], ids=["ko-phone", "en-desktop"]
)


@pytest.fixture(scope="module")
def demo(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """Where no bike below 10 % is offered."""
    found = Demo(tmp_path_factory.mktemp("demo"), GBIKE_OFFER_FROM_BATTERY="10")
    yield found
    found.stop()


def charged(demo: Demo, percent: int, place: str = "시험_구역") -> int:
    """A new bike with a charge."""
    bikeid = demo.new_bike(place)
    demo.ask("PATCH", f"/bikes/{bikeid}", {"batterylevel": percent})
    return bikeid


def complaints(demo: Demo, bikeid: int) -> list[dict[str, Any]]:
    """What was complained of a bike."""
    found: list[dict[str, Any]] = demo.ask("GET", f"/complaints?bikeid={bikeid}")["_embedded"]["complaints"]
    return found


def tell(one: Rider, words: Words, kind: str, more: str = "") -> None:
    """From a page that shows the way to tell something, to where it is sent."""
    one.page.get_by_role("link", name=words["complain"]).click()
    one.page.locator("label", has_text=words[kind]).click()
    one.page.get_by_label(words["to add"]).fill(more)
    one.page.get_by_role("button", name=words["tell"]).click()


def ride(one: Rider, words: Words, bikeid: int) -> None:
    """To the running ride."""
    one.go(f"#/bike/{bikeid}")
    one.page.get_by_role("button", name=words["rent"]).click()
    one.page.get_by_role("timer").wait_for()


@FORMS
def test_a_low_battery_is_told_of_before_the_ride(
    rider: NewRider, demo: Demo, words: Words, form: dict[str, Any]
) -> None:
    low, enough = charged(demo, 19), charged(demo, 20)
    one = rider(words["locale"], **form)
    one.go(f"#/bike/{low}")
    one.see(words["low"].format(19))
    one.page.get_by_role("button", name=words["rent"]).wait_for()
    one.go(f"#/bike/{enough}")
    one.page.get_by_role("heading", name=str(enough)).wait_for()
    one.page.get_by_role("button", name=words["rent"]).wait_for()
    assert one.page.get_by_text(words["low"].format(20)).count() == 0


@BOTH
def test_a_bike_below_the_set_charge_is_not_offered_and_says_why(rider: NewRider, demo: Demo, words: Words) -> None:
    place = f"배터리 {words['locale']}"
    empty, full = charged(demo, 9, place), charged(demo, 90, place)
    one = rider(words["locale"])
    shown = one.page.locator(".place", has_text=place)
    shown.get_by_role("link").filter(has_text=str(full)).wait_for()
    assert shown.get_by_role("link").filter(has_text=str(empty)).count() == 0
    one.go(f"#/bike/{empty}")
    one.see(words["too low"])
    assert one.page.get_by_role("button", name=words["rent"]).count() == 0
    one.go(f"#/bike/{full}")
    one.page.get_by_role("button", name=words["rent"]).wait_for()
    demo.ask("PATCH", f"/bikes/{full}", {"batterylevel": 5})
    one.tap(words["rent"])
    one.see(words["too low"])
    assert demo.rents(one.userid) == []


@FORMS
def test_whoever_rides_is_told_what_to_do_with_the_lock(
    rider: NewRider, demo: Demo, words: Words, form: dict[str, Any]
) -> None:
    one = rider(words["locale"], **form)
    bikeid = demo.new_bike()
    one.go(f"#/bike/{bikeid}")
    one.page.locator("dd", has_text=words["lock yourself"]).wait_for()
    ride(one, words, bikeid)
    one.see(words["begun"])
    one.see(words["lock of the ride"])
    one.go(f"#/return/{demo.rents(one.userid)[0]['rentid']}")
    one.page.get_by_role("button", name=words["here"]).click()
    one.page.get_by_role("heading", name=words["done"]).wait_for()
    one.see(words["lock up"])
    one.page.get_by_role("link", name=words["complain"]).wait_for()


@FORMS
def test_a_rider_tells_what_is_wrong_and_what_happens_next(
    rider: NewRider, demo: Demo, words: Words, form: dict[str, Any]
) -> None:
    bikeid = demo.new_bike()
    one, other = rider(words["locale"], **form), rider(words["locale"], **form)
    one.go(f"#/bike/{bikeid}")
    one.page.get_by_role("link", name=words["complain"]).click()
    one.page.get_by_role("button", name=words["tell"]).click()
    one.see(words["kind first"])
    one.page.locator("label", has_text=words["other kind"]).click()
    one.page.get_by_role("button", name=words["tell"]).click()
    one.see(words["words first"])
    one.page.get_by_label(words["to add"]).fill(" 바구니가 없어요 ")
    one.reload(one.page.locator("label.on", has_text=words["other kind"]))
    one.page.get_by_role("button", name=words["tell"]).click()
    one.page.get_by_role("heading", name=words["thanks"]).wait_for()
    one.see(words["field staff look"])
    (told,) = complaints(demo, bikeid)
    assert (told["userid"], told["kind"], told["words"]) == (one.userid, "other", "바구니가 없어요")
    assert demo.ask("GET", f"/bikes/{bikeid}")["status"] == "사용가능"

    other.go(f"#/bike/{bikeid}")
    tell(other, words, "brake")
    other.see(words["taken out"])
    assert [one["kind"] for one in complaints(demo, bikeid)] == ["brake", "other"]
    eventually(lambda: demo.ask("GET", f"/bikes/{bikeid}")["status"] == "불량")


@BOTH
def test_a_short_ride_is_said_to_cost_nothing(rider: NewRider, demo: Demo, words: Words) -> None:
    bikeid = demo.new_bike()
    one = rider(words["locale"])
    ride(one, words, bikeid)
    tell(one, words, "unsafe")
    one.see(words["taken out"])
    one.see(words["free until"])
    one.page.get_by_role("link", name=words["return"]).click()
    one.page.get_by_role("button", name=words["here"]).click()
    one.page.get_by_role("heading", name=words["done"]).wait_for()
    tell(one, words, "brake")
    one.see(words["free back"])
    assert [told["kind"] for told in complaints(demo, bikeid)] == ["brake", "safety"]


@BOTH
def test_a_complaint_without_a_line_is_kept_and_comes_once_and_holds_up_no_return(
    rider: NewRider, demo: Demo, words: Words
) -> None:
    bikeid = demo.new_bike()
    one = rider(words["locale"])
    ride(one, words, bikeid)
    one.page.get_by_role("link", name=words["complain"]).click()
    one.page.locator("label", has_text=words["brakes"]).wait_for()
    kept(one)
    one.context.set_offline(True)
    one.page.locator("label", has_text=words["brakes"]).click()
    one.page.get_by_role("button", name=words["tell"]).click()
    one.see(words["told later"])
    one.page.get_by_role("link", name=words["go on"]).click()
    one.page.get_by_role("timer").wait_for()
    one.go(f"#/complain/{bikeid}")  # what waits is not asked for again
    one.see(words["told later"])
    one.go(f"#/return/{demo.rents(one.userid)[0]['rentid']}")
    one.page.get_by_role("button", name=words["here"]).click()
    one.see(words["not yet"])
    assert complaints(demo, bikeid) == []
    one.context.set_offline(False)
    one.page.get_by_role("heading", name=words["done"]).wait_for()
    eventually(lambda: complaints(demo, bikeid))
    (ended,) = demo.rents(one.userid)
    assert ended["status"] == "returned"
    assert [told["kind"] for told in complaints(demo, bikeid)] == ["brake"]


def test_a_complaint_whose_answer_was_lost_is_sent_again_after_a_reload_and_counts_once(
    rider: NewRider, demo: Demo
) -> None:
    bikeid = demo.new_bike()
    one = rider()
    one.go(f"#/bike/{bikeid}")
    sent: list[str] = []
    reloaded: list[bool] = []

    def lose(route: Route) -> None:
        sent.append(route.request.headers["idempotency-key"])
        if len(sent) == 1:
            route.fetch()
            route.abort()
        elif reloaded:
            route.continue_()  # before that it hangs

    one.context.route("**/complaints", lose)
    tell(one, KO, "brake")
    eventually(lambda: one.page.evaluate("true") and len(sent) == 2)  # the second one hangs until the reload
    assert len(complaints(demo, bikeid)) == 1
    reloaded.append(True)
    with one.page.expect_response(lambda answer: answer.url.endswith("/complaints")) as answered:
        one.page.reload()
    assert answered.value.request.headers["idempotency-key"] == sent[0]
    assert answered.value.headers["idempotent-replayed"] == "true"
    one.page.get_by_role("heading", name=KO["thanks"]).wait_for()
    assert len(complaints(demo, bikeid)) == 1


def test_a_complaint_of_a_bike_that_there_is_not_is_refused_in_words(rider: NewRider) -> None:
    one = rider("en-US")
    one.go("#/complain/404404")
    one.page.locator("label", has_text=EN["brake"]).click()
    one.page.get_by_role("button", name=EN["tell"]).click()
    one.see(EN["unknown"])
    one.page.get_by_role("button", name=EN["tell"]).wait_for()
