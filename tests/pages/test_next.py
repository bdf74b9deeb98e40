"""A phone that one rider hands to the next: nothing of the first is shown to, sent by or lost to the second."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route

from tests.pages.browser import Rider, eventually
from tests.pages.town import Town, secure_town
from tests.pages.words import EN

pytestmark = pytest.mark.timeout(300)
FIRST, SECOND = "kim@example.com", "lee@example.com"
PASSWORD = "a bicycle at dawn"
FIRST_NUMBER, SECOND_NUMBER = "Rider number 1", "Rider number 2"


@pytest.fixture
def town(browser: Browser) -> Iterator[Town]:
    """With two riders."""
    with secure_town() as found:
        for contact in (FIRST, SECOND):
            found.admin("POST", "/accounts", {"name": contact[:3], "contact": contact, "password": PASSWORD})
        yield found


@pytest.fixture
def phone(browser: Browser, town: Town) -> Iterator[Rider]:
    """On which something goes wrong nowhere."""
    one = Rider(browser, town, 1, "en-US", first="form")
    yield one
    assert one.clean == []
    one.close()


def come_in(one: Rider, contact: str) -> None:
    """From anywhere."""
    one.go("#/signin")
    one.page.get_by_label("Email or phone").fill(contact)
    one.page.get_by_label("Password").fill(PASSWORD)
    one.page.locator("button.big", has_text="Sign in").tap()
    one.page.get_by_role("link", name="Me").wait_for()


def go_out(one: Rider) -> None:
    """To the page for signing in."""
    one.go("#/me")
    one.page.get_by_role("button", name="Sign out", exact=True).tap()
    one.page.get_by_role("heading", name="Sign in").wait_for()


def another(one: Rider) -> Page:
    """Another tab, which shows who the first rider is."""
    page = one.context.new_page()
    page.goto(f"{one.url}/app/#/me")
    page.get_by_text(FIRST_NUMBER).first.wait_for()
    return page


def told(town: Town) -> list[tuple[int, str]]:
    """Who complained of what."""
    found: list[dict[str, Any]] = town.admin("GET", "/complaints")["_embedded"]["complaints"]
    return [(one["userid"], one["kind"]) for one in found]


def test_a_complaint_that_one_rider_began_is_not_shown_to_the_next(town: Town, phone: Rider) -> None:
    come_in(phone, FIRST)
    phone.go("#/complain/1")
    phone.page.locator("label", has_text=EN["brake"]).click()
    phone.page.get_by_label(EN["to add"]).fill("In front of my house")
    go_out(phone)
    come_in(phone, SECOND)
    phone.go("#/complain/1")
    assert phone.page.get_by_label(EN["to add"]).input_value() == ""
    assert phone.page.locator("label.on").count() == 0


def test_what_one_rider_could_not_send_yet_waits_until_they_are_back(town: Town, phone: Rider) -> None:
    """It is sent neither by whoever is in then, nor dropped because of them."""
    late: list[str] = []

    def busy(route: Route) -> None:
        if not late:
            late.append(route.request.headers["authorization"])
            route.fulfill(status=503, headers={"retry-after": "4"}, json={"type": "/docs/errors#busy"})
        else:
            late.append(route.request.headers["authorization"])
            route.continue_()

    phone.context.route("**/complaints", busy)
    come_in(phone, FIRST)
    phone.go("#/complain/1")
    phone.page.locator("label", has_text=EN["brake"]).click()
    phone.page.get_by_role("button", name=EN["tell"]).click()
    eventually(lambda: phone.page.evaluate("true") and late)
    go_out(phone)
    come_in(phone, SECOND)
    phone.page.wait_for_timeout(5_000)
    assert (len(late), told(town)) == (1, [])
    phone.go("#/complain/1")
    phone.page.locator("label", has_text=EN["unsafe"]).click()
    phone.page.get_by_role("button", name=EN["tell"]).click()
    phone.page.get_by_role("heading", name=EN["thanks"]).wait_for()
    assert told(town) == [(2, "safety")]
    go_out(phone)
    come_in(phone, FIRST)
    eventually(lambda: phone.page.evaluate("true") and len(told(town)) == 2)
    assert told(town)[0] == (1, "brake")


def test_another_tab_shows_nothing_of_who_went_out_in_the_first(town: Town, phone: Rider) -> None:
    come_in(phone, FIRST)
    other = another(phone)
    go_out(phone)
    other.get_by_text(FIRST_NUMBER).first.wait_for(state="detached")
    other.close()
    come_in(phone, FIRST)
    other = another(phone)
    swap = """async ([contact, password]) => {
      const answer = await fetch('/sessions', { method: 'POST', headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ contact, password }) });
      const one = await answer.json();
      localStorage.setItem('gbike.session', JSON.stringify({ ...one, ends: Date.now() + one.expires_in * 1000 }));
    }"""
    phone.page.evaluate(swap, [SECOND, PASSWORD])
    other.get_by_text(SECOND_NUMBER).first.wait_for()
    assert other.get_by_text(FIRST_NUMBER).count() == 0
