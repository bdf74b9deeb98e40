"""What others recognise somebody by."""

import secrets
from collections.abc import Sequence

from gbike.kit.access.issuing import Issuer

SECRET_BYTES = 32


class IssuedTokens:
    """Tokens (ports)."""

    def __init__(self, issuer: Issuer) -> None:
        self._issuer = issuer

    def access(self, userid: int, roles: Sequence[str], managerid: int | None, *, tokenversion: int) -> tuple[str, int]:
        """See Tokens.access."""
        token = self._issuer.access(userid, roles, managerid, tokenversion=tokenversion)
        return token.text, token.lasts_s

    def secret(self) -> str:
        """See Tokens.secret."""
        return secrets.token_urlsafe(SECRET_BYTES)
