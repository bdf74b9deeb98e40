"""The original's recorded requests, replayed in order: each answer is the original's, or differs by a named rule."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from gbike.contracts import Event
from gbike.contracts.bike import PUBLISHES as BIKE
from gbike.contracts.bike_manage_app import PUBLISHES as BIKE_MANAGE_APP
from gbike.contracts.bike_manager import PUBLISHES as BIKE_MANAGER
from gbike.contracts.billing import PUBLISHES as BILLING
from gbike.contracts.rent import PUBLISHES as RENT
from gbike.contracts.user_deposit import PUBLISHES as USER_DEPOSIT
from gbike.kit.clock import Moment
from gbike.run.embedded import Embedded
from tests.journeys.golden import Exchange, differences, exchanges, kafka_messages, problem_faults
from tests.journeys.golden_table import BIKE_STOPS, DEVIATIONS, EVERYWHERE, GROUPS, MISSING, ROWS, Group, Request
from tests.support import Client, Reply

SERVICE_AT = {
    8081: "rent",
    8082: "bike",
    8083: "billing",
    8084: "user_deposit",
    8085: "rent_and_billing_view",
    8086: "bike_manage_app",
    8087: "bike_manager",
}
RECORDED = {exchange.number: exchange for exchange in exchanges()}
PAGE = Path(__file__).parents[2] / "docs" / "guide" / "compatibility.md"


class RecordedTime:
    """The time at which the replayed exchange was recorded."""

    def __init__(self) -> None:
        self.ms = next(e.at for e in RECORDED.values() if e.at) * 1000

    def now_ms(self) -> int:
        return self.ms

    def monotonic_ms(self) -> float:
        return float(self.ms)

    def moment(self) -> Moment:
        return Moment(self.now_ms(), "boot", self.ms)


class Replay:
    """One group of exchanges against a house of its own."""

    def __init__(self, group: Group) -> None:
        self.group, self.time = group, RecordedTime()
        self.house = Embedded(None, {}, clock=self.time, run_twice=True)

    async def prepare(self) -> None:
        for number in self.group.again:
            await self.send(RECORDED[number])
        first = next(e for number, e in RECORDED.items() if number >= self.group.first and e.at)
        self.time.ms = max(self.time.ms, (first.at or 0) * 1000)
        for request in self.group.before:
            await self.make(request)

    async def make(self, request: Request) -> None:
        method, path, body = request
        reply = await Client(self.house.app).send(method, path, body)
        assert reply.status in (200, 201), (request, reply)
        await self.house.settle()

    async def send(self, exchange: Exchange) -> Reply:
        if exchange.at is not None:
            self.time.ms = max(self.time.ms, exchange.at * 1000)
        if exchange.number >= BIKE_STOPS:
            await self.house.part("bike").stop()
        app = self.house.app if exchange.port == 8088 else self.house.parts[SERVICE_AT[exchange.port]].running.app
        body = None if exchange.body is None else exchange.body.encode()
        headers = {"content-type": "", "host": f"localhost:{exchange.port}", **exchange.headers}
        reply = await Client(app).send(exchange.method, exchange.path, body, headers)
        await self.house.settle()
        return reply


@asynccontextmanager
async def replaying(group: Group) -> AsyncIterator[Replay]:
    replay = Replay(group)
    try:
        await replay.prepare()
        yield replay
    finally:
        await replay.house.stop()


def faults(exchange: Exchange, reply: Reply) -> list[str]:
    """Where the answer is neither the original's nor what its deviation says."""
    deviation = DEVIATIONS.get(exchange.number)
    if deviation is None:
        return differences(exchange, reply, values=True)
    exact = differences(exchange, reply, values=True)
    if not exact:
        return [f"matches; the deviation {deviation.rule} is out of date"]
    if deviation.status is None:
        return differences(exchange, reply, values=False)
    if deviation.status >= 400:
        return problem_faults(reply, deviation.status)
    return [] if reply.status == deviation.status else [f"expected {deviation.status}, got {reply.status}"]


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.title)
async def test_each_recorded_request_is_answered_as_the_original_or_by_a_named_rule(group: Group) -> None:
    found: dict[str, list[str]] = {}
    async with replaying(group) as replay:
        for exchange in RECORDED.values():
            if group.first <= exchange.number <= group.last:
                for request in MISSING.get(exchange.number, ()):
                    await replay.make(request)
                wrong = faults(exchange, await replay.send(exchange))
                if wrong:
                    found[exchange.name] = wrong
    assert not found, "\n".join(f"{name}: {'; '.join(wrong)}" for name, wrong in found.items())


def test_no_recorded_exchange_is_left_out() -> None:
    covered = [n for n in RECORDED if any(group.first <= n <= group.last for group in GROUPS)]
    assert covered == sorted(RECORDED)
    assert DEVIATIONS.keys() <= RECORDED.keys()
    assert MISSING.keys() <= RECORDED.keys()


def documented() -> set[str]:
    """The names of the rules of docs/guide/compatibility.md."""
    return set(re.findall(r"^- `([a-z0-9-]+)`: ", PAGE.read_text("utf-8"), re.MULTILINE))


def test_every_deviation_has_its_row_in_the_documentation_and_every_row_is_used() -> None:
    used = {deviation.rule for deviation in DEVIATIONS.values()} | set(EVERYWHERE)
    used |= {rule for rules in ROWS.values() for rule in rules}
    assert used == documented()


KINDS = {kind.__name__: kind for kind in (*BIKE, *BIKE_MANAGE_APP, *BIKE_MANAGER, *BILLING, *RENT, *USER_DEPOSIT)}


@pytest.mark.parametrize("message", kafka_messages(), ids=lambda message: str(message["offset"]))
def test_every_recorded_message_of_the_original_decodes_into_our_contracts(message: dict[str, str]) -> None:
    value = json.loads(message["value"])
    event = msgspec.json.decode(message["value"].encode(), type=KINDS[value["eventType"]])
    assert isinstance(event, Event)
    ours = msgspec.to_builtins(event)
    assert {name: ours[name] for name in value if name != "timestamp"} == {
        name: given for name, given in value.items() if name != "timestamp"
    }
