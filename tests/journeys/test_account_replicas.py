"""Two replicas of account on one PostgreSQL: what is tried at once at both is judged as at one."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gbike.kit.clock import SystemIds
from gbike.kit.storage.postgres.store import PostgresStore
from gbike.services.account.storage import VERSIONS
from tests.postgres import Server
from tests.services.account.people import KIM, Town, kind

WRONG = "wrong password"


@pytest.fixture
async def towns(server: Server, tmp_path: Path) -> AsyncIterator[list[Town]]:
    """Two replicas, and Kim, who signed up at the first."""
    url = server.migrated(VERSIONS)
    env = {"GBIKE_RESET_FILE": str(tmp_path / "resets.jsonl")}
    found = [
        Town(None, lambda clock: PostgresStore(url, clock=clock, ids=SystemIds(), source="account"), **env)
        for _ in range(2)
    ]
    await found[0].sign_up()
    yield found
    for town in found:
        await town.lone.stop()


async def test_right_sign_ins_at_once_at_both_lock_nobody(towns: list[Town]) -> None:
    answers = await asyncio.gather(*(towns[n % 2].sign_in() for n in range(58)))
    assert {answer.status for answer in answers} == {200, 503}
    assert {kind(answer) for answer in answers if answer.status == 503} == {"sign-in-busy"}
    assert [(await town.sign_in()).status for town in towns] == [200, 200]


async def test_guesses_at_once_at_both_are_no_more_than_one_after_the_other(towns: list[Town]) -> None:
    answers = await asyncio.gather(*(towns[n % 2].sign_in(KIM, f"{WRONG} {n}") for n in range(40)))
    assert sorted({kind(answer) for answer in answers}) == ["sign-in-busy", "sign-in-refused"]
    judged = [kind(answer) for answer in answers].count("sign-in-refused")
    while judged < 5:
        judged += kind(await towns[judged % 2].sign_in(KIM, WRONG)) == "sign-in-refused"
    assert judged == 5
    assert [kind(await town.sign_in()) for town in towns] == ["too-many-tries"] * 2


async def test_a_refresh_token_that_is_shown_at_both_at_once_has_one_successor(towns: list[Town]) -> None:
    session = await towns[0].sign_in()
    answers = await asyncio.gather(*(towns[n % 2].refresh(session) for n in range(10)))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.json["refresh_token"] for answer in answers}) == 1
    assert (await towns[1].refresh(answers[0])).status == 200
    assert (await towns[0].refresh(session)).status == 401, "its successor was used"


async def test_resets_that_are_asked_for_at_both_at_once_are_three_letters_and_the_first_is_good(
    towns: list[Town], tmp_path: Path
) -> None:
    ask = "/accounts/passwordResets"
    await towns[0].client.post(ask, {"contact": KIM})
    await asyncio.gather(*(towns[n % 2].client.post(ask, {"contact": KIM}) for n in range(10)))
    lines = [line for line in (tmp_path / "resets.jsonl").read_text().splitlines() if "password reset" in line]
    assert len(lines) == 3
    token = lines[0].partition("#/reset/")[2].partition('"')[0]
    assert (await towns[1].client.post(f"{ask}/use", {"token": token, "password": "a new bicycle"})).status == 200
    assert (await towns[0].sign_in(password="a new bicycle")).status == 200
