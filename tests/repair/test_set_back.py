"""A store that was put back to an earlier moment: what it lost is named, and comes back as far as outboxes know it."""

import asyncio
import re

import pytest

from gbike.cli import repair
from gbike.kit.messaging.hours import HOUR_MS
from gbike.kit.storage.retention import DAY_MS
from gbike.run.cluster import wait_idle
from gbike.run.embedded import Embedded
from gbike.run.event_map import paths
from gbike.run.invariants import violations
from gbike.run.mends import Mendable, PublishAgain, TakeNote
from tests.kit.floor import ClockIds, SetClock
from tests.repair.broken import day, execute, kept, ride
from tests.repair.installation import Installation, Make
from tests.support import EVERY_RIDE_COSTS, Client

TOP_UPS = 5
DOES_NOT_KNOW = re.compile(r"I22 user_deposit does not know (\w+) (\S+) about (user:\d+) of \S+Z, which (.+) heard")
DID_NOT_REACH = re.compile(r"I22 (\w+) (\S+) did not reach user_deposit")


class Lost:
    """What was done after the moment that user_deposit is set back to."""

    def __init__(self) -> None:
        self.published: dict[str, str] = {}
        """Of what user_deposit published and somebody heard: id and about whom."""
        self.fees: list[str] = []
        """What billing published to it."""

    async def happen(self, house: Embedded) -> None:
        """Top-ups and a ride that are acknowledged and settled, and then the store is an hour younger."""
        client = await day(house)
        for number in range(TOP_UPS):
            await client.post("/userDeposits", {"userid": 100 + number, "deposit": 1_000})
        await house.settle()
        back = kept(house, "user_deposit")
        before = await execute(house, "user_deposit", "SELECT coalesce(max(id), 0) FROM outbox")
        fees = await execute(house, "billing", "SELECT coalesce(max(id), 0) FROM outbox")
        for number in range(TOP_UPS):
            paid = await client.post(f"/userDeposits/{100 + number}/topUps", {"amount": 5_000})
            assert paid.status in (200, 201), paid.json
        await ride(client, 2)
        await house.settle()
        heard = frozenset[str]().union(*(one.get("user_deposit", frozenset()) for one in paths().values()))
        rows = await execute(
            house, "user_deposit", "SELECT message_id, key, type FROM outbox WHERE id > ?", tuple(before[0])
        )
        self.published = {str(row[0]): str(row[1]) for row in rows if row[2] in heard}
        wanted = "SELECT message_id FROM outbox WHERE id > ? AND type = 'CalculatedFee'"
        self.fees = [str(row[0]) for row in await execute(house, "billing", wanted, tuple(fees[0]))]
        back()


@pytest.fixture
def lost() -> Lost:
    return Lost()


async def unknown(there: Installation) -> dict[str, str]:
    """Messages that verify says user_deposit does not know, and about whom they are."""
    found = [DOES_NOT_KNOW.match(line) for line in await there.violations()]
    return {one[2]: one[3] for one in found if one}


@pytest.mark.parametrize("form", ["stopped", "databases"])
async def test_every_message_of_a_store_that_was_set_back_is_named(make: Make, form: str, lost: Lost) -> None:
    there = await make(form, lost.happen)
    assert len(lost.published) >= TOP_UPS
    assert await unknown(there) == lost.published


async def test_what_outboxes_still_know_comes_back(make: Make, lost: Lost) -> None:
    there = await make("databases", lost.happen)
    assert there.house is not None
    found = await there.findings()
    mends = [mend for mend in repair.chosen(found, None) if isinstance(mend, PublishAgain)]
    assert {mend.message_id for mend in mends if mend.type == "CalculatedFee"} == set(lost.fees)
    await there.mend(found)
    assert [line for line in await there.violations() if DID_NOT_REACH.match(line) or line.startswith("I10")] == []
    taken = await execute(there.house, "user_deposit", "SELECT count(*) FROM entries WHERE cause LIKE 'bill:%'")
    bills = await execute(there.house, "billing", "SELECT count(*) FROM bills WHERE fee > 0")
    assert taken[0][0] == 2 * int(str(bills[0][0])), "each fee has two sides again"


