"""Who gets in, how long, and what nobody is told."""

import asyncio
import json
import unicodedata
from pathlib import Path

import jwt
import pytest

from gbike.kit.calls.in_process import call_asgi
from gbike.kit.contacts import plain
from gbike.services.account.domain import WeakPassword, must_be_strong
from tests.services.account.people import KIM, LEE, PASSWORD, Town, claims, kind


async def test_who_signed_up_gets_in_and_is_a_rider() -> None:
    town = Town()
    assert (await town.sign_up()).status == 202
    session = await town.sign_in()
    assert (session.status, session.json["userid"], session.json["roles"]) == (200, 1, ["rider"])
    published = claims(session)
    assert (published["iss"], published["sub"], published["roles"], published["exp"] - published["iat"]) == (
        "gbike",
        "1",
        ["rider"],
        900,
    )
    assert {"rent", "bike", "account"} < set(published["aud"])
    assert "managerid" not in published


async def test_an_access_token_is_verified_by_the_published_keys() -> None:
    town = Town()
    session = await town.signed_in()
    keys = jwt.PyJWKSet.from_dict((await town.client.get("/.well-known/jwks.json")).json)
    head = jwt.get_unverified_header(session.json["access_token"])
    assert (head["alg"], head["typ"]) == ("EdDSA", "at+jwt")
    options = {"verify_exp": False, "verify_iat": False}  # the town's clock is not the machine's
    published = jwt.decode(session.json["access_token"], keys[head["kid"]], ["EdDSA"], audience="rent", options=options)
    assert published["sub"] == "1"
    with pytest.raises(jwt.InvalidAudienceError):
        jwt.decode(session.json["access_token"], keys[head["kid"]], ["EdDSA"], audience="mars", options=options)


async def test_a_contact_is_known_however_it_is_written() -> None:
    town = Town()
    await town.sign_up(" Kim@Example.COM ")
    assert (await town.sign_in("kim@example.com")).status == 200
    assert plain("\uff2b\uff49\uff4d") == "kim"


async def test_no_answer_tells_whether_there_is_an_account() -> None:
    town = Town()
    await town.sign_up(KIM)
    again, new = await town.sign_up(KIM, "another password"), await town.sign_up(LEE)
    assert (again.status, again.json) == (new.status, new.json)
    known, unknown = await town.sign_in(KIM, "wrong password"), await town.sign_in("nobody@example.com")
    strip = {"correlation_id"}
    assert known.status == unknown.status == 401
    assert {k: v for k, v in known.json.items() if k not in strip} == {
        k: v for k, v in unknown.json.items() if k not in strip
    }
    resets = [await town.client.post("/accounts/passwordResets", {"contact": c}) for c in (KIM, "nobody@example.com")]
    assert resets[0] == resets[1]
    assert (await town.sign_in(KIM)).status == 200, "the second sign-up changed nothing"


async def test_after_five_failures_there_is_a_wait_also_where_there_is_no_account() -> None:
    for contact in (KIM, "nobody@example.com"):
        town = Town()
        await town.sign_up(KIM)
        assert [kind(await town.sign_in(contact, "wrong password")) for _ in range(6)] == [
            *["sign-in-refused"] * 5,
            "too-many-tries",
        ]
        waiting = await town.sign_in(contact, PASSWORD)
        assert waiting.status == 429, "also with the right password"
        town.later(15.1)
        assert (await town.sign_in(contact, PASSWORD)).status == (200 if contact == KIM else 401)


async def test_the_wait_is_told() -> None:
    town = Town(GBIKE_SIGN_IN_FAILURES="1")
    await town.sign_in("nobody@example.com", at="127.0.0.1")
    body = json.dumps({"contact": "nobody@example.com", "password": PASSWORD}).encode()
    waiting = await call_asgi(town.lone.running.app, "POST", "/sessions", body, {})
    assert (waiting.status, waiting.retry_after_s) == (429, 1)


async def test_failures_are_forgotten_after_a_good_one_and_after_a_while() -> None:
    town = Town()
    await town.sign_up()
    for _ in range(3):
        for _ in range(4):
            assert (await town.sign_in(KIM, "wrong password")).status == 401
        assert (await town.sign_in()).status == 200
    for _ in range(4):
        await town.sign_in(KIM, "wrong password")
        await town.sign_in("nobody@example.com", "wrong password")
        town.later(16)
    assert (await town.sign_in(KIM, "wrong password")).status == 401


