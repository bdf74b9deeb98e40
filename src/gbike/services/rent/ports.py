"""What the use cases of rent need from outside."""

from typing import Protocol

from gbike.kit.access.principal import Whose
from gbike.kit.once import Once
from gbike.services.rent.domain import Handback, KnownRent, OpenRent, PendingRent, ReturnedRent


class Rents(Protocol):
    """The rents on record."""

    async def answered_before(self, once: Once | None) -> None:
        """Nothing, when the request is new. Raises Replay, KeyReused, KeyInFlight for its key."""

    async def begin(self, userid: int, bikeid: int, once: Once | None) -> PendingRent:
        """Put a wish on record with its deadline. Raises ClockBehind; RiderBlocked and TooManyOpenRents when the rider
        may not begin a ride; Replay, KeyReused, KeyInFlight for its key."""

    async def open(self, pending: PendingRent, once: Once | None) -> OpenRent:
        """PENDING → OPEN, say Rented, keep the answer. Raises GivenUp when it was cancelled meanwhile,
        RiderBlocked or TooManyOpenRents when the rider may not begin a ride by now."""

    async def cancel(self, pending: PendingRent, reason: str, *, bike_may_be_reserved: bool) -> None:
        """PENDING → CANCELLED and let the key go; say RentCancelled unless bike itself refused. Again: nothing."""

    async def give_back(self, rentid: int, told: Handback, whose: Whose, once: Once | None) -> ReturnedRent:
        """OPEN → RETURNED and say Returned; a returned rent answers its first result.
        Raises NoSuchRent, also for another's, and RentIsCancelled."""

    async def end(self, rentid: int, at_ms: int | None, reason: str, once: Once | None) -> ReturnedRent:
        """OPEN → RETURNED, now or at an earlier moment, with the reason on record, and say Returned.
        Raises NoSuchRent, RentIsCancelled, RentIsReturned, OutsideTheRide."""

    async def one(self, rentid: int, whose: Whose) -> KnownRent:
        """The rent. Raises NoSuchRent, also for another's and while it is pending."""


class BikeReservations(Protocol):
    """Bike, asked synchronously."""

    def check(self) -> None:
        """Raises CircuitOpen when asking is pointless right now."""

    async def reserve(self, bikeid: int, *, for_rent: int) -> None:
        """Make the bike this rent's. Raises BikeNotAvailable or NoSuchBike (nothing is reserved then); GivenUp when
        the rent was cancelled before; PeerFailed or CircuitOpen when it is unknown whether it is reserved."""
