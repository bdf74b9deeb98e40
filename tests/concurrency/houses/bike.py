"""Bikes: bike 7 is free and bike 8 is ridden by rent 8."""

from dataclasses import replace
from functools import partial

from gbike.contracts.account import AccountErased
from gbike.contracts.rent import RentCancelled
from gbike.kit.housekeeping import FLOOR
from gbike.services.bike.domain import Bike, Place, Status, a_new_bike, marked, reported, retired
from gbike.services.bike.policies import POLICIES
from gbike.services.bike.storage import TOMBSTONES, SqlBikes, add, change, free, release, reserve
from tests.concurrency.house import USER, Hears, House, do, floor, once, returned, write
from tests.concurrency.stepping import Fixed

BIKE, RIDDEN = 7, 8
BIKES = SqlBikes(None, Fixed())  # type: ignore[arg-type]
HEARS = Hears(POLICIES)
UNTIL = 1e9


def a_bike(bikeid: int) -> Bike:
    return a_new_bike(bikeid, Status.AVAILABLE, Place("역", 37.5, 127.1), 80)


def moved(bike: Bike) -> Bike:
    return replace(bike, place=Place("공원", 37.2, 127.2))


def cancelled(rentid: int, bikeid: int) -> RentCancelled:
    return RentCancelled(rentid=rentid, userid=USER, bikeid=bikeid, reason="TimedOut")


HOUSE = House(
    "bike",
    setup=(
        do(add, a_bike(BIKE)),
        do(add, a_bike(RIDDEN)),
        do(reserve, RIDDEN, 8),
        do(reserve, BIKE, 6),
        do(release, BIKE, 6, USER, Place("학교", 37.3333, 127.3333)),
    ),
    cases=(
        once("add", add, a_bike(9), key="bike:9", id="a"),
        once("change", change, BIKE, partial(marked, status=Status.BROKEN), key="bike:7"),
        once("move", change, BIKE, moved, key="bike:7"),
        once("retire", change, BIKE, retired, key="bike:7"),
        once("free", change, RIDDEN, partial(marked, status=Status.AVAILABLE), key="bike:8"),
        write("reserve", BIKES._reserve, BIKE, 9, UNTIL, key="bike:7"),
        write("reserve for another", BIKES._reserve, BIKE, 10, UNTIL, key="bike:7"),
        write("reserve a ridden one", BIKES._reserve, RIDDEN, 11, UNTIL, key="bike:8"),
        write(
            "report",
            BIKES._report,
            BIKE,
            1,
            partial(reported, batterylevel=10, usableyn=False),
            UNTIL,
            again=(BIKE, 2, partial(reported, batterylevel=20, usableyn=True), UNTIL),
            key="bike:7",
        ),
        write("repair", free, RIDDEN, 8, USER, key="bike:8"),
        HEARS.case("cancelled", cancelled(9, BIKE)),
        HEARS.case("returned", returned(9, BIKE)),
        HEARS.case("returned the other", returned(8, RIDDEN)),
        HEARS.case("two returned", returned(9, BIKE), returned(8, RIDDEN)),
        HEARS.case("erased", AccountErased(userid=USER)),
        *floor((*FLOOR, TOMBSTONES), HEARS, returned(9, BIKE)),
    ),
    looks=(
        (
            "I4 a bike carries the number of a rent that is over",
            "SELECT bikeid, rentid FROM bikes WHERE rentid IN (SELECT rentid FROM tombstones)",
        ),
        (
            "I1 a rent rides two bikes",
            "SELECT rentid FROM bikes WHERE rentid IS NOT NULL GROUP BY rentid HAVING count(*) > 1",
        ),
        (
            "an erased rider is known to have left a bike",
            "SELECT bikeid FROM bikes WHERE left_by IN (SELECT userid FROM erased)",
        ),
    ),
    unordered={
        frozenset({"reserve a ridden one", other}): "refused because it was ridden, and told what it is since"
        for other in ("returned the other", "two returned", "repair", "free")
    },
)
