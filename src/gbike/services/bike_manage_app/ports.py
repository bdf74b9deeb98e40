"""What the use cases of bikeManageApp need from outside."""

from typing import Protocol

from gbike.services.bike_manage_app.domain import Report, State


class Reports(Protocol):
    """The reports on record."""

    async def answered_before(self) -> None:
        """Nothing, when the request is new. Raises what a key raises."""

    async def begin(self, state: State, sent_reportid: int | None) -> tuple[Report, bool]:
        """Put a report on record, PENDING with its deadline; or the applied one that this manager sent under the
        same number before, with True. Raises ReportDiffers, ReportInFlight, and what a key raises."""

    async def applied(self, report: Report, changedby: int | None) -> Report:
        """PENDING → APPLIED, decide what it earns, say Reported, keep the answer. `changedby`: as BikeStates.apply
        answers. Raises GivenUp when it was cancelled meanwhile."""

    async def cancel(self, report: Report, reason: str) -> None:
        """PENDING → CANCELLED; its number and key are free again. Again: nothing."""

    async def one(self, reportid: int) -> Report:
        """An applied report. Raises NoSuchReport, also for another's."""


class BikeStates(Protocol):
    """Bike, asked synchronously."""

    def check(self) -> None:
        """Raises CircuitOpen when asking is pointless right now."""

    async def apply(self, report: Report) -> int | None:
        """Apply the report to its bike, however often it is asked. Answers the newest report that changed the bike's
        battery or fault; 0: none did; None: bike doesn't tell. Raises NoSuchBike (nothing applied);
        PeerFailed or CircuitOpen when it is unknown whether it was applied."""
