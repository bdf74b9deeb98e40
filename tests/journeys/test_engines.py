"""The same services on other engines, and two of each on one database: what holds on SQLite holds there."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from tests.journeys.engines import EVERY, Databases, House
from tests.journeys.fleet import assert_nothing_is_violated, every, open_deposits, register_bikes
from tests.journeys.test_idempotency import CHANGES, KEY, furnish, retold
from tests.postgres import Server
from tests.support import Client

RIDERS = 40
MIXES = {
    "all on PostgreSQL": EVERY,
    "rent on SQLite, the others on PostgreSQL": EVERY - {"rent"},
    "rent on PostgreSQL, the others on SQLite": frozenset({"rent"}),
}


@pytest.fixture(scope="module")
def databases(server: Server) -> Databases:
    """On a server that does not wait for the disk."""
    return Databases(server)


@pytest.fixture
async def twins(databases: Databases) -> AsyncIterator[tuple[House, House]]:
    """Two processes' worth of every service on the same databases; only the first hears events."""
    urls = databases.emptied()
    first, second = House(urls), House(urls)
    yield first, second
    await first.stop()
    await second.stop()


@pytest.mark.parametrize("mix", MIXES)
async def test_a_day_on_other_engines_comes_to_what_it_should(databases: Databases, mix: str) -> None:
    house = House(databases.emptied(MIXES[mix]))
    client = Client(house.app)
    await register_bikes(client, range(1, 21))
    await open_deposits(client, range(1, 6))
    asked = [client.post("/rents", {"userid": n % 5 + 1, "bikeid": n % 20 + 1}) for n in range(60)]
    answers = await asyncio.gather(*asked)
    assert Counter(answer.status for answer in answers) == {201: 20, 409: 40}
    rents = [answer.json["rentid"] for answer in answers if answer.status == 201]
    await asyncio.gather(*(client.patch(f"/rents/{rent}", {"endlocation": "there"}) for rent in rents))
    assert (
        await client.post("/bikeManageApps", {"managerid": 1, "bikeid": 1, "batterylevel": 7, "usableyn": False})
    ).status == 201
    assert (await client.post("/bikeManagers", {"userid": 1, "point": 90})).status == 201
    assert (await client.put("/bikeManagers/1", {"adjustpoint": 50}, idempotency_key="a")).status == 200
    assert (await client.patch("/userDeposits/1", {"deposit": 7_000})).status == 200
    await house.settle()
    assert {bill["status"] for bill in await every(client, "/billings")} == {"CLOSEBILL"}
    assert len(await every(client, "/rentAndBillingViews?sort=fee,desc")) >= 20
    assert (await client.get("/rentAndBillingViews/search/findByUserid?userid=1")).json["page"]["totalElements"] == 4
    await assert_nothing_is_violated(house)
    await house.stop()


async def test_riders_of_two_processes_who_want_one_bike_get_it_once(twins: tuple[House, House]) -> None:
    clients = [Client(house.app) for house in twins]
    await register_bikes(clients[0], range(1, 4))
    for bikeid in (1, 2, 3):
        asked = [clients[n % 2].post("/rents", {"userid": n + 1, "bikeid": bikeid}) for n in range(RIDERS)]
        answers = await asyncio.gather(*asked)
        assert Counter(answer.status for answer in answers) == {201: 1, 409: RIDERS - 1}
    await twins[0].settle()
    await assert_nothing_is_violated(twins[0])


async def test_reports_through_two_processes_are_paid_within_their_limits(databases: Databases) -> None:
    urls, limits = databases.emptied(), {"GBIKE_POINTS_FOR": "changes", "GBIKE_POINTS_PER_BIKE": "3"}
    twins = [House(urls, limits) for _ in range(2)]
    clients = [Client(house.app) for house in twins]
    await register_bikes(clients[0], range(1, 3))
    assert (await clients[0].post("/bikeManagers", {"userid": 1})).status == 201
    same = {"managerid": 1, "bikeid": 1, "batterylevel": 50, "usableyn": True}
    answers = await asyncio.gather(*(clients[n % 2].post("/bikeManageApps", same) for n in range(RIDERS)))
    assert Counter(answer.json["points"] for answer in answers) == {1000: 1, 0: RIDERS - 1}
    asked = [{**same, "bikeid": 2, "batterylevel": n} for n in range(RIDERS)]
    answers = await asyncio.gather(*(clients[n % 2].post("/bikeManageApps", one) for n, one in enumerate(asked)))
    paid = sum(answer.json["points"] for answer in answers)
    assert 1000 <= paid <= 3000, "a report that a newer one overtook changed nothing"
    await twins[0].settle()
    assert (await clients[1].get("/bikeManagers/1")).json["point"] == 1000 + paid
    await assert_nothing_is_violated(twins[0])
    for house in twins:
        await house.stop()


async def test_returns_through_two_processes_cost_one_fee(twins: tuple[House, House]) -> None:
    clients = [Client(house.app) for house in twins]
    await register_bikes(clients[0], range(1, 6))
    await open_deposits(clients[0], range(1, 6))
    for n in range(1, 6):
        rent = (await clients[0].post("/rents", {"userid": n, "bikeid": n})).json["rentid"]
        returns = [clients[i % 2].patch(f"/rents/{rent}", {"endlocation": f"place {i}"}) for i in range(10)]
        answers = await asyncio.gather(*returns)
        assert {answer.status for answer in answers} == {200}
        assert len({answer.content for answer in answers}) == 1
    await twins[0].settle()
    assert len(await every(clients[0], "/billings")) == 5
    printed = (
        await twins[0].part("rent").store.read(lambda r: r.all("SELECT count(*) FROM outbox WHERE type = 'Returned'"))
    )
    assert printed == [(5,)]
    await assert_nothing_is_violated(twins[0])


