"""A rider finds, rents, returns and pays, in a real browser; and what goes wrong on the way ends in the true state."""

import json
import os
import re
import time
from datetime import datetime

import pytest
from playwright.sync_api import Page, Request, Route

from gbike.services.billing.domain import Rounding, Tariff
from tests.pages.browser import Demo, Rider, eventually
from tests.pages.conftest import NewRider
from tests.pages.words import EN, KO, Words, won

pytestmark = pytest.mark.timeout(300)
FULL = pytest.mark.skipif(not os.environ.get("GBIKE_FULL"), reason="only at full size: GBIKE_FULL=1")
BOTH = pytest.mark.parametrize("words", [KO, EN], ids=["ko", "en"])


def rent(rider: Rider, bikeid: int, words: Words = KO) -> None:
    """From the list to the running ride."""
    rider.go(f"#/bike/{bikeid}")
    rider.tap(words["rent"])
    rider.page.get_by_role("timer").wait_for()


def give_back(rider: Rider, words: Words = KO) -> None:
    """From the running ride to the bill."""
    rider.tap(words["return"])
    rider.leave_at("분당 정자역 1구역")
    rider.tap(words["here"])


@BOTH
def test_a_person_finds_rents_returns_and_sees_the_bill(rider: NewRider, demo: Demo, words: Words) -> None:
    one, bikeid = rider(words["locale"]), demo.new_bike()
    one.tap(words["start"])
    one.page.get_by_label(words["number"]).fill(str(bikeid))
    one.tap(words["next"])
    one.see(words["free"])
    one.tap(words["rent"])
    one.page.get_by_role("timer").wait_for()
    (mine,) = demo.rents(one.userid)
    assert (mine["bikeid"], mine["status"]) == (bikeid, "rented")

    give_back(one, words)
    one.page.get_by_role("heading", name=words["done"]).wait_for()
    one.see(words["settled"])
    fee = demo.ask("GET", f"/billings/search/findByRentid?rentid={mine['rentid']}")["fee"]
    assert fee >= 100
    one.see(won(fee, words))
    one.see(won(10_000 - fee, words))
    (over,) = demo.rents(one.userid)
    assert (over["status"], over["endlocation"]) == ("returned", "분당_정자역_1구역")

    one.tap(words["finish"])
    one.tap(words["rides"])
    one.page.locator(".money", has_text=won(10_000 - fee, words)).wait_for()
    one.page.locator(".lines", has_text=won(fee, words)).wait_for()


def test_a_double_tap_rents_once(rider: NewRider, demo: Demo) -> None:
    one = rider()
    one.go(f"#/bike/{demo.new_bike()}")
    button = one.page.get_by_role("button", name=KO["rent"])
    button.wait_for()
    button.evaluate("(button) => { for (let i = 0; i < 5; i += 1) button.click(); }")
    one.page.get_by_role("timer").wait_for()
    assert len(demo.rents(one.userid)) == 1


SCRIPTS = ["<script>document.title='taken'</script>", "<img src=x onerror=\"document.title='taken'\">"]


@pytest.mark.parametrize("bad", SCRIPTS)
def test_a_bike_located_at_a_script_stays_text(rider: NewRider, demo: Demo, bad: str) -> None:
    bikeid = demo.new_bike(bad)
    one = rider()
    one.go("#/")
    one.see(bad)
    one.go(f"#/bike/{bikeid}")
    one.see(bad)
    one.page.get_by_role("heading", name=str(bikeid)).wait_for()
    assert "taken" not in one.page.title()
    demo.ask("PATCH", f"/bikes/{bikeid}", {"location": "시험_구역"})


def test_a_bike_that_somebody_else_took_is_said_so_with_a_way_on(rider: NewRider, demo: Demo) -> None:
    one, bikeid = rider(), demo.new_bike()
    one.go(f"#/bike/{bikeid}")
    one.page.get_by_role("button", name=KO["rent"]).wait_for()
    demo.ask("POST", "/rents", {"userid": 999, "bikeid": bikeid})
    one.tap(KO["rent"])
    one.see(KO["taken"])
    assert demo.rents(one.userid) == []
    one.tap(KO["others"])
    one.page.get_by_role("heading", name=re.compile("탈 수 있는")).wait_for()


def test_a_number_that_no_bike_has_is_said_so(rider: NewRider) -> None:
    one = rider("en-US")
    one.go("#/bike/404404")
    one.see(EN["unknown"])


