"""Recovery codes let somebody in whose authenticator is lost, each once."""

import asyncio
from typing import Any

import pyotp
import pytest

from tests.services.account.people import PASSWORD, Town, kind

RENEW = "/accounts/1/authenticator/recoveryCodes"


async def a_town() -> tuple[Town, Any]:
    """Kim has an authenticator; the answer to its first code."""
    town = Town(GBIKE_SIGN_IN_FAILURES="100")
    await town.sign_up()
    codes = pyotp.TOTP((await town.client.post("/accounts/1/authenticator")).json["secret"])
    confirmed = await town.client.post("/accounts/1/authenticator/confirmation", {"code": town.code(codes)})
    return town, confirmed.json


async def test_ten_codes_are_shown_once_and_each_lets_in_once() -> None:
    town, confirmed = await a_town()
    codes = confirmed["recovery_codes"]
    assert len(set(codes)) == confirmed["recovery_left"] == 10
    assert "recovery_codes" not in (await town.client.get("/accounts/1")).json
    kept = str(await town.lone.rows("SELECT * FROM recovery_codes"))
    assert not any(code in kept or code.replace("-", "") in kept for code in codes)
    assert kind(await town.sign_in()) == "code-needed"
    assert (await town.sign_in(code=codes[0])).status == 200
    assert kind(await town.sign_in(code=codes[0])) == "sign-in-refused"
    assert (await town.sign_in(code=codes[1].replace("-", "").lower())).status == 200
    assert (await town.sign_in(password="wrong password", code=codes[2])).status == 401
    assert (await town.client.get("/accounts/1")).json["recovery_left"] == 8
    assert (await town.sign_in(code="AAAA-AAAA-AAAA-AAAA")).status == 401


async def test_of_many_who_use_one_code_at_once_one_gets_in() -> None:
    town, confirmed = await a_town()
    answers = await asyncio.gather(*(town.sign_in(code=confirmed["recovery_codes"][0]) for _ in range(5)))
    assert sorted(answer.status for answer in answers) == [200] + [401] * 4


async def test_other_codes_take_the_place_of_those_before() -> None:
    town, confirmed = await a_town()
    renewed = (await town.client.post(RENEW, {"password": PASSWORD})).json["recovery_codes"]
    assert not set(renewed) & set(confirmed["recovery_codes"])
    assert (await town.sign_in(code=confirmed["recovery_codes"][0])).status == 401
    assert (await town.sign_in(code=renewed[0])).status == 200


async def test_they_go_with_the_authenticator() -> None:
    town, _ = await a_town()
    assert (await town.client.post("/accounts/1/authenticator/removal")).json["recovery_left"] == 0
    assert await town.lone.rows("SELECT * FROM recovery_codes") == []
    assert kind(await town.client.post(RENEW, {"password": PASSWORD})) == "not-enrolling"


@pytest.mark.parametrize("code", ["12345", "1234567", "ABCD-EFGH", "0189-0189-0189-0189", ""])
async def test_what_is_no_code_at_all_is_said_so(code: str) -> None:
    town, _ = await a_town()
    given = {"contact": "kim@example.com", "password": PASSWORD, "code": code}
    assert (await town.client.post("/sessions", given)).status == 422
