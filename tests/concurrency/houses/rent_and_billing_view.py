"""The view: it knows ride 1, whose bill is open."""

from gbike.contracts.account import AccountErased
from gbike.contracts.billing import CalculatedFee, ClosedBill, RegisteredBill
from gbike.contracts.rent import Rented
from gbike.contracts.user_deposit import AddedDeposit, UpdatedDeposit
from gbike.kit.housekeeping import FLOOR
from gbike.services.rent_and_billing_view.policies import POLICIES
from gbike.services.rent_and_billing_view.storage import keep
from tests.concurrency.house import USER, Hears, House, do, floor, rented, returned
from tests.concurrency.stepping import NOW

HEARS = Hears(POLICIES, keep)


def opened(rentid: int) -> RegisteredBill:
    return RegisteredBill(billid=rentid, rentid=rentid, userid=USER, starttime=NOW - 5_000, status="OPENBILL")


def fee(rentid: int) -> CalculatedFee:
    return CalculatedFee(billid=rentid, rentid=rentid, userid=USER, endtime=NOW, fee=500, status="APPLYFEE")


HOUSE = House(
    "rent_and_billing_view",
    setup=(do(POLICIES[Rented], rented(1)), do(POLICIES[RegisteredBill], opened(1))),
    cases=(
        HEARS.case("rented", rented(2)),
        HEARS.case("returned", returned(1)),
        HEARS.case("bill", opened(2)),
        HEARS.case("fee", fee(1)),
        HEARS.case("fee of a new ride", fee(2)),
        HEARS.case("closed", ClosedBill(billid=1, rentid=1, userid=USER, status="CLOSEBILL")),
        HEARS.case("updated", UpdatedDeposit(userid=USER, deposit=100, version=2)),
        HEARS.case("added", AddedDeposit(userid=USER, deposit=200, version=3)),
        HEARS.case("erased", AccountErased(userid=USER)),
        *floor(FLOOR, HEARS, returned(1)),
    ),
    looks=(
        (
            "count",
            "SELECT count(*) FROM rides HAVING count(*) <> (SELECT coalesce(sum(n), 0) FROM counters WHERE"
            " name = 'rides')",
        ),
        (
            "a rider's rides are not counted right",
            "SELECT userid FROM riders u WHERE rides <> (SELECT count(*) FROM rides r WHERE r.userid = u.userid)",
        ),
        (
            "a place is kept",
            "SELECT number FROM kept WHERE instr(value, '37.1234') > 0",
        ),
    ),
    not_compared=("kept.number",),
)
