"""The golden examples: one ride and what surrounds it, as messages with a fixed time, id and trace.

Never edit one, its file in schemas/examples stands for messages that were sent; join a new one under a name of its own
(`Returned.v1-offline`) when a field is new.
"""

from zlib import crc32

from gbike.contracts.account import AccountErased, ChangedRoles, EndedSessions, RegisteredAccount
from gbike.contracts.bike import ChkAndUpdatedStatus, RegisteredBike, UpdatedBike, UpdatedBikeState
from gbike.contracts.bike_manage_app import Reported, RiderComplained
from gbike.contracts.bike_manager import AdjustedPoint
from gbike.contracts.billing import CalculatedFee, ClosedBill, CorrectedBill, RegisteredBill
from gbike.contracts.rent import RentCancelled, Rented, Returned, RideOverdue
from gbike.contracts.user_deposit import AddedDeposit, ChangedStanding, RefundedFee, UpdatedDeposit
from gbike.kit.envelope import Event, Message, pack
from gbike.kit.telemetry import Trace

BEGAN_MS = 1_624_410_000_000
ENDED_MS = BEGAN_MS + 1_260_000
TRACE = Trace("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "a-ride-in-bundang")
EXAMPLES: dict[str, Event] = {
    "AddedDeposit.v1": AddedDeposit(userid=1, deposit=100_000, amount=100_000, cause="opening:1", version=1),
    "RegisteredBike.v1": RegisteredBike(
        bikeid=1, status="사용가능", location="분당_정자역_1구역", batterylevel=90, lat=37.3660, lon=127.1083
    ),
    "RegisteredBike.v1-labelled": RegisteredBike(bikeid=2, status="사용가능", batterylevel=80, label="SPB-03001"),
    "UpdatedBike.v1-labelled": UpdatedBike(bikeid=2, status="사용가능", batterylevel=80, version=2, label="SPB-03002"),
    "Rented.v1": Rented(rentid=1, userid=1, bikeid=1, status="rented", starttime=BEGAN_MS),
    "ChkAndUpdatedStatus.v1": ChkAndUpdatedStatus(bikeid=1, status="사용중", rentid=1, version=2),
    "RegisteredBill.v1": RegisteredBill(billid=1, rentid=1, userid=1, starttime=BEGAN_MS, status="OPENBILL"),
    "Returned.v1": Returned(
        rentid=1,
        userid=1,
        bikeid=1,
        status="returned",
        endtime=ENDED_MS,
        endlocation="분당_정자역_3구역",
        starttime=BEGAN_MS,
        lat=37.3671,
        lon=127.1080,
    ),
    "UpdatedBike.v1": UpdatedBike(
        bikeid=1,
        status="사용가능",
        location="분당_정자역_3구역",
        batterylevel=90,
        lat=37.3671,
        lon=127.1080,
        rentid=1,
        version=3,
    ),
    "CalculatedFee.v1": CalculatedFee(
        billid=1,
        rentid=1,
        userid=1,
        endtime=ENDED_MS,
        fee=2_100,
        status="APPLYFEE",
        starttime=BEGAN_MS,
        tariff="100/60s floor",
    ),
    "UpdatedDeposit.v1": UpdatedDeposit(userid=1, deposit=97_900, billid=1, fee=2_100, version=2),
    "ClosedBill.v1": ClosedBill(billid=1, rentid=1, userid=1, status="CLOSEBILL"),
    "RentCancelled.v1": RentCancelled(rentid=2, userid=2, bikeid=1, reason="PeerTimeout"),
    "UpdatedBikeState.v1": UpdatedBikeState(
        bikeid=1, status="사용가능", batterylevel=50, usableyn=True, reportid=1, version=4
    ),
    "RiderComplained.v1": RiderComplained(
        complaintid=1, userid=1, bikeid=1, kind="brake", at=1_790_000_000_000, takenout=True
    ),
    "Reported.v1": Reported(reportid=1, managerid=1, bikeid=1, batterylevel=50, usableyn=True),
    "AdjustedPoint.v1": AdjustedPoint(
        managerid=1, userid=1, point=1_000, adjustpoint=1_000, conversion="conversion:1:example"
    ),
    "AccountErased.v1": AccountErased(userid=3),
    "RegisteredBill.v1-caused": RegisteredBill(billid=1, rentid=1, userid=1, starttime=BEGAN_MS, status="OPENBILL"),
    "RegisteredAccount.v1": RegisteredAccount(userid=1),
    "ChangedRoles.v1": ChangedRoles(userid=4, tokenversion=1),
    "EndedSessions.v1": EndedSessions(userid=4, tokenversion=2),
    "ChangedStanding.v1": ChangedStanding(
        userid=2, mayrent=False, reasons=("minimum",), version=3, missing_krw=400, deposit=600, depositversion=7
    ),
    "ChangedStanding.v1-staff": ChangedStanding(
        userid=2, mayrent=False, reasons=("staff",), version=4, blockeduntil=ENDED_MS + 86_400_000
    ),
    "CorrectedBill.v1": CorrectedBill(correctionid=1, billid=1, rentid=1, userid=1, amount=500),
    "RefundedFee.v1": RefundedFee(userid=1, deposit=98_400, billid=1, rentid=1, correctionid=1, amount=500, version=3),
    "Returned.v1-offline": Returned(
        rentid=1,
        userid=1,
        bikeid=1,
        status="returned",
        endtime=ENDED_MS,
        endlocation="분당_정자역_3구역",
        starttime=BEGAN_MS,
        endedby="offline",
        clocksuspect=True,
    ),
    "Returned.v1-measured": Returned(
        rentid=1,
        userid=1,
        bikeid=1,
        status="returned",
        endtime=ENDED_MS,
        endlocation="분당_정자역_3구역",
        starttime=BEGAN_MS,
        lat=37.3671,
        lon=127.1080,
        endedby="rider",
        accuracy=8.5,
        measuredat=ENDED_MS - 4_000,
    ),
    "Returned.v1-noposition": Returned(
        rentid=1,
        userid=1,
        bikeid=1,
        status="returned",
        endtime=ENDED_MS,
        endlocation="집 앞",
        starttime=BEGAN_MS,
        endedby="rider",
        noposition="old",
    ),
    "Returned.v1-stayed": Returned(
        rentid=1,
        userid=1,
        bikeid=1,
        status="returned",
        endtime=BEGAN_MS + 60_000,
        starttime=BEGAN_MS,
        endedby="rider",
        stayed=True,
    ),
    "Returned.v1-charged": Returned(
        rentid=1,
        userid=1,
        bikeid=1,
        status="returned",
        endtime=ENDED_MS,
        endlocation="분당_정자역_3구역",
        starttime=BEGAN_MS,
        endedby="admin",
        voided=False,
    ),
    "RideOverdue.v1": RideOverdue(rentid=1, userid=1, bikeid=1, starttime=BEGAN_MS),
    "RegisteredBike.v1-point": RegisteredBike(
        bikeid=1,
        status="사용가능",
        location="분당_정자역_1구역",
        batterylevel=90,
        lat=37.3660,
        lon=127.1083,
        pointat=BEGAN_MS,
        pointby="staff",
    ),
    "UpdatedBike.v1-point": UpdatedBike(
        bikeid=1,
        status="사용가능",
        location="분당_정자역_3구역",
        batterylevel=90,
        lat=37.3671,
        lon=127.1080,
        rentid=1,
        version=3,
        pointat=ENDED_MS - 4_000,
        pointby="phone",
        accuracy=8.5,
    ),
    "RegisteredBike.v1-noposition": RegisteredBike(bikeid=2, status="사용가능", location="집 앞", noposition="zero"),
    "UpdatedBike.v1-stale": UpdatedBike(
        bikeid=1,
        status="사용가능",
        location="집 앞",
        batterylevel=90,
        rentid=1,
        version=3,
        stale=True,
        noposition="far",
    ),
    "UpdatedBike.v1-whose": UpdatedBike(
        bikeid=1,
        status="사용가능",
        location="분당_정자역_3구역",
        batterylevel=80,
        lat=37.3671,
        lon=127.1080,
        version=4,
        pointat=ENDED_MS - 4_000,
        pointby="phone",
        accuracy=8.5,
        locationof=1,
        pointof=1,
    ),
    "Reported.v1-unpaid": Reported(reportid=2, managerid=1, bikeid=1, batterylevel=50, usableyn=True, points=0),
}
CAUSES = {"RegisteredBill.v1-caused": "Rented.v1"}
"""Examples that name the message they were said because of; the others are from before messages did."""


def packed(name: str) -> Message:
    """The message of an example, with everything that would be chance made fixed."""
    event = EXAMPLES[name]
    source = type(event).__module__.rpartition(".")[2]
    cause = _id(CAUSES[name]) if name in CAUSES else ""
    trace = Trace(TRACE.traceparent, TRACE.request_id, cause)
    return pack(event, id=_id(name), source=source, now_ms=ENDED_MS, trace=trace)


def _id(name: str) -> str:
    return f"01914b2e-7a00-7000-8000-{crc32(name.replace('.v1', '').encode()):012x}"
