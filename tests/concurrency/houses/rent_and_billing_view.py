"""The view: it knows ride 1, whose bill is open."""

from gbike.contracts.account import AccountErased
from gbike.contracts.billing import CalculatedFee, ClosedBill, RegisteredBill
from gbike.contracts.events import EVENTS
from gbike.contracts.rent import Rented
from gbike.contracts.user_deposit import AddedDeposit, RefundedFee, UpdatedDeposit
from gbike.kit.envelope import Event
from gbike.kit.privacy.erasure import impersonal
from gbike.kit.storage.retention import FLOOR
from gbike.services.rent_and_billing_view.commands import fold_kept
from gbike.services.rent_and_billing_view.policies import POLICIES, keep_events
from tests.concurrency.house import USER, Hears, House, do, floor, message, rented, returned, sql, write
from tests.concurrency.stepping import NOW, Write

HEARS = Hears(POLICIES, keep_events)


def opened(rentid: int) -> RegisteredBill:
    return RegisteredBill(billid=rentid, rentid=rentid, userid=USER, starttime=NOW - 5_000, status="OPENBILL")


def fee(rentid: int) -> CalculatedFee:
    return CalculatedFee(billid=rentid, rentid=rentid, userid=USER, endtime=NOW, fee=500, status="APPLYFEE")


def refunded(rentid: int, correctionid: int) -> RefundedFee:
    of = {"billid": rentid, "rentid": rentid, "correctionid": correctionid}
    return RefundedFee(userid=USER, deposit=300, amount=100, version=correctionid, **of)


def kept_before(number: int, printed: Event) -> Write:
    """As an older gbike keeps what it hears."""
    one = message(printed)
    return sql(
        "INSERT INTO kept (message_id, type, key, headers, value) VALUES (?, ?, ?, ?, ?)",
        *(f"before-{number}", one.type, one.key, one.headers, impersonal(one.value, EVENTS[one.type])),
    )


HOUSE = House(
    "rent_and_billing_view",
    setup=(
        do(POLICIES[Rented], rented(1)),
        do(POLICIES[RegisteredBill], opened(1)),
        kept_before(1, rented(1)),
        kept_before(2, opened(1)),
        kept_before(3, AddedDeposit(userid=USER, deposit=50, version=1)),
    ),
    cases=(
        HEARS.case("rented", rented(2)),
        HEARS.case("returned", returned(1)),
        HEARS.case("bill", opened(2)),
        HEARS.case("fee", fee(1)),
        HEARS.case("fee of a new ride", fee(2)),
        HEARS.case("closed", ClosedBill(billid=1, rentid=1, userid=USER, status="CLOSEBILL")),
        HEARS.case("updated", UpdatedDeposit(userid=USER, deposit=100, version=2)),
        HEARS.case("added", AddedDeposit(userid=USER, deposit=200, version=3)),
        HEARS.case("refunded", refunded(1, 4)),
        HEARS.case("refunded again", refunded(1, 5)),
        HEARS.case("refunded, of a new ride", refunded(2, 6)),
        write("fold what was kept", fold_kept, 0, 100),
        write("fold it and let it go", fold_kept, 0, 1),
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
            "what is shown of a ride is not what its facts say",
            "SELECT r.rentid FROM rides r LEFT JOIN rent_facts f ON f.rentid = r.rentid"
            " LEFT JOIN bill_facts b ON b.rentid = r.rentid WHERE NOT EXISTS"
            " (SELECT 1 FROM kept k WHERE length(k.headers) > 0)"
            " AND (f.status IS DISTINCT FROM r.rentstatus OR f.ended_ms IS DISTINCT FROM r.ended_ms"
            " OR b.status IS DISTINCT FROM r.billingstatus OR b.fee IS DISTINCT FROM r.fee)",
        ),
        (
            "what is shown of a deposit is not what its fact says",
            "SELECT u.userid FROM riders u LEFT JOIN deposit_facts f ON f.userid = u.userid WHERE NOT EXISTS"
            " (SELECT 1 FROM kept k WHERE length(k.headers) > 0) AND f.version < u.version"
            " AND NOT EXISTS (SELECT 1 FROM refund_facts r WHERE r.userid = u.userid AND r.version >= u.version)",
        ),
        (
            "what is shown as given back is not what its facts say",
            "SELECT rentid FROM rides r WHERE refunded <> (SELECT coalesce(sum(amount), 0) FROM refund_facts f"
            " WHERE f.rentid = r.rentid)",
        ),
        (
            "a place is kept",
            "SELECT number FROM kept WHERE instr(value, '37.1234') > 0",
        ),
    ),
    not_compared=("kept.number",),
)
