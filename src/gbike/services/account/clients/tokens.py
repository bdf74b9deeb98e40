"""What others recognise somebody by."""

import base64
import hmac
import secrets
from collections.abc import Sequence

from gbike.kit.access.issuing import Issuer

SECRET_BYTES, RECOVERY_BYTES = 32, 10


class IssuedTokens:
    """Tokens (ports)."""

    def __init__(self, issuer: Issuer) -> None:
        self._issuer = issuer

    def access(
        self,
        userid: int,
        roles: Sequence[str],
        managerid: int | None,
        session: tuple[str, int | None],
        *,
        tokenversion: int,
    ) -> tuple[str, int]:
        """See Tokens.access."""
        token = self._issuer.access(userid, roles, managerid, session, tokenversion=tokenversion)
        return token.text, token.lasts_s

    def secret(self) -> str:
        """See Tokens.secret."""
        return secrets.token_urlsafe(SECRET_BYTES)

    def recovery_code(self) -> str:
        """See Tokens.recovery_code."""
        return base64.b32encode(secrets.token_bytes(RECOVERY_BYTES)).decode()

    def digits(self, many: int) -> str:
        """See Tokens.digits."""
        return f"{secrets.randbelow(10**many):0{many}}"

    def successor(self, refresh_token: str, salt: str) -> str:
        """See Tokens.successor. HMAC-SHA256 under the token itself: the store has the salt and no token, and whoever
        has an old token has no salt, so neither of them gets to the next one."""
        made = hmac.digest(refresh_token.encode(), salt.encode(), "sha256")
        return base64.urlsafe_b64encode(made).rstrip(b"=").decode()
