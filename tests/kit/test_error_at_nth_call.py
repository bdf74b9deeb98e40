"""A whole ride in which the Nth write or append of all services fails, for every N: it all ends the same way."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from gbike.kit.messaging.bus import BusUnavailable
from gbike.kit.messaging.local.log import SqliteLog
from gbike.kit.storage.sqlite.store import SqliteStore
from gbike.kit.store import StoreUnavailable
from gbike.run.embedded import Embedded
from tests.kit.floor import SetClock
from tests.support import EVERY_RIDE_COSTS, Client


class NthFails:
    """Wraps a method that is awaited: its Nth call fails, before its work or after it (the answer is lost)."""

    def __init__(self, method: Callable[..., Any], nth: int, failure: Exception, after: bool) -> None:
        self._method = method
        self.left = nth
        self._failure = failure
        self._after = after

    def method(self) -> Callable[..., Any]:
        """What takes the method's place."""

        async def call(*args: Any, **more: Any) -> Any:
            self.left -= 1
            if self.left == 0 and not self._after:
                raise self._failure
            answer = await self._method(*args, **more)
            if self.left == 0:
                raise self._failure
            return answer

        return lambda *args, **more: asyncio.ensure_future(call(*args, **more))


async def patiently(ask: Callable[[], Any]) -> Any:
    """What a client gets that tries again while it is told to."""
    for _ in range(5):
        reply = await ask()
        if reply.status not in (503, 409) or "retry-after" not in reply.headers:
            break
    return reply


async def settled(town: Embedded, clock: SetClock) -> None:
    """Quiet, whatever failed on the way; what is pending runs out of time."""
    clock.at_ms += 5_000
    for _ in range(3):
        try:
            await town.settle()
        except (StoreUnavailable, BusUnavailable):
            continue


async def a_ride(town: Embedded, client: Client, clock: SetClock) -> None:
    """From the wish to the closed bill."""
    made = await patiently(lambda: client.post("/bikes", {"bikeid": 1}, idempotency_key="b"))
    assert made.status == 201
    opened = await patiently(lambda: client.post("/userDeposits", {"userid": 3, "deposit": 9_000}, idempotency_key="d"))
    assert opened.status == 201
    while True:
        rented = await patiently(lambda: client.post("/rents", {"userid": 3, "bikeid": 1}, idempotency_key="r"))
        if rented.status == 201:
            break
        await settled(town, clock)
    clock.at_ms += 2_000
    rentid = rented.json["rentid"]
    assert (await patiently(lambda: client.patch(f"/rents/{rentid}", {"status": "returned"}))).status == 200


async def outcome(town: Embedded, client: Client) -> tuple[Any, ...]:
    """What the world looks like in the end."""
    bike = (await client.get("/bikes/1")).json["status"]
    bills = [(bill["fee"], bill["status"]) for bill in (await client.get("/billings")).json["_embedded"]["billings"]]
    deposit = (await client.get("/userDeposits/3")).json["deposit"]
    lines = (await client.get("/rentAndBillingViews")).json["_embedded"]["rentAndBillingViews"]
    shown = [(line["rentStatus"], line["fee"], line["billingStatus"], line["deposit"]) for line in lines]
    dead = 0
    for part in town.parts.values():
        dead += len(await part.store.read(lambda read: read.all("SELECT 1 FROM dead_letters")))
    return bike, bills, deposit, shown, dead


@pytest.mark.parametrize("after", [False, True], ids=["before", "answer lost"])
@pytest.mark.parametrize(
    ("where", "name", "failure"),
    [(SqliteStore, "write", StoreUnavailable("now")), (SqliteLog, "append", BusUnavailable("now"))],
    ids=["write", "append"],
)
async def test_whichever_call_fails_the_ride_is_charged_once_and_the_bike_is_free(
    where: type, name: str, failure: Exception, after: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for nth in range(1, 120):
        clock = SetClock()
        town = Embedded(None, EVERY_RIDE_COSTS, clock=clock)
        client, nth_call = Client(town.app), NthFails(getattr(where, name), nth, failure, after)
        with monkeypatch.context() as patch:
            patch.setattr(where, name, nth_call.method())
            await a_ride(town, client, clock)
            await settled(town, clock)
        bike, bills, deposit, shown, dead = await outcome(town, client)
        [(fee, status)] = bills
        assert (bike, status, dead) == ("사용가능", "CLOSEBILL", 0), nth
        assert deposit == 9_000 - fee, nth
        assert shown == [("returned", fee, "CLOSEBILL", deposit)], nth
        assert fee >= 200, nth
        if nth_call.left > 0:
            return
    pytest.fail("no run without a failure")
