"""What rent needs from outside."""

from typing import Protocol


class BikeReservations(Protocol):
    """Bike, asked synchronously."""

    def check(self) -> None:
        """Raises CircuitOpen when asking is pointless right now."""

    async def reserve(self, bikeid: int, *, for_rent: int) -> None:
        """Make the bike this rent's. Raises BikeNotAvailable or NoSuchBike (nothing is reserved then); GivenUp when
        the rent was cancelled before; PeerFailed or CircuitOpen when it is unknown whether it is reserved."""
