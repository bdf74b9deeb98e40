"""Bills: rent 1 is billed and rides, rent 2 is over and its fee applied. Rent 4 was a try of bike 7, and is billed;
rent 5 is one of bike 8 and rides."""

from msgspec.structs import replace

from gbike.contracts.account import AccountErased
from gbike.contracts.bike_manage_app import RiderComplained
from gbike.contracts.rent import Rented, Returned
from gbike.contracts.user_deposit import UpdatedDeposit
from gbike.kit.storage.retention import FLOOR
from gbike.services.billing.commands import adopt_tariff, correct_a_bill
from gbike.services.billing.domain import Rounding, Tariff
from gbike.services.billing.policies import policies
from gbike.services.billing.storage.complaints import KEPT
from tests.concurrency.house import USER, Hears, House, do, floor, rented, returned, write
from tests.concurrency.stepping import NOW

FIRST, SECOND, THIRD = (Tariff(krw, 1, Rounding.CEIL) for krw in (100, 200, 300))
POLICIES = policies(FIRST)
HEARS = Hears(POLICIES)


def tried(rentid: int, bikeid: int) -> Returned:
    """A ride that ended where it began."""
    return replace(returned(rentid, bikeid), stayed=True)


def complaint(number: int, bikeid: int) -> RiderComplained:
    """Something is wrong with the bike."""
    of = {"complaintid": number, "userid": USER, "bikeid": bikeid}
    return RiderComplained(kind="brake", at=NOW, takenout=False, **of)


HOUSE = House(
    "billing",
    setup=(
        do(POLICIES[Rented], rented(1)),
        do(POLICIES[Rented], rented(2)),
        do(POLICIES[Returned], returned(2)),
        do(POLICIES[Rented], rented(4)),
        do(POLICIES[Returned], tried(4, 7)),
        do(POLICIES[Rented], rented(5)),
    ),
    cases=(
        HEARS.case("rented", rented(3)),
        HEARS.case("rented, said twice", rented(1)),
        HEARS.case("returned", returned(1)),
        HEARS.case("returned later", returned(1, endtime=NOW + 1_000)),
        HEARS.case("returned before it was rented", returned(3)),
        HEARS.case("fee taken", UpdatedDeposit(userid=USER, deposit=0, billid=2, fee=500)),
        HEARS.case("rented and returned", rented(3), returned(1)),
        HEARS.case("a try is over", tried(5, 8)),
        HEARS.case("complained of a try that is billed", complaint(1, 7)),
        HEARS.case("complained of it again", complaint(2, 7)),
        HEARS.case("complained of a try that is not over", complaint(3, 8)),
        write("correct a try", correct_a_bill, 3, 300, "the lock", key="bill:3"),
        HEARS.case("erased", AccountErased(userid=USER)),
        write("correct", correct_a_bill, 2, 300, "the lock", again=(2, 301, "the lock"), key="bill:2"),
        write("correct with a key", correct_a_bill, 2, 300, "the lock", key="bill:2", id="corrected"),
        write("correct all", correct_a_bill, 2, 500, "the ride"),
        write("correct what is not over", correct_a_bill, 1, 1, "the ride"),
        write("adopt a tariff", adopt_tariff, SECOND),
        write("adopt another tariff", adopt_tariff, THIRD),
        *floor((*FLOOR, KEPT), HEARS, returned(1)),
    ),
    looks=(
        (
            "I7 a rent has two bills",
            "SELECT rentid FROM bills GROUP BY rentid HAVING count(*) > 1",
        ),
        (
            "I27 more is given back than the fee, or not what is said",
            "SELECT billid FROM bills b WHERE refunded > coalesce(fee, 0) OR refunded <> (SELECT coalesce(sum(amount),"
            " 0) FROM corrections c WHERE c.billid = b.billid)",
        ),
        (
            "I27 two tries of a rider are free on one day, or one is not given back",
            "SELECT userid, freeday FROM bills WHERE freeday IS NOT NULL GROUP BY userid, freeday"
            " HAVING count(*) > 1 OR max(fee - refunded) > 0",
        ),
        (
            "I27 no try of a rider who complained of it is free, and money is left of it",
            "SELECT b.billid FROM bills b JOIN complaints c ON c.userid = b.userid AND c.bikeid = b.tried WHERE"
            " b.fee > b.refunded AND NOT EXISTS (SELECT 1 FROM bills f WHERE f.userid = b.userid AND f.freeday"
            " IS NOT NULL)",
        ),
        (
            "what an erased rider complained of is kept",
            "SELECT complaintid FROM complaints WHERE userid IN (SELECT userid FROM erased)",
        ),
        (
            "I21 a bill was corrected without saying so, or said so twice",
            "SELECT * FROM (SELECT (SELECT count(*) FROM corrections) AS made, (SELECT count(*) FROM outbox WHERE"
            " type = 'CorrectedBill') AS said) AS both_ WHERE made <> said"
            " AND EXISTS (SELECT 1 FROM outbox WHERE id = 1)",
        ),
        (
            "a tariff was adopted twice",
            "SELECT a.version FROM tariffs a JOIN tariffs b ON b.version = a.version + 1 AND b.krw = a.krw",
        ),
        (
            "I9 a bill is stamped with another tariff than that of its start",
            "SELECT billid FROM bills b WHERE version <> (SELECT max(t.version) FROM tariffs t WHERE"
            " t.effective_ms <= b.started_ms)",
        ),
        (
            "I9 a fee is negative, or a ride ends before it starts",
            "SELECT billid FROM bills WHERE fee < 0 OR ended_ms < started_ms",
        ),
        (
            "count",
            "SELECT count(*) FROM bills HAVING count(*) <> (SELECT coalesce(sum(n), 0) FROM counters WHERE"
            " name = 'bills')",
        ),
        (
            "I21 a bill moved without saying so, or said so twice",
            "SELECT * FROM (SELECT (SELECT count(*) FROM bills WHERE fee IS NOT NULL) AS fees, (SELECT"
            " count(*) FROM outbox WHERE type = 'CalculatedFee') AS said) AS both_ WHERE fees <> said"
            " AND EXISTS (SELECT 1 FROM outbox WHERE id = 1)",
        ),
        (
            "a place of an erased rider is kept",
            "SELECT message_id FROM dead_letters WHERE EXISTS (SELECT 1 FROM erased WHERE userid = 3) AND"
            " instr(value, '37.1234') > 0",
        ),
    ),
)
