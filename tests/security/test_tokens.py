"""Which tokens are taken. Each refusal has a token beside it that differs in one thing and is taken."""

import base64
import json
from collections.abc import Mapping
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    SECP384R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gbike.kit.auth.principal import KeysUnavailable
from gbike.kit.auth.published import FRESH_MS, PAUSE_MS, PublishedKeys
from gbike.kit.auth.services import ServiceKeys, service_token
from gbike.kit.auth.tokens import CACHED_S, BadToken, PublicKey, Trusted, Verifier
from gbike.kit.calls.peers import PeerAnswer
from gbike.kit.clock import SystemIds
from tests.security.people import ISSUER, TestIssuer, by_hand
from tests.services.lone import FakePeer, SetClock

OUTSIDE = "https://outside.example"


class Outside:
    """An outside issuer with keys of several kinds. A KeySource."""

    def __init__(self) -> None:
        self.p256, self.p384 = generate_private_key(SECP256R1()), generate_private_key(SECP384R1())

    async def key(self, kid: str) -> PublicKey | None:
        return {"p256": self.p256.public_key(), "p384": self.p384.public_key()}.get(kid)

    def token(self, claims: Mapping[str, Any], kid: str, key: EllipticCurvePrivateKey, alg: str) -> str:
        return jwt.encode({**claims, "iss": OUTSIDE}, key, alg, headers={"kid": kid, "typ": "at+jwt"})


class Bench:
    """A verifier of service rent, with an issuer, an outside one, and service bike that may call it."""

    def __init__(self) -> None:
        self.clock, self.outside = SetClock(), Outside()
        self.issuer, self.bike = TestIssuer(self.clock), Ed25519PrivateKey.generate()
        issuers = {
            ISSUER: Trusted(self.issuer),
            OUTSIDE: Trusted(self.outside, frozenset({"EdDSA", "ES256"}), 3_600),
        }
        services = ServiceKeys({"bike": self.bike.public_key()})
        self.verifier = Verifier(frozenset({"rent"}), issuers, services, self.clock, cached=100)
        self.now_s = self.clock.now_ms() // 1000

    async def refused(self, token: str) -> str:
        with pytest.raises(BadToken) as why:
            await self.verifier.check(token)
        assert self.verifier.known(token) is None
        return str(why.value)

    def from_bike(self, **more: Any) -> str:
        """A service token of bike, with other claims or another head where told."""
        head = {"typ": "svc+jwt", "kid": "service:bike", **{n: more.pop(n) for n in ("typ", "kid") if n in more}}
        claims = {"iss": "bike", "sub": "bike", "aud": "rent", "iat": self.now_s, "exp": self.now_s + 60, **more}
        return jwt.encode(claims, self.bike, "EdDSA", headers=head)


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def test_a_good_token_says_who_asks(bench: Bench) -> None:
    who = await bench.verifier.check(bench.issuer.token(7, "rider", "bikeManager", "emperor", managerid=3))
    assert (who.name, who.roles, who.userid, who.managerid) == ("7", {"rider", "bikeManager"}, 7, 3)
    assert (who.service, (await bench.verifier.check(bench.from_bike())).service) == (None, "bike")
    assert (await bench.verifier.check(bench.issuer.token(7, aud="rent"))).userid == 7


async def test_alg_none_is_refused(bench: Bench) -> None:
    claims = bench.issuer.claims(900, "admin")
    for alg in ("none", "None", "NONE", "", None):
        head = {"alg": alg, "typ": "at+jwt", "kid": "tests"}
        await bench.refused(by_hand(head, claims))
        await bench.refused(by_hand(head, claims, b"x"))


