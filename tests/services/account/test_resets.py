"""Coming back without a password."""

import json
import stat
from pathlib import Path

import pyotp

from tests.services.account.people import AWAY, HOME, KIM, LEE, Town, kind

NEW = "a new bicycle"
ASK, USE = "/accounts/passwordResets", "/accounts/passwordResets/use"


def letters(file: Path) -> list[dict[str, str]]:
    """The resets that were sent so far."""
    sent = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    return [letter for letter in sent if letter["about"] == "password reset"]


def token_in(letter: dict[str, str]) -> str:
    return letter["link"].rpartition("/")[2].rpartition("#")[2]


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


async def test_the_link_of_a_reset_is_whole_and_leads_into_the_app_unless_there_is_a_page_of_ones_own(
    tmp_path: Path,
) -> None:
    pages = (
        ({"GBIKE_PUBLIC_URL": "https://bikes.example/seoul"}, "https://bikes.example/seoul/app/#/reset/"),
        ({"GBIKE_RESET_PAGE": "https://bikes.example/reset"}, "https://bikes.example/reset#"),
    )
    for number, (env, before) in enumerate(pages):
        file = tmp_path / f"{number}.jsonl"
        town = Town(GBIKE_RESET_FILE=str(file), **env)
        await town.sign_up()
        await town.client.post(ASK, {"contact": KIM})
        (letter,) = letters(file)
        assert letter["link"] == before + token_in(letter)
        assert letter["link"] in letter["text"]
        assert letter["link"] in letter["text_ko"]
        town.later(29.9)
        assert (await town.client.post(USE, {"token": token_in(letter), "password": NEW})).status == 200


async def test_a_reset_is_short_lived(tmp_path: Path) -> None:
    file = tmp_path / "resets.jsonl"
    town = Town(GBIKE_RESET_FILE=str(file))
    await town.sign_up()
    await town.client.post(ASK, {"contact": KIM})
    town.later(30.1)
    (token,) = map(token_in, letters(file))
    assert (await town.client.post(USE, {"token": token, "password": NEW})).status == 401


async def test_a_reset_that_a_stranger_asks_for_leaves_the_owners_letters_good_and_one_is_good_for_all(
    tmp_path: Path,
) -> None:
    file = tmp_path / "resets.jsonl"
    town = Town(GBIKE_RESET_FILE=str(file))
    await town.sign_up()
    await town.client.post(ASK, {"contact": KIM})
    for n in range(20):
        assert (await town.client.post(ASK, {"contact": KIM}, at=f"203.0.113.{n}")).status == 202
    owners, *more = map(token_in, letters(file))
    assert len(more) == 2
    assert (await town.client.post(USE, {"token": owners, "password": NEW})).status == 200
    for other in more:
        assert (await town.client.post(USE, {"token": other, "password": "yet another one"})).status == 401


async def test_however_often_strangers_ask_the_owner_has_a_letter_that_is_good_for_half_its_time(
    tmp_path: Path,
) -> None:
    file = tmp_path / "resets.jsonl"
    town = Town(GBIKE_RESET_FILE=str(file))
    await town.sign_up()
    for minute in range(60):
        await town.client.post(ASK, {"contact": KIM}, at=f"203.0.113.{minute}")
        await town.client.post(ASK, {"contact": KIM}, at=f"203.0.113.{minute}")
        town.later(1)
        newest = await town.lone.rows("SELECT max(expires_ms) FROM resets")
        assert newest[0][0] - town.clock.at_ms >= 14 * 60_000, minute
    assert len(letters(file)) <= 25


async def test_a_client_may_ask_for_so_many_resets_and_is_told_so_in_these_words(tmp_path: Path) -> None:
    file = tmp_path / "resets.jsonl"
    town = Town(GBIKE_RESET_FILE=str(file), GBIKE_RESETS_PER_IP="4")
    await town.sign_up()
    asked = [await town.client.post(ASK, {"contact": f"{n}@example.com"}, at=HOME) for n in range(5)]
    assert [reply.status for reply in asked] == [202] * 4 + [429]
    assert kind(asked[-1]) == "too-many-resets"
    assert (await town.client.post(ASK, {"contact": KIM}, at=AWAY)).status == 202
    assert (await town.sign_in()).status == 200, "and who knows the password gets in as before"


async def test_after_a_reset_nobody_is_in_and_an_enrolment_that_nobody_confirmed_is_gone(tmp_path: Path) -> None:
    file = tmp_path / "resets.jsonl"
    town = Town(GBIKE_RESET_FILE=str(file))
    thief = await town.signed_in()
    given = await town.client.post("/accounts/1/authenticator")
    await town.client.post(ASK, {"contact": KIM})
    token = token_in(letters(file)[0])
    assert (await town.client.post(USE, {"token": token, "password": NEW})).status == 200
    code = town.code(pyotp.TOTP(given.json["secret"]))
    confirmed = await town.client.post("/accounts/1/authenticator/confirmation", {"code": code})
    assert kind(confirmed) == "not-enrolling"
    assert (await town.refresh(thief)).status == 401
    assert (await town.sign_in(password=NEW)).status == 200


async def test_an_authenticator_that_was_confirmed_outlives_a_reset(tmp_path: Path) -> None:
    file = tmp_path / "resets.jsonl"
    town = Town(GBIKE_RESET_FILE=str(file))
    await town.sign_up()
    await town.enrolled()
    await town.client.post(ASK, {"contact": KIM})
    assert (await town.client.post(USE, {"token": token_in(letters(file)[0]), "password": NEW})).status == 200
    assert kind(await town.sign_in(password=NEW)) == "code-needed"


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
