"""The states of a report: PENDING → APPLIED, or PENDING → CANCELLED. Only an applied report is said and earns points.

ReportRefused
├── NoSuchBike            bike knows no such bike
├── NoSuchReport          there is none with this number, or it was not applied
├── ReportDiffers         this manager sent another report under the same number before
├── ReportInFlight        the first report with this number is still under way
└── GivenUp               the report was cancelled while bike was asked: send it again
"""

from dataclasses import dataclass


class ReportRefused(Exception):
    """Something about a report was refused; it earns nothing."""


@dataclass(eq=False)
class NoSuchBike(ReportRefused):
    """There is no such bike."""

    bikeid: int


@dataclass(eq=False)
class NoSuchReport(ReportRefused):
    """There is no such report."""

    reportid: int


@dataclass(eq=False)
class ReportDiffers(ReportRefused):
    """The posted number belongs to a report with other contents."""

    sent_reportid: int


@dataclass(eq=False)
class ReportInFlight(ReportRefused):
    """The first report with this number has no answer yet."""

    sent_reportid: int


@dataclass(eq=False)
class GivenUp(ReportRefused):
    """The report took too long."""

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
