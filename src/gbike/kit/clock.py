"""Time is handed in. Wall time is whole milliseconds since 1970 UTC; the monotonic clock measures waiting."""

import asyncio
import time
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from typing import Protocol


class Clock(Protocol):
    """Where a service reads the time; a test or the simulator hands in its own."""

    def now_ms(self) -> int:
        """Wall time, milliseconds since 1970 UTC. May step back; never use it to measure a wait."""

    def monotonic_ms(self) -> float:
        """Milliseconds that only ever grow, for deadlines and windows."""


class SystemClock:
    """The machine's own clocks."""

    def now_ms(self) -> int:
        """Wall time of the machine, ms."""
        return time.time_ns() // 1_000_000

    def monotonic_ms(self) -> float:
        """Monotonic time of the machine, ms."""
        return time.monotonic_ns() / 1_000_000


async def news(event: asyncio.Event, within_ms: float) -> None:
    """Wait until `event` is set, `within_ms` at most."""
    with suppress(TimeoutError):
        async with asyncio.timeout(within_ms / 1000):
            await event.wait()


@lru_cache(maxsize=4096)
def rfc3339(at_ms: int) -> str:
    """UTC with milliseconds, as every date of our HTTP answers is written: 2026-11-22T16:05:10.994Z."""
    return f"{_second(at_ms // 1000)[0]}.{at_ms % 1000:03d}Z"


def compact_utc(at_ms: int) -> str:
    """The original's `timestamp` of an event, yyyyMMddHHmmss; in UTC and with the calendar year (flaw 4)."""
    return _second(at_ms // 1000)[1]


LATEST_S = 253_402_300_799
"""The last second of the year 9999, beyond which no date is written."""


@lru_cache(maxsize=4096)
def _second(at_s: int) -> tuple[str, str]:
    """Both ways to write a second; most of what is written within a second is written in the same one."""
    moment = datetime.fromtimestamp(min(max(at_s, 0), LATEST_S), UTC)  # an older version kept whatever was said
    return f"{moment:%Y-%m-%dT%H:%M:%S}", f"{moment:%Y%m%d%H%M%S}"
