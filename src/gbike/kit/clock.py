"""Time and identity are handed in. Wall time is whole ms since 1970 UTC; the monotonic clock measures waiting."""

import asyncio
import time
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, Protocol

import uuid_utils

A_MINUTE_MS = 60_000
"""So far apart may the wall clocks of hosts be, or two readings of one, before anybody calls a clock wrong."""


class Moment(NamedTuple):
    """One moment, by the wall clock and by the boot clock: milliseconds since the machine was started, suspension
    included. Nobody sets the boot clock; two readings with one `bootid` are as far apart as they say."""

    wall_ms: int
    bootid: str = ""
    """Empty where the machine does not tell: then nothing is known from two readings."""
    boot_ms: int = 0


class Clock(Protocol):
    """Where a service reads the time; a test or the simulator hands in its own."""

    def now_ms(self) -> int:
        """Wall time, milliseconds since 1970 UTC. May step back; never use it to measure a wait."""

    def monotonic_ms(self) -> float:
        """Milliseconds that only ever grow, for deadlines and windows."""

    def moment(self) -> Moment:
        """Wall time, and how long the machine runs: for what is to be measured over restarts of a process."""


class SystemClock:
    """The machine's own clocks."""

    def now_ms(self) -> int:
        """Wall time of the machine, ms."""
        return time.time_ns() // 1_000_000

    def monotonic_ms(self) -> float:
        """Monotonic time of the machine, ms."""
        return time.monotonic_ns() / 1_000_000

    def moment(self) -> Moment:
        """By both clocks; what knows no CLOCK_BOOTTIME (macOS) has no boot either."""
        return Moment(self.now_ms(), _bootid(), time.clock_gettime_ns(_BOOTTIME) // 1_000_000)


_BOOTTIME = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


@lru_cache(maxsize=1)
def _bootid() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""


def is_ahead(until_ms: float, now_ms: int, length_ms: int) -> bool:
    """Whether a moment that was set `length_ms` ahead is still to come. One that lies further ahead than that was set
    by a clock that is back since: it is over, or it would hold for as long as that clock was wrong."""
    return now_ms < until_ms <= latest(now_ms, length_ms)


def latest(now_ms: int, length_ms: int) -> int:
    """The furthest moment that a clock which is right can have set `length_ms` ahead until now."""
    return now_ms + length_ms + A_MINUTE_MS


async def news(event: asyncio.Event, within_ms: float) -> None:
    """Wait until `event` is set, `within_ms` at most: then it is set here, and whoever looks finds nothing."""
    timer = asyncio.get_running_loop().call_later(within_ms / 1000, event.set)
    try:
        await event.wait()
    finally:
        timer.cancel()


@lru_cache(maxsize=4096)
def rfc3339(at_ms: int) -> str:
    """UTC with milliseconds, as every date of our HTTP answers is written: 2026-11-22T16:05:10.994Z."""
    return f"{second(at_ms // 1000)[0]}.{at_ms % 1000:03d}Z"


def from_rfc3339(text: str) -> int:
    """The moment of such a date, ms. Raises ValueError."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)


LATEST_S = 253_402_300_799
"""The last second of the year 9999, beyond which no date is written."""


@lru_cache(maxsize=4096)
def second(at_s: int) -> tuple[str, str]:
    """Both ways to write a second in UTC: as in RFC 3339, and as the original's `timestamp` of an event, yyyyMMddHHmmss
    with the calendar year (flaw 4). Most of what is written within a second is written in the same one."""
    moment = datetime.fromtimestamp(min(max(at_s, 0), LATEST_S), UTC)  # an older version kept whatever was said
    return f"{moment:%Y-%m-%dT%H:%M:%S}", f"{moment:%Y%m%d%H%M%S}"


def moment_in(file: Path) -> int:
    """The moment that a file tells, ms since 1970; 0: there is none, or nobody knows."""
    try:
        return int(file.read_text("ascii"))
    except (OSError, ValueError):
        return 0


class Ids(Protocol):
    """Where a service gets identities that nobody else has."""

    def new(self) -> str:
        """A UUIDv7 in its text form."""


class SystemIds:
    """UUIDv7 from the machine's clock and randomness."""

    def new(self) -> str:
        """A UUIDv7 in its text form."""
        return str(uuid_utils.uuid7())
