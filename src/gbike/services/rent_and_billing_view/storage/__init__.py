"""The view in SQL: a row per ride and a row per rider. What it can be folded anew from is in facts.py."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from gbike.kit.privacy.personal_data import PersonalData
from gbike.kit.storage.listing import Listing
from gbike.kit.store import Reading, Row, Tx
from gbike.services.rent_and_billing_view.domain import STATUSES, Bill, Line, NoSuchLine, Refund, Ride

VERSIONS = Path(__file__).parent / "versions"
PERSONAL_DATA = (
    PersonalData(
        "rides",
        ("rentid", "bikeid", "rentstatus", "started_ms", "ended_ms", "billid", "fee", "billingstatus", "refunded"),
        "FROM rides WHERE userid = ? ORDER BY rentid",
    ),
    PersonalData("riders", ("userid", "deposit", "rides"), "FROM riders WHERE userid = ?"),
    PersonalData(
        "rent_facts",
        ("rentid", "bikeid", "status", "started_ms", "ended_ms"),
        "FROM rent_facts WHERE userid = ? ORDER BY rentid",
    ),
    PersonalData(
        "bill_facts", ("rentid", "billid", "status", "fee"), "FROM bill_facts WHERE userid = ? ORDER BY rentid"
    ),
    PersonalData("deposit_facts", ("userid", "deposit", "version"), "FROM deposit_facts WHERE userid = ?"),
    PersonalData(
        "refund_facts",
        ("correctionid", "rentid", "billid", "amount", "deposit", "version"),
        "FROM refund_facts WHERE userid = ? ORDER BY correctionid",
    ),
)
COUNTED = {"rides": "SELECT count(*) FROM rides"}
_COLUMNS = (
    "r.rentid, r.userid, r.bikeid, r.rentstatus, r.started_ms, r.ended_ms, r.billid, r.fee, r.billingstatus, u.deposit,"
    " r.refunded"
)
_SELECT = f"SELECT {_COLUMNS} FROM rides r LEFT JOIN riders u ON u.userid = r.userid"
_SORTABLE = {
    "rentid": "r.rentid",
    "userid": "r.userid",
    "bikeid": "r.bikeid",
    "rentStatus": "r.rentstatus",
    "rentStarttime": "r.started_ms",
    "rentEndTime": "r.ended_ms",
    "billid": "r.billid",
    "fee": "r.fee",
    "billingStatus": "r.billingstatus",
    "deposit": "u.deposit",
    "refunded": "r.refunded",
}
RANK = "CASE {} WHEN 'CLOSEBILL' THEN 3 WHEN 'APPLYFEE' THEN 2 WHEN 'OPENBILL' THEN 1 ELSE 0 END"
"""How far a bill has come."""


def load(read: Reading, rentid: int) -> Line:
    """The line of a ride. Raises NoSuchLine, also for another's."""
    row = read.one(f"{_SELECT} WHERE r.rentid = ? AND r.userid = coalesce(?, r.userid)", (rentid, read.owner.only))
    if row is None:
        raise NoSuchLine(rentid)
    return Line(*row)


def clear(tx: Tx) -> None:
    """Empty the view; the facts stay."""
    tx.execute("DELETE FROM rides")
    tx.execute("DELETE FROM riders")
    tx.execute("DELETE FROM refunds")
    tx.execute("DELETE FROM counters WHERE name = 'rides'")


def lines(read: Reading) -> Iterable[Row]:
    """Every line of the view by ride, then every rider: two views are the same when these are."""
    yield from rides(read)
    yield from read.each("SELECT userid, deposit, version, rides FROM riders ORDER BY userid")


def rides(read: Reading) -> Iterable[Row]:
    """For `gbike verify`: rentid and what the view shows of each ride, by rentid."""
    return read.each(
        "SELECT rentid, userid, bikeid, rentstatus, started_ms, ended_ms, billid, fee, billingstatus, refunded"
        " FROM rides ORDER BY rentid"
    )


def deposits(read: Reading) -> Iterable[tuple[int, int]]:
    """For `gbike verify`: rider and deposit as shown, by rider."""
    sql = "SELECT userid, deposit FROM riders WHERE deposit IS NOT NULL ORDER BY userid"
    return ((row[0], row[1]) for row in read.each(sql))


