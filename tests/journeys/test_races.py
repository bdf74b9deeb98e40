"""Many riders at once: one bike has one rider, one ride one fee, however often and whenever an event comes."""

import asyncio
import os
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from gbike.kit.clock import Moment
from gbike.kit.envelope import Message
from gbike.kit.store import Reading
from gbike.run.embedded import Embedded
from tests.cluster.running import numbers
from tests.journeys.fleet import assert_nothing_is_violated, every, open_deposits, register_bikes
from tests.journeys.forms import Form, InMemory
from tests.support import EVERY_RIDE_COSTS, Client
from tests.waiting import soon

ROUNDS = int(os.environ.get("GBIKE_RACE_ROUNDS", "10"))
CLUSTER_ROUNDS = 20 if os.environ.get("GBIKE_FULL") else 2
RIDERS = 200
BREAKER_OPEN_S = 6


class SteadyClock:
    """Time that the test moves."""

    def __init__(self) -> None:
        self.ms = 1_800_000_000_000

    def now_ms(self) -> int:
        return self.ms

    def monotonic_ms(self) -> float:
        return float(self.ms)

    def moment(self) -> Moment:
        return Moment(self.now_ms(), "boot", self.ms)


async def race(client: Client, bikeid: int, riders: range = range(1, RIDERS + 1)) -> Counter[int]:
    """The riders ask for one bike at once; the winner returns it."""
    asked = [client.post("/rents", {"userid": userid, "bikeid": bikeid}) for userid in riders]
    answers = await asyncio.gather(*asked)
    for answer in answers:
        if answer.status == 201:
            assert (await client.patch(f"/rents/{answer.json['rentid']}", {"endlocation": "there"})).status == 200
    return Counter(answer.status for answer in answers)


