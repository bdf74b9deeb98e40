"""Something is down, and riders ride on: free bikes are rented, returns are taken, and later the money is right."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import pytest

from gbike.kit.envelope import Message
from gbike.kit.messaging.bus import BusUnavailable
from gbike.kit.store import Reading
from gbike.run.embedded import Embedded
from tests.cluster.running import numbers
from tests.journeys.fleet import assert_nothing_is_violated, every, open_deposits, register_bikes
from tests.journeys.forms import Form
from tests.journeys.virtual_time import VirtualClock, in_virtual_time
from tests.support import EVERY_RIDE_COSTS, Client

BEHIND = ("billing", "userDeposit", "view")
BIKES = 25
RIDERS = 40
RIDES = 1_500
REFUSED_WITHIN_S, WORKS_AGAIN_WITHIN_S = 1.2, 10
SETTLED_S = 30


class Town:
    """A fleet and riders in virtual time; it counts by itself what every rider owes."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.embedded = Embedded(None, EVERY_RIDE_COSTS, clock=clock)
        self.client = Client(self.embedded.app)
        self.rides: Counter[int] = Counter()
        self.owed: Counter[int] = Counter()
        self.chance = random.Random(1)

    async def open(self, without: Sequence[str] = ()) -> None:
        await register_bikes(self.client, range(1, BIKES + 1))
        await open_deposits(self.client, range(1, RIDERS + 1))
        self.embedded.start(without)

    async def ride(self, userid: int, bikeid: int) -> None:
        """Rent a free bike, ride for up to three seconds, return it: none of this may be refused."""
        rent = await self.client.post("/rents", {"userid": userid, "bikeid": bikeid})
        assert rent.status == 201, rent.content
        began_ms = self.clock.now_ms()
        await asyncio.sleep(self.chance.uniform(0.1, 3))
        back = await self.client.patch(f"/rents/{rent.json['rentid']}", {"endlocation": f"place {userid}"})
        assert back.status == 200, back.content
        self.rides[userid] += 1
        self.owed[userid] += 100 * max(1, -(-(self.clock.now_ms() - began_ms) // 1000))

    async def ride_on(self, rides: int) -> None:
        """Every bike is rented again as soon as it is free."""

        async def keep_busy(bikeid: int) -> None:
            for _ in range(rides // BIKES):
                await self.ride(self.chance.randint(1, RIDERS), bikeid)
                await self.until_free(bikeid)

        await asyncio.gather(*[keep_busy(bikeid) for bikeid in range(1, BIKES + 1)])

    async def until_free(self, bikeid: int) -> None:
        while (await self.client.get(f"/bikes/{bikeid}")).json["status"] != "사용가능":  # noqa: ASYNC110
            await asyncio.sleep(0.05)

    async def settled(self, deposit: int = 100_000) -> None:
        """Everything is heard; every ride has one closed bill, and each rider's money is right to the won."""
        await asyncio.sleep(2)
        assert {name: await self.lag(name) for name in self.embedded.parts} == dict.fromkeys(self.embedded.parts, 0)
        rents, bills = await every(self.client, "/rents"), await every(self.client, "/billings")
        assert Counter(rent["userid"] for rent in rents) == self.rides
        assert sorted(bill["rentid"] for bill in bills) == sorted(rent["rentid"] for rent in rents)
        assert {bill["status"] for bill in bills} == {"CLOSEBILL"}
        for userid in range(1, RIDERS + 1):
            account = (await self.client.get(f"/userDeposits/{userid}")).json
            assert account["deposit"] == deposit - self.owed[userid]
            rides = (await self.client.get(f"/rentAndBillingViews/search/findByUserid?userid={userid}&size=1000")).json
            shown = rides["_embedded"]["rentAndBillingViews"]
            assert len(shown) == self.rides[userid]
            assert {(one["rentStatus"], one["billingStatus"]) for one in shown} <= {("returned", "CLOSEBILL")}
            assert sum(one["fee"] for one in shown) == self.owed[userid]
        await assert_nothing_is_violated(self.embedded)

    async def lag(self, name: str) -> int:
        part = self.embedded.part(name)
        left = await part.store.read(_unpublished)
        return left + (await part.running.consumer.lag() if part.running.consumer else 0)


def _unpublished(read: Reading) -> int:
    row = read.one("SELECT count(*) FROM outbox WHERE published_ms IS NULL")
    return int(row[0]) if row else 0


def test_rides_go_on_while_billing_deposits_and_the_view_are_down_and_all_settles_afterwards() -> None:
    async def story(clock: VirtualClock) -> None:
        town = Town(clock)
        await town.open(without=BEHIND)
        for service in BEHIND:
            town.embedded.part(service).answer(stopped=True)
        await town.ride_on(RIDES)
        down = [(await town.client.get(path)).status for path in ("/billings", "/userDeposits", "/rentAndBillingViews")]
        assert down == [503, 503, 503]
        for service in BEHIND:
            town.embedded.part(service).start()
        await town.settled()
        assert sum(town.rides.values()) == RIDES

    in_virtual_time(story)


@pytest.mark.parametrize("seed", range(3))
def test_rides_go_on_while_services_stop_and_start_at_random_and_no_won_is_lost(seed: int) -> None:
    async def story(clock: VirtualClock) -> None:
        town, chance = Town(clock), random.Random(seed)
        await town.open()
        riding = asyncio.create_task(town.ride_on(300))
        while not riding.done():
            part = town.embedded.part(chance.choice(BEHIND))
            await part.stop()
            await asyncio.sleep(chance.uniform(0, 2))
            part.start()
            await asyncio.sleep(chance.uniform(0, 0.5))
        await riding
        await town.settled()

    in_virtual_time(story)


def test_rides_go_on_while_the_bus_is_down() -> None:
    async def story(clock: VirtualClock) -> None:
        town = Town(clock)
        await town.open()
        append = town.embedded.bus.append

        async def down(_messages: Sequence[Message]) -> None:
            raise BusUnavailable("unplugged by the test")

        town.embedded.bus.append = down  # type: ignore[method-assign]
        await asyncio.gather(*[town.ride(bikeid, bikeid) for bikeid in range(1, BIKES + 1)])
        await asyncio.sleep(60)
        assert await every(town.client, "/billings") == []
        town.embedded.bus.append = append  # type: ignore[method-assign]
        await asyncio.sleep(2)
        await town.ride_on(200)
        await town.settled()

    in_virtual_time(story)


def test_with_bike_stopped_rents_and_reports_are_refused_at_once_and_honestly_but_returns_are_taken() -> None:
    async def story(clock: VirtualClock) -> None:
        town = Town(clock)
        await town.open()
        send = town.client.post
        riding = [(await send("/rents", {"userid": n, "bikeid": n})).json["rentid"] for n in range(1, 6)]
        await town.embedded.part("bike").stop()
        began = clock.monotonic_ms()
        for bikeid in range(6, 26):
            refused = await send("/rents", {"userid": 7, "bikeid": bikeid})
            report = await send("/bikeManageApps", {"managerid": 1, "bikeid": bikeid, "batterylevel": 9})
            for answer in (refused, report):
                assert answer.status == 503
                assert 1 <= int(answer.headers["retry-after"]) <= 8
                assert answer.json["type"].partition("#")[2] in ("bike-service-unavailable", "circuit-open")
        assert clock.monotonic_ms() - began <= 50  # all forty of them
        for rentid in riding:
            assert (await town.client.patch(f"/rents/{rentid}", {"endlocation": "there"})).status == 200
        await asyncio.sleep(5)
        bills = await every(town.client, "/billings")
        assert [bill["status"] for bill in bills] == ["CLOSEBILL"] * 5
        town.embedded.part("bike").start()
        await asyncio.sleep(5)
        bikes = await every(town.client, "/bikes")
        assert {(bike["status"], bike["batterylevel"]) for bike in bikes} == {("사용가능", None)}
        assert {bike["location"] for bike in bikes if bike["bikeid"] <= 5} == {"there"}
        await asyncio.sleep(5)
        assert (await send("/rents", {"userid": 7, "bikeid": 6})).status == 201
        assert len(await every(town.client, "/rents")) == 6
        await asyncio.sleep(5)
        await assert_nothing_is_violated(town.embedded)

    in_virtual_time(story)


@pytest.mark.parametrize("seed", range(3))
def test_bike_comes_and_goes_and_no_bike_is_left_without_its_rent(seed: int) -> None:
    async def story(clock: VirtualClock) -> None:
        town, chance = Town(clock), random.Random(seed)
        await town.open()
        part, got = town.embedded.part("bike"), Counter[int]()

        async def rider(userid: int) -> None:
            for _ in range(30):
                rent = await town.client.post("/rents", {"userid": userid, "bikeid": chance.randint(1, BIKES)})
                got[rent.status] += 1
                await asyncio.sleep(chance.uniform(0.1, 1))
                if rent.status == 201:
                    path = f"/rents/{rent.json['rentid']}"
                    assert (await town.client.patch(path, {"endlocation": "there"})).status == 200

        riding = asyncio.gather(*[rider(userid) for userid in range(1, 21)])
        while not riding.done():
            await asyncio.sleep(chance.uniform(0, 3))
            await part.stop()
            await asyncio.sleep(chance.uniform(0, 1))
            part.start()
        await riding
        assert set(got) == {201, 409, 503}
        await asyncio.sleep(5)
        assert {bike["status"] for bike in await every(town.client, "/bikes")} == {"사용가능"}
        assert len(await every(town.client, "/billings")) == got[201]
        await assert_nothing_is_violated(town.embedded)

    in_virtual_time(story)


# The same in real time, also on real processes


async def test_with_billing_stopped_every_rent_and_return_is_taken_and_billed_afterwards(form: Form) -> None:
    ours = numbers(20)
    await register_bikes(form.client, ours)
    await open_deposits(form.client, ours)
    await form.stop("billing")
    for _ in range(2):
        rents = await asyncio.gather(*[form.client.post("/rents", {"userid": n, "bikeid": n}) for n in ours])
        assert [rent.status for rent in rents] == [201] * len(ours)
        paths = [f"/rents/{rent.json['rentid']}" for rent in rents]
        back = await asyncio.gather(*[form.client.patch(path, {"endlocation": "there"}) for path in paths])
        assert [answer.status for answer in back] == [200] * len(ours)
        await asyncio.gather(*[within(SETTLED_S, partial(is_free, form.client, n)) for n in ours])
    assert (await form.client.get("/billings")).status == 503
    await form.heal()
    await form.quiet()
    bills = [bill for bill in await every(form.client, "/billings") if bill["userid"] in ours]
    assert Counter(bill["status"] for bill in bills) == {"CLOSEBILL": 2 * len(ours)}
    assert await form.violations() == []


async def test_with_bike_stopped_rents_are_refused_in_time_then_at_once_and_work_soon_after(form: Form) -> None:
    ours = numbers(2)
    await register_bikes(form.client, ours)
    await form.stop("bike")
    took, why = [], []
    for _ in range(20):
        began = time.monotonic()
        refused = await form.client.post("/rents", {"userid": ours[0], "bikeid": ours[0]})
        took.append(time.monotonic() - began)
        why.append(refused.json["type"].partition("#")[2])
        assert (refused.status, int(refused.headers["retry-after"]) >= 1) == (503, True)
    assert max(took) <= REFUSED_WITHIN_S
    assert why.count("circuit-open") >= 10, "the open breaker asks nobody: how fast that is, test_breaker tells"
    await form.heal()

    async def rides() -> bool:
        return (await form.client.post("/rents", {"userid": ours[0], "bikeid": ours[0]})).status == 201

    await within(WORKS_AGAIN_WITHIN_S, rides)
    assert await form.violations() == []


async def is_free(client: Client, bikeid: int) -> bool:
    return bool((await client.get(f"/bikes/{bikeid}")).json["status"] == "사용가능")


async def within(most_s: float, true: Callable[[], Awaitable[bool]]) -> None:
    """Return once it is true."""
    end = time.monotonic() + most_s
    while not await true():
        assert time.monotonic() < end, f"not within {most_s} s"
        await asyncio.sleep(0.1)
