"""The field staff report bikes in two or three taps, turn points into deposit, and lose nothing on a bad line."""

import itertools
import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from playwright.sync_api import Route, TimeoutError

from tests.pages.browser import Demo, Rider, eventually
from tests.pages.conftest import NewRider
from tests.pages.test_accessible import violations
from tests.pages.test_line import kept
from tests.pages.words import EN, KO, Words, won

pytestmark = pytest.mark.timeout(300)
FULL = pytest.mark.skipif(not os.environ.get("GBIKE_FULL"), reason="only at full size: GBIKE_FULL=1")
BOTH = pytest.mark.parametrize("words", [KO, EN], ids=["ko", "en"])
REWARD = 1_000
_numbers = itertools.count(8001)


class Staff:
    """One of the field staff with a phone, in the demo."""

    def __init__(self, phone: Rider, demo: Demo, words: Words = KO, point: int = 0) -> None:
        self.phone = phone
        self.page = phone.page
        self._demo = demo
        self._words = words
        self.number = next(_numbers)
        demo.ask("POST", "/bikeManagers", {"managerid": self.number, "userid": phone.userid, "point": point})
        self.page.evaluate(f"localStorage.setItem('gbike.manager', '{self.number}')")

    def at(self, bikeid: int) -> None:
        """Before a bike, with the taps to choose."""
        self.phone.go(f"#/staff/bike/{bikeid}")
        self.page.get_by_role("heading", name=str(bikeid)).wait_for()
        self.page.locator(".charging").wait_for()

    def charge(self, percent: int) -> None:
        """A tap on the slider, as exactly as a finger can, and the rest by the buttons beside it."""
        slider = self.page.locator(".charging [type=range]")
        box = slider.bounding_box()
        assert box is not None
        thumb = 52
        slider.tap(position={"x": thumb / 2 + (box["width"] - thumb) * percent / 100, "y": box["height"] / 2})
        field = self.page.locator("#battery")
        for _ in range(3):
            off = percent - int(field.input_value())
            if not off:
                break
            self.page.locator(".step").nth(1 if off > 0 else 0).tap()
        assert int(field.input_value()) == percent

    def tap(self, percent: int, usable: bool = True, fault: str = "brake") -> None:
        """Two taps, and a third for what is broken."""
        self.charge(percent)
        self.page.get_by_role("button", name=self._words["usable" if usable else "fault"]).tap()
        if not usable:
            self.page.locator(".faults button", has_text=self._words[fault]).tap()

    def report(self, bikeid: int, percent: int, usable: bool = True) -> None:
        """All of them, wherever the report then waits."""
        self.at(bikeid)
        self.tap(percent, usable)
        self.page.locator(".came").wait_for()

    @property
    def reports(self) -> list[tuple[int, int, bool]]:
        """What the service keeps of this manager, in its order: bike, battery, usable."""
        found = self._demo.ask("GET", "/bikeManageApps?size=1000")["_embedded"]["bikeManageApps"]
        mine = [one for one in found if one["managerid"] == self.number]
        return [(one["bikeid"], one["batterylevel"], one["usableyn"]) for one in mine]

    @property
    def points(self) -> int:
        """What they have."""
        return int(self._demo.ask("GET", f"/bikeManagers/{self.number}")["point"])

    @property
    def deposit(self) -> int:
        """Of their rider's account."""
        return int(self._demo.ask("GET", f"/userDeposits/{self.phone.userid}")["deposit"])


@BOTH
def test_staff_report_a_bike_in_two_taps_and_turn_points_into_deposit(
    rider: NewRider, demo: Demo, words: Words
) -> None:
    one, bikeid = Staff(rider(words["locale"]), demo, words), demo.new_bike()
    phone, page = one.phone, one.page
    phone.go("#/me")
    phone.tap(words["staff"])
    phone.tap(words["start"])
    page.get_by_label(words["number"]).fill(str(bikeid))
    phone.tap(words["next"])
    page.locator(".state", has_text="80%").wait_for()
    one.tap(40, usable=False)
    phone.see(words["reported"])
    page.locator(".state", has_text="40%").wait_for()
    page.locator(".lines", has_text=str(one.number)).wait_for()
    assert one.reports == [(bikeid, 40, False)]
    assert demo.ask("GET", f"/bikes/{bikeid}")["status"] == "불량"

    phone.go("#/staff")
    page.locator(".lines", has_text=str(bikeid)).wait_for()
    eventually(lambda: one.points == REWARD)
    phone.tap(words["to deposit"])
    phone.tap(words["convert"].format(won(REWARD, words)))
    page.locator(".notice.good", has_text=won(REWARD, words)).wait_for()
    page.locator(".money", has_text=won(10_000 + REWARD, words)).wait_for()
    page.locator(".lines", has_text=f"−{REWARD:,}").wait_for()
    assert (one.points, one.deposit) == (0, 10_000 + REWARD)


