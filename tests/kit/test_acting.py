"""Whose things a transaction may see and change comes with the request, and with nothing but the request."""

import asyncio

import msgspec
import pytest

from gbike.kit.auth.limits import Pace
from gbike.kit.auth.principal import ANONYMOUS, DEMO, NOBODY_ASKED, Acting, IdempotencyKey, OwnerScope, acting
from gbike.kit.auth.rules import PUBLIC, Rule
from gbike.kit.calls.in_process import call_asgi
from gbike.kit.calls.peers import CircuitOpen
from gbike.kit.http.app import HttpApp, NoAuth, Operation
from gbike.kit.http.request import Request, Response
from gbike.kit.service import Worker
from gbike.kit.storage.idempotency import KeyInFlight, answered_before, hold
from gbike.kit.store import StoreUnavailable
from gbike.kit.telemetry import Metrics
from gbike.run.single import Drivers
from tests.kit.floor import a_store
from tests.waiting import for_ever

RIDER = Acting(DEMO, OwnerScope(3), IdempotencyKey("k", "hash", lambda result: (200, b"", b"{}")))


async def test_nothing_is_anybodys_before_the_guard_has_let_in_and_the_caller_keeps_its_own() -> None:
    found: list[Acting] = []

    class Rider(NoAuth):
        async def admit(self, request: Request, rule: Rule, pace: Pace) -> None:
            found.append(acting.get())
            request.principal, request.owner = DEMO, OwnerScope(3)

    async def handle(request: Request) -> str:
        found.append(acting.get())
        return "done"

    def answer(request: Request, result: str) -> Response:
        return Response(200, result)

    operation = Operation("POST", "/", handle, "A test", PUBLIC, keyed=True, respond=answer)
    app = HttpApp("test", [operation], {}, Metrics(), Rider())
    before = acting.set(RIDER)  # a service that asks another one in the same process
    reply = await call_asgi(app, "POST", "/", b"{}", {"idempotency-key": "another"})
    assert (reply.status, msgspec.json.decode(reply.body)) == (200, "done")
    assert found[0] == Acting(ANONYMOUS, OwnerScope.NONE)
    assert (found[1].by, found[1].owner) == (DEMO, OwnerScope(3))
    assert found[1].key not in (None, RIDER.key)
    assert acting.get() is RIDER
    acting.reset(before)


async def test_a_worker_acts_for_nobody_whoever_had_it_started() -> None:
    found, looked = list[Acting](), asyncio.Event()

    async def step() -> int:
        found.append(acting.get())
        looked.set()
        return 0

    drivers = Drivers("test", [Worker("looks", step, for_ever)])
    before = acting.set(RIDER)
    drivers.start()
    acting.reset(before)
    await looked.wait()
    await drivers.stop()
    assert found == [NOBODY_ASKED]


async def test_only_for_a_request_with_a_key_is_it_looked_up_whether_it_was_answered_before() -> None:
    store = a_store()
    await store.close()
    await answered_before(store, CircuitOpen(1))
    before = acting.set(RIDER)
    with pytest.raises(StoreUnavailable):
        await answered_before(store, CircuitOpen(1))
    acting.reset(before)


async def test_a_key_under_way_says_nothing_only_where_it_may_be_this_very_request() -> None:
    store = a_store()
    before = acting.set(RIDER)
    await store.write(hold)
    await answered_before(store, StoreUnavailable())
    with pytest.raises(KeyInFlight):
        await answered_before(store, CircuitOpen(1))
    acting.reset(before)
    await store.close()
