"""Corrections in SQL. The sum of a bill's is kept beside its fee, and the statement that adds to it holds the rule: of
two at once the second sees what the first left."""

from collections.abc import Iterable

from gbike.kit.storage.listing import Listing
from gbike.kit.store import Reading, Row, Tx
from gbike.services.billing.domain import FREE_MS, Correction

_COLUMNS = "correctionid, billid, amount, reason, byuser, at_ms"


def lock_bill(tx: Tx, billid: int) -> None:
    """Wait for whoever changes the bill, and let nobody change it until this commits."""
    tx.execute("UPDATE bills SET refunded = refunded WHERE billid = ?", (billid,))


def give_back(tx: Tx, billid: int, amount: int) -> int | None:
    """Count the won as given back; answers all that is given back of the bill by now. None: its fee is not known, or
    less than that is left of it."""
    row = tx.one(
        "UPDATE bills SET refunded = refunded + ? WHERE billid = ? AND fee IS NOT NULL AND refunded + ? <= fee"
        " RETURNING refunded",
        (amount, billid, amount),
    )
    return int(row[0]) if row else None


def add(tx: Tx, billid: int, amount: int, reason: str) -> Correction:
    row = tx.one(
        f"INSERT INTO corrections (billid, amount, reason, byuser, at_ms) VALUES (?, ?, ?, ?, ?) RETURNING {_COLUMNS}",
        (billid, amount, reason, tx.by.userid, tx.now_ms),
    )
    assert row is not None
    return Correction(*row)


def how_many(read: Reading, billid: int) -> int:
    row = read.one("SELECT count(*) FROM corrections WHERE billid = ?", (billid,))
    return int(row[0]) if row else 0


def of_bill(billid: int) -> Listing:
    """Those of a bill, in their order."""
    return Listing(
        f"SELECT {_COLUMNS} FROM corrections",
        {"correctionid": "correctionid", "amount": "amount", "at": "at_ms"},
        "correctionid",
        "WHERE billid = ?",
        (billid,),
        counters=None,
        make=lambda row: Correction(*row),
    )


def correction_facts(read: Reading) -> Iterable[Row]:
    """For `gbike verify`: correctionid, rider and won of every correction, by correctionid."""
    return read.each(
        "SELECT c.correctionid, b.userid, c.amount FROM corrections c JOIN bills b ON b.billid = c.billid"
        " ORDER BY c.correctionid"
    )


def own_violations(read: Reading) -> Iterable[str]:
    """For `gbike verify`: I27 the corrections of a bill are never more than its fee, and what it says of them is their
    sum. A try that is free was one, and is given back whole; two of a rider's on one day the index refuses."""
    sql = (
        "SELECT b.billid, b.fee, b.refunded, coalesce(sum(c.amount), 0) AS given FROM bills b"
        " LEFT JOIN corrections c ON c.billid = b.billid"
        " WHERE b.refunded <> 0 OR c.correctionid IS NOT NULL GROUP BY b.billid, b.fee, b.refunded"
        " HAVING b.refunded <> coalesce(sum(c.amount), 0) OR b.refunded > coalesce(b.fee, 0) OR min(c.amount) < 1"
        " ORDER BY b.billid"
    )
    for billid, fee, refunded, given in read.each(sql):
        yield f"I27 bill {billid} has a fee of {fee} won, says {refunded} are given back, its corrections give {given}"
    orphans = (
        "SELECT correctionid FROM corrections c WHERE NOT EXISTS (SELECT 1 FROM bills b WHERE b.billid = c.billid)"
    )
    for (correctionid,) in read.each(orphans):
        yield f"I27 correction {correctionid} is of no bill"
    free = (
        "SELECT billid, userid, freeday FROM bills WHERE freeday IS NOT NULL"
        " AND (tried IS NULL OR refunded < fee OR ended_ms - started_ms > ?) ORDER BY billid"
    )
    for billid, userid, day in read.each(free, (FREE_MS,)):
        yield f"I27 bill {billid} is the free try of rider {userid} on day {day}, and was none or is not given back"