async def test_a_public_key_is_no_shared_secret(bench: Bench) -> None:
    """HS256 signed with the public key's bytes: the classic confusion."""
    public = bench.issuer.private.public_key()
    for secret in (public.public_bytes_raw(), base64.urlsafe_b64encode(public.public_bytes_raw())):
        signing = jwt.PyJWS().get_algorithm_by_name("HS256")
        claims = json.dumps(bench.issuer.claims(900, "admin")).encode()
        token = jwt.PyJWS().encode(claims, signing.prepare_key(secret), "HS256", {"kid": "tests", "typ": "at+jwt"})
        assert await bench.refused(token) == "its algorithm is not taken"
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert b"PUBLIC KEY" in pem


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"aud": ["bike", "billing"]}, "it is for somebody else"),
        ({"aud": "gbike"}, "it is for somebody else"),
        ({"aud": None}, "it does not say what is needed"),
        ({"aud": []}, "it is for somebody else"),
        ({"iss": "https://else.example"}, "it is no access token of an issuer that is trusted here"),
        ({"iss": OUTSIDE}, "its key is not known"),
        ({"exp": None}, "it does not say what is needed"),
        ({"iat": None}, "it does not say what is needed"),
        ({"exp": "never"}, "it does not say what is needed"),
        ({"sub": "rider"}, "it does not name an account"),
        ({"sub": "0"}, "it does not name an account"),
        ({"sub": "-7"}, "it does not name an account"),
        ({"sub": "７"}, "it does not name an account"),
        ({"sub": "9" * 17}, "it does not name an account"),
        ({"managerid": 0}, "it does not name an account"),
        ({"managerid": "3"}, "it does not say what is needed"),
        ({"roles": "admin"}, "it does not say what is needed"),
    ],
)
async def test_claims_that_do_not_fit_are_refused(bench: Bench, claims: dict[str, Any], why: str) -> None:
    assert await bench.refused(bench.issuer.token(7, "rider", **claims)) == why


async def test_a_token_counts_from_then_until_then(bench: Bench) -> None:
    now = bench.now_s
    for claims, taken in [
        ({"exp": now + 1}, True), ({"exp": now - 4}, True), ({"exp": now - 5}, False), ({"exp": 0}, False),
        ({"iat": now + 5, "exp": now + 60}, True), ({"iat": now + 6, "exp": now + 60}, False),
        ({"nbf": now + 5}, True), ({"nbf": now + 6}, False),
        ({"exp": now + 900}, True), ({"exp": now + 901}, False), ({"iat": now - 1000, "exp": now + 600}, False),
    ]:  # fmt: skip
        token = bench.issuer.token(7, "rider", **claims)
        if taken:
            assert (await bench.verifier.check(token)).userid == 7
        else:
            await bench.refused(token)


async def test_a_token_of_another_kind_is_refused(bench: Bench) -> None:
    claims = bench.issuer.claims(7, "rider")
    for typ in ("JWT", "", "svc+jwt", "AT+JWT", None):
        await bench.refused(bench.issuer.sign(claims, {"typ": typ}))
    await bench.refused(bench.issuer.sign(claims, {"kid": "other"}))
    await bench.refused(bench.issuer.sign(claims, {"crit": ["exp"]}))
    await bench.verifier.check(bench.issuer.sign(claims))


async def test_a_changed_token_is_refused(bench: Bench) -> None:
    good = bench.issuer.token(7, "rider")
    head, claims, signature = good.split(".")
    admin = base64.urlsafe_b64encode(json.dumps(bench.issuer.claims(7, "admin")).encode()).rstrip(b"=").decode()
    bad = [
        f"{head}.{admin}.{signature}",
        f"{head}.{claims}.",
        f"{head}.{claims}.{signature[:-4]}AAAA",
        f"{head}.{claims}",
    ]
    for token in [*bad, "", ".", "..", "a.b.c", good + "." + signature, "x" * 9_000, "é.é.é"]:
        await bench.refused(token)
    assert (await bench.verifier.check(good)).userid == 7


async def test_a_forged_service_token_is_refused(bench: Bench) -> None:
    stranger = Ed25519PrivateKey.generate()
    for forged in (
        service_token(stranger, "bike", "rent", bench.now_s, SystemIds()),
        service_token(bench.bike, "billing", "rent", bench.now_s, SystemIds()),
        service_token(bench.bike, "bike", "billing", bench.now_s, SystemIds()),
        bench.from_bike(sub="billing"),
        bench.from_bike(iss="billing", sub="billing"),
        bench.from_bike(kid="bike"),
        bench.from_bike(kid="service:billing"),
        bench.from_bike(typ="at+jwt"),
        bench.from_bike(exp=bench.now_s + 61),
        bench.from_bike(exp=bench.now_s - 5),
        bench.issuer.token(7, "admin", iss="bike", sub="bike"),
    ):
        await bench.refused(forged)


