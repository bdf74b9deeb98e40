"""Idempotency-Key: a request sent again has its effect once and gets the same answer; a refusal is judged anew."""

import asyncio
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import apsw
import pytest

from gbike.kit.storage.batching import Left
from gbike.kit.store import Reading
from gbike.run.embedded import Embedded
from tests.cluster.running import numbers
from tests.journeys.forms import Form
from tests.support import EVERY_RIDE_COSTS, Client, Reply, digest

CONFIRMATIONS = "/userDeposits/payments/confirmations"


@dataclass(frozen=True)
class Furnished:
    """The numbers of what a house has; `ours`: numbers that nothing has yet, from the second on."""

    ours: range = range(1, 20)
    rent: int = 1
    over: int = 2
    """A ride that is over, whose bill is `bill` once it is heard of."""
    bill: int = 2
    manager: int = 1
    key: str = "8e03978e-40d5-43dd-bc93-6894a57f9324"


def changes(there: Furnished) -> dict[str, tuple[str, str, Any, Any]]:
    """Every POST, PUT, PATCH and DELETE there is: method, path, a body, and another body."""
    one, two, three, four, *_ = there.ours
    rent = f"/rents/{there.rent}"
    manager = f"/bikeManagers/{there.manager}"
    report = {"managerid": there.manager}
    return {
        "POST rents": ("POST", "/rents", {"userid": one, "bikeid": two}, {"userid": two, "bikeid": two}),
        "PATCH rents": ("PATCH", rent, {"endlocation": "B"}, {"endlocation": "C"}),
        "PUT rents": ("PUT", rent, {"endlocation": "B"}, {"status": "returned"}),
        "end": ("POST", f"{rent}/end", {"reason": "it stood there"}, {"reason": "it stood elsewhere"}),
        "void": ("POST", f"{rent}/void", {"reason": "it stood there"}, {"reason": "it stood elsewhere"}),
        "POST bikes": ("POST", "/bikes", {"bikeid": three}, {"bikeid": four}),
        "PATCH bikes": ("PATCH", f"/bikes/{two}", {"location": "B"}, {"location": "C"}),
        "PUT bikes": ("PUT", f"/bikes/{two}", {"location": "B"}, {"location": "C"}),
        "POST places": ("POST", "/places", {"name": "A"}, {"name": "B"}),
        "POST imports": ("POST", "/bikes/imports", f"bikeid\n{three}\n".encode(), f"bikeid\n{four}\n".encode()),
        "PUT holds": ("PUT", f"/bikes/{two}/holds/staff", {"reason": "brake"}, {"reason": "bell"}),
        "DELETE holds": (
            "DELETE",
            f"/bikes/{there.ours[10]}/holds/staff",
            {"reason": "mended"},
            {"reason": "thrown away"},
        ),
        "DELETE retirement": ("DELETE", f"/bikes/{two}/retirement", {"reason": "found"}, {"reason": "bought"}),
        "retirement": ("POST", f"/bikes/{two}/retirement", None, {"why": "old"}),
        "POST userDeposits": ("POST", "/userDeposits", {"userid": two, "deposit": 5}, {"userid": three, "deposit": 5}),
        "PATCH userDeposits": ("PATCH", f"/userDeposits/{one}", {"deposit": 5}, {"deposit": 6}),
        "PUT userDeposits": ("PUT", f"/userDeposits/{one}", {"deposit": 5}, {"deposit": 6}),
        "PUT block": ("PUT", f"/userDeposits/{one}/block", {"reason": "a river"}, {"reason": "a lake"}),
        "DELETE block": ("DELETE", f"/userDeposits/{one}/block", {"reason": "a river"}, {"reason": "a lake"}),
        "topUps": ("POST", f"/userDeposits/{one}/topUps", {"amount": 5}, {"amount": 6}),
        "correction": (
            "POST",
            f"/billings/{there.bill}/corrections",
            {"amount": 5, "reason": "the lock"},
            {"amount": 6, "reason": "the lock"},
        ),
        "POST bikeManagers": ("POST", "/bikeManagers", {"userid": two, "point": 10}, {"userid": two, "point": 11}),
        "PUT bikeManagers": ("PUT", manager, {"adjustpoint": 500}, {"adjustpoint": 400}),
        "PATCH bikeManagers": ("PATCH", manager, {"userid": two}, {"userid": three}),
        "point corrections": (
            "POST",
            f"{manager}/corrections",
            {"amount": 5, "reason": "a slip"},
            {"amount": 6, "reason": "a slip"},
        ),
        "POST bikeManageApps": (
            "POST",
            "/bikeManageApps",
            {**report, "bikeid": two, "batterylevel": 50},
            {**report, "bikeid": two, "batterylevel": 51},
        ),
        "POST complaints": (
            "POST",
            "/complaints",
            {"userid": one, "bikeid": two, "kind": "brake", "words": "it squeals"},
            {"userid": one, "bikeid": two, "kind": "brake", "words": "it screams"},
        ),
    }


