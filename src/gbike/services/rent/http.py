"""What may be asked of rent."""

from collections.abc import Awaitable, Callable

import msgspec

from gbike.kit.access.guard import RENTS as RENTS_A_MINUTE
from gbike.kit.access.guard import RETURNS
from gbike.kit.access.rules import ADMINS, PEOPLE
from gbike.kit.breaker import CircuitOpen
from gbike.kit.clock import rfc3339
from gbike.kit.http.app import Handler, Operation, Refusals
from gbike.kit.http.ask import Answer, Ask
from gbike.kit.http.fields import Id, Instant, Latitude, Longitude, Reason, Text, invalid, ms_of
from gbike.kit.http.hal import Kind, collection, item
from gbike.kit.http.problems import Problem, ProblemType
from gbike.kit.peers import PeerBusy, PeerTimeout, PeerUnavailable
from gbike.kit.store import Store
from gbike.services.rent import domain, storage
from gbike.services.rent.commands import end_the_ride, return_the_bike
from gbike.services.rent.domain import (
    CancelledRent,
    Handback,
    KnownRent,
    Limits,
    OpenRent,
    OutsideTheRide,
    Place,
    ReturnedRent,
)
from gbike.services.rent.storage import STATUSES

RENTS = Kind("rents", "rent", "rentid")

NOT_AVAILABLE = ProblemType(
    "bike-unavailable",
    409,
    "The bike can't be rented now",
    "대여할 수 없는 자전거",
    "Bike {bikeid} can't be rented: it is {bikestatus}.",
    "자전거는 대여할 수 없는 상태입니다. {bikeid}번: {bikestatus}",
)
NO_BIKE = ProblemType(
    "bike-unknown", 404, "No such bike", "없는 자전거", "There is no bike {bikeid}.", "{bikeid}번 자전거는 없습니다."
)
NO_RENT = ProblemType(
    "rent-unknown", 404, "No such rent", "없는 대여", "There is no rent {rentid}.", "{rentid}번 대여는 없습니다."
)
IS_CANCELLED = ProblemType(
    "rent-cancelled",
    409,
    "The rent never began",
    "시작되지 않은 대여",
    "Rent {rentid} was cancelled before it began; there is nothing to return.",
    "{rentid}번 대여는 시작되기 전에 취소되어 반납할 것이 없습니다.",
)
TOO_MANY = ProblemType(
    "too-many-open-rents",
    409,
    "Return a bike first",
    "먼저 반납해 주세요",
    "Rider {userid} may have {most} open rents at once.",
    "{userid}번 사용자는 동시에 {most}대까지 빌릴 수 있습니다.",
)
IS_RETURNED = ProblemType(
    "rent-returned",
    409,
    "The ride is over",
    "이미 끝난 대여",
    "Rent {rentid} is over; its end stays as it is.",
    "{rentid}번 대여는 이미 끝나 종료 시각을 바꿀 수 없습니다.",
)
OUTSIDE = ProblemType(
    "end-outside-ride",
    409,
    "No moment of this ride",
    "이용 시간 밖의 시각",
    "Rent {rentid} lasts from {starttime} until {now}; it can't end before or after.",
    "{rentid}번 대여는 {starttime}에 시작해 지금은 {now}이에요. 그 사이의 시각을 보내 주세요.",
)
BLOCKED = ProblemType(
    "rider-blocked",
    403,
    "Pay in first",
    "먼저 충전해 주세요",
    "Rider {userid} can't begin a ride yet. Pay in at least {missing_krw} won first.",
    "{userid}번 사용자는 아직 대여할 수 없습니다. 먼저 {missing_krw}원 이상 충전해 주세요.",
)
_ERASED = msgspec.structs.replace(
    BLOCKED,
    title_en="The account was deleted",
    title_ko="탈퇴한 계정",
    detail_en="The account of rider {userid} was deleted; no ride can begin with it. Sign up again to rent a bike.",
    detail_ko="{userid}번 사용자는 탈퇴하여 대여할 수 없습니다. 대여하려면 다시 가입해 주세요.",
)
CLOCK = ProblemType(
    "clock-behind",
    503,
    "Rents are paused",
    "대여 일시 중단",
    "The clock of the rent service is wrong, so no ride begins until it is set right. Bikes can be returned.",
    "대여 시스템의 시계가 맞지 않아 바로잡을 때까지 대여를 받지 않습니다. 반납은 할 수 있습니다.",
    retry_after_s=30,
)
_SHORTLY = "요청이 취소되었습니다. 잠시 후 다시 시도해 주세요."
GIVEN_UP = ProblemType(
    "rent-given-up",
    503,
    "Try again shortly",
    "잠시 후 다시 시도",
    "The rent took too long and was cancelled; nothing was rented. Please try again shortly.",
    _SHORTLY,
    retry_after_s=2,
)
TIMEOUT = ProblemType(
    "bike-service-timeout",
    503,
    "The bike service is slow",
    "자전거 서비스 지연",
    "The bike service did not answer in time. Nothing was rented. Please try again shortly.",
    _SHORTLY,
    retry_after_s=2,
)
UNREACHABLE = ProblemType(
    "bike-service-unavailable",
    503,
    "The bike service is not available",
    "자전거 서비스 이용 불가",
    "The bike service can't be reached. Nothing was rented. Please try again shortly.",
    _SHORTLY,
    retry_after_s=2,
)
OPEN_CIRCUIT = ProblemType(
    "circuit-open",
    503,
    "Rents are paused for a moment",
    "대여가 잠시 중단됨",
    "The bike service is overloaded, so rents are paused. Please try again shortly.",
    "자전거 관리 시스템이 과중하여 대여를 잠시 받지 않습니다. 잠시 후 다시 시도해 주세요.",
)
BUSY = ProblemType(
    "busy",
    503,
    "Too many rents at this moment",
    "대여 요청이 많음",
    "Too many riders ask at once. Nothing was rented. Please try again in a second.",
    "대여 요청이 많습니다. 잠시 후 다시 시도해 주세요.",
    retry_after_s=1,
)
REFUSALS: Refusals = {
    domain.BikeNotAvailable: NOT_AVAILABLE,
    domain.NoSuchBike: NO_BIKE,
    domain.NoSuchRent: NO_RENT,
    domain.RentIsCancelled: IS_CANCELLED,
    domain.RentIsReturned: IS_RETURNED,
    domain.TooManyOpenRents: TOO_MANY,
    domain.RiderErased: _ERASED,
    domain.RiderBlocked: BLOCKED,
    domain.ClockBehind: CLOCK,
    domain.GivenUp: GIVEN_UP,
    PeerTimeout: TIMEOUT,
    PeerUnavailable: UNREACHABLE,
    PeerBusy: BUSY,
    CircuitOpen: OPEN_CIRCUIT,
}


