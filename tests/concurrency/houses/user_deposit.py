"""Deposits: rider 3 has 10,000 won, 19 begun payments and one that is old; rider 4 has nothing yet; rider 5 has a block
whose end has come."""

from gbike.contracts.account import AccountErased, RegisteredAccount
from gbike.contracts.bike_manager import AdjustedPoint
from gbike.contracts.billing import CalculatedFee, CorrectedBill
from gbike.kit.storage.retention import DAY_MS, FLOOR
from gbike.services.user_deposit.commands import (
    adopt_minimum,
    begin_a_payment,
    block_a_rider,
    confirm_a_payment,
    correct_a_deposit,
    end_a_block,
    end_lapsed_blocks,
    open_a_deposit,
    post_paid,
    set_a_balance,
    tell_standings,
    top_up_a_deposit,
)
from gbike.services.user_deposit.domain import MOST_BEGUN, Payment
from gbike.services.user_deposit.policies import POLICIES
from gbike.services.user_deposit.storage.payments import KEEPS
from tests.concurrency.house import Hears, House, do, floor, sql, write
from tests.concurrency.stepping import NOW

USER, NEW = 3, 4
LAPSED = 5
HEARS = Hears(POLICIES)
_BEGUN = (
    "INSERT INTO payments (paymentid, userid, amount, at_ms)"
    " SELECT 'begun' || n, 3, 1000, CAST(? AS BIGINT) FROM generate_series(1, CAST(? AS BIGINT)) AS n"
)


def fee(userid: int, billid: int) -> CalculatedFee:
    return CalculatedFee(billid=billid, rentid=billid, userid=userid, endtime=NOW, fee=500, status="APPLYFEE")


