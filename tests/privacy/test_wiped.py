"""An erased contact is in no file a minute later: not in the stores, not in the logs beside them."""

import random
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from gbike.kit.clock import SystemClock
from gbike.kit.privacy.erasure import WIPE_AGAIN_MS, WIPE_S
from gbike.kit.storage.sqlite.store import connect
from gbike.run.embedded import ERASED_AFTER_MS, LOG_LOOK_S, Embedded
from gbike.run.folder.data_folder import DataFolder
from tests.kit.floor import SetClock
from tests.privacy.people import SETTINGS, Person, found_in, ride, sign_up
from tests.support import Client

MINUTE_MS = 60_000


class Hours:
    """A running gbike whose workers are stepped by a clock of ours, as often as they would run by themselves."""

    def __init__(self, folder: Path) -> None:
        self.clock = SetClock(SystemClock().now_ms())
        self.folder = DataFolder(folder)
        self.embedded = Embedded(self.folder, SETTINGS, clock=self.clock)
        self.client = Client(self.embedded.app)
        self.began_ms = self.clock.at_ms
        self.tries = 0

    async def erase(self, person: Person) -> None:
        """The person asks for it."""
        assert (await self.client.post(f"/accounts/{person.userid}/erasure")).status == 200

    async def passes(self, ms: int) -> None:
        """So much time, in which everybody does what they do."""
        for _ in range(ms // 5_000):
            self.clock.at_ms += 5_000
            await self.embedded.settle()
            since_s = (self.clock.at_ms - self.began_ms) // 1_000
            if since_s % WIPE_S == 0:
                self.tries += await self.wipe()
            if since_s % LOG_LOOK_S == 0:
                await self.embedded.forget_old_messages()

    async def wipe(self) -> int:
        """Step who wipes the stores; answers how many could not be wiped."""
        workers = [worker for part in self.embedded.parts.values() for worker in part.running.workers]
        return sum([await worker.step() for worker in workers if worker.name == "wiper"])

    def left_of(self, people: Sequence[Person], rides: int = 0) -> list[str]:
        """What is still found of them in the files."""
        return found_in(self.folder.path, [trace for person in people for trace in person.traces(rides)])


async def test_a_contact_is_gone_a_minute_later_also_when_erasures_follow_one_another(tmp_path: Path) -> None:
    house = Hours(tmp_path / "data")
    people = [await sign_up(house.embedded, f"zubenelgenubi{chr(97 + number)}", 100 + number) for number in range(12)]
    for number, person in enumerate(people):
        await house.client.post("/bikes", {"bikeid": 1 + number, "status": "사용가능"})
        await ride(house.client, person, 1 + number, number)
        wrong = {"contact": person.contact, "password": "not this one"}
        assert (await house.client.post("/sessions", wrong)).status == 401
    await house.passes(5_000)
    for person in people:
        await house.client.post("/userDeposits", {"userid": person.userid, "deposit": 0})
        assert (await house.client.patch(f"/userDeposits/{person.userid}", {"deposit": 0})).status == 200
    await house.passes(5_000)
    assert len(house.left_of(people, 12)) > 100
    for number, person in enumerate(people):
        await house.erase(person)
        await house.passes(10_000)
        long_gone = people[: max(0, number - 5)]
        assert house.left_of(long_gone, 12) == [], f"after {number} erasures, one every 10 s"
    await house.passes(MINUTE_MS - 10_000)
    assert house.left_of(people, 12) == []
    assert house.tries == 0
    await house.embedded.stop()


async def test_where_somebody_reads_it_is_done_as_soon_as_they_are_through(tmp_path: Path) -> None:
    house = Hours(tmp_path / "data")
    person = await sign_up(house.embedded, "aldebaran", 100)
    file = house.folder.store_path("account")
    with closing(connect(file, read_only=True)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM accounts").fetchall() == [(1,)]
        await house.erase(person)
        assert await house.wipe() == 1, "another try is due"
        assert house.left_of([person])
        reader.execute("COMMIT")
    assert await house.wipe() == 0
    assert house.left_of([person]) == []
    assert WIPE_AGAIN_MS < MINUTE_MS
    await house.embedded.stop()


async def test_after_a_kill_it_is_done_by_the_next_start(tmp_path: Path) -> None:
    house = Hours(tmp_path / "data")
    person = await sign_up(house.embedded, "betelgeuse", 100)
    await house.erase(person)
    anew = Embedded(house.folder, SETTINGS, clock=house.clock)  # the killed one never closed its files
    house.embedded = anew
    assert await house.wipe() == 0
    assert house.left_of([person]) == []
    await anew.stop()


async def test_nothing_stays_in_the_gaps_of_a_file_that_grew_and_shrank(tmp_path: Path) -> None:
    house, chance = Hours(tmp_path / "data"), random.Random(7)
    words = [f"denebola{number:03}{'x' * chance.randrange(60)}" for number in range(150)]
    people = [await sign_up(house.embedded, word, 100) for word in words]
    gone = chance.sample(people, 90)
    for person in gone:
        await house.erase(person)
    assert await house.wipe() == 0
    assert house.left_of(gone) == []
    await house.embedded.stop()


def test_all_of_it_is_within_a_minute() -> None:
    assert WIPE_S * 1_000 + WIPE_AGAIN_MS < MINUTE_MS
    assert ERASED_AFTER_MS + LOG_LOOK_S * 1_000 < MINUTE_MS
