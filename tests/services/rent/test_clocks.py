"""What a ride costs and what stays held when a clock is set: the wall clock is stepped alone, never the boot clock."""

import pytest

from gbike.kit.clock import A_MINUTE_MS
from gbike.services.rent.domain import Handback, Limits, Moment, OpenRent, give_back, ridden
from gbike.services.rent.wiring import SPEC
from tests.services.lone import NOON, Lone, Reply

HOURS_3 = 3 * 3_600_000
WISH = {"userid": 3, "bikeid": 1}


def slug(reply: Reply) -> str:
    """The name of a refusal."""
    return str(reply.json["type"].partition("#")[2])


async def test_a_ride_of_3_6_s_is_3_6_s_long_however_the_wall_clock_is_set_meanwhile() -> None:
    for step_ms in (-HOURS_3, HOURS_3):
        lone = Lone(SPEC)
        await lone.client.post("/rents", WISH)
        lone.clock.at_ms += 3_600
        lone.clock.wall_step_ms = step_ms
        assert (await lone.client.patch("/rents/1", {"endlocation": "서현역"})).status == 200
        returned = (await lone.published())[-1]
        assert (returned["starttime"], returned["endtime"]) == (NOON, NOON + 3_600)
        assert returned["clocksuspect"] is True
        assert await lone.rows("SELECT ended_ms, clocksuspect FROM rents") == [(NOON + 3_600, 1)]
        assert await lone.rows("SELECT n FROM counters WHERE name = 'clocksuspect'") == [(1,)]


async def test_a_ride_whose_clocks_agree_is_not_marked() -> None:
    lone = Lone(SPEC)
    await lone.client.post("/rents", WISH)
    lone.clock.at_ms += HOURS_3
    lone.clock.wall_step_ms = 59_000  # what a time server sets right
    await lone.client.patch("/rents/1", {"status": "returned"})
    assert (await lone.published())[-1]["endtime"] == NOON + HOURS_3
    assert "clocksuspect" not in (await lone.published())[-1]


@pytest.mark.parametrize(
    ("now", "lasts_ms", "suspect"),
    [
        (Moment(NOON + 5_000, "this", 15_000), 5_000, False),
        (Moment(NOON - HOURS_3, "this", 15_000), 5_000, True),
        (Moment(NOON + 5_000, "another", 900), 5_000, False),  # started anew: the wall clock counts
        (Moment(NOON + 5_000, "", 0), 5_000, False),
        (Moment(NOON - 1_000, "another", 900), 0, False),
        (Moment(NOON - HOURS_3, "another", 900), 0, True),
        (Moment(NOON + 5_000, "this", 9_000), 5_000, False),  # the machine went back to what it was before
    ],
)
def test_the_boot_clock_counts_on_the_same_boot_only(now: Moment, lasts_ms: int, suspect: bool) -> None:
    rent = OpenRent(1, 3, 1, NOON, "this", boot_ms=10_000)
    assert ridden(rent, now) == (lasts_ms, suspect)


def test_a_rent_that_began_before_the_boot_clock_was_kept_ends_by_the_wall_clock() -> None:
    assert (
        give_back(OpenRent(1, 3, 1, NOON), Moment(NOON + 7_000, "", 0), Handback(), Limits(0)).ended_ms == NOON + 7_000
    )


async def a_rent_that_hangs(lone: Lone) -> None:
    """A process that dies between the wish and bike's answer: the rent is pending, its key is held."""

    class Died(BaseException):
        pass

    async def die() -> None:
        raise Died

    lone.peer.meanwhile = die
    with pytest.raises(Died):
        await lone.client.post("/rents", WISH, idempotency_key="k")
    lone.peer = type(lone.peer)()


