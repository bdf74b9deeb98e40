"""Who works in the office in a run: corrects balances and points while riders pay in, gives back fees, blocks riders,
and ends rides that were forgotten."""

from functools import partial

from dev.simulation.acts import BLOCKED_S
from dev.simulation.people import Person
from gbike.kit.clock import rfc3339


class Cashier(Person):
    """Corrects balances, by a difference or by the balance that was seen, and points of staff."""

    async def live(self) -> None:
        """Some corrections; riders top up and staff convert meanwhile."""
        for _ in range(self.swarm.actions):
            await self.pause(4.0)
            userid, chance = self.rng.randint(1, self.swarm.riders), self.rng.random()
            if chance < 0.3:
                await self.take_points()
            else:
                await (self.add(userid) if chance < 0.65 else self.set_to(userid))

    async def take_points(self) -> None:
        """A signed difference of somebody's points, at times more than there are."""
        managerid, amount = self.rng.randint(1, self.swarm.managers), self.rng.choice((-1_000, -100, 100))
        body, key = {"amount": amount, "reason": "a report that was wrong"}, self.key()
        path = f"/bikeManagers/{managerid}/corrections"
        facts = {"managerid": managerid, "amount": amount}
        send = partial(self.ask, "points", "bike_manager", "POST", path, content=body, key=key, **facts)
        await (self.insist(send) if key else send())

    async def add(self, userid: int) -> None:
        """A signed difference."""
        amount = self.rng.choice((-300, -100, 100, 500))
        body, key = {"amount": amount, "reason": "a coin was counted twice"}, self.key()
        path = f"/userDeposits/{userid}/corrections"
        send = partial(
            self.ask, "correct", "user_deposit", "POST", path, content=body, key=key, userid=userid, difference=amount
        )
        await (self.insist(send) if key else send())

    async def set_to(self, userid: int) -> None:
        """The balance that it should be, seeing what it is; riders may pay in between the two."""
        path = f"/userDeposits/{userid}"
        seen = await self.ask("look", "user_deposit", "GET", path, None, at=path)
        if seen.kind != "ok":
            return
        before = seen.answer["deposit"]
        wanted = max(0, before + self.rng.choice((-200, 100, 300)))
        if wanted == before:
            return
        await self.pause(3.0)
        body, key = {"deposit": wanted, "expected": before}, self.key()
        facts = {"userid": userid, "difference": wanted - before}
        send = partial(self.ask, "correct", "user_deposit", "PATCH", path, content=body, key=key, **facts)
        await (self.insist(send) if key else send())


class Clerk(Person):
    """Gives back what was charged, at times more than there is, and keeps riders from renting for a while."""

    async def live(self) -> None:
        """Corrections of bills, a block now and then; riders ride, return and leave meanwhile."""
        for _ in range(self.swarm.actions):
            await self.pause(5.0)
            await (self.refund() if self.rng.random() < 0.7 else self.block())

    async def refund(self) -> None:
        """A part of a fee, all of it, or too much."""
        seen = await self.ask("look", "billing", "GET", "/billings", None, at="/billings")
        listed = seen.answer["_embedded"]["billings"] if seen.kind == "ok" else []
        bills = [bill for bill in listed if bill["fee"]]
        if not bills:
            return
        bill, key = self.rng.choice(bills), self.key()
        amount = self.rng.choice((1, 100, bill["fee"] // 2 or 1, bill["fee"], bill["fee"] + 1))
        body, path = {"amount": amount, "reason": "the lock did not close"}, f"/billings/{bill['billid']}/corrections"
        facts = {"billid": bill["billid"], "amount": amount}
        send = partial(self.ask, "refund", "billing", "POST", path, content=body, key=key, **facts)
        await (self.insist(send) if key else send())

    async def block(self) -> None:
        """A block that is ended, or that ends by itself; also of somebody who is about to be forgotten."""
        userid = self.rng.choice((*range(1, self.swarm.riders + 1), 90))
        body: dict[str, str] = {"reason": "left a bike in a river"}
        lapses = self.rng.random() < 0.4
        if lapses:
            body["until"] = rfc3339(self.history.server_ms("user_deposit") + int(BLOCKED_S * 1000))
        key, path = self.key(), f"/userDeposits/{userid}/block"
        send = partial(self.ask, "block", "user_deposit", "PUT", path, content=body, key=key, userid=userid)
        await self.insist(send)
        await self.pause(8.0)
        if not lapses:
            key = self.key()
            end = partial(self.ask, "unblock", "user_deposit", "DELETE", path, content={}, key=key, userid=userid)
            await self.insist(end)


class Keeper(Person):
    """Ends rides that riders forgot, at the moment when the bike was seen standing, and lets some cost nothing."""

    async def live(self) -> None:
        """Looks at the open rides now and then, and ends one of them."""
        for _ in range(self.swarm.actions):
            await self.pause(8.0)
            seen = await self.ask("look", "rent", "GET", "/rents", None, at="/rents")
            listed = seen.answer["_embedded"]["rents"] if seen.kind == "ok" else []
            rides = [ride for ride in listed if ride["status"] == "rented"]
            if rides:
                rentid = self.rng.choice(rides)["rentid"]
                await (self.void(rentid) if rentid % 2 == 0 else self.end(rentid))

    async def void(self, rentid: int) -> None:
        """End a ride now, for nothing."""
        body, path = {"reason": "the bike would not unlock"}, f"/rents/{rentid}/void"
        key = self.key()
        await self.insist(partial(self.ask, "void", "rent", "POST", path, content=body, key=key, rentid=rentid))

    async def end(self, rentid: int) -> None:
        """End a ride now, or up to some seconds ago."""
        ago_s, key = 5.0 * self.rng.random(), self.key()
        at = rfc3339(self.history.server_ms("rent") - int(ago_s * 1000))
        body = {"at": at, "reason": "the bike was found standing"}
        facts = {"rentid": rentid, "tapped_s": self.history.time() - ago_s}
        path = f"/rents/{rentid}/end"
        await self.insist(partial(self.ask, "end", "rent", "POST", path, content=body, key=key, **facts))