CHANGES = changes(Furnished())
KEY = {"idempotency-key": Furnished.key}


async def furnish(client: Client, ours: range = Furnished.ours) -> Furnished:
    """A ride under way, one that is over, a free bike, a held one, a rider with money and a manager with points."""
    one, two, _, four, *_ = ours
    made = {}
    for path, body in (
        ("/bikes", {"bikeid": one}),
        ("/bikes", {"bikeid": two}),
        ("/bikes", {"bikeid": ours[10], "status": "사용중"}),
        ("/userDeposits", {"userid": one, "deposit": 10_000}),
        ("/rents", {"userid": one, "bikeid": one}),
        ("/bikeManagers", {"userid": one, "point": 1000}),
    ):
        answer = await client.post(path, body)
        assert answer.status == 201
        made |= answer.json
    over = (await client.post("/rents", {"userid": four, "bikeid": two})).json["rentid"]
    assert (await client.send("PATCH", f"/rents/{over}", {"status": "returned"})).status == 200
    return Furnished(ours, made["rentid"], over, 0, manager=made["managerid"], key=f"key-{one}")


async def billed(client: Client, there: Furnished) -> Furnished:
    """The same, once all is heard of: the bill of the ride that is over is known."""
    found = await client.get(f"/billings/search/findByRentid?rentid={there.over}")
    return replace(there, bill=found.json["billid"])


async def furnished() -> Embedded:
    """A house with what `furnish` makes."""
    house = Embedded(None, EVERY_RIDE_COSTS, run_twice=True)
    there = await furnish(Client(house.app))
    await house.settle()
    assert await billed(Client(house.app), there) == Furnished(key="key-1")
    return house


def retold(body: Any) -> bytes | None:
    """The same body with its keys in another order, other spaces, and its whole numbers as floats."""
    if body is None or isinstance(body, bytes):  # a file is its bytes
        return body
    floats = {name: float(value) if type(value) is int else value for name, value in reversed(body.items())}
    return json.dumps(floats, indent=3).encode()


@pytest.fixture
async def house() -> Any:
    made = await furnished()
    yield made
    await made.stop()


async def rows(house: Embedded) -> dict[str, int]:
    """How many rows each table of each store has."""
    return {
        f"{name}.{table}": count for name, store in house.stores().items() for table, count in await store.read(_rows)
    }


