"""Who uses gbike in a run: riders, field staff, an operator. Impatient, forgetful, tapping twice, sending again."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from random import Random
from typing import Any

from dev.simulation.history import Attempt, History
from dev.simulation.swarm import Swarm

TRIES = 5
OFFLINE_S = 30.0
"""How long a phone is without a line, at most: much less than a return is honoured back."""

LONG_RIDE_S = 120.0
"""How long a ride lasts that the office may have to look after, at most."""


class Person:
    """Somebody with a phone."""

    def __init__(self, history: History, rng: Random, swarm: Swarm, name: str) -> None:
        self.history = history
        self.rng = rng
        self.swarm = swarm
        self.name = name
        self._keys = 0

    def key(self) -> str | None:
        """A new Idempotency-Key, or none."""
        if self.rng.random() >= self.swarm.keyed:
            return None
        self._keys += 1
        return f"{self.name}-{self._keys}"

    async def pause(self, most_s: float) -> None:
        """Do nothing for a while, mostly a short one."""
        await asyncio.sleep(most_s * self.rng.random() ** 2)

    async def ask(
        self, op: str, service: str, method: str, path: str, content: Any, *, key: str | None = None, **facts: Any
    ) -> Attempt:
        """One request."""
        think_s = self.rng.choice((1.5, 3.0, 6.0))
        return await self.history.ask(
            self.name, op, service, (method, path, content), facts, key=key, patience_s=think_s
        )

    async def twice(self, send: Callable[[], Awaitable[Attempt]]) -> Attempt:
        """A double tap: both are under way at once; the better answer counts."""
        found = await asyncio.gather(send(), send())
        return next((attempt for attempt in found if attempt.kind == "ok"), found[-1])

    async def live(self) -> None:
        """What they do."""
        raise NotImplementedError

    async def insist(self, send: Callable[[], Awaitable[Attempt]]) -> Attempt:
        """Send, and send the same again while the answer is missing or says so."""
        for _ in range(TRIES):
            attempt = await (self.twice(send) if self.rng.random() < 0.15 else send())
            if attempt.kind == "ok" or (attempt.kind == "fail" and attempt.status < 500 and not _in_flight(attempt)):
                break
            await self.pause(3.0)
        return attempt


class Rider(Person):
    """Rents, rides, returns, pays in."""

    def __init__(self, history: History, rng: Random, swarm: Swarm, userid: int) -> None:
        super().__init__(history, rng, swarm, f"rider{userid}")
        self.userid = userid

    async def live(self) -> None:
        """Some rides."""
        if self.rng.random() < 0.8:
            await self.open_a_deposit()
        for _ in range(self.swarm.actions):
            await self.pause(2.0)
            chance = self.rng.random()
            if chance < 0.15:
                await self.top_up()
            elif chance < 0.25:
                await self.return_some_rent()
            elif chance < 0.30:
                await self.look_around()
            else:
                await self.ride()

    async def ride(self) -> None:
        """From the tap to the return, mostly."""
        bikeid, key = self.rng.randint(1, self.swarm.bikes), self.key()
        wish = {"userid": self.userid, "bikeid": bikeid}
        rented = await self.insist(lambda: self.ask("rent", "rent", "POST", "/rents", wish, key=key, **wish))
        if rented.kind != "ok":
            return
        await self.pause(4.0 if self.rng.random() < 0.93 else LONG_RIDE_S)
        rentid = rented.answer["rentid"]
        if self.rng.random() < 0.9:
            await self.give_back(rentid)
            if self.rng.random() < 0.3:
                await self.pause(2.0)
                await self.give_back(rentid)

    async def give_back(self, rentid: int) -> Attempt:
        """Return, until it is done."""
        key = self.key()
        told = self.history.town.at_a_return(self.userid, self.rng.randint(1, 9), self.history.server_ms("rent"))
        body, facts = told.body, dict[str, Any](rentid=rentid, told=told, asked_s=round(self.history.time(), 3))
        if self.rng.random() < self.swarm.offline:
            body = {**body, "tappedat": self.history.server_time("rent")}
            facts |= {"tapped_s": self.history.time(), "tappedat": body["tappedat"]}
            await self.pause(OFFLINE_S)
        path = f"/rents/{rentid}"
        return await self.insist(lambda: self.ask("return", "rent", "PATCH", path, body, key=key, **facts))

    async def return_some_rent(self) -> None:
        """A return with a mistyped number: of another's rent, of a cancelled one, of none."""
        await self.give_back(self.rng.randint(1, 2 + len(self.history.attempts) // 4))

    async def open_a_deposit(self) -> None:
        """Bring money."""
        key, body = self.key(), {"userid": self.userid, "deposit": 10_000}
        await self.insist(lambda: self.ask("open", "user_deposit", "POST", "/userDeposits", body, key=key, **body))

    async def top_up(self) -> None:
        """Bring more."""
        key, body = self.key(), {"amount": 100 * self.rng.randint(1, 50)}
        path = f"/userDeposits/{self.userid}/topUps"
        send = self.insist if key else self._once
        await send(lambda: self.ask("topup", "user_deposit", "POST", path, body, key=key, userid=self.userid, **body))

    async def look_around(self) -> None:
        """Read what there is to read."""
        for service, path in (
            ("rent", "/rents"),
            ("billing", "/billings"),
            ("rent_and_billing_view", "/rentAndBillingViews"),
            ("user_deposit", f"/userDeposits/{self.userid}/entries"),
        ):
            await self.ask("look", service, "GET", path, None, at=path)

    async def _once(self, send: Callable[[], Awaitable[Attempt]]) -> Attempt:
        return await send()


class Leaver(Rider):
    """Rides a few times, and is forgotten then, whatever is still under way."""

    async def live(self) -> None:
        """Rides that somebody remembers, until nobody does."""
        await self.open_a_deposit()
        for _ in range(3):
            await self.ride()
        await self.history.forget(self.userid)


class Staff(Person):
    """Reports bikes, and turns points into deposit."""

    def __init__(self, history: History, rng: Random, swarm: Swarm, managerid: int) -> None:
        super().__init__(history, rng, swarm, f"staff{managerid}")
        self.managerid, self.userid = managerid, 100 + managerid
        self._sent = 0

    async def live(self) -> None:
        """Some reports, some conversions; some are registered only after their first reports."""
        late = self.rng.random() < 0.3
        if not late:
            await self.register()
        for _ in range(self.swarm.actions):
            await self.pause(2.0)
            await (self.report() if self.rng.random() < 0.65 else self.convert())
        if late:
            await self.register()
            await self.convert()

    async def register(self) -> None:
        """Become a manager, with a rider account and perhaps some points."""
        body = {"managerid": self.managerid, "userid": self.userid, "point": self.rng.choice((0, 500))}
        key = self.key()
        await self.insist(lambda: self.ask("manager", "bike_manager", "POST", "/bikeManagers", body, key=key, **body))

    async def report(self) -> None:
        """Report a bike; often the same report again."""
        bikeid, key = self.rng.randint(1, self.swarm.bikes), self.key()
        usable = self.rng.choice((None, None, None, True, True, False))
        body: dict[str, Any] = {
            "managerid": self.managerid,
            "bikeid": bikeid,
            "batterylevel": self.rng.choice((20, 50, 80)),
            "usableyn": usable,
        }
        told = self.history.town.at_a_visit() if usable else None
        if usable is False:
            body |= {"fault": "brake", "words": "브레이크가 헐거워요"}
        if told is not None:
            body |= told.body
        if self.rng.random() < 0.6:
            self._sent += 1
            body["reportid"] = self._sent
        for _ in range(self.rng.choice((1, 1, 2))):
            await self.insist(
                lambda: self.ask(
                    "report",
                    "bike_manage_app",
                    "POST",
                    "/bikeManageApps",
                    body,
                    key=key,
                    manager=self.managerid,
                    sent=body.get("reportid"),
                    told=told,
                )
            )

    async def convert(self) -> None:
        """Turn some points into deposit; often the same conversion again."""
        path = f"/bikeManagers/{self.managerid}"
        seen = await self.ask("look", "bike_manager", "GET", path, None, at=path)
        if seen.kind != "ok" or seen.answer["point"] < 100:
            return
        points = seen.answer["point"]
        amount = self.rng.choice((100, points // 2, points))
        key = self.key()
        body = {"adjustpoint": amount, "point": points - amount, "userid": self.userid}
        if key and self.rng.random() < 0.5:
            del body["point"]
        for _ in range(self.rng.choice((1, 1, 2))):
            await self.insist(
                lambda: self.ask(
                    "convert",
                    "bike_manager",
                    "PUT",
                    path,
                    body,
                    key=key,
                    manager=self.managerid,
                    amount=amount,
                    left=body.get("point"),
                )
            )


class Operator(Person):
    """Registers the fleet, takes bikes out and puts them back."""

    async def register(self) -> None:
        """Every bike, until it is there."""
        for bikeid in range(1, self.swarm.bikes + 1):
            town = self.history.town
            told = town.at_a_visit() if bikeid > 1 else town.at("depot")  # the first is where no other place is known
            body = {"bikeid": bikeid, "batterylevel": 90, **told.body}
            for _ in range(40):
                attempt = await self.ask("bike", "bike", "POST", "/bikes", body, bikeid=bikeid, told=told)
                if attempt.kind == "ok" or attempt.status == 409:
                    break
                await self.pause(2.0)

    async def live(self) -> None:
        """Mark bikes, and always put them back in the end, where they say or where they were."""
        for _ in range(self.swarm.actions // 2):
            await self.pause(4.0)
            bikeid = self.rng.randint(1, self.swarm.bikes)
            for status in (self.rng.choice(("사용중", "불량")), "사용가능"):
                told = self.history.town.at_a_visit() if status == "사용가능" and bikeid % 2 else None
                body, path = {"status": status, **(told.body if told else {})}, f"/bikes/{bikeid}"
                key, facts = self.key(), {"bikeid": bikeid, "status": status, "told": told}
                send = partial(self.ask, "mark", "bike", "PATCH", path, content=body, key=key, **facts)
                await self.insist(send)
                await self.pause(2.0)


def _in_flight(attempt: Attempt) -> bool:
    return bool(attempt.answer.get("type", "").endswith("in-flight"))
