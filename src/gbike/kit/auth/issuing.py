"""Access tokens, as the account service makes them: short-lived, signed, and for the services that they name."""

from collections.abc import Sequence

import jwt
import msgspec

from gbike.kit.auth.keyring import Keys
from gbike.kit.clock import Clock, Ids

TYPE = "at+jwt"


class AccessToken(msgspec.Struct, frozen=True):
    """A token and how long it is good for."""

    text: str
    lasts_s: int


class Issuer:
    """Who signs access tokens."""

    def __init__(self, keys: Keys, clock: Clock, ids: Ids, *, name: str, audience: Sequence[str], lasts_s: int) -> None:
        """`name`: the issuer's. `audience`: the services that take its tokens. `lasts_s`: how long they do."""
        self._keys, self._name = keys, name
        self._clock, self._ids = clock, ids
        self._audience, self._lasts_s = list(audience), lasts_s

    def access(
        self,
        userid: int,
        roles: Sequence[str],
        managerid: int | None,
        session: tuple[str, int | None],
        *,
        tokenversion: int,
    ) -> AccessToken:
        """A token for an account with these roles. `session`: its name (`sid`), and when the password was last shown in
        it, s since 1970 (`auth_time`, RFC 9068). `tokenversion`: see Revocations. Raises BadKeys."""
        now_ms = self._clock.now_ms()
        now_s = now_ms // 1000
        claims: dict[str, object] = {
            "iss": self._name,
            "sub": str(userid),
            "aud": self._audience,
            "roles": list(roles),
            "iat": now_s,
            "exp": now_s + self._lasts_s,
            "jti": self._ids.new(),
            "tokenversion": tokenversion,
            "sid": session[0],
        }
        if session[1] is not None:
            claims["auth_time"] = session[1]
        if managerid is not None:
            claims["managerid"] = managerid
        key = self._keys.signer(now_ms)
        text = jwt.encode(claims, key.private, "EdDSA", headers={"kid": key.kid, "typ": TYPE})
        return AccessToken(text, self._lasts_s)