async def judged(form: Form, bikeid: int, riders: range) -> int:
    """Race until nobody is put off; answers how many rode, one at most in each race. On a busy machine whoever can't be
    answered in time is refused; then, too, nobody is second, and half of them race again."""
    answered = await race(form.client, bikeid, riders)
    assert answered[201] <= 1
    if not answered[503]:
        assert answered == {201: 1, 409: len(riders) - 1}
        return 1
    await soon(lambda: _asked_again(form))
    await form.quiet()
    return answered[201] + await judged(form, bikeid, riders[: len(riders) // 2])


async def _asked_again(form: Form) -> bool:
    """Whether the breaker lets rent ask bike again."""
    return bool((await form.client.post("/rents", {"userid": 1, "bikeid": 999_999_999})).status == 404)


def fee(bill: Mapping[str, Any]) -> int:
    """What EVERY_RIDE_COSTS says: 100 won for each begun second, and for a ride of no time."""
    began, ended = (datetime.fromisoformat(bill[name]) for name in ("starttime", "endtime"))
    return 100 * max(1, -((began - ended) // timedelta(seconds=1)))


@pytest.mark.timeout(1_800)
async def test_of_200_riders_who_ask_for_one_bike_at_once_exactly_one_gets_it(form: Form) -> None:
    bikes, riders = numbers(ROUNDS if isinstance(form, InMemory) else CLUSTER_ROUNDS), numbers(RIDERS)
    await register_bikes(form.client, bikes)
    rides = 0
    for bikeid in bikes:
        rides += await judged(form, bikeid, riders)
        await form.quiet()
    assert await form.violations() == []
    bills = [bill for bill in await every(form.client, "/billings") if bill["userid"] in riders]
    assert len(bills) == rides
    assert all(bill["status"] == "CLOSEBILL" and bill["fee"] == fee(bill) for bill in bills)


async def test_the_losers_of_a_race_leave_no_trace_but_their_cancelled_wish(embedded: Embedded, client: Client) -> None:
    await register_bikes(client, range(1, 2))
    await race(client, 1)
    await embedded.settle()
    assert len(await every(client, "/rents")) == 1
    assert (await client.get("/rents?status=cancelled")).json["page"]["totalElements"] == RIDERS - 1
    assert len(await every(client, "/billings")) == 1
    assert len(await every(client, "/rentAndBillingViews")) == 1
    await assert_nothing_is_violated(embedded)


async def test_ten_returns_of_one_rent_at_once_cost_one_fee(form: Form) -> None:
    ours = numbers(10)
    await register_bikes(form.client, ours)
    await open_deposits(form.client, ours)
    rents = [(await form.client.post("/rents", {"userid": n, "bikeid": n})).json["rentid"] for n in ours]
    returns = [form.client.patch(f"/rents/{rent}", {"endlocation": f"place {i}"}) for i in range(10) for rent in rents]
    answers = await asyncio.gather(*returns)
    assert {answer.status for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == len(rents)  # all ten of a rent answer the same
    await form.quiet()
    for userid, rentid in zip(ours, rents, strict=True):
        bill = (await form.client.get(f"/billings/search/findByRentid?rentid={rentid}")).json
        assert bill["fee"] == fee(bill)
        assert (await form.client.get(f"/userDeposits/{userid}")).json["deposit"] == 100_000 - bill["fee"]
        entries = (await form.client.get(f"/userDeposits/{userid}/entries")).json["_embedded"]["entries"]
        assert [entry["amount"] for entry in entries] == [-bill["fee"], 100_000]
    assert await form.violations() == []


async def test_100_riders_on_a_few_bikes_rent_and_return_at_once_and_bikes_and_rents_agree(form: Form) -> None:
    bikes, riders = numbers(7), numbers(100)
    await register_bikes(form.client, bikes)
    got: Counter[int] = Counter()

    async def ride(number: int, userid: int) -> None:
        for turn in range(5):
            rent = await form.client.post("/rents", {"userid": userid, "bikeid": bikes[(number + turn) % 7]})
            got[rent.status] += 1
            if rent.status == 201:
                path = f"/rents/{rent.json['rentid']}"
                back = await asyncio.gather(*[form.client.patch(path, {"endlocation": "there"}) for _ in range(3)])
                assert {answer.status for answer in back} == {200}

    await asyncio.gather(*[ride(number, userid) for number, userid in enumerate(riders)])
    assert {201, 409} <= set(got) <= {201, 409, 503}  # 503: a busy machine puts off whom it can't answer in time
    assert await form.violations() == []
    bills = [bill for bill in await every(form.client, "/billings") if bill["userid"] in riders]
    assert len(bills) == got[201]
    assert {bill["status"] for bill in bills} == {"CLOSEBILL"}
    owed = Counter[int]()
    for bill in bills:
        owed[bill["userid"]] += bill["fee"]
    deposits = {one["userid"]: one["deposit"] for one in await every(form.client, "/userDeposits")}
    assert {who: held for who, held in deposits.items() if who in riders} == {who: -fees for who, fees in owed.items()}


# Every event three times and in any order


async def a_busy_day(embedded: Embedded) -> None:
    """Commands of every kind, whose events nobody has heard yet."""
    client = Client(embedded.app)
    await register_bikes(client, range(1, 41))
    await open_deposits(client, range(1, 11))
    for managerid in (1, 2):
        body = {"managerid": managerid, "userid": managerid, "point": 5_000}
        assert (await client.post("/bikeManagers", body)).status == 201
    for bikeid in range(1, 36):
        rent = await client.post("/rents", {"userid": bikeid % 12 + 1, "bikeid": bikeid})
        assert rent.status == 201
        if bikeid % 7:
            await client.patch(f"/rents/{rent.json['rentid']}", {"endlocation": f"place {bikeid}"})
    embedded.part("bike").answer(stopped=True)
    for bikeid in range(36, 39):  # cancelled, and said so
        assert (await client.post("/rents", {"userid": 1, "bikeid": bikeid})).status == 503
    embedded.part("bike").answer(stopped=False)
    for number in range(1, 9):
        report = {"managerid": number % 3 + 1, "bikeid": number, "batterylevel": number, "usableyn": number % 2 == 0}
        assert (await client.post("/bikeManageApps", report)).status == 201
    for points in (500, 700):
        assert (
            await client.put("/bikeManagers/1", {"adjustpoint": points}, idempotency_key=f"k{points}")
        ).status == 200
    for amount in (1_000, 2_000):
        assert (await client.post("/userDeposits/3/topUps", {"amount": amount})).status == 201


def copy_of(embedded: Embedded, clock: SteadyClock) -> Embedded:
    """Another world with the same stores."""
    other = Embedded(None, EVERY_RIDE_COSTS, clock=clock)
    for name, store in embedded.stores().items():
        with other.stores()[name]._writer.backup("main", store._writer, "main") as pages:
            pages.step()
    return other


class Hoard:
    """A bus that gives nothing out until it is told to: then about half of what it has, three of each, in any order."""

    def __init__(self, embedded: Embedded, chance: random.Random) -> None:
        self._append, self._chance = embedded.bus.append, chance
        self._held: list[Message] = []
        self.all: list[Message] = []
        embedded.bus.append = self.append  # type: ignore[method-assign]

    async def append(self, messages: Sequence[Message]) -> None:
        self._held += messages
        self.all += messages

    async def let_go(self) -> bool:
        self._chance.shuffle(self._held)
        half = (len(self._held) + 1) // 2
        given, self._held = self._held[:half] * 3, self._held[half:]
        self._chance.shuffle(given)
        if given:
            await self._append(given)
        return bool(given)

    async def again(self) -> None:
        """Everything ever said, once more, in any order."""
        everything = self.all[:]
        self._chance.shuffle(everything)
        await self._append(everything)


SAME = {
    "rent": {
        "rents": "SELECT rentid, userid, bikeid, status, started_ms, ended_ms, endlocation, reason FROM rents",
    },
    "bike": {
        "bikes": "SELECT bikeid, location, lat, lon, batterylevel, rentid, held, broken, retired, version FROM bikes",
        "tombstones": "SELECT rentid FROM tombstones",
    },
    "billing": {"bills": "SELECT rentid, userid, started_ms, ended_ms, fee, status, tariff FROM bills"},
    "user_deposit": {
        "deposits": "SELECT userid, balance, registered, version FROM deposits",
        "entries": "SELECT account, amount, CASE WHEN cause LIKE 'bill:%' THEN 'a bill' ELSE cause END FROM entries",
    },
    "bike_manager": {
        "managers": "SELECT managerid, userid, points, adjustpoint FROM managers",
        "points": "SELECT managerid, cause, amount FROM point_entries",
    },
    "bike_manage_app": {"reports": "SELECT reportid, managerid, bikeid, batterylevel, usableyn, status FROM reports"},
    "rent_and_billing_view": {
        "rides": "SELECT rentid, userid, bikeid, rentstatus, started_ms, ended_ms, fee, billingstatus, refunded FROM"
        " rides",
        "riders": "SELECT userid, deposit, version, rides FROM riders",
    },
}
"""What must be equal. A bill's number is given in the order of arrival, so it is left out."""


async def state(embedded: Embedded) -> dict[str, list[Any]]:
    """Every table of SAME, sorted; and counters and dead letters."""
    found: dict[str, list[Any]] = {}
    for name, tables in SAME.items():
        store = embedded.part(name).store
        for table, sql in [*tables.items(), ("counters", "SELECT name, n FROM counters WHERE n <> 0"), ("dead", _DEAD)]:
            found[f"{name}.{table}"] = await store.read(_rows, sql)
    return found


_DEAD = "SELECT message_id FROM dead_letters"
_VIEWED = {"Rented", "Returned", "RegisteredBill", "CalculatedFee", "ClosedBill", "UpdatedDeposit", "AddedDeposit"}


def _rows(read: Reading, sql: str) -> list[Any]:
    return sorted(read.all(sql), key=repr)


async def told_in_order(clock: SteadyClock) -> tuple[Embedded, dict[str, list[Any]]]:
    """A world before anything was heard, and what it comes to when each event is heard once and in order."""
    before = Embedded(None, EVERY_RIDE_COSTS, clock=clock)
    await a_busy_day(before)
    straight = copy_of(before, clock)
    await straight.settle()
    return before, await state(straight)


@pytest.mark.parametrize("seed", range(10))
async def test_every_event_three_times_and_in_any_order_comes_to_the_same_state(seed: int) -> None:
    clock = SteadyClock()
    before, wanted = await told_in_order(clock)
    other = copy_of(before, clock)
    hoard = Hoard(other, random.Random(seed))
    await other.settle()
    while await hoard.let_go():
        await other.settle()
    assert await state(other) == wanted
    assert wanted["billing.dead"] == []
    await assert_nothing_is_violated(other)
    heard = await other.part("view").store.read(_rows, "SELECT message_id FROM inbox")
    assert len(heard) == len({m.id for m in hoard.all if m.type in _VIEWED})
    assert len(hoard.all) > 150


@pytest.mark.parametrize("seed", range(3))
async def test_the_states_alone_bear_doubled_events_also_when_the_inbox_has_forgotten_them(seed: int) -> None:
    clock = SteadyClock()
    before, wanted = await told_in_order(clock)
    other = copy_of(before, clock)
    hoard = Hoard(other, random.Random(seed))
    await other.settle()
    while await hoard.let_go():
        await other.settle()
    for part in other.parts.values():
        await part.store.write(lambda tx: tx.execute("DELETE FROM inbox"))
    printed = len(hoard.all)
    await hoard.again()
    await other.settle()
    assert await state(other) == wanted
    assert len(hoard.all) == printed  # and nothing was said because of them
