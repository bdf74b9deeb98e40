"""Bike, as bikeManageApp asks it: in bike's published words."""

import msgspec

from gbike.contracts.bike import ReportedState
from gbike.kit.peers import Peer, PeerUnavailable
from gbike.services.bike_manage_app.domain import NoSuchBike, Report


class BikeClient:
    """BikeStates (ports) over a Peer."""

    def __init__(self, bike: Peer) -> None:
        self._bike = bike

    def check(self) -> None:
        """See BikeStates.check."""
        self._bike.check()

    async def apply(self, report: Report) -> None:
        """See BikeStates.apply."""
        state = report.state
        body = msgspec.json.encode(ReportedState(state.batterylevel, state.usableyn))
        answer = await self._bike.ask("PUT", f"/internal/bikes/{state.bikeid}/reports/{report.reportid}", body)
        match answer.status:
            case 200:
                return
            case 404:
                raise NoSuchBike(state.bikeid)
            case other:
                raise PeerUnavailable(f"bike answered {other}")
