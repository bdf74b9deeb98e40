"""What a rider sees of a ride that lasts too long, and of one that an operator ended."""

import pytest
from playwright.sync_api import Browser

from gbike.kit.store import Tx
from tests.pages.browser import Rider, eventually
from tests.pages.town import Town, secure_town
from tests.pages.words import EN, KO, Words, won

pytestmark = pytest.mark.timeout(300)
HOURS_MS = 3 * 3_600_000
WHY = {"reason": "the lock did not open"}


async def _hours_pass(town: Town) -> None:
    """Every ride began some hours earlier."""

    def set_back(tx: Tx) -> None:
        tx.execute("UPDATE rents SET started_ms = started_ms - ?, start_bootid = ''", (HOURS_MS,))

    await town.locked.whole.parts["rent"].store.write(set_back)


KO_SAYS = (
    "아직 타고 계신가요? 다 타셨다면 반납해 주세요.",
    "요금 없음",
    "이번 이용은 요금을 받지 않아요.",
    "운영자가 종료했어요",
)
EN_SAYS = (
    "Still riding? Please return the bike when you are done.",
    "No charge",
    "This ride is free of charge.",
    "Ended by the operator",
)


@pytest.mark.parametrize(("words", "says"), [(KO, KO_SAYS), (EN, EN_SAYS)], ids=["ko", "en"])
def test_a_rider_is_reminded_of_a_long_ride_and_sees_that_a_voided_one_costs_nothing(
    browser: Browser, words: Words, says: tuple[str, ...]
) -> None:
    late, free, said, by_staff = says
    with secure_town() as town:
        town.admin("POST", "/accounts", {"name": "Kim", "contact": "kim@example.com", "password": "a bicycle at dawn"})
        (userid,) = [one["userid"] for one in town.admin("GET", "/accounts")["_embedded"]["accounts"]]
        town.admin("POST", "/userDeposits", {"userid": userid, "deposit": 5_000})
        town.loop.run(town.locked.whole.settle())
        assert town.admin("POST", "/rents", {"userid": userid, "bikeid": 1})["status"] == "rented"
        one = Rider(browser, town, userid, words["locale"], first="form")
        one.page.locator("input[name=contact]").fill("kim@example.com")
        one.page.locator("input[type=password]").fill("a bicycle at dawn")
        one.page.locator("button.big").tap()
        one.page.locator("nav").wait_for()
        one.go("#/ride")
        one.page.get_by_role("timer").wait_for()
        assert one.page.get_by_text(late).count() == 0
        town.loop.run(_hours_pass(town))
        one.reload(one.page.get_by_role("timer"))
        one.see(late)

        assert town.admin("POST", "/rents/1/void", WHY)["voided"] is True
        town.loop.run(town.locked.whole.settle())
        one.go("#/rides")
        one.see(free)
        one.go("#/rides/1")
        for told in (said, by_staff, won(0, words), words["settled"]):
            one.see(told)
        eventually(lambda: town.admin("GET", "/billings/1")["status"] == "CLOSEBILL")
        assert one.clean == []
        one.close()
