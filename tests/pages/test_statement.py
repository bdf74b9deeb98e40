"""Where a rider's money went: every movement in words, which add up to the balance; what a receipt says is left; and a
bike that was only tried and is no good."""

from typing import Any

import pytest
from playwright.sync_api import Page

from tests.pages.browser import DESKTOP, PHONE, Demo, Rider, eventually
from tests.pages.conftest import NewRider
from tests.pages.words import EN, KO, Words, won

BOOK: dict[str, Words] = {
    "ko-KR": {
        "statement": "예치금 내역",
        "bill": "이용 요금",
        "billCorrection": "요금 환불",
        "topUp": "충전",
        "conversion": "포인트 전환",
        "correction": "운영자 조정",
        "opening": "처음 넣은 예치금",
        "why": "자전거 문제를 알려 주셔서 요금을 돌려드렸어요",
        "by hand": "자물쇠가 열리지 않았어요",
        "left": "잔액",
        "owed": "내야 할 요금",
        "owing": "잔액이 부족해요. 충전해 주세요.",
        "paid": "실제로 낸 요금",
        "more": "더 보기",
        "nothing": "아직 내역이 없어요",
    },
    "en-US": {
        "statement": "Deposit statement",
        "bill": "Ride fee",
        "billCorrection": "Fee given back",
        "topUp": "Top-up",
        "conversion": "Points converted",
        "correction": "Adjusted by the operator",
        "opening": "Opening deposit",
        "why": "You told us that something was wrong with the bike",
        "by hand": "자물쇠가 열리지 않았어요",
        "left": "Deposit left",
        "owed": "To pay",
        "owing": "Your deposit is used up. Please top up.",
        "paid": "What you paid",
        "more": "Show more",
        "nothing": "Nothing here yet",
    },
}
LANGUAGES = pytest.mark.parametrize("words", [KO, EN], ids=["ko", "en"])


def ride(demo: Demo, userid: int, end: dict[str, Any]) -> int:
    """A ride that is over and paid; answers its bill."""
    rentid = demo.ask("POST", "/rents", {"userid": userid, "bikeid": demo.new_bike()})["rentid"]
    demo.ask("PATCH", f"/rents/{rentid}", end)
    found = f"/billings/search/findByRentid?rentid={rentid}"
    eventually(lambda: _bills(demo, rentid) and demo.ask("GET", found)["status"] == "CLOSEBILL")
    return int(demo.ask("GET", found)["billid"])


def _bills(demo: Demo, rentid: int) -> int:
    return int(demo.ask("GET", f"/billings?rentid={rentid}")["page"]["totalElements"])


def live(demo: Demo, userid: int) -> tuple[int, int]:
    """Of every movement one at least; answers the bill that was given back in part, and the try that was free."""
    paid = ride(demo, userid, {"endlocation": "판교역 앞"})
    demo.ask("POST", f"/userDeposits/{userid}/topUps", {"amount": 3_000})
    demo.ask("POST", f"/userDeposits/{userid}/corrections", {"amount": -500, "reason": "paid in twice"})
    demo.ask("POST", f"/billings/{paid}/corrections", {"amount": 30, "reason": "자물쇠가 열리지 않았어요"})
    tried = ride(demo, userid, {"status": "returned"})
    bikeid = demo.rents(userid)[-1]["bikeid"]
    demo.ask("POST", "/complaints", {"userid": userid, "bikeid": bikeid, "kind": "brake"})
    demo.ask("POST", "/bikeManagers", {"managerid": userid, "userid": userid, "point": 700})
    demo.ask("PUT", f"/bikeManagers/{userid}", {"adjustpoint": 700, "point": 0, "userid": userid})
    eventually(lambda: len(_moves(demo, userid)) == 8)
    return paid, tried


