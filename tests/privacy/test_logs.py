"""A day of everybody's doings, open and secure, with trouble: the log holds no token, place, name or contact."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from gbike.run.embedded import Embedded
from tests.privacy.people import SETTINGS
from tests.security.people import Locked
from tests.support import Client

WORD = "zubenelgenubi"
PLACE = {"endlocation": f"Corner-{WORD}", "lat": 37.123_456_789, "lon": 127.987_654_321}
PASSWORD = f"a bicycle of {WORD} at dawn"
SECRETS = (WORD, "37.123", "127.987", "eyJ", "Bearer")


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    with capture_logs() as found:
        yield found


def told(logged: list[Any]) -> list[str]:
    """Lines that tell what they must not, with whatever exceptions say."""
    lines = [repr(entry) + repr(getattr(entry.get("exc_info"), "args", "")) for entry in logged]
    return [line for line in lines for secret in SECRETS if secret.lower() in line.lower()]


async def a_day(client: Client, userid: int, whole: Embedded) -> None:
    """Rides, money, reports, wrong bodies, a poison message."""
    await client.post("/bikes", {"bikeid": 1, "status": "사용가능", "location": PLACE["endlocation"]})
    await client.post("/userDeposits", {"userid": userid, "deposit": 1000})
    rent = (await client.post("/rents", {"userid": userid, "bikeid": 1})).json["rentid"]
    await client.post("/rents", {"userid": userid, "bikeid": 1})
    await client.patch(f"/rents/{rent}", {**PLACE, "lat": 370})
    await client.patch(f"/rents/{rent}", json.dumps(PLACE).encode() + b"}")
    await client.patch(f"/rents/{rent}", PLACE, idempotency_key=f"key-{userid}")
    await client.patch(f"/rents/{rent}", {**PLACE, "endlocation": "elsewhere"}, idempotency_key=f"key-{userid}")
    await client.patch(f"/bikes/1?at={WORD}", {"location": PLACE["endlocation"]})
    part = whole.part("rent")
    await part.store.write(lambda tx: tx.execute("UPDATE outbox SET value = replace(value, 'starttime', 'stoptime')"))
    await whole.settle()


async def test_the_demo_tells_nobodys_places(logged: list[Any]) -> None:
    whole = Embedded(None, SETTINGS)
    await a_day(Client(whole.app), 5, whole)
    await whole.stop()
    assert "a message is set aside" in {entry["event"] for entry in logged}
    assert told(logged) == []


async def test_the_secure_form_tells_no_tokens_names_or_places(logged: list[Any]) -> None:
    locked = Locked(SETTINGS)
    kim = {"contact": f"{WORD}@contact.example", "password": PASSWORD}
    for body in ({"name": WORD, **kim}, {"name": WORD, **kim}, {"name": WORD, **kim, "password": WORD}):
        await locked.anonymous.post("/accounts", body)
    session = (await locked.anonymous.post("/sessions", kim)).json
    await locked.anonymous.post("/sessions", {**kim, "password": PASSWORD + WORD})
    await locked.anonymous.post("/sessions/refresh", {"refresh_token": session["refresh_token"]})
    await locked.anonymous.post("/sessions/refresh", {"refresh_token": session["refresh_token"]})
    await locked.anonymous.post("/accounts/passwordResets", {"contact": kim["contact"]})
    wish = {"contact": f"{WORD}@other.example", "roles": ["admin"]}
    invited = (await locked.admin.post("/accounts/invitations", wish)).json["link"].rpartition("/")[2]
    comes = {"token": invited, "name": WORD, "password": PASSWORD}
    for _ in range(2):
        await locked.anonymous.post("/accounts/invitations/use", comes)
    await locked.with_token(session["access_token"] + "x").get("/rents")
    await locked.with_token(session["access_token"]).get(f"/rents/{WORD}")
    await a_day(locked.admin, 5, locked.whole)
    account, *_ = (await locked.admin.get("/accounts")).json["_embedded"]["accounts"]
    await locked.admin.post(f"/accounts/{account['userid']}/erasure")
    await locked.whole.settle()
    await locked.whole.stop()
    assert session["refresh_token"] not in repr(logged)
    assert invited not in repr(logged)
    assert told(logged) == []


async def test_the_test_sees_what_must_not_be_told(logged: list[Any]) -> None:
    whole = Embedded(None, SETTINGS)
    part = whole.part("rent")

    async def fail(*_args: Any, **_named: Any) -> None:
        raise ValueError(PLACE)

    part.store.write = fail  # type: ignore[assignment,method-assign]
    client = Client(whole.app)
    await client.post("/bikes", {"bikeid": 1, "status": "사용가능"})
    await client.post("/rents", {"userid": 5, "bikeid": 1})
    await asyncio.sleep(0)
    assert told(logged)
    await whole.stop()
