"""Secrets that nobody can guess."""

import base64
import hmac
import secrets

SECRET_BYTES = 32
RECOVERY_BYTES = 10


def secret() -> str:
    """256 bits of chance."""
    return secrets.token_urlsafe(SECRET_BYTES)


def recovery_code() -> str:
    """16 letters and digits (80 bits)."""
    return base64.b32encode(secrets.token_bytes(RECOVERY_BYTES)).decode()


def digits(many: int) -> str:
    return f"{secrets.randbelow(10**many):0{many}}"


def successor(refresh_token: str, salt: str) -> str:
    """The refresh token after this one. HMAC-SHA256 under the token itself: the store has the salt and no token, and
    whoever has an old token has no salt, so neither of them gets to the next one."""
    made = hmac.digest(refresh_token.encode(), salt.encode(), "sha256")
    return base64.urlsafe_b64encode(made).rstrip(b"=").decode()
