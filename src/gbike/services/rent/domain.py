"""The states of a rent: PENDING → OPEN → RETURNED, or PENDING → CANCELLED, and nothing else (I4).

RentRefused
├── BikeNotAvailable      bike answered that it can't be rented
│   └── BikeTooLow        its battery is charged too little
├── NoSuchBike            bike knows no such bike
├── NoSuchRent            there is none with this number, or it is still pending
├── RentIsCancelled       it never began, so it can't be returned
├── RentIsReturned        it is over, so nobody can end or void it
├── OutsideTheRide        a ride can't end before it began, nor in the future
├── TooManyOpenRents      the rider has as many open rents as are allowed
├── RiderBlocked          userDeposit says that the rider may not begin a ride
│   ├── RiderHalted       an operator keeps the rider from beginning one
│   └── RiderErased       the rider's account was erased
├── ClockBehind           the wall clock of this process is wrong
└── GivenUp               the rent was cancelled while bike was asked: try again
"""

from dataclasses import dataclass, field, replace

from gbike.kit import positions
from gbike.kit.text import same_name

STAFF = "staff"
"""The reason of a standing that an operator made."""
DISAGREE_MS = 60_000
"""Two clocks that measured a ride may differ by so much; beyond it one of them was set meanwhile."""
STAYED_M = 100
"""A ride that ends so near to where it began ended there: two phones measure one place so far apart."""


class RentRefused(Exception):
    """Something about a rent was refused; nothing changed."""


@dataclass(eq=False)
class BikeNotAvailable(RentRefused):
    bikeid: int
    bikestatus: str


@dataclass(eq=False)
class BikeTooLow(BikeNotAvailable):
    why: str = "battery"


@dataclass(eq=False)
class NoSuchBike(RentRefused):
    bikeid: int


@dataclass(eq=False)
class NoSuchRent(RentRefused):
    rentid: int


@dataclass(eq=False)
class RentIsCancelled(RentRefused):
    rentid: int


@dataclass(eq=False)
class RentIsReturned(RentRefused):
    rentid: int


@dataclass(eq=False)
class OutsideTheRide(RentRefused):
    """No moment of the ride: it began at `started_ms`, and now is `now_ms`."""

    rentid: int
    started_ms: int
    now_ms: int


@dataclass(eq=False)
class TooManyOpenRents(RentRefused):
    userid: int
    most: int


@dataclass(eq=False)
class RiderBlocked(RentRefused):
    """The rider may not begin a ride, for these reasons; `missing_krw` has to be paid in first."""

    userid: int
    reasons: tuple[str, ...]
    missing_krw: int = 0


@dataclass(eq=False)
class RiderHalted(RiderBlocked):
    """`until_ms`: when that ends by itself; None: when an operator says so."""

    until_ms: int | None = None


@dataclass(eq=False)
class RiderErased(RiderBlocked):
    reasons: tuple[str, ...] = ("erased",)


@dataclass(eq=False)
class ClockBehind(RentRefused):
    """The wall clock is behind what the store holds."""


@dataclass(eq=False)
class GivenUp(RentRefused):
    bikeid: int


@dataclass(frozen=True, slots=True)
class Location:
    """Where a ride ended: free text, and WGS 84 degrees when known, with how exactly (m) and when they were measured
    where the phone says so."""

    endlocation: str | None = None
    lat: float | None = None
    lon: float | None = None
    accuracy_m: float | None = None
    measured_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Began:
    """Where a ride began: where bike had its bike on record then; nothing of it where it was nowhere."""

    name: str = ""
    lat: float | None = None
    lon: float | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """One moment, as the wall clock shows it and the boot clock of the machine (`bootid` empty: it has none)."""

    wall_ms: int
    bootid: str = ""
    boot_ms: int = 0


