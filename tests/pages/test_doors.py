"""The doors of the pages: a look without an account, back to where one was going, a forgotten password, consents."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route

from tests.pages.browser import DESKTOP, PHONE, Rider, eventually
from tests.pages.test_accessible import violations
from tests.pages.town import Town, secure_town
from tests.pages.words import Words

pytestmark = pytest.mark.timeout(300)
PASSWORD, ANOTHER = "a bicycle at dawn", "another bicycle at dawn"
KO: Words = {
    "locale": "ko-KR",
    "sign in": "로그인",
    "sign in to rent": "로그인하고 대여하기",
    "rent": "대여하기",
    "sign up": "가입하기",
    "empty": "이메일이나 전화번호를 입력해 주세요.",
    "no password": "비밀번호를 입력해 주세요.",
    "bad contact": "전화번호나 이메일 주소를 다시 확인해 주세요.",
    "weak": "추측하기 쉬운 비밀번호예요.",
    "short": "10자 이상으로 정해 주세요.",
    "terms first": "약관에 동의해 주세요.",
    "terms changed": "방금 약관이 바뀌었어요.",
    "received": "가입을 접수했어요.",
    "kept": "보관하는 정보",
    "forgot": "비밀번호를 잊으셨나요?",
    "sent": "메시지를 확인해 주세요",
    "set": "비밀번호 바꾸기",
    "was set": "비밀번호를 바꿨어요.",
    "over": "이미 사용했거나 30분이 지난 링크예요.",
    "another": "링크 다시 받기",
    "free bikes": "탈 수 있는 자전거",
    "price": "1초에 100원",
    "not now": "지금 상태에서는 할 수 없어요.",
    "staff": "현장 업무",
}
EN: Words = {
    "locale": "en-US",
    "sign in": "Sign in",
    "sign in to rent": "Sign in to rent",
    "rent": "Rent this bike",
    "sign up": "Sign up",
    "empty": "Please write your email address or phone number.",
    "no password": "Please write a password.",
    "bad contact": "Please check the phone number or email address.",
    "weak": "That password is easy to guess.",
    "short": "At least 10 characters.",
    "terms first": "Please agree to the terms to sign up.",
    "terms changed": "The terms were changed just now.",
    "received": "Received.",
    "kept": "What is kept of you",
    "forgot": "Forgot your password?",
    "sent": "Please look at your messages",
    "set": "Set the password",
    "was set": "Your password was changed.",
    "over": "This link was used already",
    "another": "Ask for another link",
    "free bikes": "ready to ride",
    "price": "₩100 per 1 s",
    "not now": "That isn’t possible as things stand.",
    "staff": "Field work",
}
BOTH = pytest.mark.parametrize("words", [pytest.param(KO, id="ko"), pytest.param(EN, id="en")])
FORMS = pytest.mark.parametrize(
    "form", [pytest.param({"viewport": PHONE}, id="phone"), pytest.param(DESKTOP, id="desktop")]
)


@pytest.fixture(scope="module")
def letters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("letters") / "resets.jsonl"


@pytest.fixture(scope="module")
def town(browser: Browser, letters: Path) -> Iterator[Town]:
    """With one bike, and a file of letters."""
    with secure_town(letters=letters) as found:
        yield found


@pytest.fixture
def newcomer(browser: Browser, town: Town) -> Iterator[Any]:
    """Makes people whom nobody knows yet; at the end nothing went wrong on their pages."""
    made: list[Rider] = []

    def new(words: Words, **options: Any) -> Rider:
        made.append(Rider(browser, town, 1, words["locale"], **options))
        return made[-1]

    yield new
    wrong = [one.clean for one in made]
    for one in made:
        one.close()
    assert wrong == [[] for _ in made]


def number(town: Town, contact: str) -> int:
    """Of the account that signed up with a contact."""
    rows = town.admin("GET", "/accounts?size=100")["_embedded"]["accounts"]
    (userid,) = [one["userid"] for one in rows if contact in (one["contact"], one["contact_wanted"])]
    return int(userid)


def account(town: Town, contact: str, *roles: str) -> int:
    """With the password of before, and roles beside the rider's."""
    town.admin("POST", "/accounts", {"name": "Kim Minji", "contact": contact, "password": PASSWORD})
    userid = number(town, contact)
    if roles:
        town.admin("PUT", f"/accounts/{userid}/roles", {"roles": ["rider", *roles]})
    return userid


def letter(letters: Path, userid: int, about: str) -> dict[str, str]:
    """The newest to an account."""
    sent = [json.loads(line) for line in letters.read_text("utf-8").splitlines()]
    newest: dict[str, str] = [one for one in sent if (one["to"], one["about"]) == (f"account {userid}", about)][-1]
    return newest


def sign_in(page: Page, contact: str, password: str = PASSWORD) -> None:
    """At the door."""
    page.locator("input[name=contact]").fill(contact)
    page.locator("input[name=password]").fill(password)
    page.locator("button.big").click()


