"""Bike, as bikeManageApp asks it: in bike's published words."""

import msgspec

from gbike.contracts.bike import ReportedState
from gbike.kit.calls.peers import CircuitOpen, Peer, PeerFailed, PeerUnavailable
from gbike.services.bike_manage_app.domain import NoSuchBike, Report


class _Changed(msgspec.Struct, frozen=True):
    """What is read of an AppliedReport."""

    changedby: int | None = None


class BikeClient(Peer):
    """Bike, asked synchronously."""

    async def apply(self, report: Report) -> int | None:
        """Apply the report to its bike, however often it is asked. Answers the newest report that changed the bike's
        battery or fault; 0: none did; None: bike doesn't tell. Raises NoSuchBike (nothing applied); PeerFailed or
        CircuitOpen when it is unknown whether it was applied."""
        state = report.state
        body = msgspec.json.encode(ReportedState(state.batterylevel, state.usableyn))
        answer = await self.ask("PUT", f"/internal/bikes/{state.bikeid}/reports/{report.reportid}", body)
        match answer.status:
            case 200:
                return _changed_by(answer.body)
            case 404:
                raise NoSuchBike(state.bikeid)
            case other:
                raise PeerUnavailable(f"bike answered {other}")

    async def must_know(self, bikeid: int) -> None:
        """Raises NoSuchBike where bike says so. Where it can't be asked, or is an older one that can't tell, nobody
        knows better than who stands at the bike."""
        try:
            answer = await self.ask("GET", f"/internal/bikes/{bikeid}")
        except (CircuitOpen, PeerFailed):
            return
        if answer.status == 404 and b"bike-unknown" in answer.body:
            raise NoSuchBike(bikeid)


def _changed_by(body: bytes) -> int | None:
    try:
        return msgspec.json.decode(body, type=_Changed).changedby
    except (msgspec.DecodeError, msgspec.ValidationError) as wrong:
        raise PeerUnavailable(f"bike's answer is not understood: {wrong}") from None
