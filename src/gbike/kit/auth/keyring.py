"""The keys that access tokens are signed with: two files in a folder, read anew when they were changed.

`current.pem` signs, once it was published for a while; `previous.pem` is published until every token that it signed has
expired. `seal.key` closes what the store must keep but nobody may read there. Keys are made by the one who starts
gbike, never by a service.
"""

import base64
import hashlib
import os
from pathlib import Path
from typing import Any, Protocol

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gbike.kit.auth.services import new_pem
from gbike.kit.files import write_whole
from gbike.kit.settings import BadSetting

CURRENT, PREVIOUS = "current.pem", "previous.pem"
SEAL = "seal.key"
SIGN_AFTER_S = 15
"""How long a new key is only published: whoever checks tokens may ask for keys every 10 s at most (published.py)."""
SEAL_BYTES, NONCE_BYTES = 32, 12
OTHERS_MAY = 0o007


class BadKeys(BadSetting):
    """The keys can't be used; the text says which file and how to mend it."""


class NotSealedHere(Exception):
    """Something was sealed with another key, or changed since."""


class SigningKey(msgspec.Struct, frozen=True):
    """A private key under the name that tokens call it by."""

    kid: str
    private: Ed25519PrivateKey

    @property
    def jwk(self) -> dict[str, str]:
        """The public half as a JSON Web Key."""
        return {**_public(self.private), "kid": self.kid, "use": "sig", "alg": "EdDSA"}


class Keys(Protocol):
    """What signs tokens and seals secrets."""

    def published(self) -> tuple[SigningKey, ...]:
        """Every key that a good token may be signed with, the newest first. Raises BadKeys."""

    def signer(self, now_ms: int) -> SigningKey:
        """The one that signs. Raises BadKeys."""

    def seal(self) -> "Seal":
        """What closes secrets. Raises BadKeys."""


class Seal:
    """Closes a secret so that it may lie in a store (AES-256-GCM)."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def close(self, secret: bytes, owner: str) -> bytes:
        """The secret, sealed; it opens only for the same `whose`."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, secret, owner.encode())

    def open(self, sealed: bytes, owner: str) -> bytes:
        """The secret again. Raises NotSealedHere."""
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], owner.encode())
        except InvalidTag:
            raise NotSealedHere from None


class MadeKeys:
    """Keys that live as long as the process: for the demo and for tests."""

    def __init__(self) -> None:
        self._keys: tuple[SigningKey, ...] = ()
        self._seal: Seal | None = None

    def published(self) -> tuple[SigningKey, ...]:
        """See Keys.published; made when it is asked for first."""
        self._keys = self._keys or (_named(Ed25519PrivateKey.generate()),)
        return self._keys

    def signer(self, now_ms: int) -> SigningKey:
        return self.published()[0]

    def seal(self) -> Seal:
        self._seal = self._seal or Seal(os.urandom(SEAL_BYTES))
        return self._seal


class KeyFolder:
    """Keys in files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._read_at = (0, 0)
        self._keys: tuple[SigningKey, ...] = ()

    def published(self) -> tuple[SigningKey, ...]:
        try:
            found = (self.folder / CURRENT).stat()
        except OSError as away:
            raise BadKeys(f"{self.folder / CURRENT}: {away.strerror}; `gbike account rotate-keys` makes keys") from None
        now = (found.st_mtime_ns, found.st_ino)
        if now != self._read_at:
            current, previous = self.folder / CURRENT, self.folder / PREVIOUS
            self._keys = tuple(_read(file) for file in (current, previous) if file.exists())
            self._read_at = now
        return self._keys

    def signer(self, now_ms: int) -> SigningKey:
        """See Keys.signer: the newest key, once everybody can know it."""
        newest, *before = self.published()
        fresh = now_ms - self._read_at[0] // 1_000_000 < SIGN_AFTER_S * 1000
        return before[0] if fresh and before else newest

    def seal(self) -> Seal:
        key = _bytes(self.folder / SEAL)
        if len(key) != SEAL_BYTES:
            raise BadKeys(f"{self.folder / SEAL}: {SEAL_BYTES} random bytes are wanted, not {len(key)}")
        return Seal(key)

    def make(self) -> bool:
        """Make what is missing, for this user only; answers whether anything was."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        missing = [name for name in (CURRENT, SEAL) if not (self.folder / name).exists()]
        for name in missing:
            write_whole(self.folder / name, new_pem() if name == CURRENT else os.urandom(SEAL_BYTES))
        return bool(missing)

    def rotate(self) -> str:
        """A new key signs from SIGN_AFTER_S on, and the one before is still published; answers the new one's name."""
        before = self.folder / CURRENT
        if before.exists():
            write_whole(self.folder / PREVIOUS, before.read_bytes())
        write_whole(before, new_pem())
        return self.published()[0].kid


def _bytes(file: Path) -> bytes:
    try:
        if file.stat().st_mode & OTHERS_MAY:
            raise BadKeys(f"{file} may be read by everybody on this machine: chmod 600 {file}")
        return file.read_bytes()
    except OSError as away:
        raise BadKeys(f"{file}: {away.strerror}") from None


def _read(file: Path) -> SigningKey:
    try:
        key: Any = serialization.load_pem_private_key(_bytes(file), None)
    except (ValueError, TypeError):
        raise BadKeys(f"{file} is no private key in PEM without a password") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise BadKeys(f"{file} is no Ed25519 key")
    return _named(key)


def _named(key: Ed25519PrivateKey) -> SigningKey:
    """The key under its thumbprint (RFC 7638)."""
    public = msgspec.json.encode(dict(sorted(_public(key).items())))
    return SigningKey(_text(hashlib.sha256(public).digest())[:16], key)


def _public(key: Ed25519PrivateKey) -> dict[str, str]:
    return {"kty": "OKP", "crv": "Ed25519", "x": _text(key.public_key().public_bytes_raw())}


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
