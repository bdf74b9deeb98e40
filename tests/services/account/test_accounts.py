"""One's own account, authenticators, what admins decide, and being forgotten."""

import asyncio

import pytest

from tests.services.account.people import KIM, LEE, PASSWORD, Town, claims, kind


async def test_the_last_admin_stays_one() -> None:
    town = Town()
    await town.sign_up()
    await town.sign_up(LEE)
    assert (await town.client.put("/accounts/1/roles", {"roles": ["admin"]})).json["roles"] == ["admin"]
    for path, body in (("/accounts/1/roles", {"roles": ["rider"]}), ("/accounts/1/erasure", {})):
        refused = await (town.client.put if "roles" in path else town.client.post)(path, body)
        assert (refused.status, kind(refused)) == (409, "last-admin")
    assert (await town.client.put("/accounts/2/roles", {"roles": ["admin", "rider"]})).status == 200
    assert (await town.client.put("/accounts/1/roles", {"roles": ["rider"]})).status == 200


async def test_of_two_admins_who_both_step_back_at_once_one_stays() -> None:
    town = Town()
    for number, contact in enumerate((KIM, LEE), 1):
        await town.sign_up(contact)
        await town.client.put(f"/accounts/{number}/roles", {"roles": ["admin"]})
    left = await asyncio.gather(*(town.client.put(f"/accounts/{n}/roles", {"roles": ["rider"]}) for n in (1, 2)))
    assert sorted(answer.status for answer in left) == [200, 409]


async def test_roles_are_in_the_next_token_with_the_number_among_the_field_staff() -> None:
    town = Town()
    session = await town.signed_in()
    await town.client.put("/accounts/1/roles", {"roles": ["bikeManager", "rider"], "managerid": 7})
    published = claims(await town.refresh(session))
    assert (published["roles"], published["managerid"]) == (["rider", "bikeManager"], 7)
    await town.client.put("/accounts/1/roles", {"roles": ["bikeManager"]})
    assert claims(await town.sign_in())["managerid"] == 1, "their own number unless told"
    await town.client.put("/accounts/1/roles", {"roles": ["rider"]})
    assert "managerid" not in claims(await town.sign_in())


@pytest.mark.parametrize("roles", [[], ["king"], "admin", ["rider"] * 4, None])
async def test_roles_that_there_are_not_are_refused(roles: object) -> None:
    town = Town()
    await town.sign_up()
    assert (await town.client.put("/accounts/1/roles", {"roles": roles})).status == 422
    assert (await town.client.put("/accounts/9/roles", {"roles": ["rider"]})).status == 404


async def test_what_the_server_owns_is_not_taken_from_who_signs_up() -> None:
    town = Town()
    wish = {"name": "Kim", "contact": KIM, "password": PASSWORD, "roles": ["admin"], "userid": 99, "managerid": 1}
    assert (await town.client.post("/accounts", wish)).status == 202
    (account,) = (await town.client.get("/accounts")).json["_embedded"]["accounts"]
    assert (account["userid"], account["roles"], account["managerid"]) == (1, ["rider"], None)


async def test_a_name_can_be_changed_and_nothing_else() -> None:
    town = Town()
    await town.sign_up()
    changed = await town.client.patch("/accounts/1", {"name": " Kim Minji ", "contact": LEE, "roles": ["admin"]})
    assert (changed.json["name"], changed.json["contact"], changed.json["roles"]) == ("Kim Minji", KIM, ["rider"])
    assert (await town.client.patch("/accounts/1", {"name": ""})).status == 422
    assert (await town.client.patch("/accounts/2", {"name": "Lee"})).status == 404


