"""Tokens, checked: which algorithm, whose key, for whom, until when. What is not exactly right is refused."""

import hashlib
from collections.abc import Mapping
from typing import Any, Protocol

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gbike.kit.auth.principal import Principal
from gbike.kit.auth.revoked import Revocations
from gbike.kit.auth.rules import ROLES
from gbike.kit.clock import Clock, is_ahead

PublicKey = Ed25519PublicKey | EllipticCurvePublicKey
ED, EC = "EdDSA", "ES256"
ACCESS, SERVICE = "at+jwt", "svc+jwt"
LONGEST = 8_192
"""Characters of a token; ours have some 500."""
LEEWAY_S = 5
"""By how much two machines' clocks may differ."""
ACCESS_S, OUTSIDE_S = 900, 3_600
SERVICE_S = 60
"""How long a token may be good for: ours, an outside issuer's, a service's."""
CACHED, CACHED_S = 10_000, 60
"""Checked tokens that are remembered (some 5 MB) and for how long: so long a key that was taken back still counts."""
MAX_NUMBER = 9_007_199_254_740_991


class BadToken(Exception):
    """The token is refused; the text says why, for the one who sent it."""


class KeySource(Protocol):
    """Where the public keys of an issuer are."""

    async def key(self, kid: str) -> PublicKey | None:
        """The key of that name; None when the issuer has none. Raises KeysUnavailable."""


class Trusted(msgspec.Struct, frozen=True):
    """An issuer whose tokens are taken: its keys, its algorithms, and how long its tokens may last."""

    keys: KeySource
    algorithms: frozenset[str] = frozenset({ED})
    longest_s: int = ACCESS_S


class _Head(msgspec.Struct, frozen=True):
    alg: str
    typ: str
    kid: str
    crit: Any = None


class _Claims(msgspec.Struct, frozen=True):
    iss: str
    sub: str
    aud: str | list[str]
    exp: int
    iat: int
    nbf: int = 0
    roles: list[str] = []
    managerid: int | None = None
    tokenversion: int | None = None
    auth_time: int | float | None = None
    sid: str | None = None


class Verifier:
    """Checks tokens for one service."""

    def __init__(
        self,
        audience: frozenset[str],
        issuers: Mapping[str, Trusted],
        services: KeySource,
        clock: Clock,
        *,
        revoked: Revocations | None = None,
        cached: int = CACHED,
    ) -> None:
        """`audience`: one of these a token must be for. `services`: the keys of the services that may call this one.
        `revoked`: whose tokens are refused before their end."""
        self._revoked = Revocations(clock) if revoked is None else revoked
        self._audience, self._issuers = audience, issuers
        self._clock = clock
        self._services = Trusted(services, longest_s=SERVICE_S)
        self._known: dict[bytes, tuple[Principal, float]] = {}
        self._cached = cached
        self._jws = jwt.PyJWS(algorithms=[ED, EC])

    def known(self, token: str) -> Principal | None:
        """Who sent the token, when it was checked lately; None: it must be checked."""
        found = self._known.get(_digest(token))
        if found is None or not is_ahead(found[1], self._clock.now_ms(), CACHED_S * 1000):
            return None
        return None if self.refuses(found[0]) else found[0]

    def refuses(self, principal: Principal) -> bool:
        """Whether their token was good and is refused since: the account was erased or changed."""
        return self._revoked.refuses(principal)

    async def check(self, token: str) -> Principal:
        """Who sent the token. Raises BadToken or KeysUnavailable. Its signature comes last: it costs the most, and what
        it says of itself is the same before and after."""
        head, claims = _read(token)
        trusted = self._trusted(head, claims)
        if head.alg not in trusted.algorithms:
            raise BadToken("its algorithm is not taken")
        now_s = self._clock.now_ms() / 1000
        _in_time(claims, now_s, trusted.longest_s)
        if self._audience.isdisjoint([claims.aud] if isinstance(claims.aud, str) else claims.aud):
            raise BadToken("it is for somebody else")
        key = await trusted.keys.key(head.kid)
        if key is None or not _fits(key, head.alg):
            raise BadToken("its key is not known")
        try:
            signed = self._jws.decode_complete(token, key, algorithms=[head.alg])["payload"]
        except jwt.PyJWTError:
            raise BadToken("its signature is wrong") from None
        claims = _claims(signed)
        principal = Principal(f"service:{claims.iss}", service=claims.iss) if head.typ == SERVICE else _person(claims)
        if self.refuses(principal):
            raise BadToken("the account was changed since it was issued")
        self._remember(token, principal, min(claims.exp, now_s + CACHED_S) * 1000)
        return principal

    def _trusted(self, head: _Head, claimed: _Claims) -> Trusted:
        if head.crit is not None:
            raise BadToken("it demands what is not known here")
        if head.typ == SERVICE and head.kid == f"service:{claimed.iss}" and claimed.sub == claimed.iss:
            return self._services
        trusted = self._issuers.get(claimed.iss) if head.typ == ACCESS else None
        if trusted is None:
            raise BadToken("it is no access token of an issuer that is trusted here")
        return trusted

    def _remember(self, token: str, principal: Principal, until_ms: float) -> None:
        if len(self._known) >= self._cached:
            del self._known[next(iter(self._known))]
        self._known[_digest(token)] = (principal, until_ms)


def _digest(token: str) -> bytes:
    """What a token is remembered by: not itself, which would be worth stealing."""
    return hashlib.sha256(token.encode("latin-1", "replace")).digest()


def _read(token: str) -> tuple[_Head, _Claims]:
    """What a token says of itself, believed by nobody yet."""
    if len(token) > LONGEST or token.count(".") != 2:
        raise BadToken("it is no token")
    head, claims, _ = token.split(".")
    try:
        return msgspec.json.decode(jwt.utils.base64url_decode(head), type=_Head), _claims(
            jwt.utils.base64url_decode(claims)
        )
    except (ValueError, UnicodeError, RecursionError):  # msgspec's and binascii's errors are ValueErrors
        raise BadToken("it is no token") from None


def _claims(payload: bytes) -> _Claims:
    try:
        return msgspec.json.decode(payload, type=_Claims)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise BadToken("it does not say what is needed") from None


def _in_time(claims: _Claims, now_s: float, longest_s: int) -> None:
    if now_s >= claims.exp + LEEWAY_S:
        raise BadToken("it has expired")
    if max(claims.iat, claims.nbf) > now_s + LEEWAY_S:
        raise BadToken("it is not valid yet")
    if claims.exp - claims.iat > longest_s:
        raise BadToken("it lasts too long")


def _fits(key: PublicKey, algorithm: str) -> bool:
    """Whether it is a key for just this algorithm, whatever its name says."""
    if algorithm == ED:
        return isinstance(key, Ed25519PublicKey)
    return isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1)


def _person(claims: _Claims) -> Principal:
    userid = _number(claims.sub)
    manager = None if claims.managerid is None else _number(str(claims.managerid))
    roles = frozenset(role for role in ROLES if role in claims.roles)
    shown = None if claims.auth_time is None else int(claims.auth_time)
    return Principal(
        claims.sub,
        roles,
        userid,
        manager,
        until_ms=claims.exp * 1000,
        issued_s=claims.iat,
        tokenversion=claims.tokenversion,
        auth_time=shown,
        session=claims.sid,
    )


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 16 and 1 <= int(text) <= MAX_NUMBER):
        raise BadToken("it does not name an account")
    return int(text)
