"""Whether a rider may begin a ride: what userDeposit said last, who was erased, and the open rents. Each decision and
each change of these takes the rider's lock first."""

from collections.abc import Sequence

from gbike.kit.store import Tx
from gbike.services.rent.domain import RiderBlocked, RiderErased, TooManyOpenRents


def lock_rider(tx: Tx, userid: int) -> None:
    """From here until this commits, nobody else decides about this rider."""
    tx.lock(f"rider:{userid}")


def judge(tx: Tx, userid: int, most_open: int) -> None:
    """Nothing, when the rider may begin a ride; one of whom nothing was heard may. Raises RiderErased, RiderBlocked,
    TooManyOpenRents."""
    lock_rider(tx, userid)
    row = tx.one(
        "SELECT 1, NULL, NULL, NULL FROM erased WHERE userid = ?"
        " UNION ALL SELECT 0, mayrent, reasons, missing_krw FROM standings WHERE userid = ? ORDER BY 1 DESC LIMIT 1",
        (userid, userid),
    )
    if row is not None:
        erased, mayrent, reasons, missing_krw = row
        if erased:
            raise RiderErased(userid)
        if not mayrent:
            raise RiderBlocked(userid, tuple(reasons.split(",")) if reasons else (), missing_krw)
    if most_open and _open_rents(tx, userid) >= most_open:
        raise TooManyOpenRents(userid, most_open)


def keep_standing(tx: Tx, userid: int, mayrent: bool, reasons: Sequence[str], of: tuple[int, int]) -> None:
    """The newest standing of a rider counts, in whatever order they come. `of`: what is missing, and the version."""
    lock_rider(tx, userid)
    tx.execute(
        "INSERT INTO standings (userid, mayrent, reasons, missing_krw, version) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (userid) DO UPDATE SET mayrent = excluded.mayrent, reasons = excluded.reasons,"
        " missing_krw = excluded.missing_krw, version = excluded.version WHERE standings.version < excluded.version",
        (userid, int(mayrent), ",".join(reasons), *of),
    )


def _open_rents(tx: Tx, userid: int) -> int:
    row = tx.one("SELECT count(*) FROM rents WHERE userid = ? AND status = 'rented'", (userid,))
    return int(row[0]) if row else 0
