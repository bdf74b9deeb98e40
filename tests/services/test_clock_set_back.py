"""A wall clock that was hours ahead and is right again: nothing that it wrote down stays locked or good for hours."""

from pathlib import Path

import pytest

from gbike.services.bike_manage_app.wiring import SPEC as REPORTS
from gbike.services.user_deposit.domain import MOST_BEGUN
from gbike.services.user_deposit.wiring import SPEC as DEPOSITS
from tests.services.account.people import KIM, Town, kind
from tests.services.account.test_resets import ASK, NEW, USE, letters, token_in
from tests.services.lone import Lone

HOURS_9 = 9 * 3_600_000
REPORT = {"managerid": 1, "bikeid": 7, "batterylevel": 50}


class Died(BaseException):
    """The process ended here."""


async def test_a_report_that_hung_lets_its_key_and_number_go() -> None:
    lone = Lone(REPORTS)
    lone.clock.wall_step_ms = HOURS_9

    async def die() -> None:
        raise Died

    lone.peer.meanwhile = die
    with pytest.raises(Died):
        await lone.client.post("/bikeManageApps", REPORT, idempotency_key="k")
    lone.clock.wall_step_ms = 0
    assert await lone.worker("sweeper").step() == 1
    assert await lone.rows("SELECT count(*) FROM idempotency") == [(0,)]


async def test_who_was_locked_out_by_a_clock_ahead_is_not_locked_out_for_its_hours() -> None:
    town = Town()
    await town.sign_up()
    town.clock.wall_step_ms = HOURS_9
    assert [(await town.sign_in(password="wrong")).status for _ in range(6)] == [401] * 5 + [429]
    town.clock.wall_step_ms = 0
    assert (await town.sign_in()).status == 200


async def test_failures_that_a_clock_ahead_counted_don_t_count_for_hours() -> None:
    town = Town()
    await town.sign_up()
    town.clock.wall_step_ms = HOURS_9
    for _ in range(4):
        await town.sign_in(password="wrong")
    town.clock.wall_step_ms = 0
    assert [(await town.sign_in(password="wrong")).status for _ in range(5)] == [401] * 5


async def test_a_code_that_a_clock_ahead_used_up_does_not_keep_its_owner_out() -> None:
    town = Town()
    await town.sign_up()
    town.clock.at_ms += HOURS_9
    codes = await town.enrolled()
    town.clock.at_ms -= HOURS_9
    town.later(1)
    assert (await town.sign_in(code=town.code(codes))).status == 200
    assert (await town.sign_in(code=town.code(codes))).status == 401, "used by now"


async def test_a_reset_that_a_clock_ahead_sent_is_not_good_for_hours(tmp_path: Path) -> None:
    file = tmp_path / "resets.jsonl"
    town = Town(GBIKE_RESET_FILE=str(file))
    await town.sign_up()
    town.clock.wall_step_ms = HOURS_9
    await town.client.post(ASK, {"contact": KIM})
    town.clock.wall_step_ms = 0
    (letter,) = letters(file)
    assert kind(await town.client.post(USE, {"token": token_in(letter), "password": NEW})) == "reset-refused"


async def test_a_session_that_a_clock_ahead_began_does_not_outlast_its_length() -> None:
    town = Town()
    town.clock.wall_step_ms = HOURS_9
    session = await town.signed_in()
    town.clock.wall_step_ms = 0
    assert (await town.refresh(session)).status == 401


async def test_payments_that_a_clock_ahead_began_are_not_in_the_way_for_hours() -> None:
    lone = Lone(DEPOSITS, {"GBIKE_PAYMENT_PROVIDER": "test"})
    lone.clock.wall_step_ms = HOURS_9
    for _ in range(MOST_BEGUN):
        assert (await lone.client.post("/userDeposits/3/payments", {"amount": 1})).status == 201
    assert (await lone.client.post("/userDeposits/3/payments", {"amount": 1})).status == 429
    lone.clock.wall_step_ms = 0
    assert (await lone.client.post("/userDeposits/3/payments", {"amount": 1})).status == 201
