"""Bills in SQL. Each change of state names the state it comes from; a second one finds no row and changes nothing."""

from collections.abc import Iterable
from pathlib import Path

from gbike.kit.http.hal import Page
from gbike.kit.listing import Listing, counted, list_page
from gbike.kit.money import Won
from gbike.kit.personal import Holding
from gbike.kit.store import Reading, Row, Store, Tx
from gbike.services.billing.domain import Bill, BillStatus, NoSuchBill, Rounding, Tariff, TariffVersion

VERSIONS = Path(__file__).parent / "versions"
HOLDS = (
    Holding(
        "bills",
        ("billid", "rentid", "started_ms", "ended_ms", "fee", "status", "tariff"),
        "FROM bills WHERE userid = ? ORDER BY billid",
    ),
)
COUNTED = {"bills": "SELECT count(*) FROM bills"}
_SELECT = "SELECT billid, rentid, userid, started_ms, ended_ms, fee, status, tariff, version FROM bills"
_TARIFFS = "SELECT version, effective_ms, krw, per_s, rounding FROM tariffs"
_LOCK = "tariffs"
"""Shared by those who open bills: a new version comes after all of them or before all of them."""
_LISTED = Listing(
    select=_SELECT,
    sortable={
        "billid": "billid",
        "rentid": "rentid",
        "userid": "userid",
        "starttime": "started_ms",
        "endtime": "ended_ms",
        "fee": "fee",
        "status": "status",
    },
    order="billid",
    counters=("bills",),
    owner="userid",
)


IN_FLIGHT = 10_000
"""Numbers that may be taken by transactions that are not committed yet, and far more."""


async def page(store: Store, page: Page) -> tuple[list[Bill], int]:
    """One page of the bills, and how many there are."""
    return await list_page(store, _LISTED, page, _bill)


def load(read: Reading, billid: int) -> Bill:
    """The bill. Raises NoSuchBill, also for another's."""
    return _one(read, "billid", billid)


def load_of_rent(read: Reading, rentid: int) -> Bill:
    """The bill of a rent. Raises NoSuchBill, also for another's."""
    return _one(read, "rentid", rentid)


def adopt_tariff(tx: Tx, tariff: Tariff) -> TariffVersion:
    """Make the tariff the newest version, effective now, unless it is that already. The first version is effective from
    the beginning of time; another one never reaches back to a ride that has a bill, whatever the clocks of rent and
    billing say."""
    tx.lock(_LOCK)
    newest = _version(tx.one(f"{_TARIFFS} ORDER BY version DESC LIMIT 1"))
    if newest is not None and newest.tariff == tariff:
        return newest
    version, effective_ms = 1, 0
    if newest is not None:
        row = tx.one("SELECT coalesce(max(started_ms) + 1, 0) FROM bills")
        version, effective_ms = newest.version + 1, max(tx.now_ms, newest.effective_ms, row[0] if row else 0)
    tx.execute(
        "INSERT INTO tariffs (version, effective_ms, krw, per_s, rounding) VALUES (?, ?, ?, ?, ?)",
        (version, effective_ms, tariff.krw, tariff.per_s, tariff.rounding),
    )
    return TariffVersion(version, effective_ms, tariff)


def tariff_of_a_start(tx: Tx, started_ms: int, first: Tariff) -> TariffVersion:
    """The tariff of a ride by its start. No version is added between this and the bill that is stamped with it.
    `first`: what becomes the first version where there is none yet."""
    tx.share([_LOCK])
    return valid_tariff(tx, started_ms) or adopt_tariff(tx, first)


def valid_tariff(read: Reading, moment_ms: int) -> TariffVersion | None:
    """The newest version that is valid at a moment."""
    return _version(read.one(f"{_TARIFFS} WHERE effective_ms <= ? ORDER BY version DESC LIMIT 1", (moment_ms,)))


