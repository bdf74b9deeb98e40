"""The states of a bill and the tariff: OPENBILL → APPLYFEE → CLOSEBILL, and nothing else.

BillRefused
├── NoSuchBill            there is none with this number, or for this rent
├── NotCharged            its fee is not known yet, so nothing of it can be given back
└── CorrectedTooMuch      more than what is left of the fee

A correction gives back a part of the fee. It stands beside the bill, whose words and lines never change.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from gbike.kit.money import MAX_WON, Won, won

NOTHING = won(0)
"""What a voided ride costs."""
FREE_MS, HEARD_MS = 180_000, 600_000
"""A ride that lasted so long at most and stayed where it began was a try: its fee goes back where its rider complained
of the bike from its start until so long after its end. Once a day: nobody rides for nothing by complaining."""
COMPLAINT = "complaint"
"""The reason of a correction that nobody but the rule made."""
_SEOUL_MS, _DAY_MS = 9 * 3_600_000, 86_400_000


class BillRefused(Exception):
    """Something about a bill was refused."""


@dataclass(eq=False)
class NoSuchBill(BillRefused):
    by: str
    number: int


@dataclass(eq=False)
class NotCharged(BillRefused):
    billid: int


@dataclass(eq=False)
class CorrectedTooMuch(BillRefused):
    """`left`: won of the fee that were not given back."""

    billid: int
    left: int


class BillStatus(StrEnum):
    """The original's three words."""

    OPEN = "OPENBILL"
    APPLIED = "APPLYFEE"
    CLOSED = "CLOSEBILL"


class Rounding(StrEnum):
    """What a begun interval costs: nothing (floor, as the original), or as a whole one (ceil)."""

    FLOOR = "floor"
    CEIL = "ceil"


@dataclass(frozen=True, slots=True)
class Tariff:
    """So many won for each interval of so many seconds. A bill is stamped with it when it opens: a later change alters
    no ride that has begun."""

    krw: int
    per_s: int
    rounding: Rounding

    def fee(self, started_ms: int, ended_ms: int) -> Won:
        """R7: the fee in won. Never negative, however the clocks were set; `ceil` charges at least one interval."""
        ridden_ms, interval_ms = max(0, ended_ms - started_ms), self.per_s * 1000
        whole, begun = ridden_ms // interval_ms, max(1, -(-ridden_ms // interval_ms))
        intervals = begun if self.rounding is Rounding.CEIL else whole
        return won(min(intervals * self.krw, MAX_WON))

    def __str__(self) -> str:
        return f"{self.krw}/{self.per_s}s {self.rounding}"

    @classmethod
    def parse(cls, stamp: str) -> "Tariff":
        krw, _, rest = stamp.partition("/")
        per_s, _, rounding = rest.partition("s ")
        return cls(int(krw), int(per_s), Rounding(rounding))


@dataclass(frozen=True, slots=True)
class TariffVersion:
    """A tariff and from when it is valid: for rides that start then or later, until a newer version is."""

    version: int
    effective_ms: int
    tariff: Tariff


def valid_at(versions: Iterable[TariffVersion], moment_ms: int) -> TariffVersion | None:
    return max((v for v in versions if v.effective_ms <= moment_ms), key=lambda v: v.version, default=None)


@dataclass(frozen=True, slots=True)
class Bill:
    """One bill."""

    billid: int
    rentid: int
    userid: int
    started_ms: int
    ended_ms: int | None
    fee: Won | None
    status: BillStatus
    tariff: str | None
    version: int | None
    """Of the tariff. None: the bill opened before tariffs had versions."""
    refunded: int = 0
    """Won that corrections give back, never more than the fee."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """A rider said that something is wrong with a bike."""

    complaintid: int
    userid: int
    bikeid: int
    at_ms: int


def was_a_try(started_ms: int, ended_ms: int, *, stayed: bool) -> bool:
    """Whether a ride may turn out to be free."""
    return stayed and ended_ms - started_ms <= FREE_MS


def day_of(moment_ms: int) -> int:
    """The day in Korea, counted from 1970."""
    return (moment_ms + _SEOUL_MS) // _DAY_MS


@dataclass(frozen=True, slots=True)
class Correction:
    """So many won of a bill's fee go back to its rider; `byuser`: the operator's account, where there is one."""

    correctionid: int
    billid: int
    amount: int
    reason: str
    byuser: int | None
    at_ms: int