def is_at(page: Page, hash: str) -> None:
    """Return when the address is this one."""
    eventually(lambda: page.evaluate("location.hash") == hash)


def said_at(page: Page, field: str, text: str) -> None:
    """Return when words stand at a field, which is marked as wrong and tells them."""
    page.locator(f"#{field}-wrong", has_text=text).wait_for()
    marked = page.locator(f"#{field}")
    assert marked.get_attribute("aria-invalid") == "true"
    assert f"{field}-wrong" in (marked.get_attribute("aria-describedby") or "")


@BOTH
@FORMS
def test_bikes_and_prices_are_looked_at_without_an_account(newcomer: Any, words: Words, form: dict[str, Any]) -> None:
    one: Rider = newcomer(words, **form)
    page = one.page
    one.see(words["free bikes"])
    page.locator("nav a[href='#/signin']", has_text=words["sign in"]).wait_for()
    assert page.locator("nav a").count() == 2
    one.go("#/number")
    page.locator("#number").fill("1")
    page.locator("button.big[type=submit]").click()
    one.see(words["price"])
    assert violations(page) == []
    page.get_by_role("link", name=words["sign in to rent"]).wait_for()
    one.go("#/rides")
    page.get_by_role("heading", name=words["sign in"]).wait_for()


@BOTH
def test_a_shared_bike_is_there_after_signing_up_and_in_and_after_a_reload(
    newcomer: Any, town: Town, words: Words
) -> None:
    one: Rider = newcomer(words)
    page, contact = one.page, f"shared-{words['locale'][:2]}@example.com"
    one.go("#/bike/1")
    page.get_by_role("link", name=words["sign in to rent"]).click()
    page.locator("a[href$='#/signup']").click()
    page.locator("#name").fill("Kim Minji")
    page.locator("#contact").fill(contact)
    page.locator("#password").fill(PASSWORD)
    page.locator("#terms").check()
    page.locator("button.big").click()
    one.see(words["received"])
    assert page.locator("#contact").input_value() == contact
    one.reload(page.locator("#contact"))
    sign_in(page, contact)
    is_at(page, "#/bike/1")
    page.get_by_role("button", name=words["rent"]).wait_for()
    one.go("#/")
    page.evaluate("localStorage.removeItem('gbike.session')")
    one.reload(page.locator("nav"))
    one.go("#/signin")
    sign_in(page, contact)
    is_at(page, "#/")


def test_whose_sign_in_is_over_signs_in_where_they_are_or_looks_at_the_bikes(newcomer: Any, town: Town) -> None:
    account(town, "over@example.com")
    over = "{ access_token: 'over', refresh_token: 'over', userid: 1, roles: ['rider'], ends: 0 }"
    one: Rider = newcomer(EN)
    one.page.evaluate(f"localStorage.setItem('gbike.session', JSON.stringify({over}))")
    one.reload(one.page.locator("#contact"))
    one.see("Your sign-in expired.")
    one.tap("Look at the bikes first")
    one.see(EN["free bikes"])
    one.go("#/number")
    one.page.evaluate(f"localStorage.setItem('gbike.session', JSON.stringify({over}))")
    one.reload(one.page.locator("#contact"))
    sign_in(one.page, "over@example.com")
    one.page.locator("#number").wait_for()
    is_at(one.page, "#/number")


@pytest.mark.parametrize(("role", "landed"), [("bikeManager", "#/staff"), ("admin", "/app/console")])
def test_who_signs_in_without_a_destination_lands_where_their_work_is(
    newcomer: Any, town: Town, role: str, landed: str
) -> None:
    contact = f"lands-{role.lower()}@example.com"
    account(town, contact, role)
    one: Rider = newcomer(EN, first="form")
    sign_in(one.page, contact)
    one.page.wait_for_url(f"**{landed}*")
    one.page.locator("nav").wait_for()


def test_an_operator_signs_in_at_the_console_and_stays_at_the_page_they_opened(newcomer: Any, town: Town) -> None:
    account(town, "operator@example.com", "admin")
    one: Rider = newcomer(EN, first="form", path="/app/console", **DESKTOP)
    one.go("#/bikes")
    one.page.locator("#contact").wait_for()
    assert one.page.get_by_role("link", name="Forgot").get_attribute("href") == "/app/#/forgot"
    sign_in(one.page, "operator@example.com")
    one.page.locator(".rows .number").first.wait_for()
    is_at(one.page, "#/bikes")