class RentResource(msgspec.Struct, frozen=True):
    """A rent as clients see it."""

    rentid: int
    userid: int
    bikeid: int
    status: str
    starttime: str | None
    endtime: str | None
    endlocation: str | None
    lat: float | None
    lon: float | None
    endedby: str | None = None
    """rider, offline (tapped without a line) or admin; null before, and where it was not kept."""


class RentWish(msgspec.Struct, frozen=True):
    """What a rider sends to rent a bike."""

    userid: Id
    bikeid: Id


class RentReturn(msgspec.Struct, frozen=True):
    """What a rider sends to return it: a place, or `status: returned`, or both. Other fields are the server's."""

    endlocation: Text | None = None
    status: Text | None = None
    lat: Latitude | None = None
    lon: Longitude | None = None
    tappedat: Instant | None = None
    """When it was tapped, by the clock of our answers' Date, where it could not be sent at once. One that is too long
    ago (GBIKE_OFFLINE_RETURN_S) or to come is ignored: then the ride ends now."""

    @property
    def is_a_return(self) -> bool:
        """Whether anything here means that the ride is over."""
        return self.endlocation is not None or (self.status or "").lower() == "returned"


class RentEnd(msgspec.Struct, frozen=True):
    """What an operator sends to end a ride, now or at the moment when it was over."""

    reason: Reason
    at: Instant | None = None


