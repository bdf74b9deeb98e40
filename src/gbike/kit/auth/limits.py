"""Rate limits: a token bucket for each pace and each client, refilled evenly over the minute."""

import math
from collections import defaultdict
from collections.abc import Mapping

import msgspec

from gbike.kit.clock import Clock

MOST_BUCKETS = 20_000
"""Askers remembered at once (some 4 MB). Of the pace that has most, the one who has not asked for longest is forgotten
first: after a minute of silence a bucket is full again anyway, and a flood of one pace fills nobody's of another."""
MINUTE_MS = 60_000


class Pace(msgspec.Struct, frozen=True):
    """How often one may ask for something: its own bucket, so that it goes on while something else is refused."""

    name: str
    per_min: int | None = None
    """So many requests a minute, and so many at once; 0: no limit; None: what AccessSettings says."""
    by_token: bool = False
    """Counted by token, not by person: a stolen token uses up nobody else's."""


READS, WRITES = Pace("reads"), Pace("writes")
ANONYMOUS_ASKS, FREE = Pace("anonymous"), Pace("free", 0)
"""FREE: probes must be answered in a flood too."""
VISITS = Pace("visits")
"""What is looked at without an account: by address, and beside the other requests of strangers there."""
SIGN_INS = Pace("sign_ins")
SESSIONS, RENEWALS = Pace("sessions"), Pace("renewals")
"""Signing in and up (by address); staying in and signing out (SESSIONS: by the token that is shown; without a good one
by what is sent, and RENEWALS: by address)."""


class Limits:
    """The buckets of one process."""

    def __init__(self, per_min: Mapping[str, int], clock: Clock, most: int = MOST_BUCKETS) -> None:
        """`per_min`: what holds for a pace that brings no number of its own, by its name; none: no limit."""
        self._per_min, self._most = per_min, most
        self._clock = clock
        self._buckets = defaultdict[str, dict[str, tuple[float, float]]](dict)

    def take(self, pace: Pace, who: str) -> int:
        """0 when the request may be served; else in how many seconds the next one may."""
        per_min = self._of(pace)
        if not per_min:
            return 0
        left, now_ms = self._left(pace, who, per_min)
        if left < 1:
            return math.ceil((1 - left) * 60 / per_min)
        buckets = self._buckets[pace.name]
        buckets.pop(who, None)
        if len(self) >= self._most:
            largest = max(self._buckets.values(), key=len)
            del largest[next(iter(largest))]
        buckets[who] = (left - 1, now_ms)
        return 0

    def wait(self, pace: Pace, who: str) -> int:
        """The same without taking."""
        per_min = self._of(pace)
        left = self._left(pace, who, per_min)[0] if per_min else 1
        return 0 if left >= 1 else math.ceil((1 - left) * 60 / per_min)

    def __len__(self) -> int:
        return sum(map(len, self._buckets.values()))

    def _of(self, pace: Pace) -> int:
        return self._per_min.get(pace.name, 0) if pace.per_min is None else pace.per_min

    def _left(self, pace: Pace, who: str, per_min: int) -> tuple[float, float]:
        now_ms = self._clock.monotonic_ms()
        left, at_ms = self._buckets[pace.name].get(who, (float(per_min), now_ms))
        return min(per_min, left + (now_ms - at_ms) * per_min / MINUTE_MS), now_ms