async def test_a_new_password_ends_every_session() -> None:
    town = Town()
    sessions = [await town.signed_in(), await town.sign_in()]
    wrong = {"current": "not the password", "new": "another bicycle"}
    assert (await town.client.post("/accounts/1/password", wrong)).status == 401
    weak = await town.client.post("/accounts/1/password", {"current": PASSWORD, "new": "password1234"})
    assert kind(weak) == "weak-password"
    right = {"current": PASSWORD, "new": "another bicycle"}
    assert (await town.client.post("/accounts/1/password", right)).status == 200
    assert [(await town.refresh(session)).status for session in sessions] == [401, 401]
    assert (await town.sign_in()).status == 401
    assert (await town.sign_in(password="another bicycle")).status == 200


async def test_guesses_of_the_current_password_are_counted_too() -> None:
    town = Town()
    await town.sign_up()
    wrong = {"current": "not the password", "new": "another bicycle"}
    statuses = [(await town.client.post("/accounts/1/password", wrong)).status for _ in range(6)]
    assert statuses == [401] * 5 + [429]


async def test_with_an_authenticator_a_code_is_needed_and_good_once() -> None:
    town = Town()
    await town.sign_up()
    codes = await town.enrolled()
    assert kind(await town.sign_in()) == "code-needed"
    assert kind(await town.sign_in(password="wrong password")) == "sign-in-refused", "no word of codes to a stranger"
    assert (await town.sign_in(code=town.code(codes))).status == 401, "it confirmed the enrolment"
    town.later(0.5)
    now = town.code(codes)
    assert (await town.sign_in(code=now)).status == 200
    assert (await town.sign_in(code=now)).status == 401
    town.later(0.5)
    assert (await town.sign_in(code=town.code(codes))).status == 200


async def test_of_many_who_use_one_code_at_once_one_gets_in() -> None:
    town = Town(GBIKE_SIGN_IN_FAILURES="100")
    await town.sign_up()
    codes = await town.enrolled()
    town.later(1)
    answers = await asyncio.gather(*(town.sign_in(code=town.code(codes)) for _ in range(10)))
    assert sorted(answer.status for answer in answers) == [200] + [401] * 9


async def test_codes_are_guessed_no_more_often_than_passwords() -> None:
    town = Town()
    await town.sign_up()
    await town.enrolled()
    town.later(16)
    statuses = [(await town.sign_in(code=f"{n:06}")).status for n in range(6)]
    assert statuses == [401] * 5 + [429]


async def test_the_clock_of_a_telephone_may_be_half_a_minute_wrong() -> None:
    town = Town(GBIKE_SIGN_IN_FAILURES="100")
    await town.sign_up()
    codes = await town.enrolled()
    now_s = town.clock.at_ms // 1000 + 600
    town.later(10)
    assert (await town.sign_in(code=codes.at(now_s - 90))).status == 401
    assert (await town.sign_in(code=codes.at(now_s - 30))).status == 200
    assert (await town.sign_in(code=codes.at(now_s + 30))).status == 200
    assert (await town.sign_in(code=codes.at(now_s))).status == 401, "earlier than one that was used"


async def test_an_authenticator_is_taken_once_and_confirmed_by_its_code() -> None:
    town = Town()
    await town.sign_up()
    confirm = "/accounts/1/authenticator/confirmation"
    assert kind(await town.client.post(confirm, {"code": "123456"})) == "not-enrolling"
    first = (await town.client.post("/accounts/1/authenticator")).json
    assert first["link"].startswith("otpauth://totp/gbike:kim%40example.com?secret=" + first["secret"])
    assert kind(await town.client.post(confirm, {"code": "000000"})) == "sign-in-refused"
    assert (await town.sign_in()).status == 200, "not needed before it is confirmed"
    await town.enrolled()
    assert kind(await town.client.post("/accounts/1/authenticator")) == "enrolled-already"
    assert (await town.client.post("/accounts/1/authenticator/removal")).json["codes"] is False
    assert (await town.sign_in()).status == 200


