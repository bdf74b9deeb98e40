"""How PostgreSQL keeps a password (RFC 5803): made here, so that the password itself is in no statement and no log."""

import secrets
from base64 import b64encode
from hashlib import pbkdf2_hmac, sha256
from hmac import digest

ROUNDS = 4096
"""As the server's own. The passwords are 256 random bits: nobody guesses them, however fast."""


def verifier(password: str) -> str:
    """What the server keeps of an ASCII password: it proves one, and is none."""
    salt = secrets.token_bytes(16)
    salted = pbkdf2_hmac("sha256", password.encode("ascii"), salt, ROUNDS)
    stored = sha256(digest(salted, b"Client Key", "sha256")).digest()
    server = digest(salted, b"Server Key", "sha256")
    return f"SCRAM-SHA-256${ROUNDS}:{_text(salt)}${_text(stored)}:{_text(server)}"


def _text(raw: bytes) -> str:
    return b64encode(raw).decode("ascii")