class RentHttp:
    """The handlers: parse, one command."""

    def __init__(self, store: Store, limits: Limits, rent_a_bike: Callable[[int, int], Awaitable[OpenRent]]) -> None:
        self._store, self._limits, self._rent_a_bike = store, limits, rent_a_bike

    async def list(self, ask: Ask) -> Answer:
        """GET /rents."""
        page, status = ask.page(), ask.first("status")
        if status is not None and status not in (*STATUSES, *map(str.upper, STATUSES)):
            raise invalid("status", f"one of {', '.join(STATUSES)}")
        rents, total = await storage.page(self._store, page, status.lower() if status else None)
        return Answer(200, collection(RENTS, ask.base, [shown(rent) for rent in rents], page, total))

    async def rent(self, ask: Ask) -> OpenRent:
        """POST /rents."""
        wish = await ask.body(RentWish)
        ask.must_cover(wish.userid)
        return await self._rent_a_bike(wish.userid, wish.bikeid)

    async def show(self, ask: Ask) -> KnownRent:
        """GET /rents/{rentid}."""
        return await self._store.read(storage.load, ask.id("rentid"))

    async def give_back(self, ask: Ask) -> KnownRent:
        """PATCH or PUT /rents/{rentid}: a return, or nothing."""
        rentid, wish = ask.id("rentid"), await ask.body(RentReturn)
        if not wish.is_a_return:
            return await self._store.read(storage.load, rentid)
        tapped_ms = None if wish.tappedat is None else ms_of(wish.tappedat)
        told = Handback(Place(wish.endlocation, wish.lat, wish.lon), tapped_ms)
        return await self._store.write(return_the_bike, rentid, told, self._limits, key=f"rent:{rentid}")

    async def end(self, ask: Ask) -> ReturnedRent:
        """POST /rents/{rentid}/end."""
        rentid, wish = ask.id("rentid"), await ask.body(RentEnd)
        at_ms = None if wish.at is None else ms_of(wish.at)
        try:
            return await self._store.write(end_the_ride, rentid, at_ms, wish.reason, key=f"rent:{rentid}")
        except OutsideTheRide as wrong:
            lasts = {"starttime": rfc3339(wrong.started_ms), "now": rfc3339(wrong.now_ms)}
            raise Problem(OUTSIDE, {"rentid": rentid, **lasts}) from None


def _found(ask: Ask, rent: KnownRent) -> Answer:
    """200 with the rent."""
    return ask.found(RENTS, shown(rent))


def _created(ask: Ask, rent: OpenRent) -> Answer:
    """201 with the rent, and where it is."""
    return Answer(201, item(RENTS, ask.base, shown(rent)), {"Location": f"{ask.base}/rents/{rent.rentid}"})


def shown(rent: KnownRent) -> RentResource:
    """The rent as clients see it."""
    match rent:
        case OpenRent(rentid, userid, bikeid, started_ms):
            return RentResource(rentid, userid, bikeid, "rented", rfc3339(started_ms), None, None, None, None)
        case ReturnedRent(rentid, userid, bikeid, started_ms, ended_ms, place, endedby):
            began, ended, where = rfc3339(started_ms), rfc3339(ended_ms), (place.endlocation, place.lat, place.lon)
            return RentResource(rentid, userid, bikeid, "returned", began, ended, *where, endedby)
        case CancelledRent(rentid, userid, bikeid):
            return RentResource(rentid, userid, bikeid, "cancelled", None, None, None, None, None)


def operations(store: Store, limits: Limits, rent_a_bike: Callable[[int, int], Awaitable[OpenRent]]) -> list[Operation]:
    """The operations of rent."""
    http, one, at = RentHttp(store, limits, rent_a_bike), {200: RentResource}, "/rents/{rentid}"
    bike_says = (NOT_AVAILABLE, NO_BIKE, GIVEN_UP, TIMEOUT, UNREACHABLE, OPEN_CIRCUIT, BUSY)
    refused = (BLOCKED, TOO_MANY, CLOCK, *bike_says)
    return [
        Operation(
            "GET",
            "/rents",
            http.list,
            "R9: list the rents",
            PEOPLE,
            answers={200: [RentResource]},
            paged=True,
            filters={"status": (*STATUSES, *map(str.upper, STATUSES))},
        ),
        Operation(
            "POST",
            "/rents",
            http.rent,
            "R2, R3: rent a bike",
            PEOPLE,
            RentWish,
            {201: RentResource},
            refusals=refused,
            example={"userid": 1, "bikeid": 1},
            pace=RENTS_A_MINUTE,
            answer=_created,
        ),
        Operation("GET", at, http.show, "R9: one rent", PEOPLE, answers=one, refusals=(NO_RENT,), answer=_found),
        *(_return(way, at, http.give_back) for way in ("PATCH", "PUT")),
        Operation(
            "POST",
            f"{at}/end",
            http.end,
            "End a ride, now or at an earlier moment",
            ADMINS,
            RentEnd,
            one,
            refusals=(NO_RENT, IS_CANCELLED, IS_RETURNED, OUTSIDE),
            example={"at": "2026-11-29T09:30:00.000Z", "reason": "the bike stood at the station"},
            pace=RETURNS,
            answer=_found,
        ),
    ]


def _return(method: str, at: str, handler: Handler) -> Operation:
    return Operation(
        method,
        at,
        handler,
        "R5: return the bike",
        PEOPLE,
        RentReturn,
        {200: RentResource},
        refusals=(NO_RENT, IS_CANCELLED),
        example={"endlocation": "분당_정자역_3구역"},
        pace=RETURNS,
        answer=_found,
    )
