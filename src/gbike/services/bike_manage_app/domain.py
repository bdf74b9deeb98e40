"""The states of a report: PENDING → APPLIED, or PENDING → CANCELLED. Only an applied report is said and earns points.

ReportRefused
├── NoSuchBike            bike knows no such bike
├── NoSuchReport          there is none with this number, or it was not applied
├── ReportDiffers         this manager sent another report under the same number before
├── ReportInFlight        the first report with this number is still under way
└── GivenUp               the report was cancelled while bike was asked: send it again

A complaint is on record once it is made, whoever is down then.

NoSuchComplaint           there is none with this number
"""

from dataclasses import dataclass
from enum import StrEnum

POINTS_PER_REPORT = 1_000
PER_BIKE_MS, PER_DAY_MS = 30 * 60_000, 24 * 3_600_000
"""Within how long the limits of `Earning` count."""


class ReportRefused(Exception):
    """Something about a report was refused; it earns nothing."""


@dataclass(eq=False)
class NoSuchBike(ReportRefused):
    bikeid: int


@dataclass(eq=False)
class NoSuchReport(ReportRefused):
    reportid: int


@dataclass(eq=False)
class ReportDiffers(ReportRefused):
    sent_reportid: int


@dataclass(eq=False)
class ReportInFlight(ReportRefused):
    sent_reportid: int


@dataclass(eq=False)
class GivenUp(ReportRefused):
    bikeid: int


class Fault(StrEnum):
    """What is wrong with a bike."""

    BRAKE = "brake"
    TYRE = "tyre"
    CHAIN = "chain"
    STEERING = "steering"
    LIGHT = "light"
    BATTERY = "battery"
    LOCK = "lock"
    SEAT = "seat"
    OTHER = "other"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Stand:
    """Where a manager saw the bike stand: a place's name, a position, both or neither, and when (None: now)."""

    location: str | None = None
    lat: float | None = None
    lon: float | None = None
    seen_ms: int | None = None


@dataclass(frozen=True, slots=True)
class State:
    """What a manager saw: battery in percent, whether the bike may be ridden (None: not said), and what they add."""

    managerid: int
    bikeid: int
    batterylevel: int
    usableyn: bool | None
    fault: str | None = None
    """One of Fault; a newer version may know more."""
    words: str | None = None
    stand: Stand = Stand()


class Unpaid(StrEnum):
    """Why a report earned nothing."""

    UNCHANGED = "unchanged"
    """It changed neither battery nor fault, or what it changed was paid already."""
    BIKE = "bike"
    """So many of this bike were paid lately."""
    DAY = "day"
    """So much was paid in 24 hours."""


@dataclass(frozen=True, slots=True)
class Report:
    """One report on record."""

    reportid: int
    state: State
    applied_ms: int | None = None
    points: int = 0
    """What it earned, decided when it was applied."""
    why: str | None = None
    """One of Unpaid; None: it earned something, or that is not known of old ones."""


class PointsFor(StrEnum):
    """Which reports earn points."""

    REPORTS = "reports"
    CHANGES = "changes"


@dataclass(frozen=True, slots=True)
class Earning:
    """What reports earn. `per_bike`: at most so many are paid to a manager for one bike in 30 minutes; `per_day`: at
    most so many points to a manager in 24 hours; 0: no limit."""

    points_for: PointsFor = PointsFor.REPORTS
    per_bike: int = 0
    per_day: int = 0


AS_THE_ORIGINAL = Earning()


@dataclass(frozen=True, slots=True)
class PaidBefore:
    """What a manager was paid lately: reports of this bike in 30 minutes, points in 24 hours. `unpaid_change`: what
    this report changed is theirs, and was not paid yet."""

    of_bike: int
    in_day: int
    unpaid_change: bool


def unpaid(earning: Earning, paid: PaidBefore, *, by_change: bool) -> Unpaid | None:
    """R11: a report that is to be paid earns all of its points within the limits, or nothing, and why. `by_change`:
    only one that changed something is to be paid."""
    if by_change and not paid.unpaid_change:
        return Unpaid.UNCHANGED
    if earning.per_bike and paid.of_bike >= earning.per_bike:
        return Unpaid.BIKE
    if earning.per_day and paid.in_day + POINTS_PER_REPORT > earning.per_day:
        return Unpaid.DAY
    return None


COUNTS_MS = 24 * 3_600_000
"""So long a complaint counts beside another rider's of the same bike."""


class ComplaintKind(StrEnum):
    """What somebody complains of."""

    BRAKE = "brake"
    TYRE = "tyre"
    CHAIN = "chain"
    STEERING = "steering"
    LIGHT = "light"
    BATTERY = "battery"
    LOCK = "lock"
    SEAT = "seat"
    DIRTY = "dirty"
    MISSING = "missing"
    SAFETY = "safety"
    OTHER = "other"


@dataclass(eq=False)
class NoSuchComplaint(Exception):
    complaintid: int


@dataclass(frozen=True, slots=True)
class Grievance:
    """What somebody has to complain of. `bystaff`: they are of the field staff, or an operator."""

    userid: int
    bikeid: int
    kind: ComplaintKind
    words: str | None = None
    bystaff: bool = False


@dataclass(frozen=True, slots=True)
class Complaint:
    """One complaint on record. `words`: what was written, None once its rider is erased."""

    complaintid: int
    userid: int
    bikeid: int
    kind: ComplaintKind
    words: str | None
    at_ms: int
    takenout: bool
    """Whether it took the bike out of service."""


def takes_out(grievance: Grievance, *, another_complained: bool) -> bool:
    """Whether a bike goes out of service at once. `another_complained`: another rider did, of this bike, within
    COUNTS_MS; however often the same one complains, it is one."""
    return grievance.bystaff or grievance.kind is ComplaintKind.SAFETY or another_complained
