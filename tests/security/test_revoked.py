"""Access tokens that are refused before their end: whose account was erased, changed, or signed out everywhere."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pyotp
import pytest

from gbike.contracts.account import AccountErased, ChangedRoles, EndedSessions
from gbike.kit.auth.principal import Principal
from gbike.kit.auth.revoked import Revocations
from gbike.kit.auth.services import ServiceKeys
from gbike.kit.auth.tokens import BadToken, Trusted, Verifier
from gbike.kit.envelope import Event, Message, pack
from gbike.kit.messaging.bus import BusUnavailable
from gbike.kit.telemetry import NO_TRACE
from gbike.run.hearing import Hearing
from tests.account.house import admin_file, up
from tests.cluster.running import until
from tests.security.asking import CHEAP
from tests.security.people import ISSUER, As, Locked, TestIssuer
from tests.services.account.people import claims, prove_all
from tests.services.lone import NOON, SetClock
from tests.support import Client

SECOND_MS = 1_000
PASSWORD = "two wheels and a bell"
NEW = "three wheels and a horn"


def holder(userid: int = 7, version: int | None = 0, issued_ms: int = NOON) -> Principal:
    """Who shows a token of that version, issued then."""
    return Principal(str(userid), userid=userid, issued_s=issued_ms // SECOND_MS, tokenversion=version)


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def revoked(clock: SetClock) -> Revocations:
    return Revocations(clock, most=100)


def test_tokens_of_an_older_version_are_refused_in_whatever_second_they_were_issued(revoked: Revocations) -> None:
    revoked.refuse(7, 3, NOON)
    assert [revoked.refuses(holder(version=version)) for version in (0, 2, 3, 4)] == [True, True, False, False]
    assert not revoked.refuses(holder(8))
    assert not revoked.refuses(Principal("service:rent", service="rent"))


def test_what_comes_twice_or_out_of_turn_changes_nothing(revoked: Revocations) -> None:
    for version in (3, 1, 3, 2):
        revoked.refuse(7, version, NOON)
    assert [revoked.refuses(holder(version=version)) for version in (2, 3)] == [True, False]
    assert len(revoked) == 1


def test_a_token_without_a_version_goes_by_its_second(revoked: Revocations) -> None:
    """Of an outside issuer, or of an account service of before."""
    revoked.refuse(7, 3, NOON + 400)
    issued = (NOON - SECOND_MS, NOON, NOON + SECOND_MS)
    assert [revoked.refuses(holder(version=None, issued_ms=at)) for at in issued] == [True, True, False]


def test_a_clock_that_is_ahead_refuses_nothing_of_tomorrow(revoked: Revocations) -> None:
    revoked.refuse(7, 3, NOON + 86_400_000)
    assert not revoked.refuses(holder(version=None, issued_ms=NOON + SECOND_MS))


def test_what_is_older_than_any_token_is_forgotten(revoked: Revocations, clock: SetClock) -> None:
    revoked.refuse(7, 1, NOON)
    clock.waited_ms += 900_000
    revoked.refuse(8, 1, NOON)
    assert revoked.refuses(holder(7))
    clock.waited_ms += 61_000
    revoked.refuse(9, 1, NOON)
    assert len(revoked) == 2
    assert revoked.reach_ms == 960_000
    assert Revocations(clock, 3_600).reach_ms == 3_660_000, "as long as an outside issuer's tokens last"


def test_a_flood_takes_no_more_memory_and_nobody_is_let_in_by_it(revoked: Revocations, clock: SetClock) -> None:
    revoked.refuse(7, 1, NOON - 5 * SECOND_MS)
    for userid in range(1_000, 1_500):
        revoked.refuse(userid, 1, NOON)
    assert len(revoked) == 100
    assert revoked.refuses(holder(7, issued_ms=NOON - 60 * SECOND_MS)), "as everybody who must renew theirs now"
    assert not revoked.refuses(holder(7, 1, NOON + SECOND_MS))


async def test_a_token_that_was_checked_and_is_remembered_is_refused_too(clock: SetClock, revoked: Revocations) -> None:
    issuer = TestIssuer(clock)
    trusted = {ISSUER: Trusted(issuer)}
    verifier = Verifier(frozenset({"rent"}), trusted, ServiceKeys({}), clock, revoked=revoked)
    old, new = issuer.token(7, "rider", tokenversion=0), issuer.token(7, "rider", tokenversion=1)
    assert await verifier.check(old) == verifier.known(old)
    revoked.refuse(7, 1, NOON)
    assert verifier.known(old) is None
    with pytest.raises(BadToken, match="changed since"):
        await verifier.check(old)
    assert (await verifier.check(new)).userid == 7


class Told:
    """A Tail that answers what a test puts in."""

    def __init__(self, *messages: Message) -> None:
        self.messages = list(messages)

    async def take(self, most: int) -> list[Message]:
        taken, self.messages = self.messages[:most], self.messages[most:]
        return taken

    async def changed(self, timeout_ms: int) -> None:
        raise BusUnavailable("nobody waits here")


def message(event: Event, source: str = "account") -> Message:
    return pack(event, id=f"m-{type(event).__name__}", source=source, now_ms=NOON, trace=NO_TRACE)


async def test_doors_hear_account_and_nobody_else(revoked: Revocations) -> None:
    good = [ChangedRoles(userid=1, tokenversion=2), EndedSessions(userid=2, tokenversion=5), AccountErased(userid=3)]
    broken = Message("m", "ChangedRoles", "user:4", message(good[0]).headers, b"{")
    nameless = Message("m", "ChangedRoles", "user:4", b'{"ce_source": "/gbike/account"}', message(good[0]).value)
    forged = message(EndedSessions(userid=5, tokenversion=9), source="rent")
    hearing = Hearing(Told(*map(message, good), broken, nameless, forged), revoked)
    assert await hearing.step() == 6
    assert [revoked.refuses(holder(userid, 2)) for userid in range(1, 7)] == [False, True, True, False, False, False]
    assert revoked.refuses(holder(1, 1))
    assert revoked.refuses(holder(3, 1_000_000)), "an erased account has no tokens any more"
    assert await hearing.step() == 0


# All of gbike in one process.


class Person:
    """Somebody who signed up and in."""

    def __init__(self, locked: Locked, name: str) -> None:
        self._locked = locked
        self.name = name
        self.session = ""
        self.me: As = locked.anonymous
        self.userid = 0

    async def sign_in(self, password: str = PASSWORD) -> As:
        """A client with their new token."""
        contact = f"{self.name}@example.com"
        reply = await self._locked.anonymous.post("/sessions", {"contact": contact, "password": password})
        assert reply.status == 200, reply
        self.userid, self.session = int(claims(reply)["sub"]), reply.json["refresh_token"]  # type: ignore[arg-type]
        self.me = self._locked.with_token(reply.json["access_token"])
        return self.me

    async def refresh(self) -> tuple[int, As]:
        """Go on with the session: the status, and a client with what it gave."""
        reply = await self._locked.anonymous.post("/sessions/refresh", {"refresh_token": self.session})
        self.session = reply.json.get("refresh_token", "")
        return reply.status, self._locked.with_token(reply.json.get("access_token", ""))


class Town(Locked):
    """People of our own account service, and what is looked at of them elsewhere."""

    async def signed_up(self, name: str) -> Person:
        """Somebody who has an account, and is in."""
        who = {"name": name, "contact": f"{name}@example.com", "password": PASSWORD}
        assert (await self.anonymous.post("/accounts", who)).status == 202
        await self.whole.part("account").store.write(prove_all)
        found = Person(self, name)
        await found.sign_in()
        return found


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    made = Town({**CHEAP, "GBIKE_RESET_FILE": str(tmp_path / "resets.jsonl")})
    made.whole.start()
    yield made
    await made.whole.stop()


async def refused(client: Client) -> Any:
    """Wait until a token is refused by another service than account; answers why."""
    async with asyncio.timeout(10):
        while (reply := await client.get("/rents")).status == 200:  # noqa: ASYNC110 - no test is told
            await asyncio.sleep(0)  # the doors hear meanwhile
    assert (reply.status, reply.headers["www-authenticate"]) == (401, 'Bearer realm="gbike", error="invalid_token"')
    return reply.json["why"]


async def test_who_is_erased_is_out_everywhere_at_once(town: Town) -> None:
    kim, lee = await town.signed_up("kim"), await town.signed_up("lee")
    assert (await kim.me.get("/rents")).status == (await lee.me.get("/rents")).status == 200
    assert (await kim.me.post(f"/accounts/{kim.userid}/erasure", {"password": PASSWORD})).status == 200
    assert await refused(kim.me) == "the account was changed since it was issued"
    assert (await lee.me.get("/rents")).status == 200


async def test_roles_that_were_taken_count_no_more_and_nobody_is_signed_out_by_it(town: Town) -> None:
    kim = await town.signed_up("kim")
    for roles, may in ((["rider", "bikeManager"], 200), (["rider"], 403)):
        assert (await town.admin.put(f"/accounts/{kim.userid}/roles", {"roles": roles})).status == 200
        await refused(kim.me)
        status, kim.me = await kim.refresh()
        assert (status, (await kim.me.get("/bikeManageApps")).status) == (200, may)


async def test_the_same_roles_again_refuse_nothing(town: Town) -> None:
    kim = await town.signed_up("kim")
    assert (await town.admin.put(f"/accounts/{kim.userid}/roles", {"roles": ["rider"]})).status == 200
    await town.whole.settle()
    assert (await kim.me.get("/rents")).status == 200


async def test_a_stolen_token_ends_with_the_reset_and_who_signs_in_in_the_same_second_is_in(
    town: Town, tmp_path: Path
) -> None:
    kim = await town.signed_up("kim")
    thief = kim.me
    await town.anonymous.post("/accounts/passwordResets", {"contact": "kim@example.com"})
    letter = json.loads((tmp_path / "resets.jsonl").read_text().splitlines()[-1])
    token = letter["link"].rpartition("/")[2]
    used = await town.anonymous.post("/accounts/passwordResets/use", {"token": token, "password": NEW})
    assert used.status == 200, used
    again = await kim.sign_in(NEW)
    await refused(thief)
    assert (await again.get("/rents")).status == 200


async def test_a_changed_password_ends_every_other_token_and_the_session_with_it(town: Town) -> None:
    kim = await town.signed_up("kim")
    changed = await kim.me.post(f"/accounts/{kim.userid}/password", {"current": PASSWORD, "new": NEW})
    assert changed.status == 200, changed
    await refused(kim.me)
    assert (await kim.refresh())[0] == 401
    assert (await (await kim.sign_in(NEW)).get("/rents")).status == 200


async def test_staff_without_their_authenticator_are_staff_no_more(town: Town) -> None:
    """Where they must have one, its removal takes their roles."""
    kim = await town.signed_up("kim")
    secret = (await kim.me.post(f"/accounts/{kim.userid}/authenticator", {"password": PASSWORD})).json["secret"]

    confirmation = {"code": pyotp.TOTP(secret).now(), "password": PASSWORD}
    confirmed = await kim.me.post(f"/accounts/{kim.userid}/authenticator/confirmation", confirmation)
    assert confirmed.status == 200, confirmed
    assert (await town.admin.post(f"/accounts/{kim.userid}/authenticator/removal")).status == 200
    await refused(kim.me)


async def test_it_counts_while_the_bus_can_not_be_written_and_everything_is_served(town: Town) -> None:
    """In one process the doors read what account said where it said it."""
    kim = await town.signed_up("kim")
    async with town.whole.bus.store.hold:
        assert (await kim.me.post(f"/accounts/{kim.userid}/erasure", {"password": PASSWORD})).status == 200
        await refused(kim.me)
        assert (await town.admin.get("/rents")).status == 200


def test_a_process_that_starts_again_refuses_them_too(tmp_path: Path) -> None:
    """Also after the log was cut behind an erasure."""
    env = {"GBIKE_LIMIT_ANONYMOUS_PER_MIN": "0"}
    people = {name: {"name": name, "contact": f"{name}@example.com", "password": PASSWORD} for name in ("kim", "lee")}
    with up(tmp_path / "data", "--admin-file", str(admin_file(tmp_path)), env=env) as house:
        tokens, boss = {}, house.sign_in()
        for name, person in people.items():
            assert house.ask("POST", "/accounts", person).status == 202
            tokens[name] = house.sign_in(person["contact"], PASSWORD)
            assert house.ask("GET", "/rents", token=tokens[name]).status == 200
        assert house.ask("POST", "/accounts/2/erasure", {}, boss).status == 200
        roles = {"roles": ["rider", "bikeManager"]}
        assert house.ask("PUT", "/accounts/3/roles", roles, boss).status == 200
        for token in tokens.values():
            assert until(lambda token=token: house.ask("GET", "/rents", token=token).status == 401)
    with up(tmp_path / "data", env=env) as house:
        assert [house.ask("GET", "/rents", token=token).status for token in tokens.values()] == [401, 401]
        assert house.ask("GET", "/rents", token=boss).status == 200
        assert house.ask("GET", "/rents", token=house.sign_in("lee@example.com", PASSWORD)).status == 200