async def test_a_full_queue_of_hashing_is_told_at_once() -> None:
    town = Town(GBIKE_HASHING_AT_ONCE="1", GBIKE_HASHING_WAITING="2")
    answers = await asyncio.gather(*(town.sign_in(f"{n}@example.com") for n in range(20)))
    busy = [answer for answer in answers if answer.status == 503]
    assert {kind(answer) for answer in busy} == {"sign-in-busy"}
    assert [answer.status for answer in answers].count(401) >= 3
    assert len(busy) >= 10
    assert (await town.sign_in("later@example.com")).status == 401, "and afterwards there is room again"


@pytest.mark.parametrize(
    "password", ["password1234", "PASSWORD1234", "aaaaaaaaaaaa", "ababababab", "kim@example.com", "short"]
)
async def test_a_password_that_would_be_guessed_is_refused(password: str) -> None:
    town = Town()
    refused = await town.sign_up(password=password)
    assert refused.status == (422 if password == "short" else 409)
    assert password not in str(refused.json)
    assert (await town.client.get("/accounts")).json["page"]["totalElements"] == 0


@pytest.mark.parametrize("password", ["비밀번호비밀번호비밀", "비밀번호", "사랑해요 자전거"])
def test_syllables_that_a_keyboard_takes_apart_make_no_password_longer_or_rarer(password: str) -> None:
    for form in ("NFC", "NFD"):
        with pytest.raises(WeakPassword):
            must_be_strong(unicodedata.normalize(form, password), beside=())


def test_what_is_long_and_uncommon_is_a_good_password() -> None:
    must_be_strong("정자역 3번 출구 앞 자전거", beside=("Kim",))
    must_be_strong("x7kq" + "v9mw" + "qz!", beside=())


async def test_a_password_is_kept_as_argon2id_and_tokens_as_hashes() -> None:
    town = Town()
    session = await town.signed_in()
    everything = str(
        [
            await town.lone.rows(f"SELECT * FROM {table}")
            for table in ("accounts", "sessions", "refresh_tokens", "resets", "tries", "idempotency", "outbox")
        ]
    )
    assert "$argon2id$v=19$m=8192,t=1,p=1$" in everything
    assert PASSWORD not in everything
    assert session.json["refresh_token"] not in everything
    assert everything.count(KIM) == 2, "as it was typed and in its normal form"


async def test_a_hash_of_another_cost_is_made_anew_at_the_next_sign_in(tmp_path: Path) -> None:
    hashed = "SELECT password_hash FROM accounts"
    for passes in ("1", "2"):
        town = Town(tmp_path / "account.sqlite", GBIKE_PASSWORD_PASSES=passes)
        session = await town.signed_in()
        assert (await town.lone.rows(hashed))[0][0].startswith(f"$argon2id$v=19$m=8192,t={passes}")
        assert (await town.refresh(session)).status == 200, "nobody is signed out for that"
        await town.lone.stop()


async def test_who_signs_out_is_out_and_nobody_is_told_whether_a_token_was_one() -> None:
    town = Town()
    session = await town.signed_in()
    ended = [
        await town.client.post("/sessions/end", {"refresh_token": token})
        for token in (session.json["refresh_token"], "never-was-one")
    ]
    assert ended[0] == ended[1]
    assert ended[0].status == 200
    assert (await town.refresh(session)).status == 401


async def test_a_session_ends_by_itself() -> None:
    town = Town(GBIKE_SESSION_DAYS="1")
    session = await town.signed_in()
    town.later(23 * 60)
    session = await town.refresh(session)
    assert session.status == 200
    town.later(61)
    assert (await town.refresh(session)).status == 401


async def test_what_is_out_of_date_is_forgotten_by_the_housekeeper() -> None:
    town = Town(GBIKE_SESSION_DAYS="1")
    await town.signed_in()
    await town.sign_in(KIM, "wrong password")
    await town.lone.store.write(lambda tx: tx.execute("INSERT INTO attempts VALUES ('killed', 'x', 1)"))
    town.later(90 * 24 * 60 + 1)
    await town.lone.worker("housekeeper").step()
    for table in ("sessions", "refresh_tokens", "tries", "attempts", "households"):
        assert await town.lone.rows(f"SELECT * FROM {table}") == [], table
