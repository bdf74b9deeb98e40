"""`gbike repair` on the folder of a process that ended, of one that runs, and on a cluster's PostgreSQL databases."""

import asyncio
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gbike.cli import app, repair
from gbike.run.embedded import Embedded
from gbike.run.folder.backup import NoData
from gbike.run.folder.data_folder import DataFolder
from gbike.run.mends import FreeBike
from tests.journeys.fleet import violated
from tests.repair import broken
from tests.repair.broken import execute
from tests.repair.installation import Make
from tests.support import EVERY_RIDE_COSTS, Client

FAULTS = {
    "a lost bike": (broken.a_lost_bike, ["FreeBike"]),
    "unheard messages": (broken.messages_that_were_not_heard, ["PublishAgain", "PublishAgain"]),
    "missing postings": (broken.postings_that_are_missing, ["HandleAgain"] * 3),
    "a payment": (broken.a_payment_that_was_not_posted, ["PostPayment"]),
    "uncounted holds": (broken.holds_that_an_older_gbike_did_not_know, ["SettleHolds"] * 3),
}
FORMS = ("stopped", "running", "databases")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("fault", FAULTS)
async def test_what_can_be_mended_with_certainty_is_mended_and_nothing_is_violated(
    make: Make, form: str, fault: str
) -> None:
    breaking, kinds = FAULTS[fault]
    there = await make(form, breaking)
    found = await there.findings()
    assert [type(one).__name__ for one in repair.chosen(found, None)] == kinds
    await there.mend(found)
    assert await there.violations() == []
    assert await there.findings() == []


@pytest.mark.parametrize("form", FORMS)
async def test_a_mended_bike_is_on_record_and_can_be_rented(make: Make, form: str) -> None:
    there = await make(form, broken.a_lost_bike)
    found = await there.findings()
    assert [str(one.mend).split(",")[0] for one in found] == ["free bike 3 of rent 2"]
    await there.mend(found, 1)
    assert there.deeds("bike") == [("bike freed", "bike:3")]
    if there.house is not None:
        assert (await Client(there.house.app).post("/rents", {"userid": 9, "bikeid": 3})).status == 201


@pytest.mark.parametrize("form", ["running", "databases"])
async def test_what_an_older_gbike_marked_or_freed_was_the_hold_of_staff(make: Make, form: str) -> None:
    there = await make(form, broken.holds_that_an_older_gbike_did_not_know)
    await there.mend(await there.findings())
    assert there.deeds("bike") == [("holds settled", f"bike:{bikeid}") for bikeid in (1, 2, 3)]
    if there.house is not None:
        client = Client(there.house.app)
        held = [(await client.get(f"/bikes/{bikeid}/holds")).json["_embedded"]["holds"] for bikeid in (1, 2, 3)]
        assert [[one["holder"] for one in holds] for holds in held] == [["staff"], [], ["ticket-9"]]
        shown = [(await client.get(f"/bikes/{bikeid}")).json["status"] for bikeid in (1, 2, 3)]
        assert shown == ["사용중", "사용가능", "사용중"]


async def test_a_voided_ride_that_an_older_billing_charged_is_told_until_its_fee_is_given_back() -> None:
    house = Embedded(None, EVERY_RIDE_COSTS)
    client = await broken.day(house)
    await execute(house, "rent", "UPDATE rents SET voided = 1 RETURNING 1")
    [(fee,)] = await execute(house, "billing", "SELECT fee FROM bills")
    given = {"amount": fee, "reason": "its ride was voided"}
    assert await violated(house) == [f"I9 bill 1 charges {fee} won, its ride was voided: give it back"]
    assert (await client.post("/billings/1/corrections", given)).status == 201
    await house.settle()
    assert await violated(house) == []
    await house.stop()