def test_a_tap_in_gloves_reports_once_and_hits_nothing_else(rider: NewRider, demo: Demo) -> None:
    one, bikeid = Staff(rider(), demo), demo.new_bike()
    one.at(bikeid)
    button = one.page.get_by_role("button", name=KO["usable"])
    button.tap()
    one.phone.see(KO["battery first"])
    assert one.reports == []
    one.charge(60)
    button.evaluate("(button) => { for (let i = 0; i < 5; i += 1) button.click(); }")
    one.phone.see(KO["reported"])
    assert one.reports == [(bikeid, 60, True)]
    assert f"bike/{bikeid}" in one.page.url


def test_a_second_tap_on_broken_says_no_kind(rider: NewRider, demo: Demo) -> None:
    one, bikeid = Staff(rider(), demo), demo.new_bike()
    one.at(bikeid)
    one.charge(60)
    button = one.page.get_by_role("button", name=KO["fault"])
    button.evaluate("(button) => { for (let i = 0; i < 5; i += 1) button.click(); }")
    one.page.locator(".faults").wait_for()
    button.tap()
    assert one.reports == []


def test_points_that_are_others_than_they_were_are_said_and_nothing_is_converted(rider: NewRider, demo: Demo) -> None:
    one = Staff(rider(), demo, point=3_000)
    one.phone.go("#/staff/points")
    one.phone.tap("전부")
    demo.ask("PUT", f"/bikeManagers/{one.number}", {"point": 1_000, "adjustpoint": 2_000})
    one.phone.tap(KO["convert"].format("3,000원"))
    one.phone.see("지금 포인트는 1000점")
    assert one.points == 1_000
    one.phone.tap(KO["convert"].format("1,000원"))
    one.page.locator(".notice.good", has_text="1,000원").wait_for()
    eventually(lambda: one.deposit == 13_000)
    assert one.points == 0


def test_the_staff_s_pages_are_for_everybody_and_a_script_on_them_stays_text(rider: NewRider, demo: Demo) -> None:
    one = Staff(rider(), demo)
    bad = "<img src=x onerror=\"document.title='taken'\">"
    one.at(demo.new_bike(bad))
    one.phone.see(bad)
    assert "taken" not in one.page.title()
    assert violations(one.page) == []


def test_reports_made_without_a_line_are_sent_once_each_and_in_their_order(rider: NewRider, demo: Demo) -> None:
    one, bikes = Staff(rider(), demo), [demo.new_bike(), demo.new_bike()]
    one.phone.go("#/staff")
    one.page.locator(".money").wait_for()
    kept(one.phone)
    one.phone.context.set_offline(True)
    one.report(bikes[0], 20, usable=False)
    one.report(bikes[1], 80)
    one.report(404404, 60)
    one.page.locator(".offline", has_text="보고 3건이 기다려요").wait_for()
    one.phone.go("#/staff")
    assert one.page.locator(".queue li").count() == 3
    assert one.reports == []
    one.phone.context.set_offline(False)
    one.phone.see("404404번 자전거는 보고되지 않았어요")
    assert one.reports == [(bikes[0], 20, False), (bikes[1], 80, True)]
    one.phone.tap("닫기")
    one.page.locator(".refused").wait_for(state="detached")
    assert one.page.evaluate("localStorage.getItem('gbike.taps')") == "[]"


@FULL
def test_while_the_bikes_can_not_be_asked_a_report_waits_and_counts_the_seconds(rider: NewRider, demo: Demo) -> None:
    one, bikeid = Staff(rider("en-US"), demo, EN), demo.new_bike()
    one.at(bikeid)
    demo.fault("stop", "bike")
    one.tap(40)
    one.phone.see("It’s busy: 1 report waits.")
    one.phone.see("Try again in")
    assert one.reports == []
    demo.fault("heal")
    one.phone.see("Reported")
    assert one.reports == [(bikeid, 40, True)]


def losing(demo: Demo, lost: list[str]) -> Callable[[Route], None]:
    """The first request reaches the server and is done, and the server dies before its answer comes."""

    def lose(route: Route) -> None:
        if route.request.method in ("POST", "PUT") and not lost:
            route.fetch()
            lost.append(route.request.headers["idempotency-key"])
            demo.kill()
            route.abort()
        else:
            route.continue_()

    return lose


