"""Points in SQL: an entry per movement under a cause that counts once, and the sum beside them."""

from collections.abc import Iterable
from pathlib import Path

import msgspec

from gbike.contracts.bike_manager import AdjustedPoint
from gbike.kit.access.principal import EVERYBODYS, Whose
from gbike.kit.acting import IdempotencyKey as Once
from gbike.kit.audit.rows import Facts
from gbike.kit.http.hal import Page
from gbike.kit.idempotency import once_only
from gbike.kit.ids import Ids
from gbike.kit.listing import Listing, list_page, owned
from gbike.kit.personal import Holding
from gbike.kit.store import Reading, Row, Store, Tx
from gbike.services.bike_manager.domain import (
    ConversionWish,
    LastMovement,
    Manager,
    ManagerExists,
    NoSuchManager,
    NumberOfAnother,
    Numbers,
    convert,
)

VERSIONS = Path(__file__).parent / "versions"
HOLDS = (
    Holding("managers", ("managerid", "points", "adjustpoint"), "FROM managers WHERE userid = ? ORDER BY managerid"),
    Holding(
        "points",
        ("entryid", "managerid", "cause", "amount", "at_ms"),
        "FROM point_entries WHERE managerid IN (SELECT managerid FROM managers WHERE userid = ?) ORDER BY entryid",
    ),
)
_COLUMNS = "managerid, userid, points, adjustpoint"
_LISTED = Listing(
    select=f"SELECT {_COLUMNS} FROM managers",
    sortable={"managerid": "managerid", "userid": "userid", "point": "points", "adjustpoint": "adjustpoint"},
    order="managerid",
    counters=("managers",),
)


class PointEntry(msgspec.Struct, frozen=True):
    """One movement of points, negative for a conversion."""

    entryid: int
    cause: str
    amount: int
    at_ms: int


class SqlManagers:
    """Managers (ports) over a Store."""

    def __init__(self, store: Store, ids: Ids, numbers: Numbers = Numbers.NEXT) -> None:
        self._store, self._ids, self._numbers = store, ids, numbers

    async def add(self, managerid: int | None, userid: int, points: int, once: Once | None) -> Manager:
        """See Managers.add."""
        args = (managerid, userid, points, self._numbers)
        return await self._store.write(once_only, once, add, *args, key="managers")

    async def convert(self, managerid: int, wish: ConversionWish, whose: Whose, once: Once | None) -> Manager:
        """See Managers.convert."""
        cause = f"conversion:{managerid}:{self._ids.new()}"
        key = f"manager:{managerid}"
        return await self._store.write(once_only, once, converted, managerid, wish, cause, whose, key=key)

    async def set_rider(self, managerid: int, userid: int, once: Once | None) -> Manager:
        """See Managers.set_rider."""
        return await self._store.write(once_only, once, set_rider, managerid, userid, key=f"manager:{managerid}")

    async def one(self, managerid: int, whose: Whose) -> Manager:
        """See Managers.one."""
        return await self._store.read(load, managerid, whose)

    async def page(self, page: Page, whose: Whose) -> tuple[list[Manager], int]:
        """One page of the managers, and how many there are."""
        return await list_page(self._store, owned(_LISTED, whose, "userid"), page, lambda row: Manager(*row))

    async def entries(self, managerid: int, whose: Whose, page: Page) -> tuple[list[PointEntry], int]:
        """One page of a manager's movements, newest first, and how many there are. Raises NoSuchManager."""
        await self.one(managerid, whose)
        listing = Listing(
            select="SELECT entryid, cause, amount, at_ms FROM point_entries",
            sortable={},
            order="entryid DESC",
            where="WHERE managerid = ?",
            params=(managerid,),
            counters=(f"entries:{managerid}",),
        )
        return await list_page(self._store, listing, page, lambda row: PointEntry(*row))


def add(tx: Tx, managerid: int | None, userid: int, points: int, numbers: Numbers = Numbers.NEXT) -> Manager:
    """A new manager with an opening accrual; points that waited for this number are theirs. Raises ManagerExists,
    NumberOfAnother."""
    if numbers is Numbers.RIDER:
        managerid = managerid or userid  # account gives staff the same, so one number has one giver
        if managerid != userid and tx.one("SELECT 1 FROM account_numbers WHERE userid = ?", (managerid,)):
            raise NumberOfAnother(managerid, userid)
    number = _numbered(tx, userid) if managerid is None else managerid
    if managerid is not None:
        sql = "INSERT INTO managers (managerid, userid, points) VALUES (?, ?, 0) ON CONFLICT (managerid) DO NOTHING"
        if not tx.execute(sql, (managerid, userid)):
            raise ManagerExists(managerid)
    tx.lock(_points_of(number))  # a report that is applied now either finds the manager or is in the sum
    tx.count("managers")
    _enter(tx, number, f"opening:{number}", points)
    tx.execute(
        "UPDATE managers SET points = (SELECT coalesce(sum(amount), 0) FROM point_entries WHERE managerid = ?)"
        " WHERE managerid = ?",
        (number, number),
    )
    manager = load(tx, number)
    tx.audit("manager registered", f"manager:{number}", after={"userid": userid, "points": manager.points})
    return manager