@pytest.mark.parametrize("change", CHANGES)
async def test_one_key_through_two_processes_has_one_effect(twins: tuple[House, House], change: str) -> None:
    method, path, body, _ = CHANGES[change]
    clients = [Client(house.app) for house in twins]
    await furnish(clients[0])
    await twins[0].settle()
    before = await _said(twins[0])
    answers = await asyncio.gather(*(clients[n % 2].send(method, path, body, KEY) for n in range(8)))
    done = [answer for answer in answers if answer.status in (200, 201, 202)]
    in_flight = [
        a for a in answers if a.status == 409 and a.json["type"].endswith(("key-in-flight", "report-in-flight"))
    ]
    assert len(done) + len(in_flight) == len(answers), answers
    assert len({answer.content for answer in done}) == 1
    for same in (body, retold(body)):
        assert (await clients[1].send(method, path, same, KEY)).content == done[0].content
    assert await _said(twins[0]) - before <= 2  # a reservation and a rent
    await twins[0].settle()
    await assert_nothing_is_violated(twins[0])


async def test_balances_and_bikes_changed_from_two_processes_lose_nothing(twins: tuple[House, House]) -> None:
    clients = [Client(house.app) for house in twins]
    await register_bikes(clients[0], range(1, 3))
    await open_deposits(clients[0], range(1, 2))
    assert (await clients[0].post("/bikeManagers", {"userid": 1, "point": 1000})).status == 201
    wanted = await asyncio.gather(*(clients[n % 2].patch("/userDeposits/1", {"deposit": 5_000}) for n in range(10)))
    assert {answer.status for answer in wanted} == {200}
    assert (await clients[0].get("/userDeposits/1")).json["deposit"] == 5_000
    paid = await asyncio.gather(*(clients[n % 2].post("/userDeposits/1/topUps", {"amount": 7}) for n in range(20)))
    assert {answer.status for answer in paid} == {201}
    assert (await clients[0].get("/userDeposits/1")).json["deposit"] == 5_000 + 140
    moved = await asyncio.gather(
        *(clients[n % 2].patch("/bikes/1", {"batterylevel": n} if n % 3 else {"location": str(n)}) for n in range(30))
    )
    assert {answer.status for answer in moved} == {200}
    put = [clients[n % 2].put("/bikeManagers/1", {"adjustpoint": 300}, idempotency_key=f"c{n}") for n in range(6)]
    converted = Counter(answer.status for answer in await asyncio.gather(*put))
    assert converted == {200: 3, 409: 3}
    await twins[0].settle()
    assert (await clients[1].get("/userDeposits/1")).json["deposit"] == 5_140 + 900
    await assert_nothing_is_violated(twins[0])


async def test_a_payment_confirmed_through_two_processes_is_posted_once(twins: tuple[House, House]) -> None:
    clients = [Client(house.app) for house in twins]
    asked = [clients[n % 2].post("/userDeposits/3/payments", {"amount": 5_000}) for n in range(4)]
    begun = await asyncio.gather(*asked)
    assert {answer.status for answer in begun} == {201}
    paths = [f"/userDeposits/3/payments/{answer.json['paymentid']}/testPayment" for answer in begun]
    answers = await asyncio.gather(*(clients[n % 2].post(path, {}) for path in paths for n in range(10)))
    assert {answer.status for answer in answers} == {200}
    assert (await clients[1].get("/userDeposits/3")).json["deposit"] == 4 * 5_000
    ledger = twins[0].part("userDeposit").store
    assert await ledger.read(lambda r: r.all("SELECT count(*) FROM entries WHERE cause LIKE 'payment:%'")) == [(8,)]
    await twins[0].settle()
    await assert_nothing_is_violated(twins[0])


async def test_managers_made_by_number_and_without_from_two_processes_are_all_there(twins: tuple[House, House]) -> None:
    clients = [Client(house.app) for house in twins]
    await register_bikes(clients[0], range(1, 2))
    for n in range(1, 6):  # points that wait for managers who don't exist yet
        report = {"managerid": n, "bikeid": 1, "batterylevel": n}
        assert (await clients[n % 2].post("/bikeManageApps", report)).status == 201
    numbered = [clients[n % 2].post("/bikeManagers", {"managerid": n, "userid": n}) for n in range(1, 6)]
    counted = [clients[n % 2].post("/bikeManagers", {"userid": n}) for n in range(6, 12)]
    answers = await asyncio.gather(twins[0].settle(), *numbered, *counted)
    assert Counter(answer.status for answer in answers[1:]) <= Counter({201: 11, 409: 5})
    await twins[0].settle()
    await assert_nothing_is_violated(twins[0])


async def _said(house: House) -> int:
    """How many events all services together have said."""
    count = 0
    for part in house.parts.values():
        [(number,)] = await part.store.read(lambda read: read.all("SELECT count(*) FROM outbox"))
        count += number
    return count
