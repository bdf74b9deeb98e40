"""What the use cases of bike need from outside."""

from collections.abc import Callable
from typing import Protocol

from gbike.kit.acting import IdempotencyKey as Once
from gbike.services.bike.domain import Bike


class Bikes(Protocol):
    """The fleet."""

    async def one(self, bikeid: int) -> Bike:
        """The bike. Raises NoSuchBike."""

    async def add(self, bike: Bike, once: Once | None) -> Bike:
        """Keep a new bike and say RegisteredBike. Raises BikeExists."""

    async def change(self, bikeid: int, decide: Callable[[Bike], Bike], once: Once | None) -> Bike:
        """Load, decide, keep and say UpdatedBike, in one transaction. Raises NoSuchBike and what `decide` raises."""

    async def reserve(self, bikeid: int, rentid: int, until_ms: float) -> None:
        """Give the bike to the rent if it is available, in one conditional update; again for the same rent: nothing.

        A refused rent leaves a tombstone. `until_ms`: monotonic moment after which the caller has gone.
        Raises NoSuchBike, BikeNotAvailable, RentWasCancelled, TooLate.
        """

    async def report(
        self, bikeid: int, reportid: int, decide: Callable[[Bike], Bike], until_ms: float
    ) -> tuple[Bike, int]:
        """Apply a report unless a newer one was applied, and say UpdatedBikeState. Answers the bike, and the newest
        report that changed its battery or fault, 0 when none ever did. Raises NoSuchBike, TooLate."""
