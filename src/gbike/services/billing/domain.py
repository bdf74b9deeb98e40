"""The states of a bill and the tariff: OPENBILL → APPLYFEE → CLOSEBILL, and nothing else.

BillRefused
└── NoSuchBill            there is none with this number, or for this rent
"""

from dataclasses import dataclass
from enum import StrEnum

from gbike.kit.money import MAX_WON, Won, won


class BillRefused(Exception):
    """Something about a bill was refused."""


@dataclass(eq=False)
class NoSuchBill(BillRefused):
    """There is no such bill."""

    by: str
    number: int


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
    """So many won for each interval of so many seconds. Stamped on the bill: a later change alters no old bill."""

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
