"""One-time codes of an authenticator (TOTP, RFC 6238: SHA-1, 6 digits, 30 s, which every authenticator knows)."""

import pyotp

from gbike.kit.auth.keyring import Keys, NotSealedHere
from gbike.kit.clock import A_MINUTE_MS, Clock

STEP_S = 30
EARLY_OR_LATE = 1
"""Steps by which the clock of a telephone may be wrong."""


class Authenticators:
    """People's authenticators, whose secrets are sealed before they go into the store."""

    def __init__(self, keys: Keys, clock: Clock) -> None:
        self._keys, self._clock = keys, clock

    def new(self, userid: int) -> tuple[bytes, str]:
        """A secret, sealed, and as the person's authenticator takes it. Raises BadKeys."""
        secret = pyotp.random_base32()
        return self._keys.seal().close(secret.encode(), _whose(userid)), secret

    def step(self, sealed: bytes, code: str, userid: int, after: int) -> int | None:
        """The step of time that the code is of, when it is right and later than `after`. Raises BadKeys."""
        try:
            codes = pyotp.TOTP(self._keys.seal().open(sealed, _whose(userid)).decode())
        except NotSealedHere:
            return None
        now = self._clock.now_ms() // 1000 // STEP_S
        if after > now + EARLY_OR_LATE + A_MINUTE_MS // 1000 // STEP_S:
            after = 0  # of a clock that was set back since; nobody could sign in until it is then
        near = range(max(after + 1, now - EARLY_OR_LATE), now + EARLY_OR_LATE + 1)
        right = [step for step in near if pyotp.utils.strings_equal(codes.generate_otp(step), code)]
        return right[-1] if right else None


def link(secret: str, contact: str, issuer: str) -> str:
    """What an authenticator reads from a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=contact, issuer_name=issuer)


def _whose(userid: int) -> str:
    return f"authenticator {userid}"