def _rows(read: Reading) -> list[tuple[str, int]]:
    names = [row[0] for row in read.all("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return [(name, (read.one(f'SELECT count(*) FROM "{name}"') or (0,))[0]) for name in names]


async def patiently(client: Client, method: str, path: str, body: Any, key: Mapping[str, str] = KEY) -> Reply:
    """The answer to a request, which is sent again as long as its first try is still under way."""
    for _ in range(500):
        reply = await client.send(method, path, body, key)
        if not (reply.status == 409 and reply.json["type"].endswith(("key-in-flight", "report-in-flight"))):
            return reply
        assert reply.headers["retry-after"] == "1"
        await asyncio.sleep(0)
    raise AssertionError("the first try never ended")


def test_the_list_of_changes_is_complete() -> None:
    """Of all but account, which keeps no answer: it would keep tokens (docs/decisions/0016-accounts.md); and but a
    provider's confirmation, which names its payment and has no other key (user_deposit/test_payments.py).
    """
    house = Embedded(None, {})
    there_are = {
        (operation.method, operation.path.split("{")[0])
        for name, part in house.parts.items()
        if name != "account"
        for operation in part.running.app.operations
        if operation.keyed and not operation.hidden and operation.path != CONFIRMATIONS
    }
    of_one = re.compile(r"[0-9]+(/.*)?$")
    tested = {(method, of_one.sub("", path)) for method, path, _, _ in CHANGES.values()}
    assert tested == there_are


@pytest.mark.parametrize("change", CHANGES)
async def test_a_request_sent_three_times_has_one_effect_and_one_answer(house: Embedded, change: str) -> None:
    method, path, body, _ = CHANGES[change]
    client = Client(house.app)
    first = await client.send(method, path, body, KEY)
    assert first.status in (200, 201, 202), first
    await house.settle()
    once = await digest(house)
    for _ in range(2):
        again = await client.send(method, path, body, KEY)
        await house.settle()
        assert (again.status, again.content) == (first.status, first.content)
        assert again.headers.get("location") == first.headers.get("location")
        assert again.headers["idempotent-replayed"] == "true"
    assert await digest(house) == once
    assert "idempotent-replayed" not in first.headers


@pytest.mark.parametrize("change", CHANGES)
async def test_ten_of_a_request_at_once_have_one_effect_and_one_answer(house: Embedded, change: str) -> None:
    method, path, body, _ = CHANGES[change]
    client, alone = Client(house.app), await furnished()
    replies = await asyncio.gather(*(patiently(client, method, path, body) for _ in range(10)))
    await house.settle()
    assert (await Client(alone.app).send(method, path, body, KEY)).status == replies[0].status
    await alone.settle()
    assert {(reply.status, reply.content) for reply in replies} == {(replies[0].status, replies[0].content)}
    assert sorted(reply.headers.get("idempotent-replayed", "") for reply in replies) == [""] + ["true"] * 9
    assert await rows(house) == await rows(alone)
    await alone.stop()


@pytest.mark.parametrize("change", CHANGES)
async def test_a_key_belongs_to_one_body(house: Embedded, change: str) -> None:
    method, path, body, other = CHANGES[change]
    client = Client(house.app)
    assert (await client.send(method, path, body, KEY)).status in (200, 201, 202)
    await house.settle()
    before = await digest(house)
    reply = await client.send(method, path, other, KEY)
    await house.settle()
    assert reply.status == 422, reply
    assert reply.json["type"].endswith("#idempotency-key-reused")
    assert await digest(house) == before


@pytest.mark.parametrize("change", CHANGES)
async def test_the_same_request_in_another_order_and_with_other_spaces_is_the_same(
    house: Embedded, change: str
) -> None:
    method, path, body, _ = CHANGES[change]
    client = Client(house.app)
    first = await client.send(method, path, body, KEY)
    await house.settle()
    once = await digest(house)
    again = await client.send(method, path, retold(body), KEY)
    await house.settle()
    assert (again.status, again.content) == (first.status, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    assert await digest(house) == once


async def test_a_key_that_an_older_gbike_kept_counts_for_the_same_bytes(house: Embedded) -> None:
    client, body = Client(house.app), b'{"amount":  5}'
    first = await client.send("POST", "/userDeposits/1/topUps", body, KEY)
    raw = hashlib.sha256(body).hexdigest()
    await house.part("user_deposit").store.write(lambda tx: tx.execute("UPDATE idempotency SET body_hash = ?", (raw,)))
    again = await client.send("POST", "/userDeposits/1/topUps", body, KEY)
    assert (again.status, again.content) == (201, first.content)
    assert (await client.send("POST", "/userDeposits/1/topUps", b'{"amount":  6}', KEY)).status == 422


async def test_a_key_counts_once_for_every_change_in_every_form(form: Form) -> None:
    furnished = [await furnish(form.client, numbers(20)) for _ in CHANGES]
    await form.quiet()
    towns = [await billed(form.client, there) for there in furnished]
    wishes = {change: (changes(town)[change], town.key) for change, town in zip(CHANGES, towns, strict=True)}
    first: dict[str, bytes] = {}
    for change, ((*wish, _), key) in wishes.items():
        replies = await asyncio.gather(*(patiently(form.client, *wish, {"idempotency-key": key}) for _ in range(10)))
        assert {reply.status for reply in replies} <= {200, 201, 202}, (change, replies)
        assert sorted(reply.headers.get("idempotent-replayed", "") for reply in replies) == [""] + ["true"] * 9
        [first[change]] = {reply.content for reply in replies}
    once = await form.digest()
    for change, ((*wish, other), key) in wishes.items():
        method, path, body = wish
        again = await form.client.send(method, path, retold(body), {"idempotency-key": key})
        assert (again.content, again.headers["idempotent-replayed"]) == (first[change], "true")
        refused = await form.client.send(*wish[:2], other, {"idempotency-key": key})
        assert (refused.status, refused.json["type"].partition("#")[2]) == (422, "idempotency-key-reused"), change
    assert await form.digest() == once
    assert await form.violations() == []


REFUSED_AT_FIRST: dict[str, tuple[tuple[str, str, Any], tuple[str, str, Any], int]] = {
    "a rent of a ridden bike": (
        ("POST", "/rents", {"userid": 2, "bikeid": 1}),
        ("PATCH", "/rents/1", {"endlocation": "B"}),
        409,
    ),
    "a rent of an unknown bike": (
        ("POST", "/rents", {"userid": 2, "bikeid": 9}),
        ("POST", "/bikes", {"bikeid": 9}),
        404,
    ),
    "a retirement of a ridden bike": (
        ("POST", "/bikes/1/retirement", None),
        ("PATCH", "/rents/1", {"endlocation": "B"}),
        409,
    ),
    "a top-up of an unknown deposit": (
        ("POST", "/userDeposits/5/topUps", {"amount": 5}),
        ("POST", "/userDeposits", {"userid": 5, "deposit": 0}),
        404,
    ),
    "a report on an unknown bike": (
        ("POST", "/bikeManageApps", {"managerid": 1, "bikeid": 9, "batterylevel": 5}),
        ("POST", "/bikes", {"bikeid": 9}),
        404,
    ),
    "a conversion of too many points": (
        ("PUT", "/bikeManagers/1", {"adjustpoint": 1500}),
        ("POST", "/bikeManageApps", {"managerid": 1, "bikeid": 2, "batterylevel": 5}),
        409,
    ),
}


@pytest.mark.parametrize("case", REFUSED_AT_FIRST)
async def test_a_refusal_is_not_kept_and_the_same_key_succeeds_later(house: Embedded, case: str) -> None:
    wanted, makes_it_possible, refusal = REFUSED_AT_FIRST[case]
    client = Client(house.app)
    assert [(await client.send(*wanted, KEY)).status for _ in range(2)] == [refusal, refusal]
    assert (await client.send(*makes_it_possible)).status in (200, 201, 202)
    await house.settle()
    first = await client.send(*wanted, KEY)
    again = await client.send(*wanted, KEY)
    assert first.status in (200, 201, 202), first
    assert (again.status, again.content) == (first.status, first.content)


async def test_a_rent_that_bike_could_not_answer_may_be_tried_again_with_its_key(house: Embedded) -> None:
    client, wish = Client(house.app), {"userid": 1, "bikeid": 2}
    await house.part("bike").stop()
    assert (await client.send("POST", "/rents", wish, KEY)).status == 503
    house.part("bike").answer(stopped=False)
    await house.settle()
    first = await client.send("POST", "/rents", wish, KEY)
    again = await client.send("POST", "/rents", wish, KEY)
    assert (first.status, again.status, again.content) == (201, 201, first.content)


@pytest.mark.parametrize(("case", "service"), [("POST rents", "rent"), ("POST bikeManageApps", "bike_manage_app")])
async def test_whoever_is_kept_by_a_first_write_whose_answer_is_lost_is_told_to_ask_again(
    house: Embedded, monkeypatch: pytest.MonkeyPatch, case: str, service: str
) -> None:
    client, store = Client(house.app), house.part(service).store
    method, path, body, _ = CHANGES[case]
    await client.send("PATCH", "/rents/1", {"endlocation": "A"})
    commit = store._commit

    async def lost(left: Left) -> None:
        await commit(left)
        monkeypatch.undo()
        raise apsw.IOError("disk I/O error")

    monkeypatch.setattr(store, "_commit", lost)
    reply = await client.send(method, path, body, KEY)
    assert (reply.status, reply.json["type"].rsplit("#", 1)[-1]) == (503, "store-unavailable"), reply.json
    assert "retry-after" in reply.headers
    assert (await client.send(method, path, body, KEY)).status == 409, "under way, until the sweeper gives it up"


async def test_the_same_key_at_another_address_is_another_request(house: Embedded) -> None:
    client = Client(house.app)
    opened = await client.send("POST", "/userDeposits", {"userid": 2, "deposit": 5}, KEY)
    paid = [await client.send("POST", f"/userDeposits/{rider}/topUps", {"amount": 5}, KEY) for rider in (1, 2)]
    assert [opened.status, *(reply.status for reply in paid)] == [201, 201, 201]
    assert [reply.json["deposit"] for reply in paid] == [10_005, 10]


async def test_without_a_key_a_top_up_sent_twice_is_two_top_ups(house: Embedded) -> None:
    client = Client(house.app)
    replies = [await client.post("/userDeposits/1/topUps", {"amount": 5}) for _ in range(2)]
    assert [reply.json["deposit"] for reply in replies] == [10_005, 10_010]
