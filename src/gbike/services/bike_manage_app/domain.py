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


@dataclass(frozen=True, slots=True)
class State:
    """What a manager saw: battery in percent, and whether the bike may be ridden (None: not said)."""

    managerid: int
    bikeid: int
    batterylevel: int
    usableyn: bool | None


@dataclass(frozen=True, slots=True)
class Report:
    """One report on record."""

    reportid: int
    state: State
    applied_ms: int | None = None
    points: int = 0
    """What it earned, decided when it was applied."""


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
    """What a manager was paid lately: reports of this bike in 30 minutes, points in 24 hours."""

    of_bike: int
    in_day: int


def points_of(earning: Earning, paid: PaidBefore) -> int:
    """R11: what a report that is to be paid earns within the limits: all of its points or nothing."""
    if earning.per_bike and paid.of_bike >= earning.per_bike:
        return 0
    if earning.per_day and paid.in_day + POINTS_PER_REPORT > earning.per_day:
        return 0
    return POINTS_PER_REPORT


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