OVER = {
    "bike has its tombstone, and rent does not know it": (
        "UPDATE bikes SET rentid = 77 WHERE bikeid = 3 RETURNING 1",
        "INSERT INTO tombstones (rentid, at_ms) VALUES (77, 1) RETURNING 1",
    ),
    "rent says it was returned, and its tombstone is gone": (
        "UPDATE bikes SET rentid = 1 WHERE bikeid = 3 RETURNING 1",
        "DELETE FROM tombstones RETURNING 1",
    ),
}


@pytest.mark.parametrize("form", ["stopped", "databases"])
@pytest.mark.parametrize("known", OVER)
async def test_a_rent_is_over_when_rent_says_so_or_bike_knows_it(make: Make, form: str, known: str) -> None:
    async def breaking(house: Embedded) -> None:
        await broken.day(house)
        for sql in OVER[known]:
            await execute(house, "bike", sql)

    there = await make(form, breaking)
    found = await there.findings()
    assert [type(one.mend) for one in found] == [FreeBike]
    await there.mend(found)
    assert await there.violations() == []


async def test_a_mend_that_comes_twice_or_too_late_changes_nothing(make: Make) -> None:
    there = await make("running", broken.a_lost_bike)
    found = await there.findings()
    await there.mend(found)
    assert there.house is not None
    rent = await Client(there.house.app).post("/rents", {"userid": 4, "bikeid": 3})  # somebody has it meanwhile
    assert rent.status == 201
    await there.house.settle()
    await there.mend(found)
    assert there.deeds("bike") == [("bike freed", "bike:3")]
    assert await there.violations() == []


async def test_one_mend_leaves_the_others(make: Make) -> None:
    there = await make("stopped", broken.messages_that_were_not_heard)
    found = await there.findings()
    await there.mend(found, 1)
    assert len(repair.chosen(await there.findings(), None)) < len(repair.chosen(found, None))
    with pytest.raises(NoData, match="no mend 9"):
        repair.chosen(found, 9)


async def test_what_is_not_certain_is_listed_and_not_touched(make: Make) -> None:
    async def breaking(house: Embedded) -> None:
        await broken.day(house)
        await execute(house, "bike", "UPDATE bikes SET rentid = 77 WHERE bikeid = 3 RETURNING 1")

    there = await make("stopped", breaking)
    (found,) = await there.findings()
    assert (found.number, found.mend, found.violation[:9]) == (0, None, "I2 bike 3")
    assert repair.NOT_BY_REPAIR in "\n".join(repair.listed([found]))


async def test_a_bike_whose_rent_is_open_is_never_freed(make: Make) -> None:
    async def breaking(house: Embedded) -> None:
        client = await broken.day(house)
        assert (await client.post("/rents", {"userid": 2, "bikeid": 2})).status == 201
        await execute(house, "bike", "UPDATE bikes SET rentid = 1 WHERE bikeid = 2 RETURNING 1")
        await house.settle()

    there = await make("stopped", breaking)
    assert repair.chosen(await there.findings(), None) == []


def test_the_command_lists_then_mends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in EVERY_RIDE_COSTS.items():
        monkeypatch.setenv(name, value)
    data = tmp_path / "data"

    async def lost() -> None:
        house = Embedded(DataFolder(data), EVERY_RIDE_COSTS)
        await broken.a_lost_bike(house)
        await house.stop()

    asyncio.run(lost())
    code, told = gbike("repair", "--data", str(data))
    assert (code, "  1  I2 bike 3" in told, str(FreeBike(3, 2, 3)) in told) == (1, True, True)
    assert gbike("repair", "2", "--yes", "--data", str(data))[0] == 2
    assert gbike("verify", "--data", str(data))[0] == 1, "nothing is mended unless it is asked for"
    code, told = gbike("repair", "1", "--yes", "--data", str(data))
    assert (code, "1 mended" in told) == (0, True)
    assert gbike("verify", "--data", str(data)) == (0, "0 violations\n")
    code, told = gbike("repair", "--data", str(data))
    assert (code, told[:12]) == (0, "0 violations")


def gbike(*words: str) -> tuple[int, str]:
    """Run a command; its exit code and what it printed."""
    done = CliRunner().invoke(app, list(words))
    return done.exit_code, done.output