@pytest.mark.parametrize("form", ["stopped", "running", "databases"])
async def test_a_loss_is_noted_by_its_number_only_and_told_no_more(make: Make, form: str, lost: Lost) -> None:
    there = await make(form, lost.happen)
    found = await there.findings()
    assert not [mend for mend in repair.chosen(found, None) if isinstance(mend, TakeNote)]
    (number,) = {one.number for one in found if isinstance(one.mend, TakeNote)}
    assert [line for line in repair.listed(found) if "book by hand" in line] != []
    await there.mend(found, number)
    assert await unknown(there) == {}
    assert ("lost messages noted", "service:user_deposit") in there.deeds("rent_and_billing_view")
    assert not [one for one in await there.findings() if isinstance(one.mend, TakeNote)]


async def test_a_loss_is_noted_in_its_hour_too() -> None:
    years = Years()
    client = await day(years.house)
    back = kept(years.house, "user_deposit")
    await client.post("/userDeposits/1/topUps", {"amount": 5_000})
    await years.house.settle()
    back()
    await years.pass_by(1)
    told = [line for line in await years.found() if line.startswith("I22")]
    assert [line for line in told if "I22 hour" in line] != []
    (mend,) = {line.mend for line in told if isinstance(line, Mendable)}
    assert await mend.do(years.house)
    assert [line for line in await years.found() if line.startswith("I22")] == []
    assert not await mend.do(years.house)


async def test_hours_whose_rows_are_gone_are_noted_as_their_speaker_has_them() -> None:
    years = Years()
    await ride(await day(years.house), 2)
    await years.house.settle()
    one = "SELECT min(message_id) FROM inbox WHERE type = 'Returned'"
    await execute(years.house, "billing", f"DELETE FROM inbox WHERE message_id = ({one}) RETURNING 1")
    await years.pass_by(40)
    (told,) = await years.found()
    assert isinstance(told, Mendable)
    assert await told.mend.do(years.house)
    assert await years.found() == []


async def test_a_stopped_folder_brings_back_what_its_log_still_has(make: Make, lost: Lost) -> None:
    there = await make("stopped", lost.happen)
    told = await there.violations()
    assert [line for line in told if DID_NOT_REACH.match(line) or line.startswith("I10")] == []
    assert [line for line in told if line.startswith("I23")] != [], "the view shows what the ledger lost"


