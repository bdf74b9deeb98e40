"""Staying in: refresh tokens, the list of sessions, and signing out there or everywhere."""

import asyncio
from pathlib import Path

import pytest

from gbike.services.account.clients.tokens import successor
from gbike.services.account.commands.sessions import AGAIN_MS
from tests.services.account.people import AWAY, HOME, KIM, LEE, PASSWORD, Town, claims, kind

CHROME = (
    "Mozilla/5.0 (Linux; Android 14; SM-S918N) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Mobile Safari/537.36"
)
SESSIONS = "/accounts/1/sessions"


async def test_a_refresh_whose_answer_was_lost_is_asked_again_and_answers_the_same() -> None:
    """A rider whose line broke off during the answer stays in, and so does the ride."""
    town = Town()
    first = await town.signed_in()
    lost = await town.refresh(first)
    town.clock.at_ms += AGAIN_MS - 1
    again = await town.refresh(first)
    assert (lost.status, again.status) == (200, 200)
    assert again.json["refresh_token"] == lost.json["refresh_token"] != first.json["refresh_token"]
    assert (await town.refresh(again)).status == 200


async def test_after_a_minute_a_used_refresh_token_ends_the_session() -> None:
    town = Town()
    first = await town.signed_in()
    second = await town.refresh(first)
    town.clock.at_ms += AGAIN_MS + 1
    assert kind(await town.refresh(first)) == "session-over"
    assert kind(await town.refresh(second)) == "session-over", "the whole family is out"
    assert (await town.refresh(await town.sign_in())).status == 200, "a new session is another family"


async def test_a_stolen_token_whose_successor_was_used_ends_the_session_at_once() -> None:
    town = Town()
    first = await town.signed_in()
    second = await town.refresh(first)
    third = await town.refresh(second)
    assert third.status == 200
    assert kind(await town.refresh(first)) == "session-over"
    assert kind(await town.refresh(third)) == "session-over", "both are out"


async def test_many_who_show_one_refresh_token_at_once_are_given_the_same_one() -> None:
    """Two tabs, or a phone that asked twice: on however many replicas."""
    town = Town()
    session = await town.signed_in()
    answers = await asyncio.gather(*(town.refresh(session) for _ in range(10)))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.json["refresh_token"] for answer in answers}) == 1
    assert (await town.refresh(answers[0])).status == 200
    assert (await town.refresh(session)).status == 401


async def test_neither_an_old_token_nor_the_store_leads_to_the_next_token() -> None:
    town = Town()
    first = await town.signed_in()
    second = await town.refresh(first)
    rows = await town.lone.rows("SELECT token, salt, successor FROM refresh_tokens WHERE used_ms IS NOT NULL")
    ((hashed, salt, _),) = rows
    assert second.json["refresh_token"] not in str(rows)
    assert successor(hashed, salt) != second.json["refresh_token"], "from the store alone"
    third = await town.refresh(second)
    assert successor(second.json["refresh_token"], salt) != third.json["refresh_token"], "every salt is another"
    kept = dict(await town.lone.rows("SELECT token, salt FROM refresh_tokens"))
    assert kept[hashed] is None, "and it is gone once the successor is used"


async def test_when_the_password_was_shown_is_carried_over_refreshes() -> None:
    town = Town()
    session = await town.signed_in()
    shown = claims(session)["auth_time"]
    assert shown == town.clock.at_ms // 1000
    town.later(14)
    after = claims(await town.refresh(session))
    assert (after["auth_time"], after["sid"]) == (shown, claims(session)["sid"])
    assert claims(await town.sign_in())["auth_time"] == shown + 14 * 60


async def test_a_session_of_the_version_before_stays_in_and_is_not_recent() -> None:
    town = Town()
    session = await town.signed_in()
    old = "UPDATE sessions SET since_ms = NULL, auth_ms = NULL, used_ms = NULL, client = NULL, agent = NULL"
    await town.lone.store.write(lambda tx: tx.execute(old))
    again = await town.refresh(session)
    assert again.status == 200
    assert "auth_time" not in claims(again)
    ((shown),) = (await town.client.get(SESSIONS)).json["sessions"]
    assert (shown["since"], shown["network"], shown["agent"]) == (None, "", "")
    assert shown["lastused"] is not None


async def test_people_see_where_they_are_signed_in_coarsely_and_sign_out_there() -> None:
    town = Town()
    await town.sign_up()
    await town.sign_up(LEE)
    kim = {"contact": KIM, "password": PASSWORD}
    phone = await town.client.post("/sessions", kim, at=HOME, user_agent=CHROME)
    town.later(5)
    await town.client.post("/sessions", kim, at="2001:db8:77:1::9", user_agent="curl/8.5.0")
    town.later(5)
    other = await town.sign_in(LEE)
    phone = await town.refresh(phone)
    shown = (await town.client.get(SESSIONS)).json["sessions"]
    assert [(one["network"], one["agent"]) for one in shown] == [
        ("192.0.2.0/24", "Chrome, Android"),
        ("2001:db8:77::/48", "curl"),
    ], "the one used last first"
    assert shown[0]["sessionid"] == claims(phone)["sid"]
    assert shown[0]["since"] < shown[1]["since"] < shown[0]["lastused"]
    assert HOME not in str(await town.lone.rows("SELECT * FROM sessions"))
    for _ in range(2):
        assert (await town.client.post(f"{SESSIONS}/{shown[0]['sessionid']}/end")).status == 200
    assert (await town.refresh(phone)).status == 401
    assert [one["agent"] for one in (await town.client.get(SESSIONS)).json["sessions"]] == ["curl"]
    assert (await town.client.post(f"{SESSIONS}/{claims(other)['sid']}/end")).status == 200
    assert (await town.refresh(other)).status == 200, "another's session is not ended by name"
    assert (await town.client.get("/accounts/9/sessions")).status == 404
    ended = await town.lone.rows("SELECT client, agent FROM sessions WHERE ended_ms IS NOT NULL")
    assert ended == [(None, None)], "what was kept for the list goes with the session"


async def test_signing_out_everywhere_ends_every_session_and_the_password_stays() -> None:
    town = Town()
    sessions = [await town.signed_in(), await town.sign_in(at=AWAY)]
    other = await town.signed_in(LEE)
    assert (await town.client.post(f"{SESSIONS}/end")).status == 200
    assert [(await town.refresh(session)).status for session in sessions] == [401, 401]
    assert (await town.refresh(other)).status == 200
    assert (await town.client.get(SESSIONS)).json == {"sessions": []}
    assert (await town.sign_in()).status == 200


async def test_a_session_that_ran_out_is_not_listed() -> None:
    town = Town(GBIKE_SESSION_DAYS="1")
    await town.signed_in()
    town.later(24 * 60)
    assert (await town.client.get(SESSIONS)).json == {"sessions": []}


@pytest.mark.parametrize(
    ("published", "shown"),
    [
        (CHROME, "Chrome, Android"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5) AppleWebKit/605 Version/17.5 Mobile Safari/604.1", "Safari, iPhone"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/126 Safari/537 Edg/126", "Edge, Windows"),
        ("python-requests/2.32", "python-requests"),
        ("<script>alert(1)</script>", ""),
        ("Kim's own phone/1", ""),
        ("", ""),
    ],
)
async def test_of_a_program_its_kind_is_kept_and_nothing_else(published: str, shown: str, tmp_path: Path) -> None:
    town = Town()
    await town.sign_up()
    await town.client.post("/sessions", {"contact": KIM, "password": PASSWORD}, user_agent=published)
    ((one),) = (await town.client.get(SESSIONS)).json["sessions"]
    assert one["agent"] == shown
