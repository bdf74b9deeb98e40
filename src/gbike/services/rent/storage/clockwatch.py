"""A wall clock that is behind the store's newest moment is wrong, and what it would write down is too: no rent begins
by it. Returns are taken: they are measured by the boot clock where that is possible."""

from gbike.kit.clock import A_MINUTE_MS, Clock, rfc3339
from gbike.kit.store import Reading, Store
from gbike.kit.telemetry import log
from gbike.services.rent.domain import ClockBehind

AMONG = 1_000
"""Rents, the last ones by number, among which the newest moment is looked for: their index has no other order."""


class ClockWatch:
    """Compares the wall clock with the store: with what was read at the last look, so that asking costs nothing."""

    def __init__(self, store: Store, clock: Clock, *, accept: bool) -> None:
        """`accept`: say so, and take rents all the same."""
        self._store, self._clock, self._accept = store, clock, accept
        self._newest_ms: int | None = None
        self._behind = False

    async def look(self) -> None:
        """Read the newest moment of the store again; the log tells when the clock is found wrong, and right again."""
        self._newest_ms = await self._store.read(newest)
        self._is_behind()

    async def check(self) -> None:
        """Nothing, while the clock is right. Raises ClockBehind."""
        if self._newest_ms is None:
            await self.look()
        if self._is_behind() and not self._accept:
            raise ClockBehind()

    def _is_behind(self) -> bool:
        now_ms, newest_ms = self._clock.now_ms(), self._newest_ms or 0
        behind = now_ms < newest_ms - A_MINUTE_MS
        if behind != self._behind:
            self._behind = behind
            told = {"wall_clock": rfc3339(now_ms), "newest_moment": rfc3339(newest_ms)}
            if behind:
                rents = "are taken all the same" if self._accept else "are refused until it is set right"
                log.error(f"the wall clock is behind what the store holds; rents {rents}", service="rent", **told)
            else:
                log.warning("the wall clock is right again; rents are taken", service="rent", **told)
        return behind


def newest(read: Reading) -> int:
    """The newest start or end among the last rents, ms; 0 where there is none."""
    row = read.one(
        "SELECT max(started_ms), max(ended_ms) FROM"
        " (SELECT started_ms, ended_ms FROM rents ORDER BY rentid DESC LIMIT ?) AS latest",
        (AMONG,),
    )
    return max((moment for moment in row if moment is not None), default=0) if row else 0
