"""Clients that rent, return, pay in, convert and report, with and without an Idempotency-Key, until the line breaks."""

import asyncio
import random
from collections.abc import Callable
from itertools import count

import aiohttp

from dev.chaos.deeds import Deed, NoAnswer, Outcome

BIKES = 60
REPORTED = range(1_001, 1_061)
"""Bikes that are only reported, never ridden."""
RIDERS_FROM = 1_000_000
"""Each rent has a rider of its own, so that its effect is told from every other."""
SETTLE_S = 15
LATER_S = 0.2
"""The pause after a 503: riders are told 1 to 8 s, but ours are here to try."""


class Client:
    """One client: an account that it pays into, a manager who converts, and one who reports."""

    def __init__(
        self,
        number: int,
        chance: random.Random,
        amounts: "count[int]",
        riders: "count[int]",
        bike: Callable[[], int] | None = None,
    ) -> None:
        """`bike`: which one it asks for next; any of BIKES unless told otherwise."""
        self.number, self._chance = number, chance
        self._bike = bike or (lambda: chance.randint(1, BIKES))
        self.rides = 0
        self._amounts, self._riders = amounts, riders
        self.deeds: list[Deed] = []
        self._riding: list[int] = []
        self._reports = count(1)

    def opening(self) -> list[Deed]:
        """What it needs before it begins."""
        account = {"userid": self.number, "deposit": 100_000}
        converter = {"managerid": self.number, "userid": self.number, "point": 1_000_000_000}
        return [
            Deed("opening", "POST", "/userDeposits", account),
            Deed("opening", "POST", "/bikeManagers", converter),
            Deed("opening", "POST", "/bikeManagers", {"managerid": self.number + 500, "userid": self.number}),
        ]

    async def work(self, session: aiohttp.ClientSession) -> None:
        """Do one thing after another until there is no answer."""
        try:
            while True:
                deed = self._next()
                self.deeds.append(deed)
                await deed.do(session)
                self._remember(deed)
        except NoAnswer:
            return

    async def work_until(self, session: aiohttp.ClientSession, over: Callable[[], bool], pause_s: float) -> None:
        """Do one thing after another, with a pause; who is told to come back later does so. Raises NoAnswer."""
        while not over():
            deed = self._next()
            self.deeds.append(deed)
            await deed.do(session)
            self._remember(deed)
            if deed.kind == "return" and deed.outcome is Outcome.REFUSED:
                self._riding.append(deed.facts["rentid"])
            await asyncio.sleep(pause_s if deed.answer["http"] != 503 else max(pause_s, LATER_S))

    async def ask_again(self, session: aiohttp.ClientSession) -> None:
        """Repeat what got no answer and may be repeated, with the same key, until there is one. Raises NoAnswer."""
        for deed in self.deeds:
            until = asyncio.get_running_loop().time() + SETTLE_S
            while deed.repeatable and deed.outcome is Outcome.UNKNOWN and asyncio.get_running_loop().time() < until:
                await deed.do(session)
                self._remember(deed)
                await asyncio.sleep(0 if deed.outcome is not Outcome.UNKNOWN else 0.1)

    def adopt(self, rentid: int) -> None:
        """A rent that began though its answer was lost: ride on it."""
        self._riding.append(rentid)

    def _remember(self, deed: Deed) -> None:
        if deed.kind == "rent" and deed.outcome is Outcome.OK:
            self._riding.append(deed.answer["rentid"])
        self.rides += deed.kind == "return" and deed.outcome is Outcome.OK

    def _next(self) -> Deed:
        if self._riding and self._chance.random() < 0.5:
            return self._any_return()
        return self._chance.choices((self._rent, self._top_up, self._convert, self._report), (5, 2, 2, 2))[0]()

    def _any_return(self) -> Deed:
        return self._return(self._riding.pop(self._chance.randrange(len(self._riding))))

    def _key(self) -> str | None:
        return f"key-{self.number}-{len(self.deeds)}" if self._chance.random() < 0.5 else None

    def _rent(self) -> Deed:
        body = {"userid": RIDERS_FROM + next(self._riders), "bikeid": self._bike()}
        key = self._key()
        return Deed("rent", "POST", "/rents", body, key, repeatable=key is not None, facts={"userid": body["userid"]})

    def _return(self, rentid: int) -> Deed:
        place = f"{self.number}-{len(self.deeds)}"
        facts = {"rentid": rentid, "endlocation": place}
        return Deed(
            "return", "PATCH", f"/rents/{rentid}", {"endlocation": place}, self._key(), repeatable=True, facts=facts
        )

    def _top_up(self) -> Deed:
        amount, key = next(self._amounts), self._key()
        path = f"/userDeposits/{self.number}/topUps"
        return Deed(
            "topUp", "POST", path, {"amount": amount}, key, repeatable=key is not None, facts={"amount": amount}
        )

    def _convert(self) -> Deed:
        amount = next(self._amounts)
        key = f"conversion-{self.number}-{amount}"
        path = f"/bikeManagers/{self.number}"
        return Deed("conversion", "PUT", path, {"adjustpoint": amount}, key, repeatable=True, facts={"amount": amount})

    def _report(self) -> Deed:
        turn, kind = next(self._reports), self._chance.choice(("bare", "key", "number"))
        body = {
            "managerid": self.number + 500,
            "bikeid": REPORTED[turn // 101 % len(REPORTED)],
            "batterylevel": turn % 101,
        }
        facts = dict(body)
        if kind == "number":
            body["reportid"] = turn
        key = f"report-{self.number}-{turn}" if kind == "key" else None
        return Deed("report", "POST", "/bikeManageApps", body, key, repeatable=kind != "bare", facts=facts)


class Rider(Client):
    """A client that only rides: it rents, returns, and rents again."""

    def _next(self) -> Deed:
        return self._any_return() if self._riding else self._rent()
