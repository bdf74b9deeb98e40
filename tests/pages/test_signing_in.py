"""Where tokens are required: signing up and in, a ride, and a sign-in that ends while somebody rides."""

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.pages.browser import DESKTOP, Rider
from tests.pages.test_accessible import violations
from tests.pages.town import Town, secure_town

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(not os.environ.get("GBIKE_FULL"), reason="only at full size: GBIKE_FULL=1"),
]


OVER = """localStorage.setItem('gbike.session', JSON.stringify({ ...JSON.parse(localStorage.getItem('gbike.session')),
    access_token: 'over', refresh_token: 'over', ends: 0 }))"""


@pytest.fixture(params=[False, True], ids=["no payments", "test payments"])
def town(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Town]:
    """With one bike."""
    with secure_town(pays=request.param) as found:
        yield found


def test_somebody_signs_up_and_in_rides_is_signed_out_and_finds_the_ride_again(browser: Browser, town: Town) -> None:
    one = Rider(browser, town, 1, "en-US", first="form")
    page = one.page
    assert violations(page) == []
    one.tap("Sign up")
    page.get_by_label("Name").fill("Kim Minji")
    page.get_by_label("Email or phone").fill("kim@example.com")
    page.get_by_label("Password").fill("a bicycle at dawn")
    page.get_by_label("I agree to the terms").check()
    assert violations(page) == []
    page.locator("button.big").tap()
    one.see("You’re signed up.")
    (userid,) = [one["userid"] for one in town.admin("GET", "/accounts")["_embedded"]["accounts"]]
    town.admin("POST", "/userDeposits", {"userid": userid, "deposit": 5_000})
    sign_in(one, "a bicycle at dusk")
    one.see("Contact and password don’t match.")
    sign_in(one, "a bicycle at dawn")

    one.page.get_by_role("heading", name="1 bike ready to ride").wait_for()
    one.go("#/bike/1")
    one.tap("Rent this bike")
    page.get_by_role("timer").wait_for()

    page.evaluate(f"setTimeout(() => {{ {OVER}; location.reload() }})")  # before the page asks for anything
    one.see("Your sign-in expired")
    sign_in(one, "a bicycle at dawn")
    page.get_by_role("link", name="Riding").tap()
    page.get_by_role("timer").wait_for()
    one.tap("Return bike")
    one.leave_at("the park")
    one.tap("Return here")
    one.see("Paid")
    one.go("#/topup")
    one.tap("Top up ₩10,000")
    if not town.pays:
        one.see("Ask your operator to top up.")
    else:
        one.see("A test payment: no money moves.")
        assert violations(page) == []
        one.tap("Pay ₩10,000 as a test")
        one.see("₩10,000 added.")
    one.go("#/me")
    one.see("Kim Minji")
    assert violations(page) == []
    page.get_by_role("button", name="Sign out", exact=True).tap()
    page.get_by_role("heading", name="Sign in").wait_for()
    assert one.clean == []
    one.close()


def test_only_operators_see_the_console_and_others_are_told_where_to_go(browser: Browser, town: Town) -> None:
    for role, first in (("rider", ".empty"), ("admin", ".rows .charge")):
        one = Rider(browser, town, 900, "en-US", path="/app/console", first="form", **DESKTOP)
        assert violations(one.page) == []
        session = {"access_token": town.token(role), "refresh_token": "none", "userid": 900, "roles": [role]}
        kept = "(one) => localStorage.setItem('gbike.session', JSON.stringify({ ...one, ends: Date.now() + 500_000 }))"
        one.page.evaluate(kept, session)
        one.reload(one.page.locator(first))
        assert violations(one.page) == []
        if role == "admin":
            one.go("#/system")
            one.see("Every service is ready.")
            assert one.page.get_by_role("table", name="Services").get_by_role("row").count() == 9
        else:
            one.see("This page is for operators")
            assert one.page.get_by_role("link", name="Go to the bikes").get_attribute("href") == "/app/"
        assert one.clean == []
        one.close()


def sign_in(one: Rider, password: str) -> None:
    """At the door."""
    one.page.get_by_label("Email or phone").fill("kim@example.com")
    one.page.get_by_label("Password").fill(password)
    one.page.locator("button.big", has_text="Sign in").tap()


@pytest.mark.parametrize("town", [False], indirect=True, ids=["no payments"])
def test_what_staff_reported_before_their_sign_in_ended_is_sent_when_they_are_back(
    browser: Browser, town: Town
) -> None:
    """Without a line first, and with a sign-in that is over when the line is back."""
    who = {"name": "Kim Minji", "contact": "kim@example.com", "password": "a bicycle at dawn"}
    town.admin("POST", "/accounts", who)
    (userid,) = [one["userid"] for one in town.admin("GET", "/accounts")["_embedded"]["accounts"]]
    town.admin("PUT", f"/accounts/{userid}/roles", {"roles": ["rider", "bikeManager"], "managerid": 31})
    town.admin("POST", "/bikeManagers", {"managerid": 31, "userid": userid, "point": 500})
    one = Rider(browser, town, userid, "en-US", first="form")
    sign_in(one, "a bicycle at dawn")
    one.tap("Field work")
    one.see("500 points")
    one.context.set_offline(True)
    one.go("#/staff/bike/1")
    one.page.get_by_label("Battery, percent").fill("40")
    one.tap("Broken")
    one.tap("Brake")
    one.see("1 report waits")
    with one.page.expect_event("requestfailed", lambda failed: failed.url.endswith("/sessions/refresh")):
        one.page.evaluate(OVER)  # what was sent with the token before has failed by then, too
    one.context.set_offline(False)
    one.see("Your sign-in expired")
    assert town.admin("GET", "/bikeManageApps")["page"]["totalElements"] == 0
    sign_in(one, "a bicycle at dawn")
    one.page.get_by_role("link", name="Field work").tap()
    one.page.locator(".lines", has_text="Bike 1").wait_for()
    one.see("1,500 points")
    (report,) = town.admin("GET", "/bikeManageApps")["_embedded"]["bikeManageApps"]
    assert (report["managerid"], report["bikeid"], report["batterylevel"], report["usableyn"]) == (31, 1, 40, False)
    assert town.admin("GET", "/bikes/1")["status"] == "불량"
    assert one.clean == []
    one.close()


@pytest.mark.parametrize("town", [False], indirect=True, ids=["no payments"])
def test_somebody_signs_out_elsewhere_and_then_everywhere(browser: Browser, town: Town) -> None:
    kim = {"contact": "kim@example.com", "password": "a bicycle at dawn"}
    town.admin("POST", "/accounts", {"name": "Kim Minji", **kim})
    elsewhere = town.admin("POST", "/sessions", kim)
    one = Rider(browser, town, elsewhere["userid"], "en-US", first="form")
    sign_in(one, "a bicycle at dawn")
    one.see("ready to ride")
    one.go("#/me")
    one.tap("Where you’re signed in")
    one.see("This device")
    assert violations(one.page) == []
    one.page.get_by_role("button", name="Sign out of").tap()
    one.see("Signed out there.")
    over = town.admin("POST", "/sessions/refresh", {"refresh_token": elsewhere["refresh_token"]})
    assert over["type"].endswith("session-over")
    one.tap("Sign out everywhere")
    one.see("You’re signed out everywhere.")
    one.page.get_by_role("heading", name="Sign in").wait_for()
    assert one.clean == []
    one.close()
