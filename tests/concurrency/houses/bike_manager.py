"""Points: manager 1 of rider 3 has 5,000; points of report 1 wait for manager 2, whom nobody knows yet."""

from gbike.contracts.account import RegisteredAccount
from gbike.contracts.bike_manage_app import Reported
from gbike.kit.storage.retention import FLOOR
from gbike.services.bike_manager.commands import (
    accrue,
    convert_points,
    correct_points,
    name_the_rider,
    register_a_manager,
)
from gbike.services.bike_manager.domain import ConversionWish, Numbers
from gbike.services.bike_manager.policies import POLICIES
from tests.concurrency.house import Hears, House, do, floor, write

USER = 3
MANAGER = 1
UNKNOWN = 2
HEARS = Hears(POLICIES)
WISH = ConversionWish(adjustpoint=3_000, point=2_000, userid=None, keyed=False)
KEYED = ConversionWish(adjustpoint=3_000, point=None, userid=None, keyed=True)


def reported(reportid: int, managerid: int) -> Reported:
    return Reported(reportid=reportid, managerid=managerid, bikeid=7, batterylevel=50, usableyn=True)


HOUSE = House(
    "bike_manager",
    setup=(do(register_a_manager, MANAGER, USER, 5_000), do(accrue, UNKNOWN, "report:1", 1_000)),
    cases=(
        write("add", register_a_manager, UNKNOWN, 4, 100, key="managers"),
        write("add the next", register_a_manager, None, 4, 100, key="managers"),
        write("add with a key", register_a_manager, UNKNOWN, 4, 100, key="managers", id="add"),
        write("add by the rider's number", register_a_manager, None, 5, 100, Numbers.RIDER, key="managers"),
        write("add under a number of an account", register_a_manager, 5, 4, 100, Numbers.RIDER, key="managers"),
        HEARS.case("registered", RegisteredAccount(userid=5)),
        write(
            "convert",
            convert_points,
            MANAGER,
            WISH,
            "conversion:1:a",
            again=(MANAGER, WISH, "conversion:1:b"),
            key="manager:1",
        ),
        write("convert with a key", convert_points, MANAGER, KEYED, "conversion:1:c", key="manager:1", id="c"),
        write(
            "correct",
            correct_points,
            *(MANAGER, -4_000, "a slip", "correction:1:a"),
            again=(MANAGER, -4_000, "a slip", "correction:1:b"),
            key="manager:1",
        ),
        write("name the rider", name_the_rider, MANAGER, 9, key="manager:1"),
        HEARS.case("reported", reported(2, MANAGER)),
        HEARS.case("reported by an unknown one", reported(3, UNKNOWN)),
        HEARS.case("two reports", reported(2, MANAGER), reported(3, UNKNOWN)),
        *floor(FLOOR, HEARS, reported(2, MANAGER)),
    ),
    looks=(
        (
            "I15 points are not their entries' sum, or negative",
            "SELECT managerid, points FROM managers m WHERE points < 0 OR points <> (SELECT"
            " coalesce(sum(amount), 0) FROM point_entries e WHERE e.managerid = m.managerid)",
        ),
        (
            "count",
            "SELECT count(*) FROM managers HAVING count(*) <> (SELECT coalesce(sum(n), 0) FROM counters WHERE"
            " name = 'managers')",
        ),
        (
            "I16 a report earned twice",
            "SELECT cause FROM point_entries GROUP BY cause HAVING count(*) > 1",
        ),
    ),
    not_compared=("point_entries.entryid",),
)
