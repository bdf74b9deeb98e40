"""Bikes: bike 7 is free and bike 8 is ridden by rent 8."""

from dataclasses import replace
from functools import partial

from gbike.contracts.account import AccountErased
from gbike.contracts.rent import RentCancelled
from gbike.kit.storage.retention import FLOOR
from gbike.services.bike.commands import (
    apply_a_report,
    change_a_bike,
    free,
    register_a_bike,
    register_a_labelled_bike,
    release,
    reserve_a_bike,
)
from gbike.services.bike.domain import Bike, Location, Status, a_new_bike, marked, retired
from gbike.services.bike.policies import POLICIES
from gbike.services.bike.storage import TOMBSTONES
from tests.concurrency.house import USER, Hears, House, do, floor, returned, write

BIKE, RIDDEN = 7, 8
HEARS = Hears(POLICIES)


def in_time() -> bool:
    """The caller waits."""
    return False


def a_bike(bikeid: int) -> Bike:
    return a_new_bike(bikeid, Status.AVAILABLE, Location("역", 37.5, 127.1), 80)


def labelled(bike: Bike) -> Bike:
    return replace(bike, label="SPB-1")


def moved(bike: Bike) -> Bike:
    return replace(bike, place=Location("공원", 37.2, 127.2))


def cancelled(rentid: int, bikeid: int) -> RentCancelled:
    return RentCancelled(rentid=rentid, userid=USER, bikeid=bikeid, reason="TimedOut")


HOUSE = House(
    "bike",
    setup=(
        do(register_a_bike, a_bike(BIKE)),
        do(register_a_bike, a_bike(RIDDEN)),
        do(reserve_a_bike, RIDDEN, 8, in_time),
        do(reserve_a_bike, BIKE, 6, in_time),
        do(release, BIKE, 6, USER, Location("학교", 37.3333, 127.3333)),
    ),
    cases=(
        write("add", register_a_bike, a_bike(9), key="bike:9", id="a"),
        write("change", change_a_bike, BIKE, partial(marked, status=Status.BROKEN), key="bike:7"),
        write("move", change_a_bike, BIKE, moved, key="bike:7"),
        write("label", change_a_bike, BIKE, labelled, key="bike:7"),
        write("add with a label", register_a_bike, labelled(a_bike(9)), again=(labelled(a_bike(10)),), key="bike:9"),
        write("number", register_a_labelled_bike, labelled(a_bike(0)), again=(replace(a_bike(0), label="SPB-2"),)),
        write("retire", change_a_bike, BIKE, retired, key="bike:7"),
        write("free", change_a_bike, RIDDEN, partial(marked, status=Status.AVAILABLE), key="bike:8"),
        write("reserve", reserve_a_bike, BIKE, 9, in_time, key="bike:7"),
        write("reserve for another", reserve_a_bike, BIKE, 10, in_time, key="bike:7"),
        write("reserve a ridden one", reserve_a_bike, RIDDEN, 11, in_time, key="bike:8"),
        write(
            "report",
            apply_a_report,
            *(BIKE, 1, (10, False), in_time),
            again=(BIKE, 2, (20, True), in_time),
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
