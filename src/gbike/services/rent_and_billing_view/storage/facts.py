"""What was said, for good: all that folding needs, one row per ride and speaker, one per rider, and one per
correction.

Rows merge by the rules by which the view folds: what is heard twice, or late, changes nothing.
"""

from collections.abc import Iterable

from gbike.kit.store import Reading, Tx
from gbike.services.rent_and_billing_view.domain import Bill, Deposit, Refund, Ride
from gbike.services.rent_and_billing_view.storage import RANK, fold_bill, fold_deposit, fold_refund, fold_ride

Fact = Ride | Bill | Deposit | Refund
_NOTE: dict[type[Fact], str] = {
    Ride: "INSERT INTO rent_facts (rentid, userid, bikeid, status, started_ms, ended_ms) VALUES (?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (rentid) DO UPDATE SET bikeid = excluded.bikeid,"
    " started_ms = coalesce(excluded.started_ms, rent_facts.started_ms),"
    " ended_ms = coalesce(excluded.ended_ms, rent_facts.ended_ms),"
    " status = CASE WHEN rent_facts.status = 'returned' THEN rent_facts.status ELSE excluded.status END",
    Bill: "INSERT INTO bill_facts (rentid, userid, billid, status, fee) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (rentid) DO UPDATE SET billid = excluded.billid, fee = coalesce(excluded.fee, bill_facts.fee),"
    f" status = CASE WHEN {RANK.format('excluded.status')} > {RANK.format('bill_facts.status')}"
    " THEN excluded.status ELSE bill_facts.status END",
    Deposit: "INSERT INTO deposit_facts (userid, deposit, version) VALUES (?, ?, ?)"
    " ON CONFLICT (userid) DO UPDATE SET deposit = excluded.deposit, version = excluded.version"
    " WHERE deposit_facts.version < excluded.version",
    Refund: "INSERT INTO refund_facts (correctionid, rentid, userid, billid, amount, deposit, version)"
    " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (correctionid) DO NOTHING",
}
_READ: dict[type[Fact], str] = {
    Ride: "SELECT rentid, userid, bikeid, status, started_ms, ended_ms FROM rent_facts"
    " WHERE rentid > ? ORDER BY rentid LIMIT ?",
    Bill: "SELECT rentid, userid, billid, status, fee FROM bill_facts WHERE rentid > ? ORDER BY rentid LIMIT ?",
    Deposit: "SELECT userid, deposit, version FROM deposit_facts WHERE userid > ? ORDER BY userid LIMIT ?",
    Refund: "SELECT correctionid, rentid, userid, billid, amount, deposit, version FROM refund_facts"
    " WHERE correctionid > ? ORDER BY correctionid LIMIT ?",
}
KINDS = tuple(_READ)


def merge(tx: Tx, facts: Iterable[Fact]) -> None:
    """Merge what was said into what is known. Whoever calls it holds the lock `kept`: rows are written in any order."""
    rows: dict[type[Fact], list[tuple[object, ...]]] = {}
    for fact in facts:
        rows.setdefault(type(fact), []).append(fact)
    for kind, found in rows.items():
        tx.execute_many(_NOTE[kind], found)


def known(read: Reading, kind: type[Fact], after: int, most: int) -> list[Fact]:
    """Up to `most` facts of a kind about the rides, riders or corrections that follow number `after`."""
    return [kind(*row) for row in read.all(_READ[kind], (after, most))]


def about(fact: Fact) -> int:
    if isinstance(fact, Refund):
        return fact.correctionid
    return fact.userid if isinstance(fact, Deposit) else fact.rentid


def fold(tx: Tx, fact: Fact) -> bool:
    """Show in the view what was said. True: it has one ride more."""
    if isinstance(fact, Deposit):
        fold_deposit(tx, fact.userid, fact.deposit, fact.version)
        return False
    if isinstance(fact, Refund):
        added = fold_refund(tx, fact)
        fold_deposit(tx, fact.userid, fact.deposit, fact.version)
        return added
    return fold_ride(tx, fact) if isinstance(fact, Ride) else fold_bill(tx, fact)
