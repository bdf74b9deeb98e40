"""Who asks, in the tests of who may: an issuer of our own, and a client for each kind of principal."""

import base64
import json
from collections.abc import Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gbike.kit.auth.services import service_token
from gbike.kit.auth.tokens import PublicKey
from gbike.kit.clock import Clock, SystemIds
from gbike.run.embedded import Embedded
from gbike.services import NAMES
from tests.support import Client, Reply

ISSUER = "https://tests.example"
EVERYWHERE = list(NAMES)
PATIENT = {"GBIKE_RENT_DEADLINE_MS": "60000", "GBIKE_REPORT_DEADLINE_MS": "60000"}
"""So that a busy machine makes no test fail."""
UNLIMITED = PATIENT | {
    f"GBIKE_LIMIT_{pace}_PER_MIN": "0"
    for pace in (
        "RENTS",
        "REPORTS",
        "WRITES",
        "READS",
        "ANONYMOUS",
        "RETURNS",
        "SIGN_INS",
        "SESSIONS",
        "RENEWALS",
        "VISITS",
    )
}


class TestIssuer:
    """Signs what a test wants, also what no honest issuer would. A KeySource of its one key."""

    __test__ = False

    def __init__(self, clock: Clock, name: str = ISSUER) -> None:
        self.clock = clock
        self.name = name
        self.private = Ed25519PrivateKey.generate()

    async def key(self, kid: str) -> PublicKey | None:
        """See KeySource.key."""
        return self.private.public_key() if kid == "tests" else None

    def claims(self, userid: int, *roles: str, managerid: int | None = None, **more: Any) -> dict[str, Any]:
        """The claims of a good token, with `more` in their place. It outlives whatever is done to its account."""
        now = self.clock.now_ms() // 1000
        whole = {"iss": self.name, "sub": str(userid), "aud": EVERYWHERE, "iat": now, "exp": now + 600, "jti": "1"}
        whole |= {"auth_time": now, "tokenversion": 1_000_000}
        found = {**whole, "roles": list(roles), **({} if managerid is None else {"managerid": managerid}), **more}
        return {name: value for name, value in found.items() if value is not None}

    def token(self, userid: int, *roles: str, managerid: int | None = None, **more: Any) -> str:
        """A good token, or one that is as good as `more` lets it be."""
        return self.sign(self.claims(userid, *roles, managerid=managerid, **more))

    def sign(self, claims: Mapping[str, Any], head: Mapping[str, Any] | None = None, alg: str = "EdDSA") -> str:
        """These claims under this head."""
        return jwt.encode(dict(claims), self.private, alg, headers={"kid": "tests", "typ": "at+jwt", **(head or {})})


def by_hand(head: Mapping[str, Any], claims: Mapping[str, Any], signature: bytes = b"") -> str:
    """A token that no library would make."""
    parts = [json.dumps(head).encode(), json.dumps(claims).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


class As(Client):
    """A client with a token, or with none."""

    def __init__(self, app: Any, token: str | None) -> None:
        super().__init__(app)
        self.token = token

    async def send(
        self, method: str, target: str, body: Any = None, headers: Mapping[str, str | bytes] | None = None
    ) -> Reply:
        own = {} if self.token is None else {"authorization": f"Bearer {self.token}"}
        return await super().send(method, target, body, {**own, **(headers or {})})


class Locked:
    """All services in memory, secure, which trust one more issuer: the test's."""

    def __init__(self, env: Mapping[str, str] | None = None, clock: Clock | None = None) -> None:
        self.whole = Embedded(None, {**UNLIMITED, **(env or {})}, clock=clock, secure=True)
        self.issuer = TestIssuer(self.whole.clock)
        self.whole.auth_mode.trust(ISSUER, self.issuer)  # type: ignore[attr-defined]
        self.anonymous = As(self.whole.app, None)
        self.admin = self.person(900, "admin")

    def person(self, userid: int, *roles: str, managerid: int | None = None) -> As:
        """A client for an account."""
        return self.with_token(self.issuer.token(userid, *roles, managerid=managerid))

    def with_token(self, token: str) -> As:
        """A client with just this token."""
        return As(self.whole.app, token)

    def service(self, name: str, peer: str) -> str:
        """What service `name` shows when it asks `peer`."""
        key = self.whole.auth_mode._made[name]  # type: ignore[attr-defined]
        return service_token(key, name, peer, self.whole.clock.now_ms() // 1000, SystemIds())

    def alone(self, service: str, token: str | None) -> As:
        """A client at the door of one service, past the gateway."""
        return As(self.whole.parts[service].running.app, token)