async def test_the_secret_of_an_authenticator_is_sealed_in_the_store() -> None:
    town = Town()
    await town.sign_up()
    secret = (await town.client.post("/accounts/1/authenticator")).json["secret"]
    ((sealed,),) = await town.lone.rows("SELECT sealed FROM accounts")
    assert secret.encode() not in sealed
    await town.sign_up(LEE)
    await town.lone.store.write(lambda tx: tx.execute("UPDATE accounts SET sealed = ? WHERE userid = 2", (sealed,)))
    moved = await town.client.post("/accounts/2/authenticator/confirmation", {"code": "123456"})
    assert moved.status == 401, "another's sealed secret opens for nobody else"


async def test_staff_without_an_authenticator_are_only_riders_where_one_is_required() -> None:
    town = Town(GBIKE_STAFF_CODES="required")
    session = await town.signed_in()
    assert session.json["codes_needed"] is False, "riders need none"
    await town.client.put("/accounts/1/roles", {"roles": ["rider", "admin"]})
    session = await town.refresh(session)
    assert (session.json["roles"], session.json["codes_needed"]) == (["rider"], True)
    await town.enrolled()
    session = await town.refresh(session)
    assert (claims(session)["roles"], session.json["codes_needed"]) == (["rider", "admin"], False)


async def test_who_is_forgotten_leaves_no_name_and_no_way_in() -> None:
    town = Town()
    session = await town.signed_in()
    await town.enrolled()
    await town.client.post("/accounts/passwordResets", {"contact": KIM})
    await town.sign_in(password="wrong password")
    erased = [await town.client.post("/accounts/1/erasure") for _ in range(2)]
    assert erased[0] == erased[1]
    gone = erased[0].json
    assert (gone["name"], gone["contact"], gone["roles"], gone["erased"]) == (None, None, [], True)
    assert (await town.refresh(session)).status == 401
    assert (await town.sign_in()).status == 401
    published = [(one["eventType"], one["userid"]) for one in await town.lone.published()]
    assert published == [("RegisteredAccount", 1), ("EndedSessions", 1), ("AccountErased", 1)], "once"
    tables = ("accounts", "sessions", "refresh_tokens", "resets", "tries", "attempts", "idempotency", "outbox")
    assert await town.lone.rows("SELECT * FROM households") == []
    everything = str([await town.lone.rows(f"SELECT * FROM {table}") for table in tables])
    for trace in ("Kim", KIM, "argon2id"):
        assert trace not in everything
    assert (await town.client.patch("/accounts/1", {"name": "Kim"})).json["name"] is None
    assert (await town.client.put("/accounts/1/roles", {"roles": ["rider"]})).status == 404
    await town.sign_up()
    assert (await town.sign_in()).json["userid"] == 2, "the contact is free, the number is never given again"


async def test_nothing_is_deleted() -> None:
    town = Town()
    await town.sign_up()
    assert (await town.client.send("DELETE", "/accounts/1")).status == 405


async def test_why_roles_were_changed_and_an_authenticator_was_taken_is_on_record_with_what_was_so_before() -> None:
    town = Town()
    await town.signed_in()
    await town.enrolled()
    grant = {"roles": ["rider", "bikeManager"], "managerid": 7, "reason": "works in the field"}
    assert (await town.client.put("/accounts/1/roles", grant)).status == 200
    assert (await town.client.post("/accounts/1/authenticator/removal", {"reason": "lost it"})).status == 200
    assert (await town.client.post("/accounts/1/authenticator/removal")).status == 200, "and none need be told"
    assert (await town.client.put("/accounts/1/roles", {**grant, "reason": " "})).status == 422
    assert await town.lone.rows("SELECT action, before, after FROM audit WHERE number > 0 ORDER BY number") == [
        (
            "roles granted",
            '{"managerid":null,"roles":["rider"]}',
            '{"managerid":7,"reason":"works in the field","roles":["rider","bikeManager"]}',
        ),
        ("authenticator removed", '{"codes_wanted":true}', '{"codes_wanted":false,"reason":"lost it"}'),
        ("authenticator removed", '{"codes_wanted":false}', '{"codes_wanted":false}'),
    ]