async def test_a_lost_thing_is_named_while_riders_ride_on(
    make: Make, lost: Lost, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = await make("databases", lost.happen)
    monkeypatch.setattr(wait_idle, "POLL_S", 1.0)  # somebody rides in between, however busy the machine is
    monkeypatch.setattr(wait_idle, "LOOKS", 1)
    monkeypatch.setattr(wait_idle, "APART_S", 1.0)
    house = there.house
    assert house is not None
    client, done = Client(house.app), asyncio.Event()

    async def ride_on() -> int:
        rides = 0
        while not done.is_set():
            await ride(client, 3)
            rides += 1
            await house.settle()
        return rides

    riding = asyncio.create_task(ride_on())
    told = await there.violations()
    done.set()
    assert await riding > 1
    assert [line for line in told if "made in motion" in line] != []
    found = [DOES_NOT_KNOW.match(line) for line in told]
    assert {one[2]: one[3] for one in found if one} == lost.published
    reached = [DID_NOT_REACH.match(line) for line in told]
    assert {one[2] for one in reached if one and one[1] == "CalculatedFee"} == set(lost.fees)
    assert {line.split()[0] for line in told if re.match(r"I\d", line)} <= {"I10", "I22", "I23"}


class Years:
    """Services whose clock is set, whose hours are folded and whose rows are removed as the days pass."""

    def __init__(self) -> None:
        self.clock = SetClock()
        self.house = Embedded(None, EVERY_RIDE_COSTS, clock=self.clock, ids=ClockIds(self.clock))

    async def pass_by(self, days: int) -> None:
        """Days go by."""
        self.clock.at_ms += days * DAY_MS + 2 * HOUR_MS
        for service in self.house.parts:
            await self.step(service, "hours")
            await self.step(service, "housekeeper")

    async def step(self, service: str, name: str) -> None:
        """A worker of a service does what there is to do."""
        for worker in self.house.part(service).running.workers:
            while worker.name == name and await worker.step():
                pass

    async def found(self) -> list[str]:
        """What verify finds."""
        readings = {name: await part.store.read(lambda read: read) for name, part in self.house.parts.items()}
        return list(violations(readings))


async def test_hours_tell_what_the_rows_of_no_store_tell_any_more() -> None:
    years = Years()
    client = await day(years.house)
    await years.pass_by(1)
    assert await years.found() == []
    back = kept(years.house, "user_deposit")
    await client.post("/userDeposits/1/topUps", {"amount": 5_000})
    await years.house.settle()
    heard = await execute(years.house, "rent_and_billing_view", "SELECT count(*) FROM inbox")
    await years.pass_by(40)
    assert await years.found() == []
    assert await execute(years.house, "rent_and_billing_view", "SELECT count(*) FROM inbox") < heard
    back()
    await years.pass_by(40)
    told = [line for line in await years.found() if line.startswith("I22 hour")]
    assert told != []
    assert all(re.search(r"of user_deposit: it published \d+ \w+, \w+ heard \d+", line) for line in told)


async def test_a_message_that_was_not_heard_is_missed_in_its_hour_also_when_its_outbox_row_is_gone() -> None:
    years = Years()
    await ride(await day(years.house), 2)
    await years.house.settle()
    one = "SELECT min(message_id) FROM inbox WHERE type = 'Returned'"
    await execute(years.house, "billing", f"DELETE FROM inbox WHERE message_id = ({one}) RETURNING 1")
    await years.pass_by(1)
    assert [line for line in await years.found() if "did not reach billing" in line] != []
    await years.pass_by(40)
    (told,) = await years.found()
    assert re.fullmatch(
        r"I22 hour \S+ of rent: it published 2 Returned, billing heard 1; of the 2 its outbox .+ 0", told
    )


async def test_each_of_many_lost_things_is_named() -> None:
    years = Years()
    client = await day(years.house)
    back = kept(years.house, "user_deposit")
    for _ in range(156):
        assert (await client.post("/userDeposits/1/topUps", {"amount": 1_000})).status in (200, 201)
    await years.house.settle()
    rows = await execute(years.house, "user_deposit", "SELECT message_id FROM outbox WHERE type = 'AddedDeposit'")
    back()
    left = await execute(years.house, "user_deposit", "SELECT message_id FROM outbox WHERE type = 'AddedDeposit'")
    named = {one[2] for line in await years.found() if (one := DOES_NOT_KNOW.match(line))}
    assert named >= {str(row[0]) for row in rows} - {str(row[0]) for row in left}
    assert len(named) >= 156


async def test_hours_that_the_version_before_wrote_are_not_compared() -> None:
    """It kept no type, so nobody knows of what it heard something: also while it ran beside this one."""
    years = Years()
    await ride(await day(years.house), 2)
    await years.house.settle()
    one = "SELECT min(message_id) FROM inbox WHERE type = 'Returned'"
    old = f"UPDATE inbox SET type = NULL, key = NULL WHERE message_id = ({one}) RETURNING 1"
    await execute(years.house, "billing", old)
    years.clock.at_ms += 2 * HOUR_MS
    for name in ("rent", "billing"):
        assert await years.found() == []
        await years.step(name, "hours")
    await years.pass_by(40)
    assert await years.found() == []


async def test_what_was_set_aside_is_as_good_as_heard() -> None:
    years = Years()
    client = await day(years.house)
    await ride(client, 2)
    nonsense = "UPDATE outbox SET value = CAST('nonsense' AS BLOB) WHERE published_ms IS NULL RETURNING 1"
    await execute(years.house, "rent", nonsense)
    await years.house.settle()
    for _ in range(2):
        aside = [line for line in await years.found() if "aside" in line]
        assert {line.split()[1] for line in aside} >= {"billing", "rent_and_billing_view"}
        assert [line for line in await years.found() if line.startswith("I22") and line not in aside] == []
        await years.pass_by(1)
    for name, part in years.house.parts.items():
        for (message_id,) in await execute(years.house, name, "SELECT message_id FROM dead_letters"):
            assert part.running.consumer is not None
            await part.running.consumer.drop(str(message_id), "nobody can read it")
    for days in (0, 40):
        await years.pass_by(days)
        assert [line for line in await years.found() if line.startswith("I22")] == []
