"""One's account: what is changed of it, where it is signed in, and the way out; at each width, in both languages."""

import itertools
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyotp
import pytest
from playwright.sync_api import Browser, Locator, Page

from tests.pages.browser import DESKTOP, PHONE, Rider, eventually
from tests.pages.conftest import NewRider
from tests.pages.profile_words import WORDS
from tests.pages.test_accessible import violations
from tests.pages.town import Town, secure_town

pytestmark = pytest.mark.timeout(300)
FULL = pytest.mark.skipif(not os.environ.get("GBIKE_FULL"), reason="only at full size: GBIKE_FULL=1")
PASSWORD, ANOTHER = "a bicycle at dawn", "another bicycle at dusk"
FORMS: dict[str, dict[str, Any]] = {"phone": {"viewport": PHONE}, "desktop": DESKTOP}
HOW = [
    ("ko-KR", "phone"),
    *(pytest.param(*how, marks=FULL) for how in (("ko-KR", "desktop"), ("en-US", "phone"), ("en-US", "desktop"))),
]
"""In which language, and at what width."""
everywhere = pytest.mark.parametrize(("language", "form"), HOW)
SMALL = """() => [...document.querySelectorAll('main :is(a, button, input)')].filter((one) => {
  const target = one.matches('.segments input') ? one.closest('label') : one;
  const { width, height } = target.getBoundingClientRect();
  return target.checkVisibility() && (width < 44 || height < 44);
}).map((one) => one.outerHTML)"""
SCROLLS = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
KEPT = "[localStorage, sessionStorage].flatMap((one) => Object.keys(one)).filter((name) => name.startsWith('gbike.'))"
SIGN_IN = """(one) => localStorage.setItem('gbike.session',
    JSON.stringify({ ...one, ends: Date.now() + one.expires_in * 1000 }))"""
_numbers = itertools.count(20_000_001)