@FULL
@BOTH
def test_a_server_killed_in_mid_report_ends_in_one_report(rider: NewRider, demo: Demo, words: Words) -> None:
    one = Staff(rider(words["locale"]), demo, words)
    bikeid = demo.new_bike()
    lost = list[str]()
    one.at(bikeid)
    one.phone.context.route("**/bikeManageApps", losing(demo, lost))
    one.tap(60)
    one.page.locator(".offline").wait_for()
    one.phone.context.unroute_all()
    demo.start()
    one.phone.reload(one.page.locator(".lines", has_text=str(one.number)))
    assert len(lost) == 1
    assert one.reports == [(bikeid, 60, True)]
    eventually(lambda: one.points == REWARD)
    assert one.page.evaluate("localStorage.getItem('gbike.taps')") == "[]"


@FULL
def test_a_server_killed_in_mid_conversion_ends_in_one_conversion(rider: NewRider, demo: Demo) -> None:
    one, lost = Staff(rider(), demo, point=5_000), list[str]()
    one.phone.go("#/staff/points")
    one.phone.tap("전부")
    one.phone.context.route("**/bikeManagers/*", losing(demo, lost))
    one.phone.tap(KO["convert"].format("5,000원"))
    one.phone.see("한 번만 처리돼요")
    one.phone.context.unroute_all()
    demo.start()
    one.page.locator(".notice.good", has_text="5,000원").wait_for()
    eventually(lambda: one.deposit == 15_000)
    assert (len(lost), one.points) == (1, 0)


@FULL
def test_two_tabs_send_what_waits_once_and_convert_once(rider: NewRider, demo: Demo) -> None:
    one, bikeid = Staff(rider(), demo, point=2_000), demo.new_bike()
    second = one.phone.open("#/staff")
    one.page.bring_to_front()
    kept(one.phone)
    one.phone.context.set_offline(True)
    one.report(bikeid, 80)
    second.bring_to_front()
    second.locator(".queue li").wait_for()
    one.phone.context.set_offline(False)
    eventually(lambda: one.reports == [(bikeid, 80, True)])
    eventually(lambda: one.points == 2_000 + REWARD)

    for tab in (one.page, second):
        tab.evaluate("location.hash = '#/staff/points'")
        tab.bring_to_front()
        tab.locator(".amounts").wait_for()
    second.locator("button.big").tap()
    second.locator(".notice.good").wait_for()
    one.page.bring_to_front()
    one.page.locator(".empty").or_(one.page.locator("button.big")).first.wait_for()
    if one.page.locator("button.big").count():  # and it may be gone before the tap: the view tells this tab too
        with suppress(TimeoutError):
            one.page.locator("button.big").tap(timeout=2_000)
    one.page.locator(".empty").or_(one.page.get_by_text("지금 포인트는 0점")).first.wait_for()
    eventually(lambda: one.deposit == 13_000)
    assert one.points == 0


@FULL
def test_the_staff_s_pages_open_without_a_line_after_the_app_was_there_once(rider: NewRider, demo: Demo) -> None:
    one, bikeid = Staff(rider(), demo), demo.new_bike()
    kept(one.phone)
    one.phone.context.set_offline(True)
    one.page.reload()
    one.report(bikeid, 20)
    one.phone.see("보고 1건이 기다려요")
    one.page.reload()
    one.phone.see("보고 1건이 기다려요")
    one.phone.context.set_offline(False)
    eventually(lambda: one.reports == [(bikeid, 20, True)])


def test_no_more_reports_wait_than_a_phone_can_keep(rider: NewRider, demo: Demo) -> None:
    one: Any = Staff(rider(), demo)
    one.at(demo.new_bike())
    taps = "Array.from({ length: 200 }, (_, n) => ({ kind: 'report', method: 'POST', path: '/bikeManageApps', "
    taps += f"body: {{ bikeid: n }}, key: `k${{n}}`, at: Date.now(), userid: {one.phone.userid} }}))"
    kept(one.phone)
    one.phone.context.set_offline(True)
    one.page.evaluate(f"localStorage.setItem('gbike.taps', JSON.stringify({taps}))")
    one.tap(40)
    one.phone.see("보고 200건이 기다리고 있어요")
    one.page.evaluate("localStorage.removeItem('gbike.taps')")
    assert one.reports == []
