"""Bills in SQL. Each change of state names the state it comes from; a second one finds no row and changes nothing."""

from collections.abc import Iterable
from pathlib import Path

from gbike.kit.access.principal import Whose
from gbike.kit.http.hal import Page
from gbike.kit.listing import Listing, counted, list_page, owned
from gbike.kit.money import Won
from gbike.kit.personal import Holding
from gbike.kit.store import Reading, Row, Store, Tx
from gbike.services.billing.domain import Bill, BillStatus, NoSuchBill

VERSIONS = Path(__file__).parent / "versions"
HOLDS = (
    Holding(
        "bills",
        ("billid", "rentid", "started_ms", "ended_ms", "fee", "status", "tariff"),
        "FROM bills WHERE userid = ? ORDER BY billid",
    ),
)
_SELECT = "SELECT billid, rentid, userid, started_ms, ended_ms, fee, status, tariff FROM bills"
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
)


IN_FLIGHT = 10_000
"""Numbers that may be taken by transactions that are not committed yet, and far more."""


class SqlBills:
    """The bills, for reading; only policies write them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def one(self, billid: int, whose: Whose) -> Bill:
        """The bill. Raises NoSuchBill, also for another's."""
        return await self._store.read(_one, "billid", billid, whose)

    async def for_rent(self, rentid: int, whose: Whose) -> Bill:
        """The bill of a rent. Raises NoSuchBill, also for another's."""
        return await self._store.read(_one, "rentid", rentid, whose)

    async def page(self, page: Page, whose: Whose) -> tuple[list[Bill], int]:
        """One page of the bills, and how many there are."""
        return await list_page(self._store, owned(_LISTED, whose, "userid"), page, _bill)


def add(tx: Tx, rentid: int, userid: int, started_ms: int) -> int | None:
    """Open a bill for the rent; its number, or None when the rent has one."""
    row = tx.one(
        "INSERT INTO bills (rentid, userid, started_ms, status) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (rentid) DO NOTHING RETURNING billid",
        (rentid, userid, started_ms, BillStatus.OPEN),
    )
    if row is None:
        return None
    tx.count("bills")
    return int(row[0])


def apply_fee(tx: Tx, billid: int, ended_ms: int, fee: Won, tariff: str) -> bool:
    """OPENBILL → APPLYFEE; False when it is not open any more."""
    changed = tx.execute(
        "UPDATE bills SET status = ?, ended_ms = ?, fee = ?, tariff = ? WHERE billid = ? AND status = ?",
        (BillStatus.APPLIED, ended_ms, fee, tariff, billid, BillStatus.OPEN),
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


def facts(read: Reading) -> Iterable[tuple[int, int, int, int, int | None, int | None, str, str | None]]:
    """For `gbike verify`: rentid, billid, userid, started_ms, ended_ms, fee, status, tariff; by rentid."""
    sql = "SELECT rentid, billid, userid, started_ms, ended_ms, fee, status, tariff FROM bills ORDER BY rentid"
    return ((r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7]) for r in read.each(sql))


def fee_facts(read: Reading) -> Iterable[tuple[int, int]]:
    """For `gbike verify`: billid and fee of every bill whose fee is known, by billid."""
    return ((r[0], r[1]) for r in read.each("SELECT billid, fee FROM bills WHERE fee IS NOT NULL ORDER BY billid"))


def _one(read: Reading, by: str, number: int, whose: Whose) -> Bill:
    theirs, owner = whose.sql("userid")
    row = read.one(f"{_SELECT} WHERE {by} = ?{theirs}", (number, *owner))
    if row is None:
        raise NoSuchBill(by, number)
    return _bill(row)


def _bill(row: Row) -> Bill:
    billid, rentid, userid, started_ms, ended_ms, fee, status, tariff = row
    paid = None if fee is None else Won(fee)
    return Bill(billid, rentid, userid, started_ms, ended_ms, paid, BillStatus(status), tariff)