async def test_a_key_is_free_seconds_after_the_wall_clock_was_set_back_by_hours() -> None:
    lone = Lone(SPEC, {"GBIKE_CLOCK_BEHIND": "accept"})
    lone.clock.wall_step_ms = HOURS_3
    await a_rent_that_hangs(lone)
    lone.clock.wall_step_ms = 0
    assert (await lone.rows("SELECT count(*) FROM idempotency"))[0] == (1,)
    assert await lone.worker("sweeper").step() == 1
    assert await lone.rows("SELECT status FROM rents") == [("cancelled",)]
    assert await lone.rows("SELECT count(*) FROM idempotency") == [(0,)]


async def test_a_rent_under_way_is_not_swept_where_two_hosts_are_seconds_apart() -> None:
    lone = Lone(SPEC)
    lone.clock.wall_step_ms = 20_000
    await a_rent_that_hangs(lone)
    lone.clock.wall_step_ms = 0
    assert await lone.worker("sweeper").step() == 0


async def test_a_process_whose_clock_is_behind_its_store_takes_returns_and_no_rents() -> None:
    lone = Lone(SPEC)
    await lone.client.post("/rents", WISH)
    lone.clock.wall_step_ms = -HOURS_3
    await lone.worker("sweeper").step()
    refused = await lone.client.send("POST", "/rents", {"userid": 4, "bikeid": 2}, accept_language="ko")
    assert (refused.status, slug(refused)) == (503, "clock-behind")
    assert "시계" in refused.json["detail"]
    assert (await lone.client.patch("/rents/1", {"status": "returned"})).status == 200
    lone.clock.wall_step_ms = 0
    assert (await lone.client.post("/rents", {"userid": 4, "bikeid": 2})).status == 201


async def test_it_is_found_at_the_first_rent_after_a_start_too() -> None:
    lone = Lone(SPEC)
    await lone.store.write(
        lambda tx: tx.execute(
            "INSERT INTO rents (userid, bikeid, status, deadline_ms, started_ms, ended_ms)"
            " VALUES (9, 9, 'returned', 0, ?, ?)",
            (NOON, NOON + 61_000),
        )
    )
    assert slug(await lone.client.post("/rents", WISH)) == "clock-behind"
    lone.clock.wall_step_ms = 1_000
    assert (await lone.client.post("/rents", WISH)).status == 201


async def test_who_says_so_rents_by_a_clock_that_is_behind() -> None:
    lone = Lone(SPEC, {"GBIKE_CLOCK_BEHIND": "accept"})
    await lone.client.post("/rents", WISH)
    lone.clock.wall_step_ms = -HOURS_3
    assert (await lone.client.post("/rents", {"userid": 4, "bikeid": 2})).status == 201


async def test_a_clock_that_is_behind_is_told_once_and_so_is_its_mend(capsys: pytest.CaptureFixture[str]) -> None:
    lone = Lone(SPEC)
    await lone.client.post("/rents", WISH)
    for step_ms in (-HOURS_3, -HOURS_3, 0, 0):
        lone.clock.wall_step_ms = step_ms
        await lone.worker("sweeper").step()
    told = capsys.readouterr()
    assert (told.out + told.err).count("the wall clock is behind") == 1
    assert (told.out + told.err).count("the wall clock is right again") == 1


async def test_a_refusal_by_a_clock_that_is_behind_is_told_at_once_and_once_a_minute(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def told() -> int:
        printed = capsys.readouterr()
        return (printed.out + printed.err).count("the wall clock is behind")

    lone = Lone(SPEC)
    await lone.client.post("/rents", WISH)
    await lone.worker("sweeper").step()
    lone.clock.wall_step_ms = -HOURS_3
    for minute in range(2):  # the sweeper looks no more: what is told is told by the refusals
        for _ in range(3):
            assert slug(await lone.client.post("/rents", {"userid": 4, "bikeid": 2})) == "clock-behind"
        assert told() == 1, minute
        lone.clock.waited_ms += A_MINUTE_MS


def test_a_clock_without_a_boot_tells_nothing_by_two_readings() -> None:
    now = Moment(NOON + 7_000, "", 20)
    assert ridden(OpenRent(1, 3, 1, NOON, bootid="", boot_ms=10), now) == (7_000, False)
