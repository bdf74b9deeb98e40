"""A rider who may not rent is told why and led on, in Korean and English."""

import pytest
from playwright.sync_api import Browser

from gbike.contracts.user_deposit import ChangedStanding
from gbike.kit.envelope import pack
from gbike.kit.telemetry import NO_TRACE
from tests.pages.browser import Rider, eventually
from tests.pages.town import secure_town


@pytest.mark.parametrize(
    ("locale", "rent_it", "says", "pay_in"),
    [
        ("ko-KR", "대여하기", "잔액이 700원 부족해요. 먼저 충전해 주세요.", "충전하기"),
        ("en-US", "Rent this bike", "Your deposit is ₩700 short. Please top up first.", "Top up"),
    ],
)
def test_a_rider_who_must_pay_in_first_is_told_how_much_and_led_there(
    browser: Browser, locale: str, rent_it: str, says: str, pay_in: str
) -> None:
    with secure_town() as town:
        town.admin("POST", "/accounts", {"name": "Kim", "contact": "kim@example.com", "password": "a bicycle at dawn"})
        (userid,) = [one["userid"] for one in town.admin("GET", "/accounts")["_embedded"]["accounts"]]
        told = ChangedStanding(userid=userid, mayrent=False, reasons=("minimum",), version=99, missing_krw=700)
        message = pack(told, id="told", source="user_deposit", now_ms=1, trace=NO_TRACE)
        town.loop.run(town.locked.whole.bus.append([message]))
        town.loop.run(town.locked.whole.settle())
        one = Rider(browser, town, userid, locale, first="form")
        one.page.locator("input[name=contact]").fill("kim@example.com")
        one.page.locator("input[type=password]").fill("a bicycle at dawn")
        one.page.locator("button.big").tap()
        one.page.locator("nav").wait_for()
        one.go("#/bike/1")
        one.tap(rent_it)
        one.see(says)
        one.page.get_by_role("link", name=pay_in).tap()
        eventually(lambda: one.page.evaluate("location.hash") == "#/topup")
        assert town.admin("GET", "/rents")["page"]["totalElements"] == 0
        assert one.clean == []
        one.close()


@pytest.mark.parametrize(
    ("locale", "words"),
    [
        ("ko-KR", ("대여하기", "운영자가 이 계정의 대여를 막아 두었어요", "사유: 강에 던졌음", "환불")),
        ("en-US", ("Rent this bike", "The operator has blocked this account", "Why: 강에 던졌음", "Refunded")),
    ],
)
def test_a_blocked_rider_is_told_why_and_a_refund_is_on_the_receipt(
    browser: Browser, locale: str, words: tuple[str, str, str, str]
) -> None:
    rent_it, says, why, refunded = words
    with secure_town() as town:
        town.admin("POST", "/accounts", {"name": "Kim", "contact": "kim@example.com", "password": "a bicycle at dawn"})
        (userid,) = [one["userid"] for one in town.admin("GET", "/accounts")["_embedded"]["accounts"]]
        town.admin("POST", "/userDeposits", {"userid": userid, "deposit": 5_000})
        town.loop.run(town.locked.whole.settle())
        ride = town.admin("POST", "/rents", {"userid": userid, "bikeid": 1})
        town.admin("PUT", f"/userDeposits/{userid}/block", {"reason": "강에 던졌음"})
        town.loop.run(town.locked.whole.settle())
        over = town.admin("PATCH", f"/rents/{ride['rentid']}", {"status": "returned"})
        assert over["status"] == "returned"
        town.loop.run(town.locked.whole.settle())
        bill = town.admin("GET", f"/billings/search/findByRentid?rentid={ride['rentid']}")
        town.admin("POST", f"/billings/{bill['billid']}/corrections", {"amount": bill["fee"], "reason": "the lock"})
        town.loop.run(town.locked.whole.settle())
        one = Rider(browser, town, userid, locale, first="form")
        one.page.locator("input[name=contact]").fill("kim@example.com")
        one.page.locator("input[type=password]").fill("a bicycle at dawn")
        one.page.locator("button.big").tap()
        one.page.locator("nav").wait_for()
        one.go("#/bike/1")
        one.tap(rent_it)
        one.see(says)
        one.go("#/rides")
        one.see(why)
        one.go(f"#/rides/{ride['rentid']}")
        one.see(refunded)
        assert one.clean == []
        one.close()
