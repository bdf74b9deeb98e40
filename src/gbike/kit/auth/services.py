"""Service-to-service authentication: each has a key, signs its requests, and knows the keys of its callers."""

from collections.abc import Mapping
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from gbike.kit.auth.tokens import ED, PublicKey
from gbike.kit.auth.tokens import SERVICE as TYPE
from gbike.kit.auth.tokens import SERVICE_S as LASTS_S
from gbike.kit.calls.peers import Caller, PeerAnswer
from gbike.kit.clock import Clock, Ids
from gbike.kit.settings import BadSetting

ANEW_S = 20
"""A token is used until so little of its time is left: it must outlive the call, and a clock that is ahead."""


class ServiceKeys:
    """KeySource of the services that may call this one, by the name in their tokens: `service:NAME`."""

    def __init__(self, keys: Mapping[str, PublicKey]) -> None:
        self._keys = {f"service:{name}": key for name, key in keys.items()}

    async def key(self, kid: str) -> PublicKey | None:
        return self._keys.get(kid)


class SignedCaller:
    """A Caller whose every call says who calls."""

    def __init__(self, caller: Caller, name: str, peer: str, key: Ed25519PrivateKey, clock: Clock, ids: Ids) -> None:
        self._caller, self._key = caller, key
        self._name, self._peer = name, peer
        self._clock, self._ids = clock, ids
        self._token, self._anew_s = "", 0.0

    async def call(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> PeerAnswer:
        now_s = self._clock.now_ms() // 1000
        if now_s >= self._anew_s or now_s < self._anew_s - LASTS_S:
            self._token = service_token(self._key, self._name, self._peer, now_s, self._ids)
            self._anew_s = now_s + LASTS_S - ANEW_S
        return await self._caller.call(method, path, body, {**headers, "authorization": f"Bearer {self._token}"})


def service_token(key: Ed25519PrivateKey, name: str, peer: str, now_s: int, ids: Ids) -> str:
    """What says for a minute that service `name` asks service `peer`."""
    claims = {"iss": name, "sub": name, "aud": peer, "iat": now_s, "exp": now_s + LASTS_S, "jti": ids.new()}
    return jwt.encode(claims, key, ED, headers={"typ": TYPE, "kid": f"service:{name}"})


def new_pem() -> bytes:
    """A new key, as `read_private` reads it."""
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def read_private(file: str) -> Ed25519PrivateKey:
    """The key of GBIKE_SERVICE_KEY_FILE. Raises BadSetting."""
    try:
        key = load_pem_private_key(Path(file).read_bytes(), None)
    except (OSError, ValueError, TypeError) as wrong:
        raise BadSetting(f"GBIKE_SERVICE_KEY_FILE={file!r}: {wrong}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise BadSetting(f"GBIKE_SERVICE_KEY_FILE={file!r}: it must be an Ed25519 key")
    return key


def read_public(folder: str) -> dict[str, PublicKey]:
    """The keys of GBIKE_SERVICE_KEYS: NAME.pub for each service that may call. Raises BadSetting."""
    found: dict[str, PublicKey] = {}
    try:
        for file in sorted(Path(folder).glob("*.pub")):
            key = load_pem_public_key(file.read_bytes())
            if not isinstance(key, PublicKey):
                raise ValueError(f"{file.name} is of another kind than Ed25519")
            found[file.stem] = key
    except (OSError, ValueError) as wrong:
        raise BadSetting(f"GBIKE_SERVICE_KEYS={folder!r}: {wrong}") from None
    return found
