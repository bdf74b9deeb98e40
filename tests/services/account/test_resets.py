"""Coming back without a password."""

import json
import stat
from pathlib import Path

from tests.services.account.people import KIM, LEE, Town, kind

NEW = "a new bicycle"
ASK, USE = "/accounts/passwordResets", "/accounts/passwordResets/use"


def letters(file: Path) -> list[dict[str, str]]:
    """The resets that were sent so far."""
    sent = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    return [letter for letter in sent if letter["about"] == "password reset"]


def token_in(letter: dict[str, str]) -> str:
    return letter["link"].partition("#")[2]


async def test_a_reset_is_sent_to_the_account_and_good_once(tmp_path: Path) -> None:
    file = tmp_path / "resets.jsonl"
    town = Town(GBIKE_RESET_FILE=str(file), GBIKE_RESET_PAGE="https://bikes.example/reset")
    session = await town.signed_in()
    assert (await town.client.post(ASK, {"contact": KIM})).status == 202
    assert (await town.client.post(ASK, {"contact": LEE})).status == 202
    (letter,) = letters(file)
    assert letter["to"] == "account 1"
    assert letter["link"].startswith("https://bikes.example/reset#")
    assert KIM not in file.read_text(), "the operator looks it up"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    token = token_in(letter)
    assert kind(await town.client.post(USE, {"token": "none-of-ours", "password": NEW})) == "reset-refused"
    assert (await town.client.post(USE, {"token": token, "password": NEW})).status == 200
    assert (await town.client.post(USE, {"token": token, "password": "yet another one"})).status == 401
    assert (await town.refresh(session)).status == 401, "whoever was in is out"
    assert (await town.sign_in(password=NEW)).status == 200


async def test_a_reset_is_short_lived_and_only_the_last_one_counts(tmp_path: Path) -> None:
    file = tmp_path / "resets.jsonl"
    town = Town(GBIKE_RESET_FILE=str(file))
    await town.sign_up()
    for _ in range(2):
        await town.client.post(ASK, {"contact": KIM})
    first, second = map(token_in, letters(file))
    assert (await town.client.post(USE, {"token": first, "password": NEW})).status == 401
    town.later(15.1)
    assert (await town.client.post(USE, {"token": second, "password": NEW})).status == 401


async def test_nobody_is_flooded_with_resets(tmp_path: Path) -> None:
    file = tmp_path / "resets.jsonl"
    town = Town(GBIKE_RESET_FILE=str(file))
    await town.sign_up()
    statuses = [(await town.client.post(ASK, {"contact": KIM})).status for _ in range(7)]
    assert statuses == [202] * 5 + [429] * 2
    assert len(letters(file)) == 5
    assert (await town.sign_in()).status == 200, "and who knows the password gets in as before"


async def test_where_nothing_can_be_sent_nobody_is_told(tmp_path: Path) -> None:
    for file in ("", str(tmp_path / "no" / "such" / "folder")):
        town = Town(**({"GBIKE_RESET_FILE": file} if file else {}))
        await town.sign_up()
        assert (await town.client.post(ASK, {"contact": KIM})).status == 202


async def test_a_weak_new_password_does_not_use_the_token_up(tmp_path: Path) -> None:
    file = tmp_path / "resets.jsonl"
    town = Town(GBIKE_RESET_FILE=str(file))
    await town.sign_up()
    await town.client.post(ASK, {"contact": KIM})
    token = token_in(letters(file)[0])
    assert kind(await town.client.post(USE, {"token": token, "password": "password1234"})) == "weak-password"
    assert (await town.client.post(USE, {"token": token, "password": NEW})).status == 200