@dataclass(frozen=True)
class Person:
    """Who has an account in a town; `proved`: the contact is known to be theirs."""

    town: Town
    userid: int
    contact: str
    letters: Path

    def sign_in(self, password: str = PASSWORD, **more: str) -> Any:
        """What somebody who knows the password is answered."""
        return self.town.admin("POST", "/sessions", {"contact": self.contact, "password": password, **more})

    def admin(self, method: str, below: str, body: Any = None) -> Any:
        """What an admin is answered about the account."""
        return self.town.admin(method, f"/accounts/{self.userid}{below}", body)

    def code(self) -> str:
        """The newest that was sent."""
        sent = [json.loads(line) for line in self.letters.read_text("utf-8").splitlines()]
        newest: str = [one["code"] for one in sent if one["about"] == "contact code"][-1]
        return newest

    def totp(self, secret: str) -> str:
        """What an authenticator shows now."""
        return pyotp.TOTP(secret).at(self.town.locked.whole.clock.now_ms() // 1000)


@pytest.fixture(scope="module")
def letters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("letters") / "resets.jsonl"


@pytest.fixture(scope="module")
def town(letters: Path) -> Iterator[Town]:
    with secure_town(pays=True, letters=letters) as found:
        yield found


@pytest.fixture
def kim(town: Town, letters: Path) -> Person:
    """Signed up, with a contact that is theirs."""
    person = newcomer(town, letters)
    person.admin("POST", "/contact/proof", {"code": person.code()})
    return person


def newcomer(town: Town, letters: Path) -> Person:
    """Signed up a moment ago."""
    contact = f"010{next(_numbers)}"
    town.admin("POST", "/accounts", {"name": "Kim", "contact": contact, "password": PASSWORD})
    session = town.admin("POST", "/sessions", {"contact": contact, "password": PASSWORD})
    return Person(town, session["userid"], contact, letters)


def come(browser: Browser, person: Person, language: str, form: str, path: str = "/app/") -> Rider:
    """Signed in, with a browser of their own."""
    one = Rider(browser, person.town, person.userid, language, first="main", path=path, **FORMS[form])
    one.page.evaluate(SIGN_IN, person.sign_in())
    one.reload(one.page.locator(".side, .nav").first)
    return one


def go(one: Rider, page: str) -> None:
    """To a page of the account, when it is there; it fits on the screen and everybody can use it."""
    before = one.page.title()
    one.go(f"#/me{page}")
    eventually(lambda: one.page.title() not in (before, "gbike"))
    one.page.locator("main :is(form, .lines, .card, .empty, .notice)").first.wait_for()
    fine(one.page)


def fine(page: Page) -> None:
    """The page fits on the screen, its targets fit fingers, and everybody can use it."""
    eventually(lambda: page.locator(".loading").count() == 0)
    assert not page.evaluate(SCROLLS)
    assert page.evaluate(SMALL) == []
    assert violations(page) == []


def send(one: Rider, **fields: str) -> None:
    """A form of the page, by the names of its fields."""
    for name, value in fields.items():
        one.page.locator(f"#{name}").fill(value)
    button(one.page.locator("form", has=one.page.locator(f"#{next(iter(fields))}")))


def button(within: Locator) -> None:
    """Press the large one."""
    within.locator("button.big[type=submit]").click()


def wrong(one: Rider, field: str, words: str) -> None:
    """Return when a field says that it is wrong, in these words; it has the focus."""
    one.page.locator(f"#{field}-wrong", has_text=words).wait_for()
    eventually(lambda: one.page.evaluate("document.activeElement.id") == field)
    described = one.page.locator(f"#{field}").get_attribute("aria-describedby") or ""
    assert described.split()[-1] == f"{field}-wrong"


def done(one: Rider) -> None:
    """Put the browser away; nothing went wrong in it."""
    assert one.clean == []
    one.close()


@everywhere
def test_the_overview_leads_to_every_page_and_a_name_is_changed(
    browser: Browser, kim: Person, language: str, form: str
) -> None:
    words, one = WORDS[language], come(browser, kim, language, form)
    go(one, "")
    ways = one.page.locator("main a[href^='#/me/']").evaluate_all("(ways) => ways.map((way) => way.hash.slice(5))")
    assert ways == ["name", "contact", "password", "codes", "sessions", "consents", "delete"]
    for way in ways:
        go(one, f"/{way}")
    one.go("#/me")
    one.page.locator("a[href='#/me/name']", has_text="Kim").click()
    send(one, name="  ")
    wrong(one, "name", words["needed"])
    assert violations(one.page) == []
    send(one, name="Kim Minji")
    one.page.locator("a[href='#/me/name']", has_text="Kim Minji").wait_for()
    assert kim.admin("GET", "")["name"] == "Kim Minji"
    done(one)


@everywhere
def test_a_new_password_ends_every_session_and_strands_nobody(
    browser: Browser, kim: Person, language: str, form: str
) -> None:
    words, one = WORDS[language], come(browser, kim, language, form)
    elsewhere = kim.sign_in()
    go(one, "/password")
    one.see(words["ends"])
    send(one, current="", new=ANOTHER)
    wrong(one, "current", words["needed"])
    send(one, current="a bicycle at noon", new=ANOTHER)
    wrong(one, "current", words["wrong"])
    send(one, current=PASSWORD, new="1234567890")
    wrong(one, "new", words["weak"])
    assert violations(one.page) == []
    send(one, current=PASSWORD, new=ANOTHER)
    one.see(words["changed"])
    over = kim.town.admin("POST", "/sessions/refresh", {"refresh_token": elsewhere["refresh_token"]})
    assert over["type"].endswith("session-over")
    assert kim.sign_in()["type"].endswith("sign-in-refused")
    one.reload(one.page.locator("a[href='#/me/name']", has_text="Kim"))
    done(one)


@everywhere
def test_a_second_factor_is_taken_and_its_recovery_codes_are_shown_once(
    browser: Browser, kim: Person, language: str, form: str
) -> None:
    words, one = WORDS[language], come(browser, kim, language, form)
    page = one.page
    go(one, "/codes")
    send(one, password="a bicycle at noon")
    wrong(one, "password", words["wrong"])
    send(one, password=PASSWORD)
    page.locator(".qr path[d^=M]").wait_for()
    fine(page)
    link = page.locator("#enrol a.link").get_attribute("href")
    secret = page.locator(".secret").inner_text().replace(" ", "")
    assert pyotp.parse_uri(link).secret == secret
    drawn = """async ([code, link]) => (await import(code)).drawn(link).path"""
    code = page.evaluate("document.querySelector('[rel=stylesheet]').href").replace("style.css", "shared/code.js")
    assert page.locator(".qr path").get_attribute("d") == page.evaluate(drawn, [code, link])
    send(one, code=str((int(kim.totp(secret)) + 1) % 1_000_000).zfill(6))
    wrong(one, "code", words["code"])
    send(one, code=kim.totp(secret))
    one.see(words["keep"])
    fine(page)
    assert page.evaluate("scrollY") == 0, "that they are shown only now is above what is seen"
    codes = page.locator(".codes li").all_inner_texts()
    assert len(set(codes)) == 10
    page.emulate_media(media="print")
    assert page.locator(".codes").is_visible()
    assert not page.locator(":is(.nav, .bar, .big)").filter(visible=True).count()
    page.emulate_media(media="screen")
    one.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("#recovery .big.quiet").first.click()
    one.see(words["copied"])
    assert page.evaluate("navigator.clipboard.readText()").split() == codes
    page.get_by_role("button", name=words["kept"], exact=True).click()
    one.see(words["is on"])
    one.reload(page.locator("#recovery"))
    assert page.locator(".codes").count() == 0
    assert kim.sign_in()["type"].endswith("code-needed")
    assert kim.sign_in(code=codes[0])["userid"] == kim.userid
    go(one, "/password")
    send(one, current=PASSWORD, new=ANOTHER)
    one.see(words["sign in"])
    page.locator("input[name=contact]").wait_for()
    done(one)


def test_who_has_not_proved_the_contact_is_led_to_that_first(browser: Browser, town: Town, letters: Path) -> None:
    lee = newcomer(town, letters)
    one = come(browser, lee, "ko-KR", "phone")
    go(one, "/codes")
    one.see(WORDS["ko-KR"]["prove"])
    one.page.locator(".notice a[href='#/me/contact']").click()
    send(one, code="00000000")
    wrong(one, "code", "코드가 맞지 않거나 오래됐어요")
    send(one, code=lee.code())
    one.see("연락처를 확인했어요")
    assert lee.admin("GET", "")["contact_proved"]
    done(one)


def test_staff_who_must_have_a_second_factor_are_told_and_see_their_pages_with_it(
    browser: Browser, tmp_path: Path
) -> None:
    letters = tmp_path / "letters.jsonl"
    with secure_town(letters=letters, GBIKE_STAFF_CODES="required") as town:
        lee = newcomer(town, letters)
        lee.admin("POST", "/contact/proof", {"code": lee.code()})
        lee.admin("PUT", "/roles", {"roles": ["rider", "bikeManager", "admin"]})
        one = Rider(browser, town, lee.userid, first="main", path="/app/console", viewport=PHONE)
        one.page.evaluate(SIGN_IN, lee.sign_in())
        one.reload(one.page.locator(".notice a[href='/app/#/me/codes']"))
        fine(one.page)
        one.page.goto(f"{town.url}/app/#/me")
        one.page.locator(".notice a[href='#/me/codes']").click()
        send(one, password=PASSWORD)
        send(one, code=lee.totp(one.page.locator(".secret").inner_text().replace(" ", "")))
        one.see(WORDS["ko-KR"]["keep"])
        one.page.locator(".nav a[href='#/staff']").wait_for()
        assert len(one.page.locator(".codes li").all()) == 10
        one.go("#/me")
        one.page.locator("a[href='/app/console']").click()
        one.page.locator(".side").wait_for()
        done(one)


@everywhere
def test_what_one_agreed_to_is_shown_and_the_place_may_be_kept_to_oneself(
    browser: Browser, kim: Person, language: str, form: str
) -> None:
    words, one = WORDS[language], come(browser, kim, language, form)
    page, version = one.page, kim.town.admin("GET", "/accounts/terms")["version"]
    go(one, "/consents")
    terms, place = page.locator("#consent-terms"), page.locator("#consent-location")
    for card in (terms, place):
        card.locator("button.primary", has_text=words["agree"]).click()
        card.get_by_text(version).wait_for()
        fine(page)
    given = kim.admin("GET", "/consents")["consents"]
    assert [(consent["kind"], consent["version"]) for consent in given] == [("location", version), ("terms", version)]
    assert terms.locator("button").count() == 0
    place.locator("button", has_text=words["withdraw"]).click()
    one.see(words["withdrawn"])
    place.locator("button.primary", has_text=words["agree"]).wait_for()
    assert [consent["kind"] for consent in kim.admin("GET", "/consents")["consents"]] == ["terms"]
    terms.locator("a.link").click()
    page.locator("main h1").wait_for()
    assert page.evaluate("location.hash") == "#/terms"
    done(one)


@everywhere
def test_an_account_is_deleted_when_nothing_is_open_and_nothing_is_kept(
    browser: Browser, kim: Person, language: str, form: str
) -> None:
    words, one = WORDS[language], come(browser, kim, language, form)
    town = kim.town
    page, deposit = one.page, f"/userDeposits/{kim.userid}"
    town.admin("POST", "/userDeposits", {"userid": kim.userid, "deposit": 5_000})
    bike = town.admin("POST", "/bikes", {"bikeid": 100 + kim.userid, "location": "시험_구역", "batterylevel": 80})
    rent = town.admin("POST", "/rents", {"userid": kim.userid, "bikeid": bike["bikeid"]})
    one.reload(page.locator(".nav a[href='#/ride']"))
    go(one, "/delete")
    one.see(words["back"])
    one.see(words["ride"])
    one.see(words["money"])
    assert page.locator(".notice a[href='#/ride']").count() == 1
    assert page.locator("form").count() == 0
    town.admin("POST", f"/rents/{rent['rentid']}/void", {"reason": "of this test"})
    town.admin("POST", f"{deposit}/corrections", {"amount": -8_000, "reason": "of this test"})
    one.reload(page.locator(".notice a[href='#/topup']"))
    one.see(words["debt"])
    fine(page)
    town.admin("POST", f"{deposit}/corrections", {"amount": 3_000, "reason": "of this test"})
    one.reload(page.locator("#password"))
    send(one, password="a bicycle at noon")
    wrong(one, "password", words["wrong"])
    eventually(lambda: town.admin("GET", deposit)["deposit"] == 0)
    assert page.evaluate(KEPT) != []
    send(one, password=PASSWORD)
    page.get_by_role("heading", name=words["gone"]).wait_for()
    fine(page)
    assert page.evaluate(KEPT) == []
    assert page.locator(".nav").count() == 0
    assert kim.sign_in()["type"].endswith("sign-in-refused")
    page.locator("main a.big[href='#/']").click()
    page.get_by_role("heading", name=words["gone"]).wait_for(state="detached")
    done(one)


def test_what_account_has_not_told_yet_is_said_when_it_refuses(browser: Browser, kim: Person) -> None:
    """The page was told of no money, as by a service that is behind."""
    kim.town.admin("POST", "/userDeposits", {"userid": kim.userid, "deposit": 5_000})
    one = come(browser, kim, "en-US", "phone")
    one.context.route("**/userDeposits/*", lambda asked: asked.fulfill(status=404, json={"status": 404}))
    go(one, "/delete")
    send(one, password=PASSWORD)
    one.see(WORDS["en-US"]["money"])
    done(one)


@everywhere
def test_an_operator_sees_who_is_in_and_gets_out(browser: Browser, kim: Person, language: str, form: str) -> None:
    kim.admin("PUT", "/roles", {"roles": ["rider", "bikeManager", "admin"]})
    one = come(browser, kim, language, form, path="/app/console")
    own = one.page.locator(".side .account a")
    own.get_by_text("Kim").wait_for()
    assert own.get_attribute("href") == "/app/#/me"
    assert violations(one.page) == []
    out = one.page.locator(".side .account button")
    assert out.inner_text() == WORDS[language]["sign out"]
    out.click()
    one.page.locator(".side").wait_for(state="detached")
    assert one.page.evaluate("localStorage.getItem('gbike.session')") is None
    done(one)


def test_who_is_no_operator_gets_out_of_the_console_too(browser: Browser, kim: Person) -> None:
    one = Rider(browser, kim.town, kim.userid, first="main", path="/app/console", viewport=PHONE)
    one.page.evaluate(SIGN_IN, kim.sign_in())
    one.reload(one.page.locator(".account a", has_text="Kim"))
    fine(one.page)
    one.page.locator(".account button").click()
    one.page.locator("input[name=contact]").wait_for()
    done(one)


def test_field_staff_get_from_their_page_to_their_account_and_out(browser: Browser, kim: Person) -> None:
    kim.admin("PUT", "/roles", {"roles": ["rider", "bikeManager"]})
    one = come(browser, kim, "ko-KR", "phone")
    one.go("#/staff")
    one.page.locator(".nav a[href='#/me']").click()
    one.page.locator("a[href='#/me/sessions']").wait_for()
    one.page.get_by_role("button", name=WORDS["ko-KR"]["sign out"], exact=True).click()
    one.page.locator(".nav a[href='#/staff']").wait_for(state="detached")
    done(one)


@pytest.mark.parametrize("language", WORDS)
def test_the_demo_has_no_account_and_says_so(rider: NewRider, language: str) -> None:
    one = rider(language)
    for page in ("password", "delete"):
        one.go(f"#/me/{page}")
        one.see(WORDS[language]["demo"])
        assert violations(one.page) == []
    one.go("#/me/nothing")
    one.page.locator("main a.big[href='#/me']").wait_for()
