"""Bills in SQL. Each change of state names the state it comes from; a second one finds no row and changes nothing."""

from collections.abc import Iterable
from pathlib import Path

from gbike.kit.money import Won
from gbike.kit.privacy.personal_data import PersonalData
from gbike.kit.storage.listing import Listing, counted
from gbike.kit.store import Reading, Row, Tx
from gbike.services.billing.domain import Bill, BillStatus, NoSuchBill, Rounding, Tariff, TariffVersion

VERSIONS = Path(__file__).parent / "versions"
PERSONAL_DATA = (
    PersonalData(
        "bills",
        ("billid", "rentid", "started_ms", "ended_ms", "fee", "status", "tariff", "refunded"),
        "FROM bills WHERE userid = ? ORDER BY billid",
    ),
    PersonalData(
        "complaints", ("complaintid", "bikeid", "at_ms"), "FROM complaints WHERE userid = ? ORDER BY complaintid"
    ),
    PersonalData(
        "corrections",
        ("correctionid", "billid", "amount", "reason", "at_ms"),
        "FROM corrections WHERE billid IN (SELECT billid FROM bills WHERE userid = ?) ORDER BY correctionid",
    ),
)
COUNTED = {"bills": "SELECT count(*) FROM bills"}
_COLUMNS = "billid, rentid, userid, started_ms, ended_ms, fee, status, tariff, version, refunded"
SELECT = f"SELECT {_COLUMNS} FROM bills"
_TARIFFS = "SELECT version, effective_ms, krw, per_s, rounding FROM tariffs"
IN_FLIGHT = 10_000
"""Numbers that may be taken by transactions that are not committed yet, and far more."""


def load(read: Reading, billid: int) -> Bill:
    """The bill. Raises NoSuchBill, also for another's."""
    return _one(read, "billid", billid)


def load_of_rent(read: Reading, rentid: int) -> Bill:
    """The bill of a rent. Raises NoSuchBill, also for another's."""
    return _one(read, "rentid", rentid)


def newest_tariff(read: Reading) -> TariffVersion | None:
    """The newest version; None before the first."""
    return _version(read.one(f"{_TARIFFS} ORDER BY version DESC LIMIT 1"))


def newest_start_ms(read: Reading) -> int:
    """When the ride began that began last of those that have a bill; -1 where there is none."""
    row = read.one("SELECT coalesce(max(started_ms), -1) FROM bills")
    return int(row[0]) if row else -1


def add_tariff(tx: Tx, adopted: TariffVersion) -> None:
    tariff = adopted.tariff
    tx.execute(
        "INSERT INTO tariffs (version, effective_ms, krw, per_s, rounding) VALUES (?, ?, ?, ?, ?)",
        (adopted.version, adopted.effective_ms, tariff.krw, tariff.per_s, tariff.rounding),
    )


def valid_tariff(read: Reading, moment_ms: int) -> TariffVersion | None:
    return _version(read.one(f"{_TARIFFS} WHERE effective_ms <= ? ORDER BY version DESC LIMIT 1", (moment_ms,)))


def add(tx: Tx, rentid: int, userid: int, started_ms: int, stamp: TariffVersion) -> int | None:
    """Open a bill for the rent, stamped with its tariff; answers its number. None: the rent has one."""
    row = tx.one(
        "INSERT INTO bills (rentid, userid, started_ms, status, tariff, version) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (rentid) DO NOTHING RETURNING billid",
        (rentid, userid, started_ms, BillStatus.OPEN, str(stamp.tariff), stamp.version),
    )
    return int(row[0]) if row else None


def apply_fee(tx: Tx, bill: Bill, ended_ms: int, fee: Won, tried: int | None = None) -> bool:
    """OPENBILL → APPLYFEE, with the tariff of `bill`; False when it is not open any more. `tried`: the bike, where its
    ride was no more than a try."""
    changed = tx.execute(
        "UPDATE bills SET status = ?, ended_ms = ?, fee = ?, tariff = ?, version = ?, tried = ?"
        " WHERE billid = ? AND status = ?",
        (BillStatus.APPLIED, ended_ms, fee, bill.tariff, bill.version, tried, bill.billid, BillStatus.OPEN),
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
    row = read.one(f"{SELECT} WHERE rentid = ?", (rentid,))
    return as_bill(row) if row else None


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


def rows_for_verify(read: Reading) -> Iterable[Row]:
    """For `gbike verify`: rentid, billid, userid, started_ms, ended_ms, fee, status, tariff, version, refunded; by
    rentid."""
    columns = "rentid, billid, userid, started_ms, ended_ms, fee, status, tariff, version, refunded"
    return read.each(f"SELECT {columns} FROM bills ORDER BY rentid")


def tariffs(read: Reading) -> list[TariffVersion]:
    """For `gbike verify`: every version of the tariff."""
    return [version for row in read.each(f"{_TARIFFS} ORDER BY version") if (version := _version(row))]


def fee_facts(read: Reading) -> Iterable[Row]:
    """For `gbike verify`: billid and fee of every bill whose fee is known, by billid."""
    return read.each("SELECT billid, fee FROM bills WHERE fee IS NOT NULL ORDER BY billid")


def _one(read: Reading, by: str, number: int) -> Bill:
    row = read.one(f"{SELECT} WHERE {by} = ? AND userid = coalesce(?, userid)", (number, read.owner.only))
    if row is None:
        raise NoSuchBill(by, number)
    return as_bill(row)


def as_bill(row: Row) -> Bill:
    billid, rentid, userid, started_ms, ended_ms, fee, status, *stamp = row
    ids, known = (billid, rentid, userid), (started_ms, ended_ms, fee)
    return Bill(*ids, *known, BillStatus(status), *stamp)


def _version(row: Row | None) -> TariffVersion | None:
    if row is None:
        return None
    version, effective_ms, krw, per_s, rounding = row
    return TariffVersion(version, effective_ms, Tariff(krw, per_s, Rounding(rounding)))


LISTED = Listing(
    select=SELECT,
    sortable={
        "billid": "billid",
        "rentid": "rentid",
        "userid": "userid",
        "starttime": "started_ms",
        "endtime": "ended_ms",
        "fee": "fee",
        "status": "status",
        "refunded": "refunded",
    },
    order="billid",
    counters=("bills",),
    owner="userid",
    make=as_bill,
    conditions={
        "from": "started_ms >= ?",
        "to": "started_ms < ?",
        "userid": "userid = ?",
        "rentid": "rentid = ?",
        "status": {status.value: f"status = '{status}'" for status in BillStatus},
    },
    moment="started_ms",
    filled=("billid", "rentid", "userid", "starttime", "status"),
)
