"""An operator at the console of a town where tokens are required, and what the audit logs then tell of their day."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pyotp
from playwright.sync_api import Browser, Locator, Page

from gbike.kit.clock import Moment, SystemClock
from tests.pages.browser import CONSOLE, DESKTOP, Rider, eventually
from tests.pages.day_words import KO
from tests.pages.town import Town, secure_town
from tests.pages.words import Words

HOURS_3 = 3 * 3_600_000
PASSWORD = "a bicycle at dawn"
WHY = "the rear brake does not hold"
"""The reason of every act of the day."""
OLD_RIDES = ("late", "over", "void")
"""Rides that began three hours ago."""


class Late(SystemClock):
    """Three hours behind, until it is put right."""

    def __init__(self) -> None:
        self._behind_ms = HOURS_3

    def now_ms(self) -> int:
        return super().now_ms() - self._behind_ms

    def moment(self) -> Moment:
        wall_ms, bootid, boot_ms = super().moment()
        return Moment(wall_ms, bootid, boot_ms - self._behind_ms)

    def put_right(self) -> None:
        """From now on it goes with the machine's."""
        self._behind_ms = 0


class Day:
    """A town, and an admin who signed in at its console."""

    def __init__(self, browser: Browser, town: Town, words: Words, letters: Path) -> None:
        self.town, self.words = town, words
        self._letters = letters
        self._bikes = iter(range(101, 1_000))
        self._people = iter(range(1, 1_000))
        self.to_print = [self.bike(location="표지_구역") for _ in range(2)]
        self.operator = self.account("Kim Operator", "admin")
        self.one = Rider(browser, town, self.operator, words["locale"], **{**CONSOLE, **DESKTOP, "first": "form"})
        self.page: Page = self.one.page
        self.page.locator("#contact").fill(self.contact("Kim Operator"))
        self.page.locator("[type=password]").fill(PASSWORD)
        self.page.locator("form [type=submit]").click()
        self.page.locator(".side").wait_for()

    @staticmethod
    def contact(name: str) -> str:
        """Of somebody with an account."""
        return f"{name.lower().replace(' ', '.')}@example.org"

    def account(self, name: str, *roles: str) -> int:
        """Somebody who signed up, whose contact is proved."""
        contact = self.contact(name)
        self.town.admin("POST", "/accounts", {"name": name, "contact": contact, "password": PASSWORD})
        found = self.town.admin("POST", "/accounts/searches", {"q": contact})["_embedded"]["accounts"]
        userid = int(found[0]["userid"])
        if roles:
            self.town.admin("PUT", f"/accounts/{userid}/roles", {"roles": ["rider", *roles]})
        return userid

    def with_codes(self, userid: int) -> None:
        """Somebody takes a second factor."""
        at = f"/accounts/{userid}"
        self.town.admin("POST", f"{at}/contact/proof", {"code": self._code()})
        secret = self.town.admin("POST", f"{at}/authenticator")["secret"]
        six = pyotp.TOTP(secret).at(self.town.locked.whole.clock.now_ms() // 1000)
        self.town.admin("POST", f"{at}/authenticator/confirmation", {"code": six})

    def _code(self) -> str:
        sent = [json.loads(line) for line in self._letters.read_text("utf-8").splitlines()]
        return str([one["code"] for one in sent if "code" in one][-1])

    def bike(self, **more: Any) -> int:
        """A new one."""
        bikeid = next(self._bikes)
        self.town.admin("POST", "/bikes", {"bikeid": bikeid, "location": "시험_구역", "batterylevel": 80, **more})
        return bikeid

    def rider(self, deposit: int = 10_000) -> int:
        """Somebody with money, and without an account."""
        userid = 2_000 + next(self._people)
        self.town.admin("POST", "/userDeposits", {"userid": userid, "deposit": deposit})
        return userid

    def rides(self, userid: int) -> dict[str, Any]:
        """Somebody begins a ride."""
        rent: dict[str, Any] = self.town.admin("POST", "/rents", {"userid": userid, "bikeid": self.bike()})
        return rent

    def bill(self, rentid: int) -> dict[str, Any]:
        """Of a ride that is over, once it is closed."""

        def closed() -> dict[str, Any] | None:
            (bill,) = self.town.admin("GET", f"/billings?rentid={rentid}")["_embedded"]["billings"] or [None]
            return bill if bill and bill["status"] == "CLOSEBILL" else None

        found: dict[str, Any] = eventually(closed)
        return found

    def ridden(self) -> dict[str, Any]:
        """The bill of somebody who rode."""
        rentid = self.rides(self.rider())["rentid"]
        self.town.admin("PATCH", f"/rents/{rentid}", {"endlocation": "여기"})
        return self.bill(rentid)

    def get(self, path: str) -> Any:
        """What a service answers about how something is."""
        return self.town.admin("GET", path)

    def go(self, hash: str) -> Page:
        """To a page of the console by its address, as a link of another page leads there."""
        self.one.go(hash)
        self.page.wait_for_function("(hash) => decodeURIComponent(location.hash) === hash", arg=hash)
        return self.page

    def press(self, name: str, *, within: Locator | None = None) -> None:
        """A button by its name."""
        (within or self.page).get_by_role("button", name=self.words[name], exact=True).first.click()

    def asks(self, name: str, *of: Any) -> Locator:
        """The dialog that names what it acts on."""
        found = self.page.get_by_role("dialog", name=self.words[name].format(*of))
        found.wait_for()
        return found

    def confirm(self, dialog: Locator, **fields: str) -> None:
        """Fill a dialog, say why, and do it: it goes when it was done."""
        for label, value in fields.items():
            field = dialog.get_by_label(self.words[label.replace("_", " ")])
            if field.evaluate("(one) => one.tagName") == "SELECT":
                field.select_option(value)
            else:
                field.fill(value)
        dialog.get_by_label(self.words["reason"]).fill(WHY)
        dialog.locator("[type=submit]").click()
        eventually(lambda: not dialog.count() or dialog.locator(".notice, .wrong").count())
        assert dialog.count() == 0, dialog.inner_text()

    def deeds(self, service: str, action: str, subject: str) -> list[dict[str, Any]]:
        """What is on record, newest first."""
        asked = urlencode({"action": action, "subject": subject})
        (found,) = self.get(f"/audit/{service}?{asked}")["_embedded"].values()
        return list(found)

    def on_record(self, service: str, action: str, subject: str, before: dict[str, Any], after: dict[str, Any]) -> None:
        """The newest row of an act tells who, what, why, and what was so before and after."""
        row, *_ = self.deeds(service, action, subject)
        assert row["who"] == str(self.operator)
        assert "admin" in row["roles"]
        assert {name: row["before"].get(name) for name in before} == before
        assert {name: row["after"].get(name) for name in after} == after
        assert row["after"]["reason"] == WHY

    def searched(self, times: int, found: int) -> bool:
        """Whether the operator searched so often for people, and found so many at last."""
        rows = self.deeds("account", "accounts searched", "accounts")
        mine = [row["after"] for row in rows if row["who"] == str(self.operator)]
        return len(mine) == times and mine[0] == {"found": found}

    def looked(self, service: str, subject: str, what: str) -> None:
        """The operator's look at somebody is on record."""
        look = (str(self.operator), {"what": what})
        eventually(lambda: look in [(row["who"], row["after"]) for row in self.deeds(service, "looked at", subject)])


def _began(town: Town, wish: dict[str, int]) -> dict[str, Any] | None:
    """A ride, once rent has heard that its rider has money."""
    rent: dict[str, Any] = town.admin("POST", "/rents", wish)
    return rent if "rentid" in rent else None


@contextmanager
def started(browser: Browser, words: Words, letters: Path) -> Iterator[tuple[Day, dict[str, dict[str, Any]]]]:
    """A day in a town, and the rides that began long before it, by what becomes of them."""
    clock = Late()
    with secure_town(letters=letters, clock=clock) as town:
        old: dict[str, dict[str, Any]] = {}
        for number, name in enumerate(OLD_RIDES, start=1):
            bikeid, who = 10 + number, {"name": f"Rider {name}", "contact": f"rider.{name}@example.org"}
            town.admin("POST", "/accounts", {**who, "password": PASSWORD})
            town.admin("POST", "/bikes", {"bikeid": bikeid, "location": "시험_구역", "batterylevel": 50})
            userid = town.admin("POST", "/accounts/searches", {"q": who["contact"]})["_embedded"]["accounts"][0][
                "userid"
            ]
            town.admin("POST", "/userDeposits", {"userid": userid, "deposit": 10_000})
            old[name] = eventually(partial(_began, town, {"userid": userid, "bikeid": bikeid}))
        clock.put_right()
        town.locked.admin = town.locked.person(900, "admin")
        day = Day(browser, town, words, letters)
        yield day, old
        wrong = day.one.clean
        day.one.close()
        assert wrong == []


def won(amount: int, words: Words) -> str:
    """An amount as it is written there."""
    return f"{amount:,}원" if words is KO else f"₩{amount:,}"
