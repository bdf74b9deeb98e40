"""People who are invited: by a link that is good once, to do what an admin said."""

import asyncio
import json
from pathlib import Path
from typing import Any

from gbike.kit.clock import rfc3339
from gbike.kit.storage.retention import DAY_MS, Housekeeper
from gbike.services.account.storage import KEEPS
from tests.services.account.people import KIM, LEE, PASSWORD, Town, claims, kind
from tests.services.lone import Reply

INVITE = "/accounts/invitations"
LOOK, USE = f"{INVITE}/look", f"{INVITE}/use"
PARK = "park@example.com"
HOUR_MS = 3_600_000


async def invited(town: Town, contact: str = PARK, *roles: str, **more: Any) -> str:
    """The token that was sent."""
    reply = await town.client.post(INVITE, {"contact": contact, "roles": list(roles) or ["rider"], **more})
    assert reply.status == 201, reply
    token: str = reply.json["link"].rpartition("/")[2]
    return token


async def use(town: Town, token: str, **who: str) -> Reply:
    return await town.client.post(USE, {"token": token, **(who or {"name": "Park", "password": PASSWORD})})


async def look(town: Town, token: str) -> Reply:
    return await town.client.post(LOOK, {"token": token})


async def test_who_is_invited_gets_a_letter_with_the_whole_link_and_comes_in_once(tmp_path: Path) -> None:
    file = tmp_path / "letters.jsonl"
    town = Town(GBIKE_RESET_FILE=str(file), GBIKE_PUBLIC_URL="https://bikes.example")
    wish = {"contact": " Park@Example.com", "roles": ["bikeManager", "rider"], "reason": "begins on Monday"}
    reply = await town.client.post(INVITE, wish)
    assert reply.status == 201, reply
    link = reply.json["link"]
    assert link.startswith("https://bikes.example/app/#/invited/")
    expires = rfc3339(town.clock.at_ms + 72 * HOUR_MS)
    assert (reply.json["contact"], reply.json["roles"], reply.json["expires"]) == (
        PARK,
        ["rider", "bikeManager"],
        expires,
    )
    (letter,) = map(json.loads, file.read_text().splitlines())
    assert (letter["to"], letter["about"], letter["link"]) == ("invitation 1", "invitation", link)
    assert link in letter["text"]
    assert link in letter["text_ko"]
    assert PARK not in file.read_text().casefold(), "the operator looks it up"
    token = link.rpartition("/")[2]
    assert token not in str(await town.lone.rows("SELECT * FROM invitations")), "kept as what it hashes to"
    (listed,) = (await town.client.get(INVITE)).json["_embedded"]["invitations"]
    assert (listed["contact"], listed["roles"], "link" in listed) == (PARK, ["rider", "bikeManager"], False)
    assert (await look(town, token)).json == {"roles": ["rider", "bikeManager"], "known": False, "expires": expires}
    done = await use(town, token)
    assert (done.status, done.json) == (200, {"status": "joined"})
    session = await town.sign_in(PARK)
    assert (session.status, claims(session)["roles"]) == (200, ["rider", "bikeManager"])
    account = (await town.client.get("/accounts/1")).json
    assert (account["name"], account["contact_proved"], account["managerid"]) == ("Park", True, 1), "their own number"
    assert (await town.client.get(INVITE)).json["page"]["totalElements"] == 0


async def test_every_token_that_is_of_no_use_is_refused_alike() -> None:
    """Used, withdrawn, replaced by a newer one, too old, or never one: strangers learn nothing."""
    town = Town()
    used = await invited(town, "used@example.com")
    await use(town, used)
    withdrawn = await invited(town, "withdrawn@example.com")
    assert (await town.client.send("DELETE", f"{INVITE}/2")).status == 200
    replaced = await invited(town, "twice@example.com")
    newer = await invited(town, "twice@example.com")
    old = await invited(town, "old@example.com", expires=rfc3339(town.clock.at_ms + HOUR_MS))
    town.later(60)
    bad = (used, withdrawn, replaced, old, "never-one")
    answers = [await ask(town, token) for ask in (look, use) for token in bad]
    told = {(reply.status, kind(reply), reply.json["detail"]) for reply in answers}
    assert len(told) == 1, told
    assert min(told)[:2] == (401, "invitation-refused")
    assert (await use(town, newer)).status == 200


async def test_where_the_contact_has_an_account_it_is_given_the_roles_and_neither_password_nor_session() -> None:
    town = Town()
    await town.signed_in()
    await town.client.put("/accounts/1/roles", {"roles": ["admin"]})
    before = await town.sign_in()
    token = await invited(town, KIM.upper(), "bikeManager", managerid=7)
    assert (await look(town, token)).json["known"] is True
    reply = await use(town, token, name="Mallory", password="another bicycle at noon")
    assert (reply.status, reply.json) == (200, {"status": "granted"}), "no session"
    account = (await town.client.get("/accounts/1")).json
    assert (account["name"], account["roles"], account["managerid"]) == ("Kim", ["bikeManager", "admin"], 7)
    assert (await town.sign_in(password="another bicycle at noon")).status == 401
    assert (await town.sign_in()).status == 200
    refreshed = await town.refresh(before)
    assert claims(refreshed)["roles"] == ["bikeManager", "admin"], "who is in stays in"
    last = (await town.lone.published())[-1]
    assert (last["eventType"], last["tokenversion"]) == ("ChangedRoles", 2), "access tokens of before are refused"