def add(tx: Tx, rentid: int, userid: int, started_ms: int, stamp: TariffVersion) -> Bill | None:
    """Open a bill for the rent, stamped with its tariff; None when the rent has one."""
    row = tx.one(
        "INSERT INTO bills (rentid, userid, started_ms, status, tariff, version) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (rentid) DO NOTHING RETURNING billid",
        (rentid, userid, started_ms, BillStatus.OPEN, str(stamp.tariff), stamp.version),
    )
    if row is None:
        return None
    tx.count("bills")
    return Bill(row[0], rentid, userid, started_ms, None, None, BillStatus.OPEN, str(stamp.tariff), stamp.version)


def apply_fee(tx: Tx, bill: Bill, ended_ms: int, fee: Won) -> bool:
    """OPENBILL → APPLYFEE, with the tariff of `bill`; False when it is not open any more."""
    changed = tx.execute(
        "UPDATE bills SET status = ?, ended_ms = ?, fee = ?, tariff = ?, version = ? WHERE billid = ? AND status = ?",
        (BillStatus.APPLIED, ended_ms, fee, bill.tariff, bill.version, bill.billid, BillStatus.OPEN),
    )
    return changed == 1


def close(tx: Tx, billid: int, userid: int, fee: int) -> tuple[int, int] | None:
    """APPLYFEE → CLOSEBILL for just this rider and fee; the bill's rent and end, ms, or None when nothing changed."""
    row = tx.one(
        "UPDATE bills SET status = ? WHERE billid = ? AND userid = ? AND fee = ? AND status = ?"
        " RETURNING rentid, ended_ms",
        (BillStatus.CLOSED, billid, userid, fee, BillStatus.APPLIED),
    )
    return (row[0], row[1]) if row else None


def find_by_rent(read: Reading, rentid: int) -> Bill | None:
    """The bill of a rent, if it has one yet."""
    row = read.one(f"{_SELECT} WHERE rentid = ?", (rentid,))
    return _bill(row) if row else None


def not_closed(read: Reading, from_billid: int) -> tuple[int, int, int]:
    """How many bills there are, how many of them are not closed, and where the next look may begin. `from_billid`: no
    bill with a smaller number is open."""
    row = read.one(
        "SELECT count(*), min(billid), (SELECT coalesce(max(billid), 0) FROM bills) FROM bills"
        " WHERE billid >= ? AND status <> ?",
        (from_billid, BillStatus.CLOSED),
    )
    assert row is not None
    waiting, oldest, newest = row
    return counted(read, ("bills",)), waiting, max(from_billid, min(oldest or newest, newest - IN_FLIGHT))


def facts(read: Reading) -> Iterable[tuple[int, int, int, int, int | None, int | None, str, str | None, int | None]]:
    """For `gbike verify`: rentid, billid, userid, started_ms, ended_ms, fee, status, tariff, version; by rentid."""
    sql = "SELECT rentid, billid, userid, started_ms, ended_ms, fee, status, tariff, version FROM bills ORDER BY rentid"
    return ((r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7], r[8]) for r in read.each(sql))


def tariffs(read: Reading) -> list[TariffVersion]:
    """For `gbike verify`: every version of the tariff."""
    return [version for row in read.each(f"{_TARIFFS} ORDER BY version") if (version := _version(row))]


def fee_facts(read: Reading) -> Iterable[tuple[int, int]]:
    """For `gbike verify`: billid and fee of every bill whose fee is known, by billid."""
    return ((r[0], r[1]) for r in read.each("SELECT billid, fee FROM bills WHERE fee IS NOT NULL ORDER BY billid"))


def _one(read: Reading, by: str, number: int) -> Bill:
    theirs, owner = read.owner.sql("userid")
    row = read.one(f"{_SELECT} WHERE {by} = ?{theirs}", (number, *owner))
    if row is None:
        raise NoSuchBill(by, number)
    return _bill(row)


def _bill(row: Row) -> Bill:
    billid, rentid, userid, started_ms, ended_ms, fee, status, tariff, version = row
    paid = None if fee is None else Won(fee)
    return Bill(billid, rentid, userid, started_ms, ended_ms, paid, BillStatus(status), tariff, version)


def _version(row: Row | None) -> TariffVersion | None:
    if row is None:
        return None
    version, effective_ms, krw, per_s, rounding = row
    return TariffVersion(version, effective_ms, Tariff(krw, per_s, Rounding(rounding)))
