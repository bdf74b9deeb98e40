"""Token revocation: access tokens refused early, as the account was erased or changed, or its sessions ended.

A token lasts minutes, so nothing is kept on a disk: each process remembers in memory what it heard for as long as a
token from before may still be shown, and hears it again after a restart. Our own tokens carry the version of the
account that they are of, and what is heard names the first version that is good: no clock decides, a message that comes
twice or out of turn changes nothing. Tokens of other issuers carry none and go by their whole second of issue.
"""

import msgspec

from gbike.kit.auth.principal import Principal
from gbike.kit.clock import Clock

SPARE_S = 60
"""What is heard is remembered so much longer than a token may last."""
MOST = 20_000
"""Accounts remembered at once (some 3 MB)."""
NEVER = 2**53
"""The version of no token: the account is no more."""


class _Refused(msgspec.Struct, frozen=True, gc=False):
    version: int
    """Tokens of an older one are refused."""
    at_ms: int
    """When it was so, by the clock of who said it: for tokens that have no version."""
    heard_ms: float


class Revocations:
    """What one process heard."""

    def __init__(self, clock: Clock, longest_s: int = 900, most: int = MOST) -> None:
        """`longest_s`: how long any token lasts that is taken here."""
        self._clock, self._most = clock, most
        self.reach_ms = (longest_s + SPARE_S) * 1000
        """What was said longer ago than this refuses no token that has not expired."""
        self._refused: dict[int, _Refused] = {}
        self._everybody_ms = 0

    def refuse(self, userid: int, version: int, at_ms: int) -> None:
        """Refuse the tokens of an account that are older than this version, or were issued until `at_ms`. With more
        accounts than there is room for, the one of longest ago is counted among all: everybody's token from before
        its moment is refused, and is renewed."""
        now_ms = self._clock.monotonic_ms()
        at_ms = min(at_ms, self._clock.now_ms())  # a clock that is ahead must not refuse what is issued tomorrow
        before = self._refused.pop(userid, None)
        if before is not None:
            version, at_ms = max(version, before.version), max(at_ms, before.at_ms)
        self._refused[userid] = _Refused(version, at_ms, now_ms)
        while (oldest := next(iter(self._refused.values()))).heard_ms < now_ms - self.reach_ms:
            del self._refused[next(iter(self._refused))]
        if len(self._refused) > self._most:
            self._everybody_ms = max(self._everybody_ms, oldest.at_ms)
            del self._refused[next(iter(self._refused))]

    def refuses(self, principal: Principal) -> bool:
        """Whether what they showed is of before something that was heard."""
        if principal.userid is None:
            return False
        if principal.issued_s * 1000 < self._everybody_ms:
            return True
        found = self._refused.get(principal.userid)
        if found is None:
            return False
        if principal.tokenversion is None:
            return principal.issued_s * 1000 <= found.at_ms  # of the same second nobody knows which was first
        return principal.tokenversion < found.version

    def __len__(self) -> int:
        return len(self._refused)
