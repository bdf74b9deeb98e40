"""How often somebody may ask: a bucket of tokens for each pace and each asker, refilled evenly over the minute."""

import math
from collections.abc import Mapping

from gbike.kit.clock import Clock

READS, WRITES, RENTS, REPORTS, ANONYMOUS_ASKS, FREE = "reads", "writes", "rents", "reports", "anonymous", "free"
"""How often one may ask: each pace has a setting. FREE has no limit: probes must be answered in a flood too."""
RETURNS, SIGN_INS, SESSIONS, RENEWALS = "returns", "sign_ins", "sessions", "renewals"
"""What must go on while something else is refused has a pace of its own: a return, whatever its rider read or rented
(counted by token, so that a stolen one stops nobody's return); signing in and up (by address); staying in and signing
out (SESSIONS: by the token that is shown; without a good one by what is sent, and RENEWALS: by address)."""
MOST_BUCKETS = 20_000
"""Askers remembered at once (some 4 MB). Of the pace that has most, the one who has not asked for longest is forgotten
first: after a minute of silence a bucket is full again anyway, and a flood of one pace fills nobody's of another."""
MINUTE_MS = 60_000


class Limits:
    """The buckets of one process."""

    def __init__(self, per_minute: Mapping[str, int], clock: Clock, most: int = MOST_BUCKETS) -> None:
        """`per_minute`: for each pace how many requests a minute, and so many at once; 0 or none: no limit."""
        self._per_minute, self._clock, self._most = per_minute, clock, most
        self._buckets: dict[str, dict[str, tuple[float, float]]] = {pace: {} for pace in per_minute}

    def take(self, pace: str, who: str) -> int:
        """0 when the request may be served; else in how many seconds the next one may."""
        per_minute = self._per_minute.get(pace, 0)
        if not per_minute:
            return 0
        left, now_ms = self._left(pace, who, per_minute)
        if left < 1:
            return math.ceil((1 - left) * 60 / per_minute)
        buckets = self._buckets[pace]
        buckets.pop(who, None)
        if len(self) >= self._most:
            largest = max(self._buckets.values(), key=len)
            del largest[next(iter(largest))]
        buckets[who] = (left - 1, now_ms)
        return 0

    def wait(self, pace: str, who: str) -> int:
        """The same without taking."""
        per_minute = self._per_minute.get(pace, 0)
        left = self._left(pace, who, per_minute)[0] if per_minute else 1
        return 0 if left >= 1 else math.ceil((1 - left) * 60 / per_minute)

    def __len__(self) -> int:
        """How many askers are remembered."""
        return sum(map(len, self._buckets.values()))

    def _left(self, pace: str, who: str, per_minute: int) -> tuple[float, float]:
        now_ms = self._clock.monotonic_ms()
        left, at_ms = self._buckets[pace].get(who, (float(per_minute), now_ms))
        return min(per_minute, left + (now_ms - at_ms) * per_minute / MINUTE_MS), now_ms