@BOTH
def test_a_forgotten_password_is_set_anew_once_by_the_link_of_the_letter(
    newcomer: Any, town: Town, letters: Path, words: Words
) -> None:
    contact = f"forgot-{words['locale'][:2]}@example.com"
    userid = account(town, contact)
    code = letter(letters, userid, "contact code")["code"]
    town.admin("POST", f"/accounts/{userid}/contact/proof", {"code": code})
    one: Rider = newcomer(words, first="form")
    page = one.page
    page.get_by_role("link", name=words["forgot"]).click()
    page.get_by_role("heading", name=words["forgot"]).wait_for()
    page.locator("button.big").click()
    said_at(page, "contact", words["empty"])
    assert violations(page) == []
    page.locator("#contact").fill(contact)
    page.locator("button.big").click()
    one.see(words["sent"])
    one.see(contact)
    link = letter(letters, userid, "password reset")["link"]
    assert "/app/#/reset/" in link
    way = f"#/reset/{link.split('/')[-1]}"
    one.go(way)
    page.locator("#password").fill("too short")
    page.locator("button.big").click()
    said_at(page, "password", words["short"])
    page.locator("#password").fill("password1234")
    page.locator("button.big").click()
    said_at(page, "password", words["weak"])
    assert violations(page) == []
    page.locator("#password").fill(ANOTHER)
    page.get_by_role("button", name=words["set"]).click()
    one.see(words["was set"])
    sign_in(page, contact, ANOTHER)
    one.see(words["free bikes"])
    one.go(way)
    page.locator("#password").fill(PASSWORD)
    page.locator("button.big").click()
    one.see(words["over"])
    assert violations(page) == []
    page.get_by_role("link", name=words["another"]).click()
    page.locator("#contact").wait_for()
    is_at(page, "#/forgot")


@BOTH
@FORMS
def test_what_does_not_fit_is_said_at_its_field_in_the_language_of_the_page(
    newcomer: Any, words: Words, form: dict[str, Any]
) -> None:
    one: Rider = newcomer(words, first="form", **form)
    page = one.page
    page.locator("button.big").click()
    said_at(page, "contact", words["empty"])
    said_at(page, "password", words["no password"])
    assert page.evaluate("document.activeElement.id") == "contact"
    one.go("#/signup")
    page.locator("#name").fill("Kim Minji")
    page.locator("#contact").fill("kim at home")
    page.locator("#password").fill("password1234")
    page.locator("button.big").click()
    said_at(page, "terms", words["terms first"])
    page.locator("#terms").check()
    page.locator("button.big").click()
    said_at(page, "contact", words["bad contact"])
    page.locator("#contact").fill("010-1234-5678")
    page.locator("button.big").click()
    said_at(page, "password", words["weak"])
    page.locator("#password").fill("short")
    page.locator("button.big").click()
    said_at(page, "password", words["short"])
    assert violations(page) == []
    wide: int = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= (page.viewport_size or PHONE)["width"]


@BOTH
def test_terms_are_read_and_agreed_to_in_their_version_and_location_only_by_wish(
    newcomer: Any, town: Town, words: Words
) -> None:
    one: Rider = newcomer(words, first="form")
    page = one.page
    version = town.admin("GET", "/accounts/terms")["version"]
    one.go("#/terms")
    one.see(words["kept"])
    one.see(version)
    assert violations(page) == []
    for wish, agreed in ((False, {"terms"}), (True, {"terms", "location"})):
        contact = f"terms-{words['locale'][:2]}-{wish}@example.com".lower()
        one.go("#/signup")
        page.locator("#name").fill("Kim Minji")
        page.locator("#contact").fill(contact)
        page.locator("#password").fill(PASSWORD)
        page.locator("#terms").check()
        page.locator("#location").set_checked(wish)
        page.locator("button.big").click()
        is_at(page, "#/signin")
        userid = number(town, contact)
        kept = town.admin("GET", f"/accounts/{userid}/consents")["consents"]
        assert {(one["kind"], one["version"]) for one in kept} == {(kind, version) for kind in agreed}


@BOTH
def test_terms_that_changed_meanwhile_are_shown_anew(newcomer: Any, words: Words) -> None:
    one: Rider = newcomer(words, first="form")
    page = one.page

    def older(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(json={**answer.json(), "version": "2020-01"})

    page.route("**/accounts/terms", older, times=1)
    one.go("#/signup")
    page.locator("#name").fill("Kim Minji")
    page.locator("#contact").fill("changed@example.com")
    page.locator("#password").fill(PASSWORD)
    page.locator("#terms").check()
    page.locator("button.big").click()
    said_at(page, "terms", words["terms changed"])
    assert page.locator("#contact").input_value() == "changed@example.com"
    page.locator("#terms").check()
    page.locator("button.big").click()
    one.see(words["received"])


@BOTH
def test_what_a_service_says_of_itself_is_never_shown(newcomer: Any, words: Words) -> None:
    one: Rider = newcomer(words, first="form")
    page = one.page
    refused = {"type": "/docs/status-codes#something-new", "status": 409, "detail": "RAW WORDS", "title": "RAW TITLE"}
    page.route("**/accounts/passwordResets", lambda route: route.fulfill(status=409, json=refused))
    one.go("#/forgot")
    page.locator("#contact").fill("kim@example.com")
    page.locator("button.big").click()
    one.see(words["not now"])
    assert page.get_by_text("RAW").count() == 0
