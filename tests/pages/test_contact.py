"""A rider proves the contact, changes it, and takes recovery codes; a phone number is typed in any form."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pyotp
import pytest
from playwright.sync_api import Browser

from tests.pages.browser import Rider
from tests.pages.test_accessible import violations
from tests.pages.town import Town, secure_town

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(not os.environ.get("GBIKE_FULL"), reason="only at full size: GBIKE_FULL=1"),
]
PASSWORD = "a bicycle at dawn"


@pytest.fixture
def letters(tmp_path: Path) -> Path:
    return tmp_path / "resets.jsonl"


@pytest.fixture
def town(letters: Path) -> Iterator[Town]:
    """With one bike, and a file of letters."""
    with secure_town(letters=letters) as found:
        yield found


def code(letters: Path) -> str:
    """The newest code that was sent."""
    sent = [json.loads(line) for line in letters.read_text("utf-8").splitlines()]
    newest: str = [one["code"] for one in sent if one["about"] == "contact code"][-1]
    return newest


def sign_in(one: Rider, contact: str, six: str = "") -> None:
    """At the door; with a second code where it is asked for."""
    one.page.locator("input[name=contact]").fill(contact)
    one.page.locator("input[type=password]").fill(PASSWORD)
    one.page.locator("button.big").tap()
    if six:
        one.page.locator("input[name=code]").fill(six)
        one.page.locator("button.big").tap()
    one.page.locator("nav").wait_for()


def sign_out_elsewhere(town: Town) -> None:
    """On another device: tokens of before are refused on this one too, and are renewed."""
    opened = town.admin("POST", "/sessions", {"contact": "010-1234-5678", "password": PASSWORD})
    at = f"/accounts/{opened['userid']}/sessions"
    newest = town.admin("GET", at)["sessions"][0]["sessionid"]
    town.admin("POST", f"{at}/{newest}/end")


def test_a_contact_is_proved_and_changed(browser: Browser, town: Town, letters: Path) -> None:
    one = Rider(browser, town, 1, "en-US", first="form")
    page = one.page
    one.tap("Sign up")
    page.get_by_label("Name").fill("Kim Minji")
    page.get_by_label("Email or phone").fill("kim")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("I agree to the terms").check()
    page.locator("button.big").tap()
    one.see("Please check the phone number or email address.")
    page.get_by_label("Email or phone").fill("010-1234-5678")
    page.locator("button.big").tap()
    one.see("confirm your contact")
    sign_in(one, "+82 10 1234 5678")
    one.go("#/me")
    one.see("Please confirm your contact.")
    one.tap("Confirm")
    one.see("Enter the eight digits sent to 010-1234-5678.")
    assert violations(page) == []
    first = code(letters)
    one.tap("Send again")
    one.see("A new code was sent.")
    page.get_by_label("Code", exact=True).fill(first)
    one.tap("Confirm")
    one.see("The code is wrong")
    page.get_by_label("Code", exact=True).fill(f" {code(letters)} ")
    one.tap("Confirm")
    one.see("Your contact is confirmed.")
    page.locator(".facts", has_text="010-1234-5678").wait_for()
    one.tap("Change contact")
    page.get_by_label("New contact").fill("Kim@Example.com")
    page.get_by_label("Your password").fill("a bicycle at dusk")
    one.tap("Send a code")
    one.see("That password doesn’t match.")
    assert violations(page) == []
    sign_out_elsewhere(town)
    page.get_by_label("Your password").fill(PASSWORD)
    one.tap("Send a code")
    one.see("Enter the eight digits sent to kim@example.com.")
    page.get_by_label("Code", exact=True).fill(code(letters))
    one.tap("Confirm")
    page.locator(".facts", has_text="kim@example.com").wait_for()
    (account,) = town.admin("GET", "/accounts")["_embedded"]["accounts"]
    assert (account["contact"], account["contact_proved"]) == ("kim@example.com", True)
    assert one.clean == []
    one.close()


def test_recovery_codes_are_shown_once_and_let_in(browser: Browser, town: Town, letters: Path) -> None:
    town.admin("POST", "/accounts", {"name": "Kim", "contact": "010-1234-5678", "password": PASSWORD})
    (account,) = town.admin("GET", "/accounts")["_embedded"]["accounts"]
    at = f"/accounts/{account['userid']}"
    town.admin("POST", f"{at}/contact/proof", {"code": code(letters)})
    secret = town.admin("POST", f"{at}/authenticator")["secret"]
    six = pyotp.TOTP(secret).at(town.locked.whole.clock.now_ms() // 1000)
    given = town.admin("POST", f"{at}/authenticator/confirmation", {"code": six})["recovery_codes"]
    one = Rider(browser, town, account["userid"], "ko-KR", first="form")
    sign_in(one, "01012345678", given[0].lower())
    one.go("#/me/codes")
    one.see("코드가 9개 남아 있어요")
    one.page.get_by_label("비밀번호 확인").fill(PASSWORD)
    one.tap("새로 만들기")
    one.see("지금만 볼 수 있어요")
    assert len(one.page.locator(".codes li").all()) == 10
    assert violations(one.page) == []
    one.tap("보관했어요")
    one.see("코드가 10개 남아 있어요")
    assert one.clean == []
    one.close()
