"""One rider's whole life with gbike, on a telephone and by what its pages offer."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.pages.browser import Rider, eventually
from tests.pages.profile_words import WORDS
from tests.pages.test_doors import ANOTHER, PASSWORD, is_at, letter, sign_in
from tests.pages.test_doors import EN as DOORS_EN
from tests.pages.test_doors import KO as DOORS_KO
from tests.pages.town import Town, secure_town
from tests.pages.words import EN, KO, Words

pytestmark = pytest.mark.timeout(300)
CONTACT, NUMBER = "kim.minji@example.com", "010-2345-6789"
PAID = 5_000
"""Won: the smallest amount that is offered."""
LIVES = [pytest.param(KO, DOORS_KO, id="ko"), pytest.param(EN, DOORS_EN, id="en")]


@pytest.fixture
def letters(tmp_path: Path) -> Path:
    return tmp_path / "letters.jsonl"


@pytest.fixture
def town(browser: Browser, letters: Path) -> Iterator[Town]:
    """Where a ride costs 100 won a second, and riders pay in by themselves."""
    with secure_town(pays=True, letters=letters) as found:
        yield found


def submit(page: Page, **fields: str) -> None:
    """A form of the page, by the names of its fields."""
    for name, value in fields.items():
        page.locator(f"#{name}").fill(value)
    form = page.locator("form", has=page.locator(f"#{next(iter(fields))}"))
    form.locator("button.big[type=submit]").click()


def sums(page: Page) -> list[tuple[int, int]]:
    """Of each line of the statement, newest first: its won, and the balance after it."""
    page.locator(".lines [data-won]").first.wait_for()
    told = page.locator(".lines li [data-won]")
    return [tuple(one) for one in told.evaluate_all("all => all.map(({dataset: d}) => [+d.won, +d.balance])")]


@pytest.mark.parametrize(("words", "doors"), LIVES)
def test_a_riders_whole_life(browser: Browser, town: Town, letters: Path, words: Words, doors: Words) -> None:
    one = Rider(browser, town, 1, words["locale"])
    life = Life(town, letters, words, doors)
    life.signs_up(one)
    life.forgets_the_password(one)
    life.opens_a_shared_bike(one)
    life.pays_in(one)
    bill = life.is_refunded(life.rides_and_loses_the_line(one), one)
    life.reads_a_statement_that_adds_up(one, bill)
    new = life.changes_the_phone(browser, one)
    life.leaves(new)
    assert [one.clean, new.clean] == [[], []]
    for phone in (one, new):
        phone.close()


class Life:
    """What a rider does, one after the other; each begins where the one before has led."""

    def __init__(self, town: Town, letters: Path, words: Words, doors: Words) -> None:
        self.town, self.letters = town, letters
        self.words, self.doors = words, doors
        self.own = WORDS[words["locale"]]
        self.userid = 0

    def signs_up(self, one: Rider) -> None:
        """And proves that the contact is theirs."""
        one.go("#/signup")
        one.page.locator("#terms").check()
        submit(one.page, name="Kim Minji", contact=CONTACT, password=PASSWORD)
        one.see(self.doors["received"])
        sign_in(one.page, CONTACT)
        one.see(self.doors["free bikes"])
        self.userid = one.page.evaluate("JSON.parse(localStorage.getItem('gbike.session')).userid")
        one.go("#/me/contact")
        self._proves(one.page)

    def forgets_the_password(self, one: Rider) -> None:
        """And sets another one by the link of a letter."""
        one.go("#/me")
        one.page.get_by_role("button", name=self.own["sign out"], exact=True).click()
        one.page.get_by_role("link", name=self.doors["forgot"]).click()
        submit(one.page, contact=CONTACT)
        one.see(self.doors["sent"])
        one.go("#" + letter(self.letters, self.userid, "password reset")["link"].partition("#")[2])
        submit(one.page, password=ANOTHER)
        one.see(self.doors["was set"])

    def opens_a_shared_bike(self, one: Rider) -> None:
        """Its link leads to it, also through the door; without money nobody rides."""
        one.page.goto(f"{self.town.url}/app/?from=friend#/bike/1/")
        one.page.get_by_role("link", name=self.doors["sign in to rent"]).click()
        sign_in(one.page, CONTACT, ANOTHER)
        one.page.get_by_role("button", name=self.words["rent"]).click()
        one.page.locator(".notice a[href='#/topup']").click()

    def pays_in(self, one: Rider) -> None:
        """The smallest amount that is offered."""
        one.page.locator(".amounts label").nth(0).click()
        one.page.locator("button.big[type=submit]").click()
        one.page.wait_for_url(re.compile("#/pay/"))
        one.page.locator("button.big[type=submit]").click()
        is_at(one.page, "#/rides")
        eventually(lambda: self.town.admin("GET", f"/userDeposits/{self.userid}")["deposit"] == PAID)

    def rides_and_loses_the_line(self, one: Rider) -> int:
        """The bike is given back all the same; answers the ride."""
        one.go("#/bike/1")
        one.page.get_by_role("button", name=self.words["rent"]).click()
        one.page.get_by_role("timer").wait_for()
        one.page.evaluate("navigator.serviceWorker?.ready.then(() => 1)")
        one.context.set_offline(True)
        one.tap(self.words["return"])
        one.page.locator(".options label").first.wait_for()
        one.tap(self.words["here"])
        one.see(self.words["not yet"])
        one.context.set_offline(False)
        one.page.get_by_role("heading", name=self.words["done"]).wait_for()
        one.see(self.words["settled"])
        (rent,) = self.town.admin("GET", f"/rents?userid={self.userid}&status=returned")["_embedded"]["rents"]
        return int(rent["rentid"])

    def is_refunded(self, rentid: int, one: Rider) -> dict[str, Any]:
        """Something was wrong with the bike, so the short ride costs nothing."""
        one.page.get_by_role("link", name=self.words["complain"]).click()
        one.page.locator("label", has_text=self.words["brakes"]).click()
        one.page.get_by_role("button", name=self.words["tell"]).click()
        one.see(self.words["thanks"])
        bill: dict[str, Any] = eventually(lambda: _refunded(self.town, rentid))
        assert bill["refunded"] == bill["fee"] > 0
        return bill

    def reads_a_statement_that_adds_up(self, one: Rider, bill: dict[str, Any]) -> None:
        """Of every won, to what is left."""
        one.go("#/statement")
        eventually(lambda: len(sums(one.page)) == 3)
        told = sums(one.page)
        assert sum(amount for amount, _ in told) == told[0][1] == PAID
        assert sorted(amount for amount, _ in told) == [-bill["fee"], bill["fee"], PAID]

    def changes_the_phone(self, browser: Browser, one: Rider) -> Rider:
        """The number is the new contact, and the old device is signed out."""
        one.go("#/me/contact")
        one.page.locator("button.big.quiet").last.click()
        submit(one.page, contact=NUMBER, password=ANOTHER)
        self._proves(one.page)
        new = Rider(browser, self.town, 1, self.words["locale"], first="form")
        sign_in(new.page, NUMBER, ANOTHER)
        new.see(self.doors["free bikes"])
        new.go("#/me/sessions")
        new.page.locator(".sessions button").first.click()
        at = f"/accounts/{self.userid}/sessions"
        eventually(lambda: len(self.town.admin("GET", at)["sessions"]) == 1)
        one.go("#/rides")
        one.page.locator("#contact").wait_for()
        return new

    def leaves(self, one: Rider) -> None:
        """Once the operator has paid out what was left; and nothing of them is kept."""
        one.go("#/me/delete")
        one.see(self.own["money"])
        paid_out = {"amount": -PAID, "reason": "paid out"}
        self.town.admin("POST", f"/userDeposits/{self.userid}/corrections", paid_out)
        one.reload(one.page.locator("#password"))
        submit(one.page, password=ANOTHER)
        one.page.get_by_role("heading", name=self.own["gone"]).wait_for()
        gone = self.town.admin("GET", f"/accounts/{self.userid}")
        assert (gone["name"], gone["contact"]) == (None, None)
        assert f"account {self.userid}" not in self.letters.read_text("utf-8")

    def _proves(self, page: Page) -> None:
        page.locator("#prove").wait_for()
        submit(page, code=letter(self.letters, self.userid, "contact code")["code"])
        page.locator("#prove").wait_for(state="detached")


def _refunded(town: Town, rentid: int) -> dict[str, Any] | None:
    """Its bill, once what is free was given back."""
    (bill,) = town.admin("GET", f"/billings?rentid={rentid}")["_embedded"]["billings"]
    return bill if bill["refunded"] else None


@pytest.mark.parametrize("agreed", [False, True])
def test_a_return_tells_a_place_only_of_who_agreed_to_that(browser: Browser, town: Town, agreed: bool) -> None:
    town.admin("POST", "/accounts", {"name": "Lee", "contact": CONTACT, "password": PASSWORD})
    (found,) = town.admin("POST", "/accounts/searches", {"q": CONTACT})["_embedded"]["accounts"]
    town.admin("POST", "/userDeposits", {"userid": found["userid"], "deposit": PAID})
    here = {"latitude": 37.3671, "longitude": 127.1083}
    one = Rider(browser, town, 1, "en-US", first="form", geolocation=here, permissions=["geolocation"])
    sign_in(one.page, CONTACT)
    if agreed:
        one.go("#/me/consents")
        one.page.locator("#consent-location button.primary").click()
        one.page.locator("#consent-location button.quiet").wait_for()
    one.go("#/bike/1")
    one.page.get_by_role("button", name=EN["rent"]).click()
    one.page.get_by_role("timer").wait_for()
    with one.page.expect_response("**/consents"):
        one.tap(EN["return"])
    one.tap(EN["here"])
    one.page.get_by_role("heading", name=EN["done"]).wait_for()
    (rent,) = town.admin("GET", f"/rents?userid={found['userid']}")["_embedded"]["rents"]
    assert (rent["lat"] is not None) == agreed
    assert one.clean == []
    one.close()