async def test_an_outside_issuer_may_sign_with_es256_and_ours_may_not(bench: Bench) -> None:
    claims, outside = bench.issuer.claims(7, "rider"), bench.outside
    assert (await bench.verifier.check(outside.token(claims, "p256", outside.p256, "ES256"))).userid == 7
    assert await bench.refused(outside.token(claims, "p384", outside.p384, "ES384")) == "its algorithm is not taken"
    head = {"alg": "ES256", "typ": "at+jwt", "kid": "p384"}
    assert await bench.refused(by_hand(head, {**claims, "iss": OUTSIDE}, b"x" * 96)) == "its key is not known"
    ours = jwt.encode(claims, outside.p256, "ES256", headers={"kid": "tests", "typ": "at+jwt"})
    assert await bench.refused(ours) == "its algorithm is not taken"


async def test_a_checked_token_is_remembered_for_a_minute_and_not_past_its_end(bench: Bench) -> None:
    long, short = bench.issuer.token(7, "rider"), bench.issuer.token(8, exp=bench.now_s + 10)
    for token in (long, short):
        assert bench.verifier.known(token) is None
        who = await bench.verifier.check(token)
        assert bench.verifier.known(token) == who
    bench.clock.at_ms += 10_000
    assert (bench.verifier.known(long) is None, bench.verifier.known(short)) == (False, None)
    bench.clock.at_ms += (CACHED_S - 10) * 1000
    assert bench.verifier.known(long) is None


async def test_never_more_tokens_are_remembered_than_there_is_room_for(bench: Bench) -> None:
    tokens = [bench.issuer.token(number) for number in range(1, 151)]
    for token in tokens:
        await bench.verifier.check(token)
    assert sum(bench.verifier.known(token) is not None for token in tokens) == 100
    assert bench.verifier.known(tokens[-1]) is not None


def _jwks(**keys: Ed25519PrivateKey) -> PeerAnswer:
    shown = [
        {"kty": "OKP", "crv": "Ed25519", "kid": kid, "use": "sig", "x": _text(key.public_key().public_bytes_raw())}
        for kid, key in keys.items()
    ]
    strange = [{"kty": "oct", "kid": "secret", "k": "c2VjcmV0"}, {"kty": "what"}, {"kid": 7}]
    return PeerAnswer(200, json.dumps({"keys": [*strange, *shown]}).encode())


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


async def test_keys_are_fetched_when_they_are_needed_and_a_made_up_name_makes_no_flood() -> None:
    clock = SetClock()
    peer = FakePeer()
    key = Ed25519PrivateKey.generate()
    peer.answer = _jwks(one=key)
    keys = PublishedKeys(peer, "/.well-known/jwks.json", clock)
    assert await keys.key("one") == key.public_key()
    for number in range(50):
        assert await keys.key(f"made-up-{number}") is None
    assert (await keys.key("secret"), len(peer.asked)) == (None, 1)
    peer.answer = _jwks(two=key)
    clock.waited_ms += PAUSE_MS
    assert await keys.key("two") == key.public_key()
    assert (await keys.key("one"), len(peer.asked)) == (None, 2)


async def test_known_keys_go_on_counting_while_their_issuer_is_away() -> None:
    clock = SetClock()
    peer = FakePeer()
    key = Ed25519PrivateKey.generate()
    keys = PublishedKeys(peer, "/jwks", clock)
    peer.answer = None
    with pytest.raises(KeysUnavailable):
        await keys.key("one")
    peer.answer = _jwks(one=key)
    clock.waited_ms += 500
    assert await keys.key("one") == key.public_key()
    for answer in (None, PeerAnswer(500, b""), PeerAnswer(200, b"no json"), PeerAnswer(200, b"[]")):
        peer.answer = answer
        clock.waited_ms += FRESH_MS + 1
        assert await keys.key("one") == key.public_key()
    peer.answer = _jwks()
    clock.waited_ms += PAUSE_MS
    assert await keys.key("one") is None
