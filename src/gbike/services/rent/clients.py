"""Bike, as rent asks it: in bike's published words."""

import msgspec

from gbike.contracts.bike import ReservationRefused
from gbike.kit.peers import Peer, PeerUnavailable
from gbike.services.rent.domain import BikeNotAvailable, GivenUp, NoSuchBike


class BikeClient:
    """BikeReservations (ports) over a Peer."""

    def __init__(self, bike: Peer) -> None:
        self._bike = bike

    def check(self) -> None:
        """Raises CircuitOpen when asking is pointless right now."""
        self._bike.check()

    async def reserve(self, bikeid: int, *, for_rent: int) -> None:
        """Make the bike this rent's; refusals as BikeReservations (ports) says."""
        answer = await self._bike.ask("PUT", f"/internal/bikes/{bikeid}/reservations/{for_rent}")
        match answer.status:
            case 200:
                return
            case 404:
                raise NoSuchBike(bikeid)
            case 409:
                raise BikeNotAvailable(bikeid, msgspec.json.decode(answer.body, type=ReservationRefused).bikestatus)
            case 410:
                raise GivenUp(bikeid)
            case other:
                raise PeerUnavailable(f"bike answered {other}")
