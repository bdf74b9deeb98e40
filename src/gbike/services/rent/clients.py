"""Bike, as rent asks it: in bike's published words."""

import msgspec

from gbike.contracts.bike import ReservationRefused, Stand
from gbike.kit.calls.peers import Peer, PeerUnavailable
from gbike.services.rent.domain import Began, BikeNotAvailable, BikeTooLow, GivenUp, NoSuchBike


class BikeClient(Peer):
    """Bike, asked synchronously."""

    async def reserve(self, bikeid: int, *, for_rent: int) -> Began | None:
        """Make the bike this rent's; answers where it stands, None: an older bike, which does not say. Raises
        BikeNotAvailable, BikeTooLow or NoSuchBike (nothing is reserved then); GivenUp when the rent was cancelled
        before; PeerFailed or CircuitOpen when it is unknown whether it is reserved."""
        answer = await self.ask("PUT", f"/internal/bikes/{bikeid}/reservations/{for_rent}")
        match answer.status:
            case 200:
                had = msgspec.json.decode(answer.body, type=Stand)
                return None if had.location is msgspec.UNSET else Began(had.location or "", had.lat, had.lon)
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
