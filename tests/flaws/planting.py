"""What the tests of the flaws share: a register of checks, the town they run in, and the ways to take a fix out."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import msgspec
import pytest

from gbike.contracts import Event
from gbike.kit.calls.in_process import InProcessCaller
from gbike.kit.calls.peers import PeerAnswer
from gbike.kit.clock import Moment
from gbike.kit.envelope import Message, pack
from gbike.kit.store import Reading
from gbike.kit.telemetry import NO_TRACE
from gbike.run.embedded import Embedded
from tests.support import EVERY_RIDE_COSTS, Client
from tests.waiting import soon

Check = Callable[[], Awaitable[None]]
Plant = Callable[[pytest.MonkeyPatch], None]


class Planted(NamedTuple):
    """A check and one way to take its fix out."""

    number: int
    check: Check
    plant: Plant


REGISTER: list[Planted] = []


def flaw(number: int, *plants: Plant) -> Callable[[Check], Check]:
    """The decorated test is the check of this flaw; each plant brings the flaw back."""

    def register(check: Check) -> Check:
        REGISTER.extend(Planted(number, check, plant) for plant in plants)
        return check

    return register


class TownClock:
    """A clock that a test sets; waiting is still measured by the machine's."""

    def __init__(self, now_ms: int) -> None:
        self.at_ms = now_ms
        self.waited_ms = 0.0

    def now_ms(self) -> int:
        return self.at_ms

    def monotonic_ms(self) -> float:
        return self.waited_ms

    def moment(self) -> Moment:
        return Moment(self.now_ms(), "boot", self.at_ms)


class Town:
    """All services in memory with a few things ready: bikes 1 and 2, a deposit of rider 1 and manager 1."""

    def __init__(self, **env: str) -> None:
        self.clock = TownClock(1_790_000_000_000)
        self.all = Embedded(None, {**EVERY_RIDE_COSTS, **env}, clock=self.clock, run_twice=True)
        self.client = Client(self.all.app)
        self._numbers = 0

    async def opened(self) -> "Town":
        """The town with its bikes, its deposit and its manager."""
        await self.opened_without_money()
        assert (await self.client.post("/userDeposits", {"userid": 1, "deposit": 100_000})).status == 201
        assert (await self.client.post("/bikeManagers", {"managerid": 1, "userid": 1, "point": 1000})).status == 201
        await self.all.settle()
        return self

    async def opened_without_money(self) -> "Town":
        """The town with its bikes only."""
        for number in (1, 2):
            assert (await self.client.post("/bikes", {"bikeid": number, "location": "정자역"})).status == 201
        return self

    async def rent(self, bikeid: int = 1, userid: int = 1) -> int:
        """A rent that began; its number."""
        reply = await self.client.post("/rents", {"userid": userid, "bikeid": bikeid})
        assert reply.status == 201, reply.content
        return int(reply.json["rentid"])

    async def give_back(self, rentid: int, place: str = "서현역") -> Any:
        """The answer to a return."""
        reply = await self.client.patch(f"/rents/{rentid}", {"endlocation": place})
        assert reply.status == 200, reply.content
        return reply.json

    async def ride(self, bikeid: int = 1, seconds: int = 5) -> int:
        """A whole ride, settled."""
        rentid = await self.rent(bikeid)
        self.clock.at_ms += seconds * 1000
        await self.give_back(rentid)
        await self.all.settle()
        return rentid

    async def see(self, path: str) -> Any:
        """What a GET answers."""
        reply = await self.client.get(path)
        assert reply.status == 200, (path, reply.content)
        return reply.json

    async def many(self, collection: str) -> list[Any]:
        """The items of a collection."""
        return list((await self.see(f"/{collection}"))["_embedded"][collection])

    async def tell(self, source: str, *events: Event) -> None:
        """Put events on the bus as if said by `source`, each under an id of its own, and let everybody hear them."""
        await self.all.bus.append([self.message(source, event) for event in events])
        await self.all.settle()

    def message(self, source: str, event: Event) -> Message:
        """An event as a message nobody has seen yet."""
        self._numbers += 1
        return pack(event, id=f"told-{self._numbers}", source=source, now_ms=self.clock.at_ms, trace=NO_TRACE)  # type: ignore[arg-type]

    async def log(self) -> list[Message]:
        """Everything that was ever put on the bus."""
        return [message for _, message in await self.all.bus.store.read(_whole_log)]

    async def published(self, kind: str) -> list[Any]:
        """The values of all events of one kind on the bus."""
        return [msgspec.json.decode(m.value) for m in await self.log() if m.type == kind]

    async def rows(self, service: str, sql: str) -> list[tuple[Any, ...]]:
        """What a query over a service's store answers."""
        return await self.all.parts[service].store.read(lambda read: read.all(sql))


def _whole_log(read: Reading) -> list[tuple[int, Message]]:
    rows = read.all("SELECT number, message_id, type, key, headers, value FROM log ORDER BY number")
    return [(row[0], Message(*row[1:])) for row in rows]


async def a_town(**env: str) -> Town:
    """A town that is open; env: settings without GBIKE_, in small letters."""
    return await Town(**{f"GBIKE_{name.upper()}": value for name, value in env.items()}).opened()


@asynccontextmanager
async def held_up() -> AsyncIterator[None]:
    """What peers are asked meanwhile reaches them only afterwards."""
    call = InProcessCaller.call
    gate, over = asyncio.Event(), asyncio.Event()

    async def late(*asked: Any) -> PeerAnswer:
        await gate.wait()
        answer = await call(*asked)
        over.set()
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(InProcessCaller, "call", late)
        yield
    gate.set()
    await soon(over.is_set)


def replacing(where: Any, name: str, other: Any) -> Plant:
    """A plant that puts something else in the place of a part."""
    return lambda patch: patch.setattr(where, name, other)
