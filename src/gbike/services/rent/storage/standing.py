"""What is known of a rider: what userDeposit said last, who was erased, and the open rents. Each decision and each
change of these takes the rider's lock first."""

from collections.abc import Sequence

from gbike.kit.store import Tx
from gbike.services.rent.domain import Standing


def lock_rider(tx: Tx, userid: int) -> None:
    """From here until this commits, nobody else decides about this rider."""
    tx.lock(f"rider:{userid}")


def of(tx: Tx, userid: int) -> Standing | None:
    """The rider's standing; None: nothing was heard."""
    row = tx.one(
        "SELECT 1, 0, '', 0 FROM erased WHERE userid = ?"
        " UNION ALL SELECT 0, mayrent, reasons, missing_krw FROM standings WHERE userid = ? ORDER BY 1 DESC LIMIT 1",
        (userid, userid),
    )
    if row is None:
        return None
    erased, mayrent, reasons, missing_krw = row
    return Standing(bool(mayrent), tuple(reasons.split(",")) if reasons else (), missing_krw, bool(erased))


def open_rents(tx: Tx, userid: int) -> int:
    """How many rides of the rider are under way."""
    row = tx.one("SELECT count(*) FROM rents WHERE userid = ? AND status = 'rented'", (userid,))
    return int(row[0]) if row else 0


def keep_standing(tx: Tx, userid: int, mayrent: bool, reasons: Sequence[str], of: tuple[int, int]) -> None:
    """The newest standing of a rider counts, in whatever order they come. `of`: what is missing, and the version."""
    lock_rider(tx, userid)
    tx.execute(
        "INSERT INTO standings (userid, mayrent, reasons, missing_krw, version) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (userid) DO UPDATE SET mayrent = excluded.mayrent, reasons = excluded.reasons,"
        " missing_krw = excluded.missing_krw, version = excluded.version WHERE standings.version < excluded.version",
        (userid, int(mayrent), ",".join(reasons), *of),
    )