HOUSE = House(
    "user_deposit",
    setup=(
        do(adopt_minimum, 1_000),
        do(open_a_deposit, USER, 10_000),
        do(block_a_rider, LAPSED, "a while", NOW + 1),
        sql("UPDATE blocks SET until_ms = CAST(? AS BIGINT)", NOW - 1),
        sql("UPDATE standings SET until_ms = CAST(? AS BIGINT) WHERE userid = 5", NOW - 1),
        sql(_BEGUN, NOW, MOST_BEGUN - 1),
        sql("INSERT INTO payments (paymentid, userid, amount, at_ms) VALUES ('old', 3, 1000, ?)", NOW - 30 * DAY_MS),
        sql("INSERT INTO payments (paymentid, userid, amount, at_ms, paid_ms) VALUES ('paid', 3, 1000, 1, 2)"),
    ),
    cases=(
        write("open", open_a_deposit, NEW, 5_000, key="user:4"),
        write("open with a key", open_a_deposit, NEW, 5_000, key="user:4", id="open"),
        write("top up", top_up_a_deposit, USER, 5_000, "one", again=(USER, 7_000, "other"), key="user:3"),
        write("top up with a key", top_up_a_deposit, USER, 5_000, "up", key="user:3", id="up"),
        write("top up the new one", top_up_a_deposit, NEW, 5_000, "new", key="user:4"),
        write(
            "set the balance",
            set_a_balance,
            USER,
            20_000,
            None,
            "set",
            again=(USER, 20_000, None, "set too"),
            key="user:3",
        ),
        write("set another balance", set_a_balance, USER, 30_000, None, "third", key="user:3"),
        write(
            "begin a payment",
            begin_a_payment,
            Payment("new", USER, 1_000, False),
            again=(Payment("newer", USER, 1_000, False),),
            key="user:3",
        ),
        write("confirm a payment", confirm_a_payment, Payment("begun1", USER, 1_000, False), 1_000, key="user:3"),
        write("confirm an old payment", confirm_a_payment, Payment("old", USER, 1_000, False), 1_000, key="user:3"),
        write("set what was seen", set_a_balance, USER, 40_000, 10_000, "seen", key="user:3"),
        write("correct", correct_a_deposit, USER, -9_500, "a coin", "one", key="user:3"),
        write("post what is paid", post_paid, "paid"),
        write("tell the standings", tell_standings, [USER, NEW]),
        write("adopt a minimum", adopt_minimum, 5_000),
        write("block", block_a_rider, USER, "a bike in a river", None, again=(USER, "two", NOW + 9_000), key="user:3"),
        write("block with a key", block_a_rider, USER, "a bike in a river", None, key="user:3", id="block"),
        write("block the new one", block_a_rider, NEW, "a bike in a river", NOW + 9_000, key="user:4"),
        write("end a block", end_a_block, LAPSED, None, key="user:5"),
        write("end a block with a key", end_a_block, LAPSED, "it is back", key="user:5", id="ended"),
        write("prolong a block", block_a_rider, LAPSED, "a while longer", NOW + 9_000, key="user:5"),
        write("top up who is blocked", top_up_a_deposit, LAPSED, 5_000, "paid", key="user:5", id="paid"),
        write("correct who is blocked", correct_a_deposit, LAPSED, 300, "a coin", "coin", key="user:5", id="coin"),
        write("set who is blocked", set_a_balance, LAPSED, 9_000, None, "set it", key="user:5", id="set"),
        write("end what has lapsed", end_lapsed_blocks, [LAPSED]),
        HEARS.case("corrected", CorrectedBill(correctionid=1, billid=1, rentid=1, userid=USER, amount=300)),
        HEARS.case("corrected, the new one", CorrectedBill(correctionid=2, billid=2, rentid=2, userid=NEW, amount=300)),
        HEARS.case("erased, the one who is blocked", AccountErased(userid=LAPSED)),
        HEARS.case("registered", RegisteredAccount(userid=NEW)),
        HEARS.case("erased", AccountErased(userid=USER)),
        HEARS.case("fee", fee(USER, 1)),
        HEARS.case("two fees", fee(USER, 1), fee(NEW, 2)),
        HEARS.case("converted", AdjustedPoint(managerid=1, userid=USER, point=0, adjustpoint=300, conversion="c:1")),
        *floor((*FLOOR, *KEEPS), HEARS, fee(USER, 1)),
    ),
    looks=(
        (
            "I11 a posting has not two sides that add up to nothing",
            "SELECT cause FROM entries GROUP BY cause HAVING sum(amount) <> 0 OR count(*) <> 2",
        ),
        (
            "I12 a balance is not its entries' sum",
            "SELECT userid, balance FROM deposits WHERE balance <> (SELECT coalesce(sum(amount), 0) FROM"
            " entries WHERE account = 'user:' || userid)",
        ),
        (
            "a rider has begun more payments than allowed",
            "SELECT userid FROM payments WHERE paid_ms IS NULL AND at_ms > 1799999990000 GROUP BY userid"
            f" HAVING count(*) > {MOST_BEGUN}",
        ),
        (
            "I11 a payment is paid and not posted, or posted and not paid",
            "SELECT cause FROM entries e WHERE cause LIKE 'payment:%' AND NOT EXISTS (SELECT 1 FROM payments"
            " p WHERE p.paymentid = substr(e.cause, 9) AND p.paid_ms IS NOT NULL)",
        ),
        (
            "I24 a block is told otherwise than it is",
            "SELECT b.userid FROM blocks b FULL JOIN standings s ON s.userid = b.userid WHERE (b.userid IS NOT NULL)"
            " <> (coalesce(s.blocked, 0) > 0) OR s.blocked NOT IN (0, s.version)"
            " OR b.until_ms IS DISTINCT FROM s.until_ms",
        ),
        (
            "the reason of an erased rider's block is kept",
            "SELECT userid FROM blocks WHERE reason IS NOT NULL AND userid IN (SELECT userid FROM erased)",
        ),
        (
            "an answer tells the reason of an erased rider's block",
            "SELECT key FROM idempotency WHERE EXISTS (SELECT 1 FROM erased WHERE userid = 5) AND"
            " instr(content, 'a while') > 0",
        ),
        (
            "count",
            "SELECT count(*) FROM deposits HAVING count(*) <> (SELECT coalesce(sum(n), 0) FROM counters WHERE"
            " name = 'deposits')",
        ),
        (
            "I21 money moved without saying so, or said so twice",
            "SELECT * FROM (SELECT (SELECT count(*) FROM entries WHERE account LIKE 'user:%') AS moved,"
            " (SELECT count(*) FROM outbox WHERE type <> 'ChangedStanding') AS said) AS both_ WHERE moved <> said"
            " AND EXISTS (SELECT 1 FROM outbox WHERE id = 1)",
        ),
    ),
    unordered={
        frozenset({"tell the standings", "adopt a minimum"}): "told by the one before: the walk tells them again"
    },
    not_compared=("entries.entryid",),
)