def test_the_cost_on_the_page_is_what_billing_computes(rider: NewRider) -> None:
    page = rider().page
    ridden = (-5, 0, 1, 999, 1000, 1001, 59_999, 60_000, 60_001, 3_600_000)
    tariffs = ((100, 60), (100, 1), (0, 7), (250, 600))
    asked = [(ms, krw, s, how) for ms in ridden for krw, s in tariffs for how in Rounding]
    shown = page.evaluate(
        """async (asked) => {
          const { fee } = await import(document.querySelector('script').src.replace('boot.js', 'shared/rental.js'));
          return asked.map(([ms, krw, per_s, rounding]) => fee({ krw, per_s, rounding }, ms));
        }""",
        [list(one) for one in asked],
    )
    assert shown == [Tariff(krw, s, how).fee(0, ms) for ms, krw, s, how in asked]


def seconds(page: Page) -> int:
    """What the ride's clock shows."""
    minutes, secs = page.get_by_role("timer").inner_text().split(":")[-2:]
    return 60 * int(minutes) + int(secs)


def test_a_phone_whose_clock_is_an_hour_ahead_shows_the_server_s_time(rider: NewRider, demo: Demo) -> None:
    one = rider()
    one.context.add_init_script("const real = Date.now; Date.now = () => real() + 3_600_000;")
    one.reload(one.page.locator("nav"))
    rent(one, demo.new_bike())
    assert seconds(one.page) < 60


@FULL
@BOTH
def test_a_server_killed_in_mid_rent_ends_in_one_rent(rider: NewRider, demo: Demo, words: Words) -> None:
    """The request reaches the server and is done; the answer never comes back; the page asks again with its key."""
    one, bikeid = rider(words["locale"]), demo.new_bike()
    one.go(f"#/bike/{bikeid}")
    one.page.get_by_role("button", name=words["rent"]).wait_for()
    lost: list[str] = []

    def lose(route: Route) -> None:
        if route.request.method == "POST" and not lost:
            route.fetch()
            lost.append(route.request.headers["idempotency-key"])
            demo.kill()
            route.abort()
        else:
            route.continue_()

    one.context.route("**/rents", lose)
    one.tap(words["rent"])
    one.see(words["waiting"])
    one.context.unroute_all()
    demo.start()
    one.reload(one.page.locator("nav"))
    one.go("#/ride")  # the answer may have come between the reload and its page: it is still the bike's page then
    one.page.get_by_role("timer").wait_for()
    assert len(lost) == 1
    assert [mine["status"] for mine in demo.rents(one.userid)] == ["rented"]
    eventually(lambda: one.page.evaluate("localStorage.getItem('gbike.taps')") == "[]")


@FULL
@BOTH
def test_a_return_without_a_line_is_sent_when_it_is_back(rider: NewRider, demo: Demo, words: Words) -> None:
    one = rider(words["locale"])
    rent(one, demo.new_bike(), words)
    one.tap(words["return"])
    one.leave_at("분당 정자역 1구역")
    one.context.set_offline(True)
    one.tap(words["here"])
    one.see(words["not yet"])
    assert [mine["status"] for mine in demo.rents(one.userid)] == ["rented"]
    one.context.set_offline(False)
    one.page.get_by_role("heading", name=words["done"]).wait_for()
    one.see(words["settled"])
    entries = demo.ask("GET", f"/userDeposits/{one.userid}/entries")["_embedded"]["entries"]
    assert len(entries) == 2


def to_be_returned(one: Rider, bikeid: int) -> None:
    """A ride, and the place chosen: one tap is left."""
    rent(one, bikeid)
    one.tap(KO["return"])
    one.leave_at("분당 정자역 1구역")


def test_a_return_tapped_without_a_line_ends_the_ride_at_the_tap(rider: NewRider, demo: Demo) -> None:
    one = rider()
    to_be_returned(one, demo.new_bike())
    one.context.set_offline(True)
    one.tap(KO["here"])
    one.see(KO["not yet"])
    (tap,) = json.loads(one.page.evaluate("localStorage.getItem('gbike.taps')"))
    without_a_line_until = time.monotonic() + 4
    eventually(lambda: time.monotonic() > without_a_line_until)
    one.context.set_offline(False)
    one.page.get_by_role("heading", name=KO["done"]).wait_for()
    (mine,) = demo.rents(one.userid)
    began, ended, tapped = map(datetime.fromisoformat, (mine["starttime"], mine["endtime"], tap["tappedat"]))
    assert mine["endedby"] == "offline"
    assert abs(ended - max(began, tapped)).total_seconds() < 0.1
    one.see(KO["settled"])