_FOLD_BILL = (
    "UPDATE rides SET billid = ?, fee = coalesce(?, fee), billingstatus ="
    f" CASE WHEN {RANK.format('?')} > {RANK.format('billingstatus')} THEN ? ELSE billingstatus END"
    " WHERE rentid = ?"
)


def fold_ride(tx: Tx, ride: Ride) -> bool:
    """A rent event: a ride that has ended stays ended. True: the view has one ride more."""
    return _update(
        tx,
        ride,
        "UPDATE rides SET bikeid = ?, started_ms = coalesce(?, started_ms), ended_ms = coalesce(?, ended_ms),"
        " rentstatus = CASE WHEN rentstatus = 'returned' THEN rentstatus ELSE ? END WHERE rentid = ?",
        (ride.bikeid, ride.started_ms, ride.ended_ms, ride.status, ride.rentid),
    )


def fold_bill(tx: Tx, bill: Bill) -> bool:
    """A billing event: a bill never goes back to an earlier state. True: the view has one ride more."""
    return _update(tx, bill, _FOLD_BILL, (bill.billid, bill.fee, bill.status, bill.status, bill.rentid))


def fold_refund(tx: Tx, refund: Refund) -> bool:
    """A correction counts once. True: the view has one ride more."""
    first = "INSERT INTO refunds (correctionid, rentid) VALUES (?, ?) ON CONFLICT (correctionid) DO NOTHING"
    if not tx.execute(first, (refund.correctionid, refund.rentid)):
        return False
    sql = "UPDATE rides SET billid = ?, refunded = refunded + ? WHERE rentid = ?"
    return _update(tx, refund, sql, (refund.billid, refund.amount, refund.rentid))


def fold_deposit(tx: Tx, userid: int, deposit: int, version: int) -> None:
    """A deposit event: the newest version stands; one that counts none is better than nothing, whatever came first."""
    tx.execute(
        "INSERT INTO riders (userid, deposit, version, rides) VALUES (?, ?, ?, 0) ON CONFLICT (userid) DO UPDATE"
        " SET deposit = excluded.deposit, version = excluded.version"
        " WHERE riders.version < excluded.version OR riders.deposit IS NULL",
        (userid, deposit, version),
    )


def _update(tx: Tx, of: Ride | Bill | Refund, sql: str, params: Sequence[Any]) -> bool:
    """Fold into a ride's row, which is made when this is the first that is heard of the ride."""
    if tx.execute(sql, params):
        return False
    new = "INSERT INTO rides (rentid, userid) VALUES (?, ?) ON CONFLICT (rentid) DO NOTHING"
    added = tx.execute(new, (of.rentid, of.userid)) == 1
    if added:
        tx.execute(
            "INSERT INTO riders (userid, version, rides) VALUES (?, 0, 1)"
            " ON CONFLICT (userid) DO UPDATE SET rides = riders.rides + 1",
            (of.userid,),
        )
    tx.execute(sql, params)
    return added


def rides_of(read: Reading, userid: int) -> int:
    row = read.one("SELECT rides FROM riders WHERE userid = ?", (userid,))
    return int(row[0]) if row else 0


LISTED = Listing(
    _SELECT,
    _SORTABLE,
    "r.rentid DESC",
    counters=("rides",),
    make=lambda row: Line(*row),
    conditions={
        "from": "r.started_ms >= ?",
        "to": "r.started_ms < ?",
        "userid": "r.userid = ?",
        "bikeid": "r.bikeid = ?",
        "status": {status: f"r.rentstatus = '{status}'" for status in STATUSES},
    },
    moment="r.started_ms",
    filled=("rentid", "userid", "rentStarttime"),
)
"""All rides, newest first."""


def of_rent(rentid: int) -> Listing:
    """A list of one, or of none where it is another's."""
    return replace(LISTED, where="WHERE r.rentid = ?", params=(rentid,), counters=None, owner="r.userid")


def of_rider(userid: int) -> Listing:
    """Those of one rider, whom `rides_of` counts."""
    return replace(LISTED, where="WHERE r.userid = ?", params=(userid,), counters=())
