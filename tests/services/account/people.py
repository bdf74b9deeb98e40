"""People who sign up and in, for the tests."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyotp

from gbike.kit.store import Tx
from gbike.services.account.wiring import SPEC
from tests.services.lone import Lone, Reply, SetClock

CHEAP = {"GBIKE_PASSWORD_MEMORY_KIB": "8192", "GBIKE_PASSWORD_PASSES": "1"}
"""Hashes that cost little: a test is about who gets in, not about how long it takes."""
PASSWORD = "a bicycle at dawn"
KIM, LEE = "kim@example.com", "lee@example.com"
MINUTE_MS = 60_000
HOME, AWAY = "192.0.2.7", "198.51.100.9"
"""Where people are."""


class Town:
    """Account alone, and what people do there."""

    def __init__(self, path: Path | None = None, store: Callable[[SetClock], Any] | None = None, **env: str) -> None:
        self.lone = Lone(SPEC, {**CHEAP, **env}, path, store)
        self.client, self.clock = self.lone.client, self.lone.clock

    async def sign_up(
        self, contact: str = KIM, password: str = PASSWORD, name: str = "Kim", *, proved: bool = True
    ) -> Reply:
        """`proved`: with the contact proved, as most tests are about something else."""
        reply = await self.client.post("/accounts", {"name": name, "contact": contact, "password": password})
        if proved:
            await self.lone.store.write(prove_all)
        return reply

    async def sign_in(
        self, contact: str = KIM, password: str = PASSWORD, code: str | None = None, at: str = HOME
    ) -> Reply:
        """`at`: the address it comes from."""
        given = {"contact": contact, "password": password, **({"code": code} if code else {})}
        return await self.client.post("/sessions", given, at=at)

    async def refresh(self, session: Reply) -> Reply:
        return await self.client.post("/sessions/refresh", {"refresh_token": session.json["refresh_token"]})

    async def signed_in(self, contact: str = KIM) -> Reply:
        await self.sign_up(contact)
        session = await self.sign_in(contact)
        assert session.status == 200, session
        return session

    async def enrolled(self, userid: int = 1) -> pyotp.TOTP:
        """Give an account an authenticator, whose code of now is used up."""
        given = await self.client.post(f"/accounts/{userid}/authenticator")
        codes = pyotp.TOTP(given.json["secret"])
        confirmed = await self.client.post(f"/accounts/{userid}/authenticator/confirmation", {"code": self.code(codes)})
        assert confirmed.json["codes"] is True, confirmed
        return codes

    def code(self, codes: pyotp.TOTP) -> str:
        return codes.at(self.clock.at_ms // 1000)

    def later(self, minutes: float) -> None:
        self.clock.at_ms += int(minutes * MINUTE_MS)


def prove_all(tx: Tx) -> None:
    """Whoever has yet to prove a contact has it."""
    for row in tx.all("SELECT contact, normal, userid FROM contact_proofs"):
        tx.execute("UPDATE accounts SET contact = ?, normal = ? WHERE userid = ?", row)
    tx.execute("DELETE FROM contact_proofs")


def kind(reply: Reply) -> str:
    """What a refusal is called."""
    slug: str = reply.json["type"].partition("#")[2]
    return slug


def claims(reply: Reply) -> dict[str, Any]:
    """What the access token says, unchecked."""
    part = reply.json["access_token"].split(".")[1]
    published: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=="))
    return published
