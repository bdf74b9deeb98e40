"""Points in SQL: an entry per movement under a cause that counts once, and the sum beside them."""

from collections.abc import Iterable
from pathlib import Path

from gbike.kit.privacy.personal_data import PersonalData
from gbike.kit.storage.listing import Listing
from gbike.kit.store import Reading, Row, Tx
from gbike.services.bike_manager.domain import Manager, NoSuchManager

VERSIONS = Path(__file__).parent / "versions"
PERSONAL_DATA = (
    PersonalData(
        "managers", ("managerid", "points", "adjustpoint"), "FROM managers WHERE userid = ? ORDER BY managerid"
    ),
    PersonalData(
        "points",
        ("entryid", "managerid", "cause", "amount", "at_ms"),
        "FROM point_entries WHERE managerid IN (SELECT managerid FROM managers WHERE userid = ?) ORDER BY entryid",
    ),
)
SUMS = {"points · 포인트": "SELECT coalesce(sum(points), 0) FROM managers"}
_COLUMNS = "managerid, userid, points, adjustpoint"
LISTED = Listing(
    select=f"SELECT {_COLUMNS} FROM managers",
    sortable={"managerid": "managerid", "userid": "userid", "point": "points", "adjustpoint": "adjustpoint"},
    order="managerid",
    counters=("managers",),
    owner="userid",
    make=lambda row: Manager(*row),
)


def entries(managerid: int) -> Listing:
    """A manager's movements, newest first, as number, cause, amount (negative for a conversion) and ms."""
    return Listing(
        select="SELECT entryid, cause, amount, at_ms FROM point_entries",
        sortable={},
        order="entryid DESC",
        where="WHERE managerid = ?",
        params=(managerid,),
        counters=(f"entries:{managerid}",),
        conditions={"from": "at_ms >= ?", "to": "at_ms < ?"},
    )


def add(tx: Tx, managerid: int, userid: int) -> bool:
    """A manager without points; False: the number is taken."""
    sql = "INSERT INTO managers (managerid, userid, points) VALUES (?, ?, 0) ON CONFLICT (managerid) DO NOTHING"
    return tx.execute(sql, (managerid, userid)) == 1


def add_next(tx: Tx, userid: int) -> int:
    """The same under the next free number; the database counts on past those that were given by hand."""
    row = None
    while row is None:
        row = tx.one(
            "INSERT INTO managers (userid, points) VALUES (?, 0)"
            " ON CONFLICT (managerid) DO NOTHING RETURNING managerid",
            (userid,),
        )
    return int(row[0])


def sum_up(tx: Tx, managerid: int) -> None:
    tx.execute(
        "UPDATE managers SET points = (SELECT coalesce(sum(amount), 0) FROM point_entries WHERE managerid = ?)"
        " WHERE managerid = ?",
        (managerid, managerid),
    )


def earn(tx: Tx, managerid: int, points: int) -> Manager | None:
    """Add to the points of a manager; None: there is none."""
    sql = f"UPDATE managers SET points = points + ? WHERE managerid = ? RETURNING {_COLUMNS}"
    row = tx.one(sql, (points, managerid))
    return Manager(*row) if row is not None else None


def take(tx: Tx, managerid: int, points: int) -> None:
    tx.execute(
        "UPDATE managers SET points = points - ?, adjustpoint = ? WHERE managerid = ? AND points >= ?",
        (points, points, managerid, points),
    )


def set_rider(tx: Tx, managerid: int, userid: int) -> None:
    tx.execute("UPDATE managers SET userid = ? WHERE managerid = ?", (userid, managerid))


def reserve_number(tx: Tx, userid: int) -> None:
    """The number of an account is its holder's, also after it was erased."""
    tx.execute("INSERT INTO account_numbers (userid) VALUES (?) ON CONFLICT (userid) DO NOTHING", (userid,))


def is_an_accounts(read: Reading, number: int) -> bool:
    return read.one("SELECT 1 FROM account_numbers WHERE userid = ?", (number,)) is not None


def load(read: Reading, managerid: int) -> Manager:
    """The manager. Raises NoSuchManager, also for another's."""
    sql = f"SELECT {_COLUMNS} FROM managers WHERE managerid = ? AND userid = coalesce(?, userid)"
    row = read.one(sql, (managerid, read.owner.only))
    if row is None:
        raise NoSuchManager(managerid)
    return Manager(*row)


def accrual_facts(read: Reading) -> Iterable[Row]:
    """For `gbike verify`: report and points given for it, by report."""
    return read.each(
        "SELECT CAST(substr(cause, 8) AS BIGINT) AS reportid, amount FROM point_entries"
        " WHERE cause LIKE 'report:%' ORDER BY reportid"
    )


def conversion_facts(read: Reading) -> Iterable[Row]:
    """For `gbike verify`: conversion and points taken for it, by conversion."""
    return read.each("SELECT cause, -amount FROM point_entries WHERE cause LIKE 'conversion:%' ORDER BY cause")


def numbers_of(read: Reading, userid: int) -> list[int]:
    """For `gbike privacy`: the numbers under which somebody is a manager."""
    return [row[0] for row in read.all("SELECT managerid FROM managers WHERE userid = ?", (userid,))]


def own_violations(read: Reading) -> Iterable[str]:
    """For `gbike verify`: I15 the points are the sum of their entries and never negative."""
    drift = (
        "SELECT m.managerid, m.points, coalesce(sum(e.amount), 0) FROM managers m"
        " LEFT JOIN point_entries e ON e.managerid = m.managerid GROUP BY m.managerid, m.points"
        " HAVING m.points <> coalesce(sum(e.amount), 0) OR m.points < 0"
    )
    for managerid, points, kept in read.each(drift):
        yield f"I15 manager {managerid} has {points} points but entries of {kept}"


def enter(tx: Tx, managerid: int, cause: str, amount: int) -> bool:
    """A movement of points; False: its cause moved some before."""
    kept = tx.execute(
        "INSERT INTO point_entries (managerid, cause, amount, at_ms) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (cause) DO NOTHING",
        (managerid, cause, amount, tx.now_ms),
    )
    return kept == 1


def last_conversion(tx: Tx, managerid: int) -> int | None:
    """The newest amount of a manager, which is negative; None when the newest movement was no conversion."""
    sql = "SELECT amount, cause FROM point_entries WHERE managerid = ? ORDER BY entryid DESC LIMIT 1"
    row = tx.one(sql, (managerid,))
    return int(row[0]) if row and row[1].startswith("conversion:") else None
