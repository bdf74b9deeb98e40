"""Points: manager 1 of rider 3 has 5,000; points of report 1 wait for manager 2, whom nobody knows yet."""

from gbike.contracts.account import RegisteredAccount
from gbike.contracts.bike_manage_app import Reported
from gbike.kit.access.principal import EVERYBODYS, Whose
from gbike.kit.housekeeping import FLOOR
from gbike.services.bike_manager.domain import ConversionWish, Numbers
from gbike.services.bike_manager.policies import POLICIES
from gbike.services.bike_manager.storage import accrue, add, converted, set_rider
from tests.concurrency.house import Hears, House, do, floor, once

USER, MANAGER, UNKNOWN = 3, 1, 2
HEARS = Hears(POLICIES)
WISH = ConversionWish(adjustpoint=3_000, point=2_000, userid=None, keyed=False)
KEYED = ConversionWish(adjustpoint=3_000, point=None, userid=None, keyed=True)


def reported(reportid: int, managerid: int) -> Reported:
    return Reported(reportid=reportid, managerid=managerid, bikeid=7, batterylevel=50, usableyn=True)


HOUSE = House(
    "bike_manager",
    setup=(do(add, MANAGER, USER, 5_000), do(accrue, UNKNOWN, "report:1", 1_000)),
    cases=(
        once("add", add, UNKNOWN, 4, 100, key="managers"),
        once("add the next", add, None, 4, 100, key="managers"),
        once("add with a key", add, UNKNOWN, 4, 100, key="managers", id="add"),
        once("add by the rider's number", add, None, 5, 100, Numbers.RIDER, key="managers"),
        once("add under a number of an account", add, 5, 4, 100, Numbers.RIDER, key="managers"),
        HEARS.case("registered", RegisteredAccount(userid=5)),
        once(
            "convert",
            converted,
            MANAGER,
            WISH,
            "conversion:1:a",
            Whose(USER),
            again=(MANAGER, WISH, "conversion:1:b", Whose(USER)),
            key="manager:1",
        ),
        once("convert with a key", converted, MANAGER, KEYED, "conversion:1:c", EVERYBODYS, key="manager:1", id="c"),
        once("name the rider", set_rider, MANAGER, 9, key="manager:1"),
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