def _moves(demo: Demo, userid: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = demo.ask("GET", f"/userDeposits/{userid}/entries")["_embedded"]["entries"]
    return found


def lines(page: Page) -> list[tuple[str, int, int]]:
    """What each line says it is, its won and the balance after it; newest first."""
    told = page.locator(".lines li")
    said = [one.strip() for one in told.locator(".main").all_inner_texts()]
    money = told.locator("[data-won]").evaluate_all("all => all.map(({dataset: d}) => [+d.won, +d.balance])")
    return [(words, *sums) for words, sums in zip(said, money, strict=True)]


def opened(one: Rider, says: Words) -> list[tuple[str, int, int]]:
    """The statement, by its link."""
    one.go("#/rides")
    one.page.get_by_role("link", name=says["statement"]).click()
    one.page.locator(".lines [data-won]").first.wait_for()
    return lines(one.page)


@LANGUAGES
def test_the_lines_of_a_statement_are_in_words_and_add_up_to_the_balance(
    rider: NewRider, demo: Demo, words: Words
) -> None:
    one, says = rider(words["locale"]), BOOK[words["locale"]]
    live(demo, one.userid)
    told = opened(one, says)
    moves = _moves(demo, one.userid)
    kinds = [move["cause"].partition(":")[0] for move in moves]
    assert set(kinds) == {"bill", "billCorrection", "topUp", "correction", "conversion", "opening"}
    assert [(said, amount) for said, amount, _ in told] == [
        (says[kind], move["amount"]) for kind, move in zip(kinds, moves, strict=True)
    ]
    balance = demo.ask("GET", f"/userDeposits/{one.userid}")["deposit"]
    assert sum(amount for _, amount, _ in told) == balance == told[0][2]
    for (_, amount, after), (_, _, before) in zip(told, [*told[1:], ("", 0, 0)], strict=True):
        assert after - amount == before
    one.see(won(balance, words))
    one.see(says["why"])
    one.see(says["by hand"])
    assert one.page.locator(".lines a").count() == 4
    assert "+0" not in one.page.locator("main").inner_text()


@LANGUAGES
@pytest.mark.parametrize("form", [{"viewport": PHONE}, DESKTOP], ids=["phone", "desktop"])
def test_a_long_statement_goes_on_and_nothing_is_cut(
    rider: NewRider, demo: Demo, words: Words, form: dict[str, Any]
) -> None:
    one, says = rider(words["locale"], **form), BOOK[words["locale"]]
    for number in range(24):
        demo.ask("POST", f"/userDeposits/{one.userid}/topUps", {"amount": number + 1})
    assert len(opened(one, says)) == 20
    assert one.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    one.page.get_by_role("button", name=says["more"]).click()
    one.page.locator(".lines li").nth(24).wait_for()
    told = lines(one.page)
    assert (len(told), told[-1][2] - told[-1][1]) == (25, 0)
    assert sum(amount for _, amount, _ in told) == demo.ask("GET", f"/userDeposits/{one.userid}")["deposit"]


@LANGUAGES
def test_a_receipt_says_why_money_came_back_and_what_is_left(rider: NewRider, demo: Demo, words: Words) -> None:
    one, says = rider(words["locale"]), BOOK[words["locale"]]
    paid, tried = live(demo, one.userid)
    for billid, why in ((paid, says["by hand"]), (tried, says["why"])):
        bill = demo.ask("GET", f"/billings/{billid}")
        one.go(f"#/rides/{bill['rentid']}")
        one.page.locator(".bill dd p", has_text=why).wait_for()
        facts = one.page.locator(".bill .facts")
        facts.get_by_text(says["paid"]).locator("xpath=..").get_by_text(
            won(bill["fee"] - bill["refunded"], words)
        ).wait_for()
        balance = demo.ask("GET", f"/userDeposits/{one.userid}")["deposit"]
        facts.get_by_text(says["left"]).locator("xpath=..").get_by_text(won(balance, words)).wait_for()
    assert demo.ask("GET", f"/billings/{tried}")["refunded"] == bill["fee"]


@LANGUAGES
def test_what_is_owed_is_told_in_words_and_with_the_way_to_pay(rider: NewRider, demo: Demo, words: Words) -> None:
    one, says = rider(words["locale"]), BOOK[words["locale"]]
    demo.ask("PATCH", f"/userDeposits/{one.userid}", {"deposit": 0})
    demo.ask("POST", f"/userDeposits/{one.userid}/corrections", {"amount": -200, "reason": "a cheque that bounced"})
    ride(demo, one.userid, {"endlocation": "판교역 앞"})
    (rent,) = demo.rents(one.userid)
    owed = won(-demo.ask("GET", f"/userDeposits/{one.userid}")["deposit"], words)
    for address in ("#/rides", f"#/rides/{rent['rentid']}", f"#/rides/{rent['rentid']}/done"):
        one.go(address)
        for told in (says["owed"], owed, says["owing"]):
            one.see(told)
        assert "−" not in one.page.locator("main").inner_text()
    assert opened(one, says)[0][0] == says["bill"]
    one.see(says["owed"])


@LANGUAGES
def test_a_statement_of_nobody_is_empty_and_says_what_will_be_there(rider: NewRider, words: Words) -> None:
    one = rider(words["locale"])
    one.page.evaluate("localStorage.setItem('gbike.rider', '999999')")
    one.go("#/statement")
    one.reload(one.page.locator(".empty"))
    one.see(BOOK[words["locale"]]["nothing"])