def test_a_return_whose_answer_was_lost_ended_when_it_came_and_is_sent_after_a_reload(
    rider: NewRider, demo: Demo
) -> None:
    one = rider()
    sent = list[dict[str, str]]()
    reloaded = list[bool]()
    to_be_returned(one, demo.new_bike())

    def lose(route: Route) -> None:
        sent.append({**route.request.post_data_json, "key": route.request.headers["idempotency-key"]})
        if len(sent) == 1:
            route.fetch()
            route.abort()
        elif reloaded:
            route.continue_()  # before that it hangs

    one.context.route(re.compile("/rents/[0-9]+$"), lambda r: lose(r) if r.request.method == "PATCH" else r.continue_())
    with one.page.expect_request(lambda request: request.headers.get("idempotency-key", "").endswith("-late")) as again:
        one.tap(KO["here"])
    # The request is told before it comes to `lose`, which holds it only while nothing is reloaded.
    eventually(lambda: one.page.title() and len(sent) == 2)
    reloaded.append(True)
    with one.page.expect_response(lambda answer: answer.request.method == "PATCH") as answered:
        one.reload(one.page.locator("nav"))
    assert answered.value.status == 200
    assert ("tappedat" in sent[0], "tappedat" in again.value.post_data_json) == (False, True)
    assert again.value.headers["idempotency-key"] == f"{sent[0]['key']}-late"
    (mine,) = demo.rents(one.userid)
    assert (mine["status"], mine["endedby"]) == ("returned", "rider")


@FULL
def test_two_tabs_show_the_same_ride_and_returning_in_both_is_one_return(rider: NewRider, demo: Demo) -> None:
    one = rider()
    second = one.open()
    rent(one, demo.new_bike())
    second.bring_to_front()
    second.get_by_role("link", name=KO["riding"]).click()
    second.get_by_role("button", name=KO["return"]).or_(second.get_by_role("link", name=KO["return"])).click()
    second.get_by_role("button", name=KO["here"]).wait_for()
    one.page.bring_to_front()
    give_back(one)
    one.see(KO["settled"])
    second.bring_to_front()
    second.get_by_role("heading", name=KO["done"]).wait_for()
    (mine,) = demo.rents(one.userid)
    assert mine["endlocation"] == "분당_정자역_1구역"


def test_what_one_tab_rents_is_not_sent_by_another_and_leads_it_nowhere(rider: NewRider, demo: Demo) -> None:
    one = rider()
    held = list[Route]()
    posted = list[str]()
    second = one.open("#/me")
    second.on("request", lambda request: posted.append(request.url) if request.method == "POST" else None)
    one.context.route("**/rents", lambda route: held.append(route))
    one.go(f"#/bike/{demo.new_bike()}")
    with second.expect_response("**/rents?status=rented*"), one.page.expect_request("**/rents"):
        one.tap(KO["rent"])  # the second tab heard of the tap
    second.evaluate("new Promise(requestAnimationFrame)")  # and could act on it
    held[0].continue_()
    one.page.get_by_role("timer").wait_for()
    second.get_by_role("link", name=KO["riding"]).wait_for()
    assert (posted, second.evaluate("location.hash")) == ([], "#/me")


def test_a_tab_that_opens_sends_no_tap_of_another_until_that_is_closed(rider: NewRider, demo: Demo) -> None:
    one = rider()
    held = list[Route]()
    posted = list[Request]()
    one.context.route("**/rents", lambda route: held.append(route))
    one.go(f"#/bike/{demo.new_bike()}")
    with one.page.expect_request("**/rents") as tapped:
        one.tap(KO["rent"])
    second = one.open("#/me")
    second.on("request", lambda request: posted.append(request) if request.method == "POST" else None)
    with second.expect_response("**/rents?status=rented*"):
        second.reload()
    second.evaluate("new Promise(requestAnimationFrame)")
    assert posted == []
    one.page.close()
    one.context.unroute("**/rents")
    with second.expect_request("**/rents") as again:
        second.reload()
    assert again.value.headers["idempotency-key"] == tapped.value.headers["idempotency-key"]
    second.get_by_role("timer").wait_for()


@FULL
@pytest.mark.parametrize("where", ["begin", "pay"])
def test_a_top_up_is_counted_once_though_an_answer_is_lost(rider: NewRider, demo: Demo, where: str) -> None:
    one, lost = rider(), []

    def lose(route: Route) -> None:
        if not lost:
            route.fetch()
            lost.append(1)
            route.abort()
        else:
            route.continue_()

    one.context.route("**/payments" if where == "begin" else "**/testPayment", lose)
    one.go("#/topup")
    one.tap("5,000")
    one.tap("5,000원 충전")
    one.tap("5,000원 시험 결제")
    one.page.locator(".money", has_text="15,000원").wait_for()
    assert lost == [1]
    assert demo.ask("GET", f"/userDeposits/{one.userid}")["deposit"] == 15_000


@FULL
def test_the_page_opens_without_a_line_after_it_was_there_once(rider: NewRider) -> None:
    one = rider()
    one.page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    eventually(lambda: one.page.evaluate("caches.keys().then((names) => names.length)"))
    one.context.set_offline(True)
    one.page.reload()
    one.see("연결이 끊겼어요")
