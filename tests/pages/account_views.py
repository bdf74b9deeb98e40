"""Every page of one's account, as a screenshot wants to see it: of who signed up a moment ago, and of who has money."""

import pyotp

from tests.pages.browser import Demo, Rider
from tests.pages.test_profile import PASSWORD, button, send
from tests.pages.views import View, at


def _changing(rider: Rider, demo: Demo) -> None:
    at("#/me/contact", "main button.big")(rider, demo)
    rider.page.locator("main button.big").click()
    rider.page.locator("#contact").wait_for()


def _enrolling(rider: Rider, demo: Demo) -> None:
    at("#/me/codes", "#password")(rider, demo)
    send(rider, password=PASSWORD)
    rider.page.locator(".qr path[d^=M]").wait_for()


def _codes(rider: Rider, _demo: Demo) -> None:
    send(rider, code=pyotp.TOTP(rider.page.locator(".secret").inner_text().replace(" ", "")).now())
    rider.page.locator(".codes").wait_for()


def _enrolled(rider: Rider, _demo: Demo) -> None:
    rider.page.locator("#recovery button.primary").click()
    rider.page.locator("#recovery form").wait_for()


def _agreed(rider: Rider, demo: Demo) -> None:
    at("#/me/consents", "#consent-location button")(rider, demo)
    rider.page.locator("#consent-location button").click()
    rider.page.locator("#consent-location button.quiet").wait_for()


def _deleted(rider: Rider, _demo: Demo) -> None:
    rider.page.locator("#password").fill(PASSWORD)
    button(rider.page.locator("form"))
    rider.page.locator("main a.big").wait_for()


NEWCOMER_VIEWS: dict[str, View] = {
    "me": at("#/me", "main .notice"),
    "factor-later": at("#/me/codes", "main .notice"),
    "prove": at("#/me/contact", "#prove"),
    "statement-empty": at("#/statement", ".empty"),
    "delete": at("#/me/delete", "#password"),
    "deleted": _deleted,
}
ACCOUNT_VIEWS: dict[str, View] = {
    "me": at("#/me", "main a[href='#/me/name'] .soft"),
    "name": at("#/me/name", "#name"),
    "contact": _changing,
    "password": at("#/me/password", "#new"),
    "factor": at("#/me/codes", "#password"),
    "factor-scan": _enrolling,
    "factor-codes": _codes,
    "factor-on": _enrolled,
    "sessions": at("#/me/sessions", ".sessions li"),
    "consents": at("#/me/consents", "#consent-location"),
    "delete-later": at("#/me/delete", "main .notice"),
    "agreed": _agreed,
}
OPERATOR_VIEWS: dict[str, View] = {"fleet": at("#/", ".side .account a")}
