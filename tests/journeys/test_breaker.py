"""A bike service that hangs, is slow or overloaded: riders and staff get a quick, honest 503, and no bike is lost."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest
from starlette.types import Message, Receive, Scope, Send

from gbike.run.embedded import Embedded
from gbike.run.faults import Delay
from tests.journeys.fleet import assert_nothing_is_violated, every, register_bikes
from tests.journeys.virtual_time import VirtualClock, in_virtual_time
from tests.support import EVERY_RIDE_COSTS, Client, Reply

HANGS = Delay(60_000, 60_000)
USERS = 5
PAUSE_S = 0.1
"""A user that was refused at once asks again after this."""


@dataclass(frozen=True)
class Call:
    """A synchronous call to bike: who makes it, how it is asked for, and when it is given up."""

    service: str
    name: str
    path: str
    deadline_ms: int

    def body(self, bikeid: int) -> dict[str, int]:
        return {"userid": 1, "bikeid": bikeid} if self.name == "reserve" else _report(bikeid)

    def state(self, embedded: Embedded) -> float | None:
        labels = {"service": self.service, "call": self.name}
        return embedded.metrics.registry.get_sample_value("gbike_breaker_state", labels)


def _report(bikeid: int) -> dict[str, int]:
    return {"managerid": 1, "bikeid": bikeid, "batterylevel": 50}


RENT = Call("rent", "reserve", "/rents", 1_200)
REPORT = Call("bike_manage_app", "report", "/bikeManageApps", 600)
both = pytest.mark.parametrize("call", [RENT, REPORT], ids=["rents", "reports"])


@dataclass(frozen=True)
class Seen:
    """One answer, and when it was asked for and came."""

    asked_s: float
    took_ms: float
    answer: Reply

    @property
    def reason(self) -> str:
        return "" if self.answer.status < 400 else str(self.answer.json["type"].partition("#")[2])


class City:
    """The embedded system in virtual time, with a fresh bike for every request. The same seed has the same delays."""

    def __init__(self, clock: VirtualClock, seed: int) -> None:
        self.clock = clock
        self.chance = random.Random(seed).random
        self.embedded = Embedded(None, EVERY_RIDE_COSTS, clock=clock, chance=self.chance)
        self.client = Client(self.embedded.app)
        self.bike = self.embedded.part("bike")
        self.embedded.start()
        self._bikes = 0

    async def a_bike(self) -> int:
        self._bikes += 1
        bikeid = self._bikes
        await register_bikes(Client(self.bike.running.app), range(bikeid, bikeid + 1))  # beside the faults
        return bikeid

    async def ask(self, call: Call) -> Seen:
        return await self.send(call, await self.a_bike())

    async def send(self, call: Call, bikeid: int) -> Seen:
        began = self.clock.monotonic_ms()
        answer = await self.client.post(call.path, call.body(bikeid))
        return Seen(began / 1000, self.clock.monotonic_ms() - began, answer)

    async def users(self, call: Call, seconds: float, number: int = USERS) -> list[Seen]:
        """`number` users who ask again as soon as they have an answer."""
        until, seen = self.clock.monotonic_ms() + seconds * 1000, list[Seen]()

        async def user() -> None:
            while self.clock.monotonic_ms() < until:
                seen.append(await self.ask(call))
                if seen[-1].took_ms < 1:
                    await asyncio.sleep(PAUSE_S)

        await asyncio.gather(*[user() for _ in range(number)])
        return seen

    async def calm(self) -> None:
        """Heal, wait until whatever hung has come through, and handle every event."""
        self.bike.answer()
        await asyncio.sleep(70)
        await self.embedded.settle()
        await assert_nothing_is_violated(self.embedded)
        pending = await self.embedded.part("rent").store.read(
            lambda read: read.one("SELECT count(*) FROM rents WHERE status = 'pending'")
        )
        assert pending == (0,)


def in_a_city(story: Callable[[City], Awaitable[None]], seed: int = 0) -> None:
    async def told(clock: VirtualClock) -> None:
        await story(City(clock, seed))

    in_virtual_time(told)


@both
def test_a_hanging_bike_service_opens_the_breaker_within_ten_calls_and_three_seconds(call: Call) -> None:
    async def story(city: City) -> None:
        city.bike.answer(late=HANGS)
        seen = await city.users(call, 30)
        opened = min(one.asked_s + one.took_ms / 1000 for one in seen if one.reason == "circuit-open")
        began = min(one.asked_s for one in seen)
        waited = [one for one in seen if one.reason == "bike-service-timeout"]
        before = [one for one in waited if one.asked_s < opened]
        assert opened - began <= 3
        assert len(before) <= 10
        assert {one.answer.status for one in seen} == {503}
        assert all(1 <= int(one.answer.headers["retry-after"]) <= 8 for one in seen)
        assert all(one.took_ms <= call.deadline_ms + 100 for one in seen)
        assert all(one.took_ms <= 50 for one in seen if one.reason == "circuit-open")
        probes = len(waited) - len(before)
        assert 30 / 7.3 - 2 <= probes <= 30 / 4  # one probe each time it was open for 5 s ± 20 %
        assert len(seen) - len(waited) > 20 * probes
        await city.calm()

    in_a_city(story)


@both
@pytest.mark.parametrize("seed", range(8))
def test_the_breaker_is_closed_within_ten_seconds_of_recovery_by_one_request_a_second(call: Call, seed: int) -> None:
    async def story(city: City) -> None:
        city.bike.answer(late=HANGS)
        await city.users(call, 4)
        assert call.state(city.embedded) != 0
        steady = asyncio.create_task(one_request_a_second(city, call))
        await asyncio.sleep(2 + seed * 0.9)
        city.bike.answer()
        healed = city.clock.monotonic_ms()
        while call.state(city.embedded) != 0:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert city.clock.monotonic_ms() - healed <= 10_000
        assert (await city.ask(call)).answer.status == 201
        steady.cancel()
        await city.calm()

    in_a_city(story, seed)


@both
def test_five_time_outs_in_a_row_open_the_breaker_and_four_do_not(call: Call) -> None:
    async def story(city: City) -> None:
        for tries, state in ((4, 0), (5, 2)):
            city.bike.answer(late=HANGS)
            for _ in range(tries):
                assert (await city.ask(call)).reason == "bike-service-timeout"
            assert call.state(city.embedded) == state
            city.bike.answer()
            assert ((await city.ask(call)).answer.status == 201) == (state == 0)

    in_a_city(story)


@both
def test_who_was_served_but_lost_the_answer_gets_it_again_while_the_circuit_is_open(call: Call) -> None:
    async def story(city: City) -> None:
        body = call.body(await city.a_bike())
        first = await city.client.post(call.path, body, idempotency_key="once")
        city.bike.answer(late=HANGS)
        await city.users(call, 3)
        assert (await city.ask(call)).reason == "circuit-open"
        again = await city.client.post(call.path, body, idempotency_key="once")
        assert (again.status, again.content) == (201, first.content)

    in_a_city(story)


async def one_request_a_second(city: City, call: Call) -> None:
    asked = set()
    while True:
        asked.add(asyncio.create_task(city.ask(call)))
        await asyncio.sleep(1)


def test_200_refusals_never_trip_the_breaker_of_rents() -> None:
    async def story(city: City) -> None:
        taken = await city.a_bike()
        assert (await city.send(RENT, taken)).answer.status == 201
        for _ in range(200):
            assert (await city.send(RENT, taken)).answer.status == 409
            assert RENT.state(city.embedded) == 0
        unknown = [await city.send(RENT, 9_999) for _ in range(20)]
        assert {one.answer.status for one in unknown} == {404}
        assert (await city.ask(RENT)).answer.status == 201

    in_a_city(story)


def test_200_reports_of_bikes_that_do_not_exist_never_trip_the_breaker_of_reports() -> None:
    async def story(city: City) -> None:
        for _ in range(200):
            assert (await city.send(REPORT, 9_999)).answer.status == 404
            assert REPORT.state(city.embedded) == 0
        assert (await city.ask(REPORT)).answer.status == 201

    in_a_city(story)


@pytest.mark.parametrize(("tripped", "other"), [(RENT, REPORT), (REPORT, RENT)], ids=["rents", "reports"])
def test_the_breakers_of_rents_and_of_reports_do_not_trip_each_other(tripped: Call, other: Call) -> None:
    async def story(city: City) -> None:
        city.bike.answer(late=HANGS)
        await city.users(tripped, 3)
        city.bike.answer()
        assert (await city.ask(tripped)).reason == "circuit-open"
        assert (await city.ask(other)).answer.status == 201
        assert other.state(city.embedded) == 0

    in_a_city(story)


@pytest.mark.parametrize("seed", range(3))
def test_the_breaker_test_of_the_original_leaves_no_bike_without_its_rent(seed: int) -> None:
    """5 users for 10 s, a fresh bike each, a bike service of 400-620 ms: the original orphaned 24-36 bikes of 83."""

    async def story(city: City) -> None:
        city.bike.answer(late=Delay(400, 620))
        seen = await city.users(RENT, 10)
        assert {one.answer.status for one in seen} == {201}  # within 1,200 ms
        assert 80 <= len(seen) <= 125
        reports = await city.users(REPORT, 10)
        assert Counter(one.answer.status for one in reports)[201] > 30
        await city.calm()
        assert len(await every(city.client, "/rents")) == len(seen)
        await assert_points_for_applied_reports(city, reports)

    in_a_city(story, seed)


@pytest.mark.parametrize("slow", [Delay(1_000, 1_400), Delay(1_190, 1_210)], ids=["spread", "at the deadline"])
@pytest.mark.parametrize("seed", range(3))
def test_a_bike_service_as_slow_as_the_deadline_leaves_no_bike_without_its_rent(slow: Delay, seed: int) -> None:
    async def story(city: City) -> None:
        city.bike.answer(late=slow)
        seen = await city.users(RENT, 30)
        got = Counter(one.answer.status for one in seen)
        assert set(got) == {201, 503}
        await city.calm()
        assert len(await every(city.client, "/rents")) == got[201]

    in_a_city(story, seed)


class AnswersLate:
    """Bike does what it was asked in time; its answer comes too late or just in time."""

    def __init__(self, city: City) -> None:
        self._app, self._chance = city.bike.app, city.chance

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def late(message: Message) -> None:
            if message["type"] == "http.response.start" and scope["path"].startswith("/internal"):
                await asyncio.sleep(0.8 + 0.8 * self._chance())
            await send(message)

        await self._app(scope, receive, late)


@pytest.mark.parametrize("seed", range(3))
def test_an_answer_that_comes_after_the_deadline_leaves_no_bike_without_its_rent(seed: int) -> None:
    async def story(city: City) -> None:
        city.bike.app = AnswersLate(city)
        seen = await city.users(RENT, 30)
        got = Counter(one.answer.status for one in seen)
        assert set(got) == {201, 503}
        await city.calm()
        assert len(await every(city.client, "/rents")) == got[201]
        assert len([bike for bike in await every(city.client, "/bikes") if bike["status"] == "사용중"]) == got[201]

    in_a_city(story, seed)


async def assert_points_for_applied_reports(city: City, reports: list[Seen]) -> None:
    applied = [one for one in reports if one.answer.status == 201]
    assert (await city.client.post("/bikeManagers", {"managerid": 1, "userid": 1})).status == 201
    assert (await city.client.get("/bikeManagers/1")).json["point"] == 1_000 * len(applied)


# The bulkhead and the shedding of load


@pytest.mark.parametrize(("call", "places"), [(RENT, 32), (REPORT, 16)], ids=["rents", "reports"])
def test_a_fixed_number_of_calls_is_in_flight_256_wait_and_the_next_is_refused_at_once(call: Call, places: int) -> None:
    async def story(city: City) -> None:
        city.bike.answer(late=Delay(200, 200))
        inside = CountsInside(city)
        bikes = [await city.a_bike() for _ in range(places + 256 + 10)]
        seen = await asyncio.gather(*[city.send(call, bikeid) for bikeid in bikes])
        at_once = [one for one in seen if one.took_ms < 1]
        assert Counter((one.answer.status, one.reason, one.answer.headers["retry-after"]) for one in at_once) == {
            (503, "busy", "1"): 10
        }
        assert inside.most == places
        waves = call.deadline_ms // 200 - 1  # the last wave would end at the deadline
        assert Counter(one.answer.status for one in seen)[201] >= places * waves
        assert max(one.took_ms for one in seen) <= call.deadline_ms + 100
        await city.calm()

    in_a_city(story)


class CountsInside:
    """How many requests are inside bike, as it is asked by its peers."""

    def __init__(self, city: City) -> None:
        self.now = self.most = 0
        self._app = city.bike.app
        city.bike.app = self

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await self._app(scope, receive, send)
        finally:
            self.now -= 1


def test_bike_sheds_what_is_more_than_it_can_do_and_what_it_can_not_do_in_time() -> None:
    async def story(city: City) -> None:
        inner = Client(city.bike.running.app)
        await register_bikes(inner, range(1, 301))
        await city.bike.store.hold.acquire()  # bike's store takes nothing for two seconds
        asked = [
            asyncio.create_task(
                inner.send("PUT", f"/internal/bikes/{n}/reservations/{n}", headers={"x-gbike-deadline-ms": "1200"})
            )
            for n in range(1, 301)
        ]
        await asyncio.sleep(2)
        shed = [task.result() for task in asked if task.done()]
        city.bike.store.hold.release()
        late = [answer for answer in await asyncio.gather(*asked) if answer not in shed]
        assert {(answer.status, answer.json["type"].partition("#")[2]) for answer in shed} == {(503, "overloaded")}
        assert len(shed) == 300 - 256
        assert {(answer.status, answer.json["type"].partition("#")[2]) for answer in late} == {(503, "too-late")}
        assert {bike["status"] for bike in await every(city.client, "/bikes")} == {"사용가능"}

    in_a_city(story)