@dataclass(frozen=True, slots=True)
class Handback:
    """What a rider tells of a return: where, and when it was tapped if that was without a line (server time, ms)."""

    place: Location = Location()
    tapped_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """What is set of rents: how long one may stay pending, open rents of a rider (0: no limit), how long ago a return
    may have been tapped without a line, and after how long a ride is overdue (0: never)."""

    stale_after_ms: int
    most_open: int = 0
    offline_ms: int = 300_000
    overdue_ms: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a rider may begin a ride, as it was heard last."""

    mayrent: bool
    reasons: tuple[str, ...]
    missing_krw: int
    erased: bool = False
    blockeduntil_ms: int | None = None
    """When the reason `staff` ends by itself, whether or not anybody says so then."""

    def at(self, now_ms: int) -> "Standing":
        """As it is at a moment: a block whose end has come is none."""
        if self.mayrent or STAFF not in self.reasons or self.blockeduntil_ms is None or now_ms < self.blockeduntil_ms:
            return self
        left = tuple(reason for reason in self.reasons if reason != STAFF)
        return replace(self, mayrent=not left, reasons=left)


@dataclass(frozen=True, slots=True)
class PendingRent:
    """A wish on record: bike has not answered yet."""

    rentid: int
    userid: int
    bikeid: int


@dataclass(frozen=True, slots=True)
class OpenRent:
    """A rider rides a bike."""

    status = "rented"
    rentid: int
    userid: int
    bikeid: int
    started_ms: int
    bootid: str = ""
    boot_ms: int = 0
    """What the boot clock showed at the start."""
    began: Began | None = None
    """None: it was not kept."""


@dataclass(frozen=True, slots=True)
class ReturnedRent:
    """A ride that is over."""

    status = "returned"
    rentid: int
    userid: int
    bikeid: int
    started_ms: int
    ended_ms: int
    place: Location
    endedby: str | None = None
    """`rider`, `offline`, `admin` or `void`; None: the ride ended before this was kept."""
    clocksuspect: bool = False
    noposition: str | None = None
    """Why the position that was sent is none (kit/positions.py)."""
    voided: bool = False
    """An operator ended it, and it costs nothing."""
    stayed: bool = field(default=False, compare=False)
    """It ended where it began. Kept nowhere: it is said once."""


@dataclass(frozen=True, slots=True)
class CancelledRent:
    """A rent that did not begin, and why."""

    status = "cancelled"
    rentid: int
    userid: int
    bikeid: int
    reason: str


KnownRent = OpenRent | ReturnedRent | CancelledRent


def ridden(rent: OpenRent, now: Moment) -> tuple[int, bool]:
    """How long the ride lasts, ms, and whether the clocks disagree about it. The boot clock counts while the machine
    that began the ride runs on; else the wall clocks do, and no ride ends before it began."""
    by_wall, by_boot = now.wall_ms - rent.started_ms, now.boot_ms - rent.boot_ms
    runs_on = rent.bootid != "" and rent.bootid == now.bootid and by_boot >= 0
    length_ms = by_boot if runs_on else max(0, by_wall)
    return length_ms, abs(by_wall - length_ms) > DISAGREE_MS


def overdue_since(now_ms: int, overdue_ms: int) -> int:
    """Rides under way that began then, ms, or earlier have lasted for `overdue_ms`, by the wall clock. With 0 none ever
    has: it is before every start."""
    return now_ms - overdue_ms if overdue_ms else -1


def give_back(rent: OpenRent, now: Moment, told: Handback, limits: Limits) -> ReturnedRent:
    """R5: the ride is over now, or at a tap that was not too long ago; never before its start."""
    length_ms, suspect = ridden(rent, now)
    ago_ms = 0 if told.tapped_ms is None else now.wall_ms - told.tapped_ms
    offline = told.tapped_ms is not None and 0 <= ago_ms <= limits.offline_ms
    ended_ms = rent.started_ms + max(0, length_ms - (ago_ms if offline else 0))
    over = _over(rent, ended_ms, told.place, "offline" if offline else "rider", suspect)
    if told.place.lat is not None or told.place.lon is not None:
        over = _judged(over, tapped_ms=now.wall_ms if ago_ms < 0 or told.tapped_ms is None else told.tapped_ms)
    return replace(over, stayed=stayed(rent.began, over.place))


def end(rent: OpenRent, now: Moment, at_ms: int | None) -> ReturnedRent:
    """An operator ends the ride, now or at an earlier moment. Raises OutsideTheRide."""
    length_ms, suspect = ridden(rent, now)
    now_ms = rent.started_ms + length_ms
    ended_ms = now_ms if at_ms is None else at_ms
    if not rent.started_ms <= ended_ms <= now_ms:
        raise OutsideTheRide(rent.rentid, rent.started_ms, now_ms)
    return replace(_over(rent, ended_ms, Location(), "admin", suspect), stayed=stayed(rent.began, Location()))


def void(rent: OpenRent, now: Moment) -> ReturnedRent:
    """An operator ends the ride now, and it costs nothing."""
    return replace(end(rent, now, None), endedby="void", voided=True)


def stayed(began: Began | None, ended: Location) -> bool:
    """Whether a ride ended where it began: no place was told of its end, or the same name, or one near by. A ride of
    which nobody knows where it began did not."""
    if began is None:
        return False
    if ended.endlocation and same_name(ended.endlocation) == same_name(began.name):
        return True
    if ended.lat is None or ended.lon is None:
        return not ended.endlocation
    if began.lat is None or began.lon is None:
        return False
    return positions.within(STAYED_M, ended.lat, ended.lon, (began.lat, began.lon))


def _over(rent: OpenRent, ended_ms: int, location: Location, endedby: str, suspect: bool) -> ReturnedRent:
    began = (rent.rentid, rent.userid, rent.bikeid, rent.started_ms)
    return ReturnedRent(*began, ended_ms, location, endedby, suspect)


def _judged(over: ReturnedRent, tapped_ms: int) -> ReturnedRent:
    """A return is never refused because of its position: one that is none is left out, and why is said."""
    place = over.place
    age_ms = None if place.measured_ms is None else tapped_ms - place.measured_ms
    fault = positions.fault(place.lat, place.lon, accuracy_m=place.accuracy_m, age_ms=age_ms)
    return over if fault is None else replace(over, place=Location(place.endlocation), noposition=fault)