def reserve_number(tx: Tx, userid: int) -> None:
    """The number of an account is its holder's, also after it was erased."""
    tx.execute("INSERT INTO account_numbers (userid) VALUES (?) ON CONFLICT (userid) DO NOTHING", (userid,))


def accrue(tx: Tx, managerid: int, cause: str, points: int) -> None:
    """Add points under a cause that counts once, and say so when the manager is known."""
    tx.lock(_points_of(managerid))
    if not _enter(tx, managerid, cause, points):
        return
    row = tx.one(
        "UPDATE managers SET points = points + ? WHERE managerid = ? RETURNING userid, points", (points, managerid)
    )
    if row is not None:
        tx.say(AdjustedPoint(managerid=managerid, userid=row[0], point=row[1]))


def converted(tx: Tx, managerid: int, wish: ConversionWish, cause: str, whose: Whose) -> Manager:
    """Decide, enter the debit, say it: user_deposit adds the same amount under the same cause (I17)."""
    tx.lock(_points_of(managerid))
    manager = load(tx, managerid, whose)
    if not convert(manager, _last(tx, managerid), wish):
        return manager
    _enter(tx, managerid, cause, -wish.adjustpoint)
    tx.execute(
        "UPDATE managers SET points = points - ?, adjustpoint = ? WHERE managerid = ? AND points >= ?",
        (wish.adjustpoint, wish.adjustpoint, managerid, wish.adjustpoint),
    )
    after = load(tx, managerid)
    tx.say(
        AdjustedPoint(
            managerid=managerid,
            userid=after.userid,
            point=after.points,
            adjustpoint=wish.adjustpoint,
            conversion=cause,
        )
    )
    now: Facts = {"points": after.points, "userid": after.userid, "cause": cause}
    tx.audit("points converted", f"manager:{managerid}", {"points": manager.points}, now)
    return after


def set_rider(tx: Tx, managerid: int, userid: int) -> Manager:
    """Name the rider account of a manager. Raises NoSuchManager."""
    tx.lock(_points_of(managerid))  # a conversion goes to the rider who asked for it
    before = load(tx, managerid)
    tx.execute("UPDATE managers SET userid = ? WHERE managerid = ?", (userid, managerid))
    tx.audit("manager's rider changed", f"manager:{managerid}", {"userid": before.userid}, {"userid": userid})
    return load(tx, managerid)


def load(read: Reading, managerid: int, whose: Whose = EVERYBODYS) -> Manager:
    """The manager. Raises NoSuchManager, also for another."""
    theirs, owner = whose.sql("userid")
    row = read.one(f"SELECT {_COLUMNS} FROM managers WHERE managerid = ?{theirs}", (managerid, *owner))
    if row is None:
        raise NoSuchManager(managerid)
    return Manager(*row)


def accrual_facts(read: Reading) -> Iterable[tuple[int, int]]:
    """For `gbike verify`: report and points given for it, by report."""
    sql = (
        "SELECT CAST(substr(cause, 8) AS BIGINT) AS reportid, amount FROM point_entries"
        " WHERE cause LIKE 'report:%' ORDER BY reportid"
    )
    return ((row[0], row[1]) for row in read.each(sql))


def conversion_facts(read: Reading) -> Iterable[tuple[str, int]]:
    """For `gbike verify`: conversion and points taken for it, by conversion."""
    sql = "SELECT cause, -amount FROM point_entries WHERE cause LIKE 'conversion:%' ORDER BY cause"
    return ((row[0], row[1]) for row in read.each(sql))


def own_violations(read: Reading) -> Iterable[str]:
    """For `gbike verify`: I15 the points are the sum of their entries and never negative."""
    drift = (
        "SELECT m.managerid, m.points, coalesce(sum(e.amount), 0) FROM managers m"
        " LEFT JOIN point_entries e ON e.managerid = m.managerid GROUP BY m.managerid, m.points"
        " HAVING m.points <> coalesce(sum(e.amount), 0) OR m.points < 0"
    )
    for managerid, points, kept in read.each(drift):
        yield f"I15 manager {managerid} has {points} points but entries of {kept}"


def _numbered(tx: Tx, userid: int) -> int:
    """A new manager under the next free number; the database counts on past those that were given by hand."""
    row = None
    while row is None:
        row = tx.one(
            "INSERT INTO managers (userid, points) VALUES (?, 0)"
            " ON CONFLICT (managerid) DO NOTHING RETURNING managerid",
            (userid,),
        )
    return int(row[0])


def _points_of(managerid: int) -> str:
    return f"points:{managerid}"


def _enter(tx: Tx, managerid: int, cause: str, amount: int) -> bool:
    kept = tx.execute(
        "INSERT INTO point_entries (managerid, cause, amount, at_ms) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (cause) DO NOTHING",
        (managerid, cause, amount, tx.now_ms),
    )
    if kept:
        tx.count(f"entries:{managerid}")
    return kept == 1


def _last(tx: Tx, managerid: int) -> LastMovement | None:
    row: Row | None = tx.one(
        "SELECT amount FROM point_entries WHERE managerid = ? ORDER BY entryid DESC LIMIT 1", (managerid,)
    )
    return LastMovement(row[0]) if row else None
