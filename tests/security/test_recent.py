"""What a stolen access token is not good for: what asks for the password, or for a sign-in a moment ago."""

from typing import Any

import jwt
import pytest

from tests.security.people import As, Locked
from tests.services.account.people import CHEAP, KIM, LEE, PASSWORD, prove_all
from tests.services.lone import SetClock

STEPS = (
    "/accounts/{userid}/authenticator",
    "/accounts/{userid}/authenticator/confirmation",
    "/accounts/{userid}/erasure",
    "/accounts/{userid}/contact",
    "/accounts/{userid}/authenticator/recoveryCodes",
)
MINUTE_MS = 60_000


class House:
    """Two riders and an admin with passwords, and a clock."""

    def __init__(self) -> None:
        self.clock = SetClock()
        self.locked = Locked(CHEAP, self.clock)

    async def person(self, contact: str) -> tuple[int, As]:
        """Sign up and in; the number and a client with the token of now."""
        await self.locked.anonymous.post("/accounts", {"name": "A", "contact": contact, "password": PASSWORD})
        await self.locked.whole.part("account").store.write(prove_all)
        session = await self.locked.anonymous.post("/sessions", {"contact": contact, "password": PASSWORD})
        assert session.status == 200, session
        return session.json["userid"], self.locked.with_token(session.json["access_token"])


@pytest.fixture
async def house() -> Any:
    found = House()
    yield found
    await found.locked.whole.stop()


def slug(reply: Any) -> str:
    return str(reply.json["type"].partition("#")[2])


def body(path: str, **more: Any) -> dict[str, Any]:
    """What the step is about, beside the password."""
    about = {"confirmation": {"code": "123456"}, "contact": {"contact": "010-9999-1234"}}
    return {**about.get(path.rpartition("/")[2], {}), **more}


@pytest.mark.parametrize("step", STEPS)
async def test_a_stolen_token_needs_the_password_after_five_minutes(house: House, step: str) -> None:
    userid, thief = await house.person(KIM)
    path = step.format(userid=userid)
    house.clock.at_ms += 5 * MINUTE_MS + 2_000
    refused = await thief.post(path, body(path))
    assert (refused.status, slug(refused)) == (401, "sign-in-again")
    challenge = refused.headers["www-authenticate"]
    assert challenge.startswith('Bearer error="insufficient_user_authentication"')
    assert 'max_age="300"' in challenge
    wrong = await thief.post(path, body(path, password="a wrong bicycle"))
    assert (wrong.status, slug(wrong)) == (401, "sign-in-refused")
    right = await thief.post(path, body(path, password=PASSWORD))
    assert (right.status, slug(right) if right.status > 400 else "") in ((200, ""), (202, ""), (409, "not-enrolling"))


@pytest.mark.parametrize("step", STEPS)
async def test_whoever_signed_in_a_moment_ago_needs_none(house: House, step: str) -> None:
    userid, one = await house.person(KIM)
    house.clock.at_ms += 5 * MINUTE_MS - 1_000
    path = step.format(userid=userid)
    done = await one.post(path, body(path))
    assert (done.status, slug(done) if done.status > 400 else "") in ((200, ""), (202, ""), (409, "not-enrolling"))


async def test_staying_in_is_not_signing_in(house: House) -> None:
    await house.person(KIM)
    session = await house.locked.anonymous.post("/sessions", {"contact": KIM, "password": PASSWORD})
    house.clock.at_ms += 10 * MINUTE_MS
    again = await house.locked.anonymous.post("/sessions/refresh", {"refresh_token": session.json["refresh_token"]})
    one = house.locked.with_token(again.json["access_token"])
    assert slug(await one.post(f"/accounts/{again.json['userid']}/erasure")) == "sign-in-again"


async def test_an_admin_who_erases_another_shows_their_own_password(house: House) -> None:
    (rider, _), (boss, _) = await house.person(LEE), await house.person(KIM)
    await house.locked.admin.put(f"/accounts/{boss}/roles", {"roles": ["admin"]})
    session = await house.locked.anonymous.post("/sessions", {"contact": KIM, "password": PASSWORD})
    admin = house.locked.with_token(session.json["access_token"])
    house.clock.at_ms += 6 * MINUTE_MS
    assert slug(await admin.post(f"/accounts/{rider}/erasure")) == "sign-in-again"
    assert (await admin.post(f"/accounts/{rider}/erasure", {"password": PASSWORD})).json["erased"] is True


async def test_guesses_at_the_password_of_a_stolen_token_wait_as_those_of_a_sign_in(house: House) -> None:
    userid, thief = await house.person(KIM)
    path = f"/accounts/{userid}/erasure"
    found = [slug(await thief.post(path, {"password": f"a wrong bicycle {n}"})) for n in range(6)]
    assert found == ["sign-in-refused"] * 5 + ["too-many-tries"]
    sign_in = await house.locked.anonymous.post("/sessions", {"contact": KIM, "password": PASSWORD})
    assert slug(sign_in) == "too-many-tries"


@pytest.mark.parametrize(("auth_time", "status"), [(None, 401), (-301, 401), (0, 200), (+3600, 401)])
async def test_an_outside_issuer_says_when_somebody_signed_in(house: House, auth_time: int | None, status: int) -> None:
    """One that does not say it has nobody's recent sign-in; nor does a moment far ahead."""
    userid, _ = await house.person(KIM)
    now = house.clock.at_ms // 1000
    token = house.locked.issuer.token(userid, "rider", auth_time=None if auth_time is None else now + auth_time)
    done = await house.locked.with_token(token).post(f"/accounts/{userid}/authenticator")
    assert done.status == status


async def test_another_outside_number_without_an_account_here_has_no_password_to_show(house: House) -> None:
    token = house.locked.issuer.token(4711, "admin", auth_time=1)
    userid, _ = await house.person(KIM)
    refused = await house.locked.with_token(token).post(f"/accounts/{userid}/erasure", {"password": PASSWORD})
    assert slug(refused) == "sign-in-again"


async def test_a_list_of_sessions_tells_which_one_asks(house: House) -> None:
    userid, one = await house.person(KIM)
    await house.person(KIM)
    shown = (await one.get(f"/accounts/{userid}/sessions")).json["sessions"]
    mine = jwt.decode(str(one.token), options={"verify_signature": False})["sid"]
    assert {row["sessionid"] for row in shown if row["this"]} == {mine}
    assert len(shown) == 2
