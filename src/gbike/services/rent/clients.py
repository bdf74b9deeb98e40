"""Bike, as rent asks it: in bike's published words."""

import msgspec

from gbike.contracts.bike import ReservationRefused
from gbike.kit.calls.peers import Peer, PeerUnavailable
from gbike.services.rent.domain import BikeNotAvailable, BikeTooLow, GivenUp, NoSuchBike


class BikeClient(Peer):
    """Bike, asked synchronously."""

    async def reserve(self, bikeid: int, *, for_rent: int) -> None:
        """Make the bike this rent's. Raises BikeNotAvailable, BikeTooLow or NoSuchBike (nothing is reserved then);
        GivenUp when the rent was cancelled before; PeerFailed or CircuitOpen when it is unknown whether it is
        reserved."""
        answer = await self.ask("PUT", f"/internal/bikes/{bikeid}/reservations/{for_rent}")
        match answer.status:
            case 200:
                return
            case 404:
                raise NoSuchBike(bikeid)
            case 409:
                refused = msgspec.json.decode(answer.body, type=ReservationRefused)
                kind = BikeTooLow if refused.why == "battery" else BikeNotAvailable
                raise kind(bikeid, refused.bikestatus)
            case 410:
                raise GivenUp(bikeid)
            case other:
                raise PeerUnavailable(f"bike answered {other}")
