"""Who takes riders' money. There is the test provider: its page is ours, has one button, and no money moves.

It signs what it confirms: `Gbike-Signature: t=SECONDS,v1=HEX`, HMAC-SHA256 over `SECONDS.BODY`.
"""

import hashlib
import hmac
import re

from gbike.services.user_deposit.domain import ForgedConfirmation, OldConfirmation, Payment

WINDOW_S = 300
"""How far the time of a signature may be from ours."""
_SIGNATURE = re.compile(r"t=([0-9]{1,12}),v1=([0-9a-f]{64})")


class TestProvider:
    """Takes nothing and confirms what it is told to."""

    __test__ = False

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def pay_at(self, payment: Payment) -> str:
        return f"/app/#/pay/{payment.paymentid}"

    def sign(self, body: bytes, now_ms: int) -> str:
        """What a tap on its button says: the signature of a confirmation. No other provider lets us say its word."""
        return signed(self._secret, now_ms // 1000, body)

    def check(self, signature: str, body: bytes, now_ms: int) -> None:
        check(self._secret, signature, body, now_ms)


def signed(secret: bytes, at_s: int, body: bytes) -> str:
    return f"t={at_s},v1={hmac.new(secret, b'%d.%b' % (at_s, body), hashlib.sha256).hexdigest()}"


def check(secret: bytes, signature: str, body: bytes, now_ms: int) -> None:
    """Raises ForgedConfirmation or OldConfirmation."""
    found = _SIGNATURE.fullmatch(signature)
    at_s = int(found[1]) if found else 0
    if not hmac.compare_digest(signed(secret, at_s, body).encode(), signature.encode("utf-8", "replace")):
        raise ForgedConfirmation
    if abs(now_ms / 1000 - at_s) > WINDOW_S:
        raise OldConfirmation