async def test_who_has_no_account_gives_a_name_and_a_password_that_is_hard_to_guess() -> None:
    town = Town()
    token = await invited(town)
    for who in ({"name": "Park"}, {"password": PASSWORD}):
        reply = await use(town, token, **who)
        assert (reply.status, kind(reply)) == (409, "name-and-password-needed")
    for password in ("1234567890", PARK):
        assert kind(await use(town, token, name="Park", password=password)) == "weak-password"
    assert (await use(town, token, name=" ", password=PASSWORD)).status == 422
    assert (await use(town, token)).status == 200, "none of that used it up"


async def test_who_waits_to_prove_the_contact_loses_it_to_the_one_who_is_invited() -> None:
    town = Town()
    await town.sign_up(PARK, "a squatter at dusk", proved=False)
    token = await invited(town)
    assert (await look(town, token)).json["known"] is False
    assert (await use(town, token)).json == {"status": "joined"}
    assert (await town.sign_in(PARK, "a squatter at dusk")).status == 401
    assert (await town.sign_in(PARK)).json["userid"] == 2


async def test_an_invitation_ends_in_time_and_30_days_at_most() -> None:
    town = Town()
    for late_ms in (-1, 0, 30 * DAY_MS + 1):
        wish = {"contact": PARK, "roles": ["rider"], "expires": rfc3339(town.clock.at_ms + late_ms)}
        assert kind(await town.client.post(INVITE, wish)) == "expiry-refused", late_ms
    token = await invited(town, expires=rfc3339(town.clock.at_ms + 30 * DAY_MS))
    town.later(30 * 24 * 60 - 1)
    assert (await look(town, token)).status == 200
    town.later(1)
    assert (await use(town, token)).status == 401
    assert (await town.client.get(INVITE)).json["page"]["totalElements"] == 0


async def test_only_what_can_be_reached_is_invited_and_to_what_there_is() -> None:
    town = Town()
    assert kind(await town.client.post(INVITE, {"contact": "the boss", "roles": ["admin"]})) == "contact-refused"
    for roles in ([], ["king"], "admin", None):
        assert (await town.client.post(INVITE, {"contact": PARK, "roles": roles})).status == 422
    reply = await town.client.post(INVITE, {"contact": "010-1234-5678", "roles": ["admin"]})
    assert reply.json["contact"] == "010-1234-5678"


async def test_an_invitation_is_withdrawn_once() -> None:
    town = Town()
    await invited(town)
    assert (await town.client.send("DELETE", f"{INVITE}/1", {"reason": "a slip"})).json == {"status": "withdrawn"}
    assert kind(await town.client.send("DELETE", f"{INVITE}/1")) == "invitation-unknown"


async def test_what_is_on_record_names_who_may_do_what_and_why_and_no_contact() -> None:
    town = Town()
    await town.sign_up(KIM)
    await invited(town, PARK, "admin", reason="a second head")
    await town.client.send("DELETE", f"{INVITE}/1", {"reason": "not yet"})
    await use(town, await invited(town, LEE, "bikeManager"))
    await use(town, await invited(town, KIM, "bikeManager", managerid=7))
    rows = await town.lone.rows("SELECT action, subject, before, after FROM audit WHERE number > 0 ORDER BY number")
    assert [row[:2] for row in rows] == [
        ("invited", "invitation:1"),
        ("invitation withdrawn", "invitation:1"),
        ("invited", "invitation:2"),
        ("invitation used", "user:2"),
        ("invited", "invitation:3"),
        ("invitation used", "user:1"),
    ]
    first, second, fourth, last = (rows[n] for n in (0, 1, 3, 5))
    assert json.loads(first[3]) == {
        "roles": ["admin"],
        "managerid": None,
        "expires": rfc3339(town.clock.at_ms + 72 * HOUR_MS),
        "reason": "a second head",
    }
    assert json.loads(second[3]) == {"reason": "not yet"}
    assert json.loads(fourth[3]) == {"roles": ["bikeManager"], "managerid": 2, "invitationid": 2}
    assert json.loads(last[2]) == {"roles": ["rider"], "managerid": None}
    assert json.loads(last[3]) == {"roles": ["rider", "bikeManager"], "managerid": 7, "invitationid": 3}
    assert "@" not in str(rows)


async def test_of_many_who_use_a_token_at_once_one_comes_in() -> None:
    town = Town()
    token = await invited(town, PARK, "admin")
    answers = await asyncio.gather(*(use(town, token) for _ in range(5)))
    assert sorted(answer.status for answer in answers) == [200, 401, 401, 401, 401]
    assert (await town.client.get("/accounts")).json["page"]["totalElements"] == 1


async def test_an_erased_account_s_invitation_goes_with_it_and_its_contact_may_be_invited_anew() -> None:
    town = Town()
    await town.sign_up(PARK)
    token = await invited(town, PARK, "bikeManager")
    other = await invited(town, LEE)
    assert (await town.client.post("/accounts/1/erasure")).status == 200
    assert (await use(town, token)).status == 401
    assert (await town.lone.rows("SELECT contact FROM invitations")) == [(LEE,)]
    assert (await use(town, await invited(town, PARK))).json == {"status": "joined"}
    assert (await town.sign_in(PARK)).json["userid"] == 2
    assert (await use(town, other)).status == 200


async def test_an_invitation_that_is_over_is_swept_a_day_later() -> None:
    town = Town()
    await invited(town, expires=rfc3339(town.clock.at_ms + HOUR_MS))
    await invited(town, LEE)
    for minutes, left in ((61, 2), (24 * 60, 1)):
        town.later(minutes)
        await Housekeeper(town.lone.store, town.clock, KEEPS).step()
        assert len(await town.lone.rows("SELECT 1 FROM invitations")) == left
