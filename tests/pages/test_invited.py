"""Who was invited opens the link, sees what they may do, and comes in: in both languages."""

import os
from collections.abc import Iterator

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
WORDS = {
    "ko-KR": (
        "배터리와 고장을 보고하고",
        "계정 만들기",
        "계정을 만들었어요",
        "이미 사용했거나",
        "할 수 있는 일만 늘어나요",
        "초대 받아들이기",
        "권한을 받았어요",
    ),
    "en-US": (
        "report batteries and faults",
        "Create my account",
        "Your account is ready",
        "was used or withdrawn",
        "it can only do more",
        "Accept the invitation",
        "Accepted.",
    ),
}


@pytest.fixture(scope="module")
def town() -> Iterator[Town]:
    with secure_town() as found:
        yield found


def invited(town: Town, contact: str, *roles: str) -> str:
    """Where the link leads, in the rider's app."""
    made = town.admin("POST", "/accounts/invitations", {"contact": contact, "roles": list(roles)})
    link: str = made["link"]
    return link.removeprefix("/app/")


@pytest.mark.parametrize("language", list(WORDS))
def test_who_is_invited_comes_in_once_and_what_they_may_do_is_said(browser: Browser, town: Town, language: str) -> None:
    may, join, joined, over, more, take, granted = WORDS[language]
    contact = f"{language[:2]}@example.com"
    link = invited(town, contact, "rider", "bikeManager")
    one = Rider(browser, town, 1, language, first="form")
    page = one.page
    one.go(link)
    one.see(may)
    assert violations(page) == []
    page.locator("#name").fill("Lee")
    page.locator("#password").fill("1234567890")
    one.tap(join)
    page.get_by_role("alert").wait_for()
    page.locator("#password").fill(PASSWORD)
    one.tap(join)
    one.see(joined)
    page.locator("a.big").tap()
    page.locator("input[name=contact]").fill(contact)
    page.locator("input[type=password]").fill(PASSWORD)
    page.locator("button.big").tap()
    page.locator("nav a[href='#/staff']").wait_for()
    one.go(link)
    one.see(over)
    assert violations(page) == []
    one.go(invited(town, contact, "admin"))
    one.see(more)
    one.tap(take)
    one.see(granted)
    rows = town.admin("GET", "/accounts?size=100")["_embedded"]["accounts"]
    assert [row["roles"] for row in rows if row["contact"] == contact] == [["rider", "bikeManager", "admin"]]
    one.close()
